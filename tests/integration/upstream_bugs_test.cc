// SPDX-License-Identifier: Apache-2.0
//
// What went wrong, or still does, in the reference server between protocol and machine: each as an
// invocation that must come to its end here. The numbers are those of its issues.
#include "tests/integration/raw.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace perdure::integration {
namespace {

class UpstreamBugsTest : public VersionTest {
 protected:
  std::string InvokedBy(const std::string& method) {
    return "/invocations/" + world_.last_id + "/" + method;
  }
  void Admin(const std::string& method) {
    const Reply reply = world_.server.Admin("PATCH", InvokedBy(method));
    EXPECT_LT(reply.status, 300) << reply;
  }
  Reply Resolve(const std::string& id, uint32_t signal, std::string_view value) {
    const std::string awakeable = AwakeableId{*InvocationId::Parse(id), signal}.ToString();
    return Fetch(
        world_.server.ingress_port(),
        "POST",
        "/restate/awakeables/" + awakeable + "/resolve",
        value);
  }
  // Milliseconds from now as the varint of a Sleep.
  static std::string SleepFor(int ms, uint32_t completion) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    wire::SleepCommandMessage sleep;
    sleep.set_wake_up_time(static_cast<uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(now).count() + ms));
    sleep.set_result_completion_id(completion);
    return FrameWith(MessageType::kSleepCommand, sleep);
  }
};

const char kRun[] = "0411000000000002 5801 ";
const char kProposal[] = "0005000000000004 0801 7200 ";
const char kOnRun[] = "0a0101 120101";
const char kRunCompletion[] = "8011000000000004 0801 2a00";

// 5196: an invocation that was suspended while its own run was not acknowledged was never
// scheduled again, and held the key of its object for ever.
TEST_P(UpstreamBugsTest, SuspensionOnARunThatIsNotAcknowledgedEnds) {
  const auto first = world_.Begin("Obj/run", "Obj/k/run");
  const std::string id = world_.last_id;
  {
    const PausedSyncer paused(world_.server.log());
    first->SendBytes(Hex(kRun) + Hex(kProposal));
    first->SendBytes(Suspension(kOnRun));
    first->Finish();
  }
  const auto second = world_.Next("Obj/run");
  EXPECT_TRUE(
      SentBehindStart(*second, RawWorld::InputFrame(*second) + Hex(kRun) + Hex(kRunCompletion)));
  const auto queued = world_.server.Send("Obj/k/run", "next");
  second->Complete("\"end\"");
  EXPECT_EQ(world_.ResultOf(id), "\"end\"");
  const auto next = world_.Next("Obj/run");
  EXPECT_EQ(next->input(), "next");
  next->Complete("\"free\"");
  EXPECT_EQ(world_.ResultOf(queued), "\"free\"");
}

// The same, with the proposal cut off from its suspension by the server's half-close.
TEST_P(UpstreamBugsTest, ProposalAfterTheHalfCloseResumes) {
  const auto first = world_.Begin("Test/hasty", "Test/hasty");
  first->SendBytes(Hex(kRun));
  ASSERT_TRUE(first->AwaitInputEnd());
  first->SendBytes(Hex(kProposal) + Suspension(kOnRun));
  const auto second = world_.Next("Test/hasty");
  EXPECT_TRUE(
      SentBehindStart(*second, RawWorld::InputFrame(*second) + Hex(kRun) + Hex(kRunCompletion)));
  second->Complete("\"end\"");
  EXPECT_EQ(world_.ResultOf(world_.last_id), "\"end\"");
}

// 3068: a retry waited for the acknowledgement of a notification that was stored already.
TEST_P(UpstreamBugsTest, FailureRightBehindAProposalIsRetried) {
  const auto first = world_.Begin();
  first->SendBytes(Hex(kRun) + Hex(kProposal) + Hex("0002000000000003 08f403"));
  const auto second = world_.Next();
  EXPECT_TRUE(
      SentBehindStart(*second, RawWorld::InputFrame(*second) + Hex(kRun) + Hex(kRunCompletion)));
  second->Complete("\"end\"");
  EXPECT_EQ(world_.ResultOf(world_.last_id), "\"end\"");
}

// 4839: a timer that fired for an invocation in a status nobody expected stopped the partition.
TEST_P(UpstreamBugsTest, TimersFireInAnyStatus) {
  std::vector<std::string> ids;
  const auto begin = [&](const std::string& sleep, const std::string& then) {
    const auto attempt = world_.Begin("Test/held", "Test/held", std::to_string(ids.size()));
    ids.push_back(world_.last_id);
    attempt->SendBytes(sleep + then);
    return attempt;
  };
  // Due in a moment, in which they become: killed, completed, backing off, paused, suspended on it,
  // suspended on something else, running.
  begin(SleepFor(60, 1), "");
  Admin("kill");
  begin(SleepFor(60, 1), Hex("0401000000000004 7202 0a00 0003000000000000"));
  begin(SleepFor(60, 1), Hex("0002000000000006 08f403 40e807"));  // again in 1 s
  begin(SleepFor(60, 1), Hex("0002000000000006 08f403 40d836"));  // again in 7 s
  Admin("pause");
  begin(SleepFor(60, 1), Suspension("0a0101"));
  begin(SleepFor(60, 1), Suspension("1202 1101"));
  const auto running = begin(SleepFor(60, 1), "");
  // A start that is cancelled before its time, and one that is not.
  const std::string never = world_.server.Send("Test/held", "never", "?delay=50ms");
  EXPECT_LT(world_.server.Admin("PATCH", "/invocations/" + never + "/kill").status, 300);
  const std::string delayed = world_.server.Send("Test/echo", "late", "?delay=60ms");

  EXPECT_EQ(world_.server.AttachTo(delayed).body, "late");
  const std::string slept = Hex("800c000000000004 0801 2200");
  EXPECT_TRUE(running->AwaitFrame(MessageType::kSleepCompletion));
  EXPECT_EQ(world_.server.Call("Test/echo", "alive").body, "alive");
  running->Complete("");
  Resolve(ids[5], 17, "1");
  world_.last_id = ids[3];
  Admin("resume");
  // Backing off, suspended twice, paused: each goes on with the result of its sleep.
  for (int i = 0; i < 4; ++i) {
    const auto again = world_.Next();
    EXPECT_TRUE(again->AwaitFrame(MessageType::kSleepCompletion)) << again->input();
    again->Complete("\"" + again->input() + "\"");
  }
  for (const size_t i : {2U, 3U, 4U, 5U}) {
    EXPECT_EQ(world_.ResultOf(ids[i]), "\"" + std::to_string(i) + "\"");
  }
}

// 4566: an awakeable that was accepted with 202, and lost.
TEST_P(UpstreamBugsTest, AnAcceptedAwakeableIsNeverLost) {
  for (int moment = 0; moment < 5; ++moment) {
    const auto first = world_.Begin("Test/held", "Test/held", std::to_string(moment));
    const std::string id = world_.last_id;
    const auto resolve = [&] { EXPECT_EQ(Resolve(id, 17, "\"kept\"").status, 202) << moment; };
    const std::string suspension = Suspension("1202 1101");
    switch (moment) {
      case 0:  // before anybody waits
        resolve();
        ASSERT_TRUE(first->AwaitFrame(MessageType::kSignal));
        first->SendBytes(suspension);
        break;
      case 1:  // while it is suspended
        first->SendBytes(suspension);
        ASSERT_TRUE(world_.server.AwaitStatus(id, "suspended"));
        resolve();
        break;
      case 2:  // while the suspension is on its way
        first->SendBytes(suspension);
        resolve();
        break;
      case 3:  // while it backs off
        first->SendBytes(Hex("0002000000000005 08f403 4032"));
        resolve();
        break;
      default:  // just before the server ends, which cuts off the attempt that saw it
        first->SendBytes(suspension);
        ASSERT_TRUE(world_.server.AwaitStatus(id, "suspended"));
        resolve();
        world_.Next();
        world_.server.Restart();
        break;
    }
    const auto second = world_.Next();
    EXPECT_TRUE(second->AwaitFrame(MessageType::kSignal)) << moment;
    second->Complete("\"end\"");
    EXPECT_EQ(world_.ResultOf(id), "\"end\"");
  }
}

// 1921: a cancellation passed by who waits for a promise.
TEST_P(UpstreamBugsTest, CancellationReachesWhoWaitsForAPromise) {
  const auto first = world_.Begin("Flow/run", "Flow/w/run");
  first->SendBytes(Hex("0409000000000006 0a027031 5801") + Suspension("0a0101 120101"));
  ASSERT_TRUE(world_.server.AwaitStatus(world_.last_id, "suspended"));
  Admin("cancel");
  const auto second = world_.Next("Flow/run");
  EXPECT_TRUE(SentBehindStart(
      *second,
      RawWorld::InputFrame(*second) +
          Hex("0409000000000006 0a027031 5801 fbff000000000004 1001 2200")));
  second->SendBytes(Hex("040100000000000f 7a0d 089903 120863616e63656c6564 0003000000000000"));
  EXPECT_EQ(world_.server.AttachTo(world_.last_id).status, 409);
}

// 2794: times that do not fit.
TEST_P(UpstreamBugsTest, TimesWithoutEndOverflowNothing) {
  const auto first = world_.Begin();
  const std::string id = world_.last_id;
  // Sleeps and calls in the year 584 million, one after the other; a retry after as long.
  first->SendBytes(
      Hex("040c00000000000d 08ffffffffffffffffff01 5801 "
          "040e000000000019 0a0454657374 120468656c64 20ffffffffffffffffff01 5002 "
          "0002000000000003 08f403"));
  const auto second = world_.Next();
  EXPECT_EQ(second->known_entries(), 4U);
  second->SendBytes(Hex("000200000000000e 08f403 40ffffffffffffffffff01"));
  ASSERT_TRUE(world_.server.AwaitStatus(id, "backing-off"));
  const Json callees =
      Json::parse(world_.server.Admin("GET", "/invocations?status=scheduled").body);
  EXPECT_NE(callees.dump().find("\"invoked_by_id\":\"" + id), std::string::npos) << callees;
  EXPECT_EQ(world_.server.Call("Test/echo", "alive").body, "alive");
  world_.server.Restart();
  EXPECT_EQ(world_.server.Call("Test/echo", "alive").body, "alive");
  world_.last_id = id;
  Admin("kill");
  EXPECT_EQ(world_.server.AttachTo(id).status, 409);
}

// 1531: the answer was lost if a client began to wait at the moment at which the result came.
TEST_P(UpstreamBugsTest, WhoBeginsToWaitAtTheEndIsTold) {
  for (int round = 0; round < 10; ++round) {
    const auto attempt = world_.Begin();
    std::vector<std::unique_ptr<ClientSocket>> clients;
    for (int i = 0; i < 20; ++i) {
      clients.push_back(std::make_unique<ClientSocket>(world_.server.ingress_port()));
      if (i == 10) {
        attempt->Complete("\"told\"");
      }
      clients.back()->Send(RequestText("GET", "/restate/invocation/" + world_.last_id + "/attach"));
    }
    for (const auto& client : clients) {
      EXPECT_EQ(client->ReadReply().body, "\"told\"");
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Of, UpstreamBugsTest, testing::ValuesIn(kVersions), VersionName);

}  // namespace
}  // namespace perdure::integration
