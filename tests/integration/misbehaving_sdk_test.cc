// SPDX-License-Identifier: Apache-2.0
//
// An SDK that says what no SDK may say, by hand-written frames: the attempt ends with the code that
// an operator finds in the documentation (service protocol 3.14, 4.3, 4.5), the next attempt
// completes, and a neighbour on the same partition, the same server and often the same connection
// goes on all the time. broken_service_test.cc has the texts of the most common ones.
#include "tests/integration/raw.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace perdure::integration {
namespace {

using testing::HasSubstr;

struct Misdeed {
  const char* name;
  const char* frames;  // hex
  const char* code;
  const char* reason;          // part of last_failure
  uint32_t known_entries = 1;  // of the next attempt
  friend std::ostream& operator<<(std::ostream& out, const Misdeed& misdeed) {
    return out << misdeed.name;
  }
};

const Misdeed kMisdeeds[] = {
    // What only the server says.
    {"Start", "0000000000000000", "RT0012", "unexpected message Start"},
    {"CommandAck", "0004000000000002 0800", "RT0012", "unexpected message CommandAck"},
    {"RunAck", "0007000000000002 0801", "RT0012", "unexpected message ProposeRunCompletionAck"},
    {"Input", "0400000000000002 7200", "RT0012", "unexpected message InputCommand"},
    {"Notification", "800c000000000004 0801 2200", "RT0012", "unexpected message Sleep"},
    {"Signal", "fbff000000000004 1001 2200", "RT0012", "unexpected message Signal"},
    // What nobody says.
    {"UnknownControl", "0333000000000000", "RT0012", "unexpected message 0x0333"},
    {"AwaitingOnBeforeVersion7",
     "0006000000000005 0a03 0a0101",
     "RT0012",
     "unexpected message AwaitingOn"},
    {"FutureBeforeVersion7", "0001000000000005 2203 0a0101", "RT0012", "payload of Suspension"},
    {"UnknownCommand", "04ff000000000000", "RT0012", "unknown message type 0x04ff"},
    {"UnusedCommand", "040f000000000000", "RT0012", "unknown message type 0x040f"},
    {"LastCommandType", "7fff000000000000", "RT0012", "unknown message type 0x7fff"},
    {"UnknownNotification", "8010000000000000", "RT0012", "unexpected message 0x8010"},
    // Lengths.
    {"LargestLength", "04110000ffffffff 5801", "RT0012", "4294967295 bytes is over the message"},
    {"NegativeLength", "0411000080000000", "RT0012", "2147483648 bytes is over the message"},
    {"OneByteTooMuch", "0401000000100000", "RT0012", "1048576 bytes is over the message"},
    {"LargeUnknown", "0008000000100000", "RT0012", "0x0008 frame of 1048576 bytes is over"},
    // Payloads.
    {"CutPayload", "0411000000000001 58", "RT0012", "cannot decode the payload of RunCommand"},
    {"CutVarint", "040c000000000003 08ffff", "RT0012", "cannot decode the payload of SleepCommand"},
    {"LengthOverTheEnd", "0401000000000002 72ff", "RT0012", "payload of OutputCommand"},
    {"WireTypeOfNothing", "0411000000000001 0f", "RT0012", "payload of RunCommand"},
    {"ProposalOfNothing", "0005000000000002 0801", "RT0012", "payload of ProposeRunCompletion"},
    {"SuspensionOnNothing", "0001000000000000", "RT0012", "payload of Suspension"},
    {"SuspensionOnAnEmptyList", "0001000000000002 0a00", "RT0012", "payload of Suspension"},
    // Order.
    {"EndFirst", "0003000000000000", "RT0012", "End without an output"},
    {"EndAfterACommand",
     "0411000000000002 5801 0003000000000000",
     "RT0012",
     "without an output",
     2},
    {"BrokenFrameAfterCommands",
     "0411000000000002 5801 0411000000000002 5802 0411000000000001 58 0411000000000002 5803",
     "RT0012",
     "payload of RunCommand",
     3},
    // What the handler may not do.
    {"StateOfAService", "0402000000000005 0a0161 5801", "RT0020", "only there for virtual objects"},
    {"EagerStateOfAService", "0407000000000005 0a0161 6a00", "RT0020", "only there for virtual"},
    {"StateKeysOfAService", "0406000000000002 5801", "RT0020", "only there for virtual objects"},
    {"WriteOfAService", "0403000000000005 0a0161 1a00", "RT0020", "only there for virtual objects"},
    {"PromiseOfAService", "0409000000000005 0a0170 5801", "RT0020", "only there for workflows"},
    {"UnknownCallee",
     "0411000000000002 5801 040d00000000000e 0a046e6f6e65 120268 78 5002 5803",
     "RT0018",
     "(command index 2): the service handler none/hx was not found",
     2},
    // Reference bug 3246.
    {"KeyForAService",
     "040d000000000013 0a0454657374 120468656c64 2a016b 5001 5802",
     "RT0017",
     "the service handler Test/held takes no key"},
    {"EmptyIdempotencyKey",
     "040e000000000010 0a0454657374 120468656c64 3a00 5001",
     "RT0017",
     "the idempotency key of a call cannot be empty"},
    {"SignalToNobody",
     "0410000000000009 0a0378797a 1001 2200",
     "RT0017",
     "bad invocation id 'xyz'"},
    {"AttachToNobody", "0412000000000007 0a0378797a 5801", "RT0017", "bad invocation id"},
    {"AwakeableOfNobody", "0414000000000007 0a0378797a 1200", "RT0017", "bad awakeable id 'xyz'"},
    // What an SDK may say, and an operator reads.
    {"Error", "0002000000000009 08f403 12046f6f7073", "RT0007", "[500 Internal] oops"},
    {"ErrorOfACodeThatIsNone", "0002000000000004 08ffff7f", "RT0007", "[500 "},
    {"JournalMismatch", "0002000000000003 08ba04", "RT0016", "[570 "},
};

// One server for all: what one misdeed breaks, the next test sees.
class MisbehavingSdkTest : public testing::TestWithParam<Misdeed> {
 protected:
  static void SetUpTestSuite() {
    Settings settings;
    settings.invoker.message_size_limit = limits::kMiB;
    world = new RawWorld(RawManifest(6), Json::object(), settings);
    neighbour = world->Begin("Obj/run", "Obj/k/run");
    neighbour_id = world->last_id;
    expected = RawWorld::InputFrame(*neighbour);
    runs = 0;
  }
  static void TearDownTestSuite() {
    neighbour->Complete("\"undisturbed\"");
    EXPECT_EQ(world->ResultOf(neighbour_id), "\"undisturbed\"");
    EXPECT_EQ(world->service.attempts("Obj/run"), 1U);
    neighbour.reset();
    delete world;
  }
  static void NeighbourGoesOn() {
    const std::string number(1, static_cast<char>(++runs));
    neighbour->SendBytes(
        FrameOf(0x0411, Hex("58") + number) + FrameOf(0x0005, Hex("08") + number + Hex("7200")));
    expected += FrameOf(0x8011, Hex("08") + number + Hex("2a00"));
    EXPECT_TRUE(SentBehindStart(*neighbour, expected));
  }

  static RawWorld* world;
  static std::shared_ptr<ServiceAttempt> neighbour;
  static std::string neighbour_id;
  static std::string expected;
  static int runs;
};
RawWorld* MisbehavingSdkTest::world = nullptr;
std::shared_ptr<ServiceAttempt> MisbehavingSdkTest::neighbour;
std::string MisbehavingSdkTest::neighbour_id;
std::string MisbehavingSdkTest::expected;
int MisbehavingSdkTest::runs = 0;

TEST_P(MisbehavingSdkTest, EndsItsAttemptOnly) {
  const auto first = world->Begin();
  const std::string id = world->last_id;
  first->SendBytes(Hex(GetParam().frames));
  NeighbourGoesOn();

  const auto second = world->Next();

  const Json seen = world->server.Invocation(id);
  EXPECT_EQ(seen.value("last_failure_error_code", ""), GetParam().code) << seen;
  EXPECT_THAT(seen.value("last_failure", ""), HasSubstr(GetParam().reason)) << seen;
  EXPECT_EQ(second->known_entries(), GetParam().known_entries) << seen;
  second->Complete("\"behaves\"");
  EXPECT_EQ(world->ResultOf(id), "\"behaves\"");
  NeighbourGoesOn();
}

INSTANTIATE_TEST_SUITE_P(
    All, MisbehavingSdkTest, testing::ValuesIn(kMisdeeds), [](const auto& param_info) {
      return std::string(param_info.param.name);
    });

// --- what is odd and no misdeed ---

class OddSdkTest : public VersionTest {};

TEST_P(OddSdkTest, BytesBehindTheLastWordAreIgnored) {
  const auto attempt = world_.Begin();
  attempt->SendBytes(Hex(
      "0401000000000006 7204 0a02 2261 0003000000000000 04ff000000000000 0401000000000006 7204"));
  EXPECT_EQ(world_.ResultOf(world_.last_id), "\"a");
  EXPECT_EQ(world_.service.attempts("Test/held"), 1U);
}

TEST_P(OddSdkTest, OtherFlagsMeanNothing) {
  const auto attempt = world_.Begin();
  attempt->SendBytes(Hex("04117fff00000002 5801 00057fff00000004 0801 7200"));
  EXPECT_TRUE(SentBehindStart(
      *attempt, RawWorld::InputFrame(*attempt) + Hex("8011000000000004 0801 2a00")));
  attempt->SendBytes(Hex("04017fff00000004 7202 0a00 0003ffff00000000"));
  EXPECT_EQ(world_.ResultOf(world_.last_id), "");
}

TEST_P(OddSdkTest, TheLastOutputCounts) {
  const auto attempt = world_.Begin();
  attempt->SendBytes(Hex("0401000000000005 7203 0a0161 0401000000000005 7203 0a0162"));
  attempt->Finish();  // without End
  const auto second = world_.Next();
  EXPECT_EQ(world_.ErrorCodeOf(world_.last_id), "RT0007");
  EXPECT_EQ(second->known_entries(), 3U);
  second->SendBytes(Hex("0003000000000000"));
  EXPECT_EQ(world_.ResultOf(world_.last_id), "b");
}

TEST_P(OddSdkTest, ResultsOfRunsNobodyBeganAreKeptAndTold) {
  const auto attempt = world_.Begin();
  attempt->SendBytes(Hex("0005000000000005 084d 720178"));
  const std::string notification = Hex("8011000000000007 084d 2a03 0a0178");
  EXPECT_TRUE(SentBehindStart(*attempt, RawWorld::InputFrame(*attempt) + notification));
  attempt->SendBytes(Suspension("0a014d"));
  const auto second = world_.Next();
  EXPECT_TRUE(SentBehindStart(*second, RawWorld::InputFrame(*second) + notification));
  second->Complete("");
}

// The first result of an id counts, whoever claims it again; nobody else notices.
TEST_P(OddSdkTest, AnIdThatIsUsedTwiceHasOneResult) {
  const auto attempt = world_.Begin();
  const std::string id = world_.last_id;
  attempt->SendBytes(
      Hex("040c000000000004 0801 5801 040c000000000004 0802 5801 0411000000000002 5801 "
          "0005000000000004 0801 7200 0411000000000002 5802 0005000000000004 0802 7200"));
  ASSERT_TRUE(attempt->AwaitFrame(MessageType::kRunCompletion));
  EXPECT_EQ(world_.server.Call("Test/echo", "others too").body, "others too");
  attempt->SendBytes(Hex("0002000000000003 08f403"));
  const auto second = world_.Next();
  size_t answers = 0;
  for (const ReceivedFrame& frame : second->frames()) {
    const bool answer =
        frame.type == MessageType::kSleepCompletion || frame.type == MessageType::kRunCompletion;
    answers += answer && frame.payload.substr(0, 2) == Hex("0801") ? 1U : 0U;
  }
  EXPECT_EQ(answers, 1U);
  second->Complete("\"end\"");
  EXPECT_EQ(world_.ResultOf(id), "\"end\"");
}

TEST_P(OddSdkTest, AFrameOfTheLargestSizeIsTaken) {
  Settings settings;
  settings.invoker.message_size_limit = limits::kMiB;
  RawWorld world(RawManifest(GetParam()), Json::object(), settings);
  const auto attempt = world.Begin();
  const std::string custom = FrameOf(0xfc00, std::string(limits::kMiB - 1, 'x'));
  attempt->SendBytes(custom + Hex("0002000000000003 08f403"));
  const auto second = world.Next();
  EXPECT_TRUE(SentBehindStart(*second, RawWorld::InputFrame(*second) + custom));
  second->Complete("\"end\"");
  EXPECT_EQ(world.ResultOf(world.last_id), "\"end\"");
}

// Every type as the first message, with an empty payload and with one of noise: whatever it means,
// the invocation ends well once its service behaves.
TEST_P(OddSdkTest, AnyMessageMayComeFirst) {
  using Attempts = std::map<std::string, std::shared_ptr<ServiceAttempt>>;
  // Of the service's thread, which goes on after this test.
  const auto begun = std::make_shared<Attempts>();
  world_.service.On("Obj/run", [begun](ServiceAttempt& attempt) {
    const auto [first, inserted] = begun->emplace(attempt.id(), attempt.shared_from_this());
    if (inserted) {
      attempt.SendBytes(attempt.input() + Hex("0002000000000003 08f403"));
    } else if (first->second.get() != &attempt) {
      attempt.Complete("\"end\"");
    }
  });
  std::vector<std::pair<uint16_t, std::string>> first;
  for (const uint32_t from :
       {0x0000U,
        0x03f8U,
        0x0400U,
        0x0408U,
        0x0410U,
        0x7ff8U,
        0x8000U,
        0x8008U,
        0x8010U,
        0xfbf8U,
        0xfc00U,
        0xfff8U}) {
    for (uint32_t type = from; type < from + 8; ++type) {
      first.emplace_back(type, "");
      if (type != 1) {  // such a suspension would wait for good
        first.emplace_back(type, Hex("0801 1201 61 1a00 5801 2a03 0a0161"));
      }
      first.emplace_back(type, "\xff\x01\x80");
    }
  }
  std::vector<std::string> ids;
  for (const auto& [type, payload] : first) {
    const std::string path = "Obj/" + std::to_string(ids.size()) + "/run";
    ids.push_back(world_.server.Send(path, FrameOf(type, payload)));
  }
  for (size_t i = 0; i < ids.size(); ++i) {
    EXPECT_EQ(world_.ResultOf(ids[i]), "\"end\"")
        << std::hex << first[i].first << " " << ToHex(first[i].second);
  }
}

INSTANTIATE_TEST_SUITE_P(Of, OddSdkTest, testing::ValuesIn(kVersions), VersionName);

}  // namespace
}  // namespace perdure::integration
