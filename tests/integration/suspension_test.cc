// SPDX-License-Identifier: Apache-2.0
//
// The end of an attempt and the beginning of the next one: suspension and what ends it, inactivity,
// and the replay after whatever ended an attempt, byte for byte (service protocol 3.1, 3.12, 4.2
// to 4.4).
#include "tests/integration/raw.h"

#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <tuple>
#include <vector>

namespace perdure::integration {
namespace {

class SuspensionTest : public VersionTest {
 protected:
  void Resolve(uint32_t signal, std::string_view value) {
    const std::string awakeable =
        AwakeableId{*InvocationId::Parse(world_.last_id), signal}.ToString();
    const Reply reply = Fetch(
        world_.server.ingress_port(),
        "POST",
        "/restate/awakeables/" + awakeable + "/resolve",
        value);
    EXPECT_EQ(reply.status, 202) << reply;
  }
  void AwaitSuspended() {
    ASSERT_TRUE(world_.server.AwaitStatus(world_.last_id, "suspended"));
    EXPECT_EQ(world_.service.attempts("Test/held"), attempts_);
  }
  std::shared_ptr<ServiceAttempt> Next() {
    ++attempts_;
    return world_.Next();
  }
  size_t attempts_ = 1;
};

TEST_P(SuspensionTest, EndsWithOneOfWhatItWaitsFor) {
  const auto first = world_.Begin();
  const std::string input = RawWorld::InputFrame(*first);
  const std::string sleep = Hex("040c00000000000d 08ffffffffffff3f 5801 620178");
  // Completions 1 and 2, signals 17 and 1, and a signal by name.
  first->SendBytes(sleep + Suspension("0a020102 12021101 1a05 6d79736967"));
  AwaitSuspended();
  Resolve(18, "\"not this\"");
  AwaitSuspended();
  Resolve(17, "\"avail\"");

  const auto second = Next();

  EXPECT_EQ(second->known_entries(), 4U);
  EXPECT_EQ(second->start().retry_count_since_last_stored_entry(), 0U);
  EXPECT_TRUE(SentBehindStart(
      *second,
      input + sleep + Hex("fbff000000000010 1012 2a0c 0a0a226e6f74207468697322") +
          Hex("fbff00000000000d 1011 2a09 0a0722617661696c22")));
  second->SendBytes(Suspension("1a05 6d79736967"));
  AwaitSuspended();
  world_.server.Admin("PATCH", "/invocations/" + world_.last_id + "/cancel");
  AwaitSuspended();  // it does not listen to signal 1
  world_.server.Admin("PATCH", "/invocations/" + world_.last_id + "/kill");
}

TEST_P(SuspensionTest, IsNoneIfWhatItWaitsForIsThere) {
  const auto first = world_.Begin();
  const std::string input = RawWorld::InputFrame(*first);
  const std::string run = Hex("0411000000000009 5801 62057374657031");
  first->SendBytes(
      run + Hex("0005000000000009 0801 7205 22723a7a22") + Suspension("0a0101 120101"));
  const auto second = Next();
  EXPECT_TRUE(
      SentBehindStart(*second, input + run + Hex("801100000000000b 0801 2a07 0a0522723a7a22")));
  EXPECT_EQ(second->start().retry_count_since_last_stored_entry(), 0U);
  second->Complete("\"end\"");
  EXPECT_EQ(world_.ResultOf(world_.last_id), "\"end\"");
  EXPECT_EQ(world_.service.attempts("Test/held"), 2U);
}

TEST_P(SuspensionTest, IsAskedForAfterInactivity) {
  const auto attempt = world_.Begin("Test/hasty", "Test/hasty");
  const std::string input = RawWorld::InputFrame(*attempt);
  attempt->SendHead();
  ASSERT_TRUE(attempt->AwaitInputEnd());
  // What happens now cannot be told on this stream, but the suspension sees it.
  Resolve(17, "1");
  EXPECT_TRUE(SentBehindStart(*attempt, input));
  attempt->SendBytes(Suspension("1202 1101"));
  const auto second = world_.Next("Test/hasty");
  EXPECT_TRUE(SentBehindStart(*second, input + Hex("fbff000000000007 1011 2a03 0a0131")));
  EXPECT_FALSE(world_.server.Invocation(world_.last_id).contains("last_failure"));
  second->Complete("\"end\"");
  EXPECT_EQ(world_.ResultOf(world_.last_id), "\"end\"");
}

INSTANTIATE_TEST_SUITE_P(Of, SuspensionTest, testing::ValuesIn(kVersions), VersionName);

// How an attempt ends that is made again.
struct Ending {
  const char* name;
  void (*end)(ServiceAttempt& attempt);
  friend std::ostream& operator<<(std::ostream& out, const Ending& ending) {
    return out << ending.name;
  }
};

const Ending kEndings[] = {
    {"Error", [](ServiceAttempt& a) { a.SendBytes(Hex("0002000000000003 08f403")); }},
    {"EndOfStream", [](ServiceAttempt& a) { a.Finish(); }},
    {"Reset", [](ServiceAttempt& a) { a.Reset(); }},
    {"LostConnection", [](ServiceAttempt& a) { a.Disconnect(); }},
};

class ReplayTest : public testing::TestWithParam<std::tuple<int, Ending>> {};

// Commands as an SDK of another time might write them: fields nobody knows, fields twice and in
// another order, entries that are nobody's but the SDK's (service protocol 3.1 rule 5, 3.15).
const char* const kStrangeCommands[] = {
    "0411000000000009 5801 62057374657031",
    "041100000000000c 6205 7374657032 5802 980601",  // field 99, and the id behind the name
    "040c000000000010 08ffffffffffff3f 5803 620178 980601",
    "fc00000000000003 ff00ff",
    "ffff000000000000",
    "fd12000000000001 08",
    "0411000000000004 5807 5804",  // the last one counts
};

TEST_P(ReplayTest, BringsEveryCommandAsItWasWritten) {
  const auto& [version, ending] = GetParam();
  RawWorld world{RawManifest(version)};
  const auto first = world.Begin();
  std::string expected = RawWorld::InputFrame(*first);
  for (const char* command : kStrangeCommands) {
    first->SendBytes(Hex(command));
    expected += Hex(command);
  }
  first->SendBytes(Hex("0005000000000005 0804 720178"));
  const std::string completion = Hex("8011000000000007 0804 2a03 0a0178");
  // It has come when it is answered: everything before it is in the journal.
  ASSERT_TRUE(SentBehindStart(*first, RawWorld::InputFrame(*first) + completion));
  expected += completion;

  ending.end(*first);

  const auto second = world.Next();
  EXPECT_EQ(second->known_entries(), 9U);
  EXPECT_TRUE(SentBehindStart(*second, expected));
  second->Refuse(503);
  const auto third = world.Next();
  EXPECT_TRUE(SentBehindStart(*third, expected));
  EXPECT_EQ(third->start().retry_count_since_last_stored_entry(), 2U);
  const Json seen = world.server.Invocation(world.last_id);
  EXPECT_EQ(seen.value("journal_commands_size", 0), 8) << seen;
  third->Complete("\"end\"");
  EXPECT_EQ(world.ResultOf(world.last_id), "\"end\"");
}

INSTANTIATE_TEST_SUITE_P(
    After,
    ReplayTest,
    testing::Combine(testing::ValuesIn(kVersions), testing::ValuesIn(kEndings)),
    [](const auto& param_info) {
      return std::string(std::get<1>(param_info.param).name) + "V" +
             std::to_string(std::get<0>(param_info.param));
    });

// Requests that end before their answer begins: each brings the whole journal.
class ResendTest : public testing::TestWithParam<std::tuple<int, bool>> {};

TEST_P(ResendTest, EachRequestBringsTheJournalSoFar) {
  const auto& [version, http11] = GetParam();
  RawWorld world(
      RawManifest(version, Service::Mode::kRequestResponse), Json{{"use_http_11", http11}});
  auto attempt = world.Begin();
  std::string journal = RawWorld::InputFrame(*attempt);
  // Ten runs, each with a suspension on its own result.
  for (uint32_t id = 1; id <= 10; ++id) {
    ASSERT_TRUE(attempt->AwaitInputEnd());
    EXPECT_TRUE(SentBehindStart(*attempt, journal));
    EXPECT_EQ(attempt->known_entries(), 2 * id - 1);
    EXPECT_EQ(attempt->header("transfer-encoding"), http11 ? "chunked" : "");
    EXPECT_EQ(attempt->header("content-length"), "");
    const std::string number(1, static_cast<char>(id));
    const std::string run = FrameOf(0x0411, Hex("58") + number);
    attempt->SendBytes(
        run + FrameOf(0x0005, Hex("08") + number + Hex("720178")) +
        SuspensionOn(version, "0a01" + ToHex(number)));
    attempt->Finish();
    journal += run + FrameOf(0x8011, Hex("08") + number + Hex("2a030a0178"));
    attempt = world.Next();
  }
  EXPECT_TRUE(SentBehindStart(*attempt, journal));
  EXPECT_EQ(attempt->start().retry_count_since_last_stored_entry(), 0U);
  attempt->Complete("\"end\"");
  EXPECT_EQ(world.ResultOf(world.last_id), "\"end\"");
  EXPECT_EQ(world.service.attempts("Test/held"), 11U);
}

INSTANTIATE_TEST_SUITE_P(
    Of,
    ResendTest,
    testing::Combine(testing::ValuesIn(kVersions), testing::Bool()),
    [](const auto& param_info) {
      return std::string(std::get<1>(param_info.param) ? "Http11" : "Http2") + "V" +
             std::to_string(std::get<0>(param_info.param));
    });

}  // namespace
}  // namespace perdure::integration
