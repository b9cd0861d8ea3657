// SPDX-License-Identifier: Apache-2.0
//
// Version 7 of the service protocol, which a setting offers: what is different in it, byte for byte
// (service protocol 2.6, 3.7, 3.12, 3.13).
#include "tests/integration/raw.h"

#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace perdure::integration {
namespace {

constexpr std::string_view kRun = "0411000000000009 5801 62057374657031";
constexpr std::string_view kType = "application/vnd.restate.invocation.v";

class Protocol7Test : public testing::Test {
 protected:
  // Settles an awakeable of the invocation.
  void Settle(uint32_t signal, bool success) {
    const std::string awakeable =
        AwakeableId{*InvocationId::Parse(world_.last_id), signal}.ToString();
    const std::string verb = success ? "/resolve" : "/reject";
    const Reply reply =
        Fetch(world_.server.ingress_port(), "POST", "/restate/awakeables/" + awakeable + verb, "1");
    EXPECT_EQ(reply.status, 202) << reply;
  }
  // Its wait set becomes this.
  testing::AssertionResult Awaits(const std::string& future) {
    const auto shown = [&] {
      return world_.server.Invocation(world_.last_id).value("suspended_waiting_future_json", "");
    };
    if (Eventually([&] { return shown() == future; })) {
      return testing::AssertionSuccess();
    }
    return testing::AssertionFailure() << world_.server.Invocation(world_.last_id);
  }

  RawWorld world_{RawManifest(7)};
};

TEST(Protocol7, IsOfferedOnlyIfTheSettingIsOn) {
  for (const bool offered : {false, true}) {
    Service service(RawManifest(7));
    TestServer server;
    server.settings.experimental_enable_protocol_v7 = offered;
    ASSERT_NO_FATAL_FAILURE(server.Start());
    const Json version = Json::parse(server.Admin("GET", "/version").body);
    EXPECT_EQ(version["features"]["protocol_v7"], offered);
    server.Register(service);
    const std::string id = server.Send("Test/held", "");
    const auto attempt = service.NextAttempt("Test/held");
    ASSERT_NE(attempt, nullptr);
    EXPECT_EQ(attempt->header("content-type"), std::string(kType) + (offered ? "7" : "6"));
    attempt->Complete("");
    EXPECT_EQ(server.AttachTo(id).status, 200);
  }
}

TEST_F(Protocol7Test, GoesOnWhereItBeganWhenItIsNoLongerOffered) {
  const auto first = world_.Begin();
  const std::string input = RawWorld::InputFrame(*first);
  first->SendBytes(Hex(kRun) + SuspensionOn(7, "120111"));
  ASSERT_TRUE(world_.server.AwaitStatus(world_.last_id, "suspended"));
  world_.server.settings.experimental_enable_protocol_v7 = false;
  ASSERT_NO_FATAL_FAILURE(world_.server.Restart());
  Settle(17, true);
  const auto second = world_.Next();
  EXPECT_EQ(second->header("content-type"), std::string(kType) + "7");
  EXPECT_TRUE(
      SentBehindStart(*second, input + Hex(kRun) + Hex("fbff000000000007 1011 2a03 0a0131")));
  second->Complete("\"end\"");
  EXPECT_EQ(world_.ResultOf(world_.last_id), "\"end\"");
}

TEST_F(Protocol7Test, StartHasTheIdempotencyKey) {
  world_.last_id = world_.server.Send("Test/held", "", "", {{"idempotency-key", "ik-1"}});
  auto attempt = world_.Next();
  EXPECT_EQ(attempt->start().idempotency_key(), "ik-1");
  EXPECT_FALSE(attempt->start().has_scope());
  EXPECT_FALSE(attempt->start().has_limit_key());
  attempt->Complete("");
  attempt = world_.Begin();
  EXPECT_FALSE(attempt->start().has_idempotency_key());
  attempt->Complete("");
}

TEST_F(Protocol7Test, ARunIsAcknowledgedAndReplayedWithItsResult) {
  const auto first = world_.Begin();
  const std::string input = RawWorld::InputFrame(*first);
  first->SendBytes(Hex(kRun) + Hex("0005800000000009 0801 720522723a7a22"));
  ASSERT_TRUE(SentBehindStart(*first, input + Hex("0007000000000002 0801")));
  first->SendBytes(Hex("0005000000000009 0802 720522723a7a22"));
  const std::string told = Hex("801100000000000b 0802 2a07 0a0522723a7a22");
  ASSERT_TRUE(SentBehindStart(*first, input + Hex("0007000000000002 0801") + told));
  first->SendBytes(Hex("0002000000000003 08f403"));
  const auto second = world_.Next();
  EXPECT_TRUE(SentBehindStart(
      *second, input + Hex(kRun) + Hex("801100000000000b 0801 2a07 0a0522723a7a22") + told));
  second->Complete("\"end\"");
  EXPECT_EQ(world_.ResultOf(world_.last_id), "\"end\"");
}

class CommandAckTest : public VersionTest {};

// Commands count from the input, which is 0.
TEST_P(CommandAckTest, IsSentWhereTheSdkAsks) {
  const auto attempt = world_.Begin();
  attempt->SendBytes(Hex("0411800000000002 5801 0411000000000002 5802 040c800000000004 0801 5803"));
  EXPECT_TRUE(SentBehindStart(
      *attempt,
      RawWorld::InputFrame(*attempt) + Hex("0004000000000002 0801 0004000000000002 0803") +
          Hex("800c000000000004 0803 2200")));
  attempt->Complete("");
}

INSTANTIATE_TEST_SUITE_P(Of, CommandAckTest, testing::ValuesIn(kVersions), VersionName);

TEST_F(Protocol7Test, WhatTheSdkAwaitsIsShownWhileItRuns) {
  const auto attempt = world_.Begin();
  attempt->SendBytes(Hex("000600000000000f 0a0d 120101 2206 0a020102 2804 2801"));
  const std::string future =
      R"({"FirstCompleted":[{"Single":{"SignalIndex":1}},{"AllSucceededOrFirstFailed":)"
      R"([{"Single":{"CompletionId":1}},{"Single":{"CompletionId":2}}]}]})";
  EXPECT_TRUE(Eventually([&] {
    const Json shown = world_.server.Invocation(world_.last_id);
    return shown.value("last_awaiting_on_future_json", "") == future;
  }));
  EXPECT_FALSE(attempt->input_ended());
  attempt->Complete("");
  EXPECT_EQ(world_.ResultOf(world_.last_id), "");
  EXPECT_FALSE(world_.server.Invocation(world_.last_id).contains("last_awaiting_on_future_json"));
}

// What settles an awakeable.
struct Settled {
  uint32_t signal;
  bool success;
};
// A suspension on signal 1 or a node with the awakeables 17 and 18, and what ends it.
struct Combination {
  const char* name;
  int combinator;
  std::vector<Settled> waits_still;
  Settled resumes;
  friend std::ostream& operator<<(std::ostream& out, const Combination& combination) {
    return out << combination.name;
  }
};

const Combination kCombinations[] = {
    {"Unknown", 0, {}, {18, true}},
    {"FirstCompleted", 1, {}, {18, false}},
    {"AllCompleted", 2, {{17, false}}, {18, true}},
    {"FirstSucceeded", 3, {{17, false}}, {18, true}},
    {"AllFailed", 3, {{18, false}}, {17, false}},
    {"AllSucceeded", 4, {{17, true}}, {18, true}},
    {"FirstFailed", 4, {{18, true}}, {17, false}},
    {"FirstFailedAtOnce", 4, {}, {18, false}},
};
constexpr const char* kCombinatorNames[] = {
    "Unknown",
    "FirstCompleted",
    "AllCompleted",
    "FirstSucceededOrAllFailed",
    "AllSucceededOrFirstFailed"};

class CombinatorTest : public Protocol7Test, public testing::WithParamInterface<Combination> {
 protected:
  // Cancel, or what of the awakeables is left.
  static std::string Future(const std::vector<uint32_t>& left) {
    std::string leaves;
    for (const uint32_t signal : left) {
      leaves += leaves.empty() ? "" : ",";
      leaves += R"({"Single":{"SignalIndex":)" + std::to_string(signal) + "}}";
    }
    return R"({"FirstCompleted":[{"Single":{"SignalIndex":1}},{")" +
           std::string(kCombinatorNames[GetParam().combinator]) + R"(":[)" + leaves + "]}]}";
  }
  static std::string Suspends() {
    const std::string number(1, static_cast<char>(GetParam().combinator));
    return Hex("000100000000000f 220d 120101 2206 12021112 28") + number + Hex("2801");
  }
};

TEST_P(CombinatorTest, SaysWhenTheInvocationGoesOn) {
  const auto first = world_.Begin();
  first->SendBytes(Suspends());
  ASSERT_TRUE(Awaits(Future({17, 18})));
  for (const Settled& settled : GetParam().waits_still) {
    Settle(settled.signal, settled.success);
    ASSERT_TRUE(Awaits(Future({settled.signal == 17 ? 18U : 17U})));
    world_.server.Restart();
    ASSERT_TRUE(Awaits(Future({settled.signal == 17 ? 18U : 17U})));
  }
  Settle(GetParam().resumes.signal, GetParam().resumes.success);
  const auto second = world_.Next();
  EXPECT_EQ(second->known_entries(), GetParam().waits_still.size() + 2);
  // What is in the journal settles it at once; what is not, does not.
  second->SendBytes(Suspends());
  const auto third = world_.Next();
  third->Complete("\"end\"");
  EXPECT_EQ(world_.ResultOf(world_.last_id), "\"end\"");
  EXPECT_EQ(world_.service.attempts("Test/held"), 3U);
}

TEST_P(CombinatorTest, IsEndedByCancel) {
  const auto first = world_.Begin();
  first->SendBytes(Suspends());
  ASSERT_TRUE(Awaits(Future({17, 18})));
  world_.server.Admin("PATCH", "/invocations/" + world_.last_id + "/cancel");
  world_.Next()->Complete("\"end\"");
  EXPECT_EQ(world_.ResultOf(world_.last_id), "\"end\"");
}

INSTANTIATE_TEST_SUITE_P(
    Of, CombinatorTest, testing::ValuesIn(kCombinations), [](const auto& param_info) {
      return std::string(param_info.param.name);
    });

// One node inside the other.
std::string NestedSuspension(uint32_t depth) {
  std::string future = Hex("120111");
  for (uint32_t i = 0; i <= depth; ++i) {
    std::string head = Hex("22");
    size_t size = future.size();
    for (; size >= 0x80; size >>= 7) {
      head += static_cast<char>(static_cast<uint8_t>(size | 0x80));
    }
    future.insert(0, head + static_cast<char>(size));
  }
  return FrameOf(MessageType::kSuspension, future);
}

TEST_F(Protocol7Test, AFutureOfTheGreatestDepthIsAwaitedAndShown) {
  const auto first = world_.Begin();
  first->SendBytes(NestedSuspension(limits::kFutureDepthMax));
  std::string future = R"({"Single":{"SignalIndex":17}})";
  for (uint32_t i = 0; i <= limits::kFutureDepthMax; ++i) {
    future = R"({"Unknown":[)" + future + "]}";
  }
  ASSERT_TRUE(Awaits(future));
  ASSERT_NO_FATAL_FAILURE(world_.server.Restart());
  Settle(17, true);
  world_.Next()->Complete("\"end\"");
  EXPECT_EQ(world_.ResultOf(world_.last_id), "\"end\"");
}

TEST_F(Protocol7Test, ADeeperFuturePauses) {
  const auto first = world_.Begin();
  first->SendBytes(NestedSuspension(limits::kFutureDepthMax + 1));
  ASSERT_TRUE(world_.server.AwaitStatus(world_.last_id, "paused"));
  EXPECT_EQ(world_.ErrorCodeOf(world_.last_id), "RT0025");
  const std::string failure = world_.server.Invocation(world_.last_id).value("last_failure", "");
  EXPECT_NE(failure.find("futures nested deeper than 1000"), std::string::npos) << failure;
}

// All versions: the reference takes it from older ones too.
class ErrorBehaviorTest : public VersionTest {};

TEST_P(ErrorBehaviorTest, PausesUntilItIsResumed) {
  const auto first = world_.Begin();
  first->SendBytes(Hex("000200000000000d 08f403 12046f6f7073 400a 4801"));
  ASSERT_TRUE(world_.server.AwaitStatus(world_.last_id, "paused"));
  EXPECT_EQ(world_.ErrorCodeOf(world_.last_id), "RT0007");
  EXPECT_EQ(world_.service.attempts("Test/held"), 1U);
  world_.server.Admin("PATCH", "/invocations/" + world_.last_id + "/resume");
  world_.Next()->Complete("\"end\"");
  EXPECT_EQ(world_.ResultOf(world_.last_id), "\"end\"");
}

TEST_P(ErrorBehaviorTest, EndsTheInvocation) {
  const auto first = world_.Begin();
  first->SendBytes(Hex("000200000000000d 089903 12046f6f7073 400a 4802"));
  const Reply reply = world_.server.AttachTo(world_.last_id);
  EXPECT_EQ(reply.status, 409) << reply;
  EXPECT_EQ(Json::parse(reply.body).value("message", ""), "oops");
  EXPECT_EQ(world_.service.attempts("Test/held"), 1U);
}

INSTANTIATE_TEST_SUITE_P(Of, ErrorBehaviorTest, testing::ValuesIn(kVersions), VersionName);

TEST_F(Protocol7Test, ScopesAndLimitKeysFailTheAttempt) {
  const std::string call = "0a0454657374 12046563686f ";
  const std::pair<std::string, std::string> cases[] = {
      {call + "3a0173 5001 5802", "scoped invocations"},
      {call + "3a0173 42016c 5001 5802", "scoped invocations"},
      {call + "42016c 5001 5802", "without a scope"}};
  for (const auto& [payload, text] : cases) {
    auto attempt = world_.Begin();
    while (attempt->id() != world_.last_id) {
      attempt = world_.Next();  // that was a retry of the one before, killed since
    }
    attempt->SendBytes(FrameOf(0x040d, Hex(payload)));
    ASSERT_TRUE(Eventually([&] { return world_.ErrorCodeOf(world_.last_id) == "RT0024"; }))
        << text << world_.server.Invocation(world_.last_id);
    const std::string failure = world_.server.Invocation(world_.last_id).value("last_failure", "");
    EXPECT_NE(failure.find(text), std::string::npos) << failure;
    world_.server.Admin("PATCH", "/invocations/" + world_.last_id + "/kill");
  }
}

}  // namespace
}  // namespace perdure::integration
