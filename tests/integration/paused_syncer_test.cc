// SPDX-License-Identifier: Apache-2.0
//
// While the syncer is paused, work is taken and written, and not one byte of what follows from it
// leaves: no answer, no stream, no frame. Once it goes on, everything arrives.
#include "tests/integration/test_server.h"

#include <gtest/gtest.h>

namespace perdure::integration {
namespace {

class PausedSyncerTest : public testing::Test {
 protected:
  void SetUp() override {
    server_.settings.default_num_partitions = 1;  // one line of turns to wait for
    ASSERT_NO_FATAL_FAILURE(server_.Start());
    server_.Register(service_);
    ASSERT_EQ(server_.Call("Test/echo", "warm").body, "warm");
  }

  // The next turn that writes has been appended.
  bool AwaitAppend(Ticket before) {
    return Eventually([&] { return server_.log().newest() > before; });
  }
  // What does not depend on the database is answered still.
  void ExpectDoorsOpen() {
    EXPECT_EQ(Fetch(server_.ingress_port(), "GET", "/restate/health").status, 200);
    EXPECT_EQ(Fetch(server_.admin_port(), "GET", "/health").status, 200);
  }

  Service service_;
  TestServer server_;
};

TEST_F(PausedSyncerTest, CallIsNeitherStartedNorAnswered) {
  const RequestHeaders key{{"idempotency-key", "k"}};
  ClientSocket call(server_.ingress_port());
  ClientSocket send(server_.ingress_port());
  const size_t heard = service_.heard();
  {
    const PausedSyncer paused(server_.log());
    const Ticket before = server_.log().newest();
    call.Send(RequestText("POST", "/Test/echo", "called"));
    ASSERT_TRUE(AwaitAppend(before));
    const Ticket called = server_.log().newest();
    send.Send(RequestText("POST", "/Test/echo/send", "sent", key));
    ASSERT_TRUE(AwaitAppend(called));
    ExpectDoorsOpen();

    EXPECT_TRUE(StaySilent({&call, &send}));
    EXPECT_EQ(service_.heard(), heard);
    EXPECT_EQ(service_.attempts("Test/echo"), 1U);
  }
  EXPECT_EQ(call.ReadReply().body, "called");
  EXPECT_EQ(send.ReadReply().status, 202);
  EXPECT_EQ(server_.Call("Test/echo", "sent", key).body, "sent");
  EXPECT_EQ(service_.attempts("Test/echo"), 3U);
}

TEST_F(PausedSyncerTest, AnswersDerivedFromUnsyncedWorkWait) {
  const RequestHeaders key{{"idempotency-key", "k"}};
  const std::string id = server_.Send("Test/held", "old", "", {{"idempotency-key", "old"}});
  const auto held = service_.NextAttempt("Test/held");
  ASSERT_NE(held, nullptr);
  ClientSocket first(server_.ingress_port());
  ClientSocket duplicate(server_.ingress_port());
  ClientSocket output(server_.ingress_port());
  ClientSocket other(server_.ingress_port());
  ClientSocket list(server_.admin_port());
  {
    const PausedSyncer paused(server_.log());
    const Ticket before = server_.log().newest();
    first.Send(RequestText("POST", "/Test/echo/send", "x", key));
    ASSERT_TRUE(AwaitAppend(before));
    const Ticket written = server_.log().newest();
    duplicate.Send(RequestText("POST", "/Test/echo/send", "x", key));
    output.Send(RequestText("GET", "/restate/invocation/Test/echo/k/output"));
    other.Send(RequestText("GET", "/restate/invocation/" + id + "/output"));
    list.Send(RequestText("GET", "/invocations"));
    ExpectDoorsOpen();

    EXPECT_TRUE(StaySilent({&first, &duplicate, &output, &other, &list}));
    EXPECT_EQ(server_.log().newest(), written) << "an answer wrote something";
  }
  EXPECT_EQ(first.ReadReply().status, 202);
  const Reply again = duplicate.ReadReply();
  EXPECT_EQ(again.status, 202);
  EXPECT_EQ(Json::parse(again.body).at("status"), "PreviouslyAccepted");
  EXPECT_EQ(output.ReadReply().status, 470);
  EXPECT_EQ(other.ReadReply().status, 470);
  EXPECT_EQ(list.ReadReply().status, 200);
}

// Frames of a running attempt: a step, a call, and of another one the result.
TEST_F(PausedSyncerTest, FramesOfAnAttemptHaveNoEffectOutside) {
  ClientSocket caller(server_.ingress_port());
  ClientSocket finishing(server_.ingress_port());
  caller.Send(RequestText("POST", "/Test/held", "caller"));
  const auto running = service_.NextAttempt("Test/held");
  finishing.Send(RequestText("POST", "/Test/held", "finishing"));
  const auto ending = service_.NextAttempt("Test/held");
  ASSERT_TRUE(running != nullptr && ending != nullptr);
  const size_t heard = service_.heard();
  {
    const PausedSyncer paused(server_.log());
    Ticket before = server_.log().newest();
    wire::RunCommandMessage run;
    run.set_result_completion_id(1);
    running->Send(MessageType::kRunCommand, run);
    wire::ProposeRunCompletionMessage proposal;
    proposal.set_result_completion_id(1);
    proposal.set_value("ran");
    running->Send(MessageType::kProposeRunCompletion, proposal);
    ASSERT_TRUE(AwaitAppend(before));
    before = server_.log().newest();
    wire::CallCommandMessage call;
    call.set_service_name("Test");
    call.set_handler_name("echo");
    call.set_parameter("nested");
    call.set_invocation_id_notification_idx(2);
    call.set_result_completion_id(3);
    running->Send(MessageType::kCallCommand, call);
    ASSERT_TRUE(AwaitAppend(before));
    before = server_.log().newest();
    ending->Complete("finished");
    ASSERT_TRUE(AwaitAppend(before));
    ExpectDoorsOpen();

    EXPECT_TRUE(StaySilent({&caller, &finishing}));
    EXPECT_EQ(running->frames().size(), 1U) << "more than the input came";
    EXPECT_EQ(ending->frames().size(), 1U) << "more than the input came";
    EXPECT_EQ(service_.attempts("Test/echo"), 1U);
    // Where an SDK has said its last word the server closes its side at once; that tells nothing
    // about what became of the word.
    EXPECT_LE(service_.heard(), heard + 1);
    EXPECT_FALSE(running->input_ended());
  }
  EXPECT_TRUE(running->AwaitFrame(MessageType::kRunCompletion));
  EXPECT_TRUE(running->AwaitFrame(MessageType::kCallInvocationIdCompletion));
  EXPECT_TRUE(running->AwaitFrame(MessageType::kCallCompletion));
  EXPECT_EQ(finishing.ReadReply().body, "finished");
  running->Complete("called");
  EXPECT_EQ(caller.ReadReply().body, "called");
}

TEST_F(PausedSyncerTest, RegistrationIsNeitherAnsweredNorVisible) {
  Service other;
  ClientSocket registration(server_.admin_port());
  const std::string deployments = server_.Admin("GET", "/deployments").body;
  {
    const PausedSyncer paused(server_.log());
    const Ticket before = server_.log().newest();
    registration.Send(RequestText("POST", "/deployments", Json{{"uri", other.uri()}}.dump()));
    ASSERT_TRUE(AwaitAppend(before));
    ExpectDoorsOpen();

    EXPECT_TRUE(StaySilent({&registration}));
    EXPECT_EQ(server_.Admin("GET", "/deployments").body, deployments);
  }
  EXPECT_EQ(registration.ReadReply().status, 201);
  EXPECT_NE(server_.Admin("GET", "/deployments").body, deployments);
}

}  // namespace
}  // namespace perdure::integration
