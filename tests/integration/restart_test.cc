// SPDX-License-Identifier: Apache-2.0
//
// After a stop and a start on the same folder everything is as it was.
#include "tests/integration/test_server.h"

#include <gtest/gtest.h>

#include <string>

namespace perdure::integration {
namespace {

class RestartTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(server_.Start());
    deployment_ = server_.Register(service_);
  }

  Service service_;
  TestServer server_;
  std::string deployment_;
};

TEST_F(RestartTest, KeepsDeploymentsAndServices) {
  const std::string deployments = server_.Admin("GET", "/deployments").body;
  const std::string services = server_.Admin("GET", "/services").body;
  ASSERT_NE(deployments.find(deployment_), std::string::npos) << deployments;
  ASSERT_NE(services.find("\"relay\""), std::string::npos) << services;

  server_.Restart();

  EXPECT_EQ(server_.Admin("GET", "/deployments").body, deployments);
  EXPECT_EQ(server_.Admin("GET", "/services").body, services);
  EXPECT_EQ(server_.Call("Test/echo", "known").body, "known");
}

TEST_F(RestartTest, KeepsResultsByIdempotencyKey) {
  const RequestHeaders key{{"idempotency-key", "k"}};
  const Reply before = server_.Call("Test/echo", "first", key);
  ASSERT_EQ(before.body, "first") << before;

  server_.Restart();

  const Reply after = server_.Call("Test/echo", "second", key);
  EXPECT_EQ(after.status, 200);
  EXPECT_EQ(after.body, "first");
  EXPECT_EQ(after.header("x-restate-id"), before.header("x-restate-id"));
  EXPECT_EQ(service_.attempts("Test/echo"), 1U);
}

TEST_F(RestartTest, KeepsTimers) {
  const std::string far = server_.Send("Test/echo", "far", "?delay=1h");
  const auto begun = SteadyClock::now();
  constexpr auto kDelay = std::chrono::milliseconds(700);
  const std::string near = server_.Send("Test/echo", "near", "?delay=PT0.7S");
  const Json scheduled = server_.Invocation(far);
  ASSERT_EQ(scheduled.at("status"), "scheduled");
  ASSERT_EQ(service_.attempts("Test/echo"), 0U);

  server_.Restart();

  EXPECT_EQ(server_.Invocation(far), scheduled);
  EXPECT_EQ(server_.AttachTo(near).body, "near");
  EXPECT_GE(SteadyClock::now() - begun, kDelay);
  EXPECT_EQ(service_.attempts("Test/echo"), 1U);
}

TEST_F(RestartTest, KeepsPausedInvocations) {
  server_.settings.retry.max_attempts = 2;
  server_.Restart();
  service_.On("Test/broken", [](ServiceAttempt& attempt) { attempt.Refuse(500); });
  const std::string id = server_.Send("Test/broken", "input");
  ASSERT_TRUE(server_.AwaitStatus(id, "paused")) << server_.Invocation(id);
  const Json paused = server_.Invocation(id);
  ASSERT_NE(paused.value("last_failure", "").find("HTTP status 500"), std::string::npos) << paused;
  service_.On("Test/broken", [](ServiceAttempt& attempt) { attempt.Complete("mended"); });

  server_.Restart();

  EXPECT_EQ(server_.Invocation(id), paused);
  ASSERT_EQ(server_.Call("Test/echo", "others run").body, "others run");
  EXPECT_EQ(service_.attempts("Test/broken"), 2U);
  EXPECT_EQ(server_.Admin("PATCH", "/invocations/" + id + "/resume").status, 200);
  EXPECT_EQ(server_.AttachTo(id).body, "mended");
}

TEST_F(RestartTest, RunningInvocationGoesOnFromItsJournal) {
  const std::string id = server_.Send("Test/held", "input");
  const auto before = service_.NextAttempt("Test/held");
  ASSERT_NE(before, nullptr);
  wire::RunCommandMessage run;
  run.set_result_completion_id(1);
  before->Send(MessageType::kRunCommand, run);
  wire::ProposeRunCompletionMessage proposal;
  proposal.set_result_completion_id(1);
  proposal.set_value("ran once");
  before->Send(MessageType::kProposeRunCompletion, proposal);
  ASSERT_TRUE(before->AwaitFrame(MessageType::kRunCompletion));

  server_.Restart();

  const auto after = service_.NextAttempt("Test/held");
  ASSERT_NE(after, nullptr);
  EXPECT_EQ(after->id(), id);
  EXPECT_EQ(after->known_entries(), 3U);
  EXPECT_TRUE(after->Has(MessageType::kRunCommand));
  EXPECT_TRUE(after->Has(MessageType::kRunCompletion));
  after->Complete("done");
  EXPECT_EQ(server_.AttachTo(id).body, "done");
}

}  // namespace
}  // namespace perdure::integration
