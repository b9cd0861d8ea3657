// SPDX-License-Identifier: Apache-2.0
//
// Deployments that answer only complete requests: an invocation suspends, and is resumed by an
// attempt of its own when what it waits for is there. Over HTTP/1.1 and over HTTP/2.
#include "tests/integration/test_server.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace perdure::integration {
namespace {

// Sleeps a while and returns.
void Doze(ServiceAttempt& attempt) {
  if (attempt.Has(MessageType::kSleepCompletion)) {
    attempt.Complete("slept");
    return;
  }
  if (!attempt.Has(MessageType::kSleepCommand) && !attempt.HasSent(MessageType::kSleepCommand)) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
    wire::SleepCommandMessage sleep;
    sleep.set_wake_up_time(static_cast<uint64_t>(ms) + 60);
    sleep.set_result_completion_id(1);
    attempt.Send(MessageType::kSleepCommand, sleep);
  }
  if (attempt.input_ended() && !attempt.HasSent(MessageType::kSuspension)) {
    attempt.Suspend(1);
  }
}

// Calls Test/doze and returns its result.
void Relay(ServiceAttempt& attempt) {
  for (const ReceivedFrame& frame : attempt.frames()) {
    wire::NotificationMessage result;
    if (frame.type == MessageType::kCallCompletion && result.ParseFromString(frame.payload)) {
      attempt.Complete("called: " + result.value().content());
      return;
    }
  }
  if (!attempt.Has(MessageType::kCallCommand) && !attempt.HasSent(MessageType::kCallCommand)) {
    wire::CallCommandMessage call;
    call.set_service_name("Test");
    call.set_handler_name("doze");
    call.set_invocation_id_notification_idx(1);
    call.set_result_completion_id(2);
    attempt.Send(MessageType::kCallCommand, call);
  }
  if (attempt.input_ended() && !attempt.HasSent(MessageType::kSuspension)) {
    attempt.Suspend(2);
  }
}

class RequestResponseTest : public testing::TestWithParam<bool> {};

TEST_P(RequestResponseTest, InvocationSuspendsAndIsResumed) {
  Service service(Service::Mode::kRequestResponse);
  service.On("Test/doze", Doze);
  service.On("Test/relay", Relay);
  TestServer server;
  ASSERT_NO_FATAL_FAILURE(server.Start());
  const std::string deployment = server.Register(service, Json{{"use_http_11", GetParam()}});
  const Json shown = Json::parse(server.Admin("GET", "/deployments/" + deployment).body);
  EXPECT_EQ(shown.value("protocol_type", ""), "RequestResponse") << shown;
  EXPECT_EQ(shown.value("http_version", ""), GetParam() ? "HTTP/1.1" : "HTTP/2.0") << shown;

  EXPECT_EQ(server.Call("Test/echo", "at once").body, "at once");
  EXPECT_EQ(server.Call("Test/doze").body, "slept");
  EXPECT_EQ(service.attempts("Test/doze"), 2U);
  EXPECT_EQ(server.Call("Test/relay").body, "called: slept");
  EXPECT_EQ(service.attempts("Test/doze"), 4U);
  // The id of the callee is not waited for, so one suspension is enough.
  EXPECT_EQ(service.attempts("Test/relay"), 2U);
}

TEST_P(RequestResponseTest, SuspendedInvocationIsResumedAfterARestart) {
  Service service(Service::Mode::kRequestResponse);
  service.On("Test/relay", Relay);
  TestServer server;
  ASSERT_NO_FATAL_FAILURE(server.Start());
  server.Register(service, Json{{"use_http_11", GetParam()}});
  const std::string id = server.Send("Test/relay", "x");
  const auto callee = service.NextAttempt("Test/doze");
  ASSERT_NE(callee, nullptr);
  ASSERT_TRUE(server.AwaitStatus(id, "suspended")) << server.Invocation(id);

  server.Restart();

  const auto again = service.NextAttempt("Test/doze");
  ASSERT_NE(again, nullptr);
  EXPECT_EQ(server.Invocation(id).value("status", ""), "suspended");
  again->Complete("awake");
  EXPECT_EQ(server.AttachTo(id).body, "called: awake");
}

INSTANTIATE_TEST_SUITE_P(All, RequestResponseTest, testing::Bool(), [](const auto& param_info) {
  return param_info.param ? "Http11" : "Http2";
});

}  // namespace
}  // namespace perdure::integration
