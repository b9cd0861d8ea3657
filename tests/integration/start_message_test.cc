// SPDX-License-Identifier: Apache-2.0
//
// What the first frame of an attempt says, byte for byte (service protocol 2.1, 3.2, 3.4).
#include "tests/integration/raw.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>

namespace perdure::integration {
namespace {

using testing::IsEmpty;

class StartMessageTest : public VersionTest {
 protected:
  // Sets the state of Obj/<key>: 63 = "5", 65 = "" (in the other order).
  void GiveState(const std::string& path) {
    const auto writer = world_.Begin("Obj/run", path);
    writer->SendBytes(
        Hex("0403000000000005 0a0165 1a00") + Hex("0403000000000008 0a0163 1a030a0135"));
    writer->Complete("written");
    EXPECT_EQ(world_.ResultOf(world_.last_id), "written");
  }
};

// What the server has sent is this message and nothing else that does not belong there.
void ExpectStart(const ServiceAttempt& attempt, const wire::StartMessage& expected) {
  const std::string sent = attempt.bytes();
  const std::string tail = attempt.tail();
  EXPECT_EQ(
      ToHex(sent.substr(0, sent.size() - tail.size())),
      ToHex(FrameWith(MessageType::kStart, expected)));
}

TEST_P(StartMessageTest, OfAService) {
  const auto attempt = world_.Begin();
  const std::string type = "application/vnd.restate.invocation.v" + std::to_string(GetParam());
  EXPECT_EQ(attempt->header("content-type"), type);
  EXPECT_EQ(attempt->header("accept"), type);
  EXPECT_EQ(attempt->header("x-restate-invocation-id"), world_.last_id);
  EXPECT_EQ(attempt->header("x-restate-service-key"), "");
  EXPECT_EQ(attempt->header("content-length"), "");

  wire::StartMessage expected;
  expected.set_id(InvocationId::Parse(world_.last_id)->ToBytes());
  expected.set_debug_id(world_.last_id);
  expected.set_known_entries(1);
  expected.set_partial_state(true);
  expected.set_duration_since_last_stored_entry(
      attempt->start().duration_since_last_stored_entry());
  expected.set_random_seed(attempt->start().random_seed());
  EXPECT_LT(attempt->start().duration_since_last_stored_entry(), 10'000U);
  EXPECT_NE(attempt->start().random_seed(), 0U);
  ExpectStart(*attempt, expected);

  wire::InputCommandMessage input;
  ASSERT_TRUE(input.ParseFromString(attempt->frames().at(0).payload));
  EXPECT_EQ(input.value().content(), "in");
  ASSERT_GT(input.headers_size(), 0);
  EXPECT_EQ(input.headers(0).key(), "x-restate-ingress-path");
  EXPECT_EQ(input.headers(0).value(), "/Test/held/send");
  for (const auto& header : input.headers()) {
    EXPECT_NE(header.key(), "host");
  }
  EXPECT_TRUE(SentBehindStart(*attempt, FrameWith(MessageType::kInputCommand, input)));
  attempt->Complete("");
}

TEST_P(StartMessageTest, OfAnObjectBringsItsWholeState) {
  GiveState("Obj/a%20b%2F%C3%BC/run");
  const auto check = [this](const char* target, const char* path) {
    const auto attempt = world_.Begin(target, path);
    EXPECT_EQ(attempt->header("x-restate-service-key"), "a%20b%2F%C3%BC");
    wire::StartMessage expected;
    expected.set_id(InvocationId::Parse(world_.last_id)->ToBytes());
    expected.set_debug_id(world_.last_id);
    expected.set_known_entries(1);
    auto* entry = expected.add_state_map();
    entry->set_key("c");
    entry->set_value("5");
    expected.add_state_map()->set_key("e");
    expected.set_key("a b/\xc3\xbc");
    const wire::StartMessage start = attempt->start();
    expected.set_duration_since_last_stored_entry(start.duration_since_last_stored_entry());
    expected.set_random_seed(start.random_seed());
    ExpectStart(*attempt, expected);
    attempt->Complete("");
  };
  check("Obj/run", "Obj/a%20b%2F%C3%BC/run");
  check("Obj/read", "Obj/a%20b%2F%C3%BC/read");
}

TEST_P(StartMessageTest, OfLazyStateIsPartialAndEmpty) {
  GiveState("Obj/k/run");
  const auto attempt = world_.Begin("Obj/lazy", "Obj/k/lazy");
  EXPECT_TRUE(attempt->start().partial_state());
  EXPECT_THAT(attempt->start().state_map(), IsEmpty());
  EXPECT_EQ(attempt->start().key(), "k");
  // The value is read when it is asked for; a key that is not there has none, an empty one has.
  attempt->SendBytes(
      Hex("0402000000000005 0a0163 5801") + Hex("0402000000000005 0a0165 5802") +
      Hex("0402000000000005 0a017a 5803") + Hex("0406000000000002 5804"));
  EXPECT_TRUE(SentBehindStart(
      *attempt,
      RawWorld::InputFrame(*attempt) + Hex("8002000000000007 0801 2a030a0135") +
          Hex("8002000000000004 0802 2a00") + Hex("8002000000000004 0803 2200") +
          Hex("800600000000000b 0804 8a0106 0a0163 0a0165")));
  attempt->Complete("");
}

TEST_P(StartMessageTest, OfARetryBringsTheWritesBeforeIt) {
  const auto first = world_.Begin("Obj/run", "Obj/k/run");
  EXPECT_THAT(first->start().state_map(), IsEmpty());
  EXPECT_FALSE(first->start().partial_state());
  first->SendBytes(Hex("0403000000000008 0a0163 1a030a0135"));
  first->Reset();
  const auto second = world_.Next("Obj/run");
  // The reset may overtake what was written just before: nobody promised that it arrives.
  if (second->known_entries() == 2) {
    ASSERT_EQ(second->start().state_map_size(), 1);
    EXPECT_EQ(second->start().state_map(0).value(), "5");
  } else {
    EXPECT_THAT(second->start().state_map(), IsEmpty());
  }
  second->SendBytes(Hex("0403000000000008 0a0163 1a030a0136") + Hex("0002000000000003 08f403"));
  const auto third = world_.Next("Obj/run");
  ASSERT_EQ(third->start().state_map_size(), 1);
  EXPECT_EQ(third->start().state_map(0).value(), "6");
  third->Complete("");
}

// `retry_count_since_last_stored_entry` drives the SDK's own retries of runs.
TEST_P(StartMessageTest, CountsTheFailuresSinceTheLastCommand) {
  auto attempt = world_.Begin();
  const wire::StartMessage first = attempt->start();
  const auto expect = [&](uint32_t retries, uint32_t known_entries) {
    EXPECT_EQ(attempt->start().retry_count_since_last_stored_entry(), retries);
    EXPECT_EQ(attempt->start().known_entries(), known_entries);
    EXPECT_EQ(attempt->start().random_seed(), first.random_seed());
    EXPECT_EQ(attempt->start().id(), first.id());
  };
  expect(0, 1);
  attempt->SendBytes(Hex("0002000000000003 08f403"));
  attempt = world_.Next();
  expect(1, 1);
  attempt->Refuse(500);
  attempt = world_.Next();
  expect(2, 1);
  attempt->Refuse(415);  // the SDK saw nothing of it
  attempt = world_.Next();
  expect(2, 1);
  attempt->SendBytes(Hex("0411000000000002 5801") + Hex("0002000000000003 08f403"));
  attempt = world_.Next();
  expect(1, 2);
  attempt->SendBytes(Suspension("1202 1101"));
  ASSERT_TRUE(world_.server.AwaitStatus(world_.last_id, "suspended"));
  world_.server.Admin("PATCH", "/invocations/" + world_.last_id + "/cancel");
  attempt = world_.Next();
  expect(0, 3);
  attempt->Complete("");
}

// Reference bug 1931.
TEST_P(StartMessageTest, TellsHowLongAgoTheJournalGrew) {
  const auto first = world_.Begin();
  const auto sent = SteadyClock::now();
  first->SendBytes(Hex("0411000000000002 5801"));
  first->SendBytes(Hex("0002000000000006 08f403 409601"));  // again in 150 ms
  const auto second = world_.Next();
  const auto elapsed =
      std::chrono::duration_cast<std::chrono::milliseconds>(SteadyClock::now() - sent).count();
  EXPECT_GE(second->start().duration_since_last_stored_entry(), 150U);
  EXPECT_LE(second->start().duration_since_last_stored_entry(), static_cast<uint64_t>(elapsed) + 5);
  second->Complete("");
}

// Reference bug 2218.
TEST_P(StartMessageTest, DoesNotCountFailuresThatNoServiceSaw) {
  TestServer server;
  server.settings.experimental_enable_protocol_v7 = true;
  ASSERT_NO_FATAL_FAILURE(server.Start());
  auto service = std::make_optional<Service>(RawManifest(GetParam()));
  const uint16_t port = service->port();
  server.Register(*service);
  service.reset();
  const std::string id = server.Send("Test/held", "");
  ASSERT_TRUE(Eventually([&] { return server.Invocation(id).value("retry_count", 0) >= 3; }));
  EXPECT_EQ(server.Invocation(id).value("last_failure_error_code", ""), "RT0010");

  service.emplace(RawManifest(GetParam()), port);

  const auto attempt = service->NextAttempt("Test/held");
  ASSERT_NE(attempt, nullptr);
  EXPECT_EQ(attempt->start().retry_count_since_last_stored_entry(), 0U);
  attempt->Complete("at last");
  EXPECT_EQ(server.AttachTo(id).body, "at last");
}

INSTANTIATE_TEST_SUITE_P(Of, StartMessageTest, testing::ValuesIn(kVersions), VersionName);

}  // namespace
}  // namespace perdure::integration
