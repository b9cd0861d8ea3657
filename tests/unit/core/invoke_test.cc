// SPDX-License-Identifier: Apache-2.0
//
// The beginning of an invocation: accepted, found again, delayed, queued behind its object; and
// requests that wait for a result (ingress API 5-8).
#include "perdure/protocol/notifications.h"
#include "tests/unit/core/world.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace perdure::test {
namespace {

using Texts = std::vector<std::string>;

TEST(Invoke, AnswersASendAtOnceAndStoresTheInput) {
  World world;
  InvocationSpec spec = world.Spec("Svc", "run");
  spec.headers = {{"a", "b"}};
  const uint32_t slot = world.SendIn(spec);

  const auto accepted = world.Answer<InvocationAccepted>(slot);
  EXPECT_EQ(accepted.id, spec.id);
  EXPECT_FALSE(accepted.previously);
  EXPECT_EQ(accepted.execution_time, std::nullopt);
  const InvocationStatus status = world.StatusOf(spec.id);
  EXPECT_EQ(status.state, InvocationState::kInvoked);
  EXPECT_EQ(status.birth, Birth{1});
  EXPECT_EQ(status.created_at, world.now);
  EXPECT_EQ(status.random_seed, spec.random_seed);
  EXPECT_EQ(status.retention, (Retention{1000, 1000}));
  EXPECT_EQ(world.Journal(spec.id), Texts{"Input"});
  const Result<InputContent> input = DecodeInput(world.Entry(spec.id, 0).payload);
  ASSERT_TRUE(input.ok());
  EXPECT_EQ(input->headers, spec.headers);
  EXPECT_EQ(input->body.view(), "in");
}

TEST(Invoke, AnswersACallWhenItEnds) {
  World world;
  const InvocationSpec spec = world.Spec("Svc", "run");
  const uint32_t slot = world.CallIn(spec);
  EXPECT_FALSE(world.answered(slot));
  world.RunToEnd(spec.id, "hello");
  EXPECT_EQ(world.ResultText(slot), "value hello");
  const auto result = world.Answer<InvocationResult>(slot);
  EXPECT_EQ(result.service, "Svc");
  EXPECT_EQ(result.handler, "run");
  EXPECT_EQ(result.expires_at, std::nullopt);  // a live answer (ingress API 6)
}

TEST(Invoke, TheSameIdLatchesOnAndIsReplayedAfterwards) {
  World world;
  InvocationSpec spec = world.IdempotentSpec("Svc", "run", "", "ik");
  const uint32_t first = world.CallIn(spec);
  spec.body = SharedBytes(std::string("another body"));
  const uint32_t second = world.CallIn(spec);
  const uint32_t sent = world.SendIn(spec);
  EXPECT_TRUE(world.Answer<InvocationAccepted>(sent).previously);
  EXPECT_EQ(world.Journal(spec.id), Texts{"Input"});

  world.RunToEnd(spec.id, "once");
  EXPECT_EQ(world.ResultText(first), "value once");
  EXPECT_EQ(world.ResultText(second), "value once");
  const TimeMs ended = world.now;
  world.now += 10;
  const uint32_t late = world.CallIn(spec);
  EXPECT_EQ(world.ResultText(late), "value once");
  EXPECT_EQ(world.Answer<InvocationResult>(late).expires_at, ended + 1000);
  EXPECT_TRUE(world.Answer<InvocationAccepted>(world.SendIn(spec)).previously);
  EXPECT_EQ(world.starts.size(), 1U);
}

TEST(Invoke, AFailureIsReplayedTooAndKeepsItsMetadata) {
  World world;
  const InvocationSpec spec = world.IdempotentSpec("Svc", "run", "", "ik");
  world.SendIn(spec);
  Attempt attempt = world.Begin(spec.id);
  world.Send(attempt, {OutputFailure(422, "no"), EndFrame()});
  EXPECT_EQ(world.ResultText(world.CallIn(spec)), "failure 422 no");
}

TEST(Invoke, AWorkflowRunsOncePerId) {
  World world;
  const InvocationSpec spec = world.Spec("Wf", "run", "w1");
  world.CallIn(spec);
  const uint32_t again = world.CallIn(spec);
  EXPECT_EQ(world.ResultText(again), "failure 409 the workflow method was already invoked");
  EXPECT_EQ(world.Answer<InvocationResult>(again).id, spec.id);
  EXPECT_TRUE(world.Answer<InvocationAccepted>(world.SendIn(spec)).previously);
  world.RunToEnd(spec.id);
  EXPECT_EQ(
      world.ResultText(world.CallIn(spec)), "failure 409 the workflow method was already invoked");
}

TEST(Invoke, ADelayedStartWaitsForItsTime) {
  World world;
  InvocationSpec spec = world.IdempotentSpec("Svc", "run", "", "ik");
  spec.start_at = world.now + 500;
  const uint32_t slot = world.SendIn(spec);
  EXPECT_EQ(world.Answer<InvocationAccepted>(slot).execution_time, spec.start_at);
  EXPECT_EQ(world.StatusOf(spec.id).state, InvocationState::kScheduled);
  EXPECT_EQ(world.machine().next_timer(), spec.start_at);
  EXPECT_EQ(world.Pull(), 0U);

  // The delay of a duplicate is ignored.
  InvocationSpec later = spec;
  later.start_at = world.now + 5000;
  const auto duplicate = world.Answer<InvocationAccepted>(world.SendIn(later));
  EXPECT_TRUE(duplicate.previously);
  EXPECT_EQ(duplicate.execution_time, spec.start_at);

  world.now += 499;
  world.FireTimers();
  EXPECT_EQ(world.Pull(), 0U);
  world.now += 1;
  world.FireTimers();
  EXPECT_EQ(world.machine().next_timer(), std::nullopt);
  EXPECT_EQ(world.Answer<InvocationAccepted>(world.SendIn(later)).execution_time, std::nullopt);
  const uint32_t waiting = world.CallIn(spec);
  world.RunToEnd(spec.id, "late");
  EXPECT_EQ(world.ResultText(waiting), "value late");
}

TEST(Invoke, ADelayOfNothingStartsNowAndNamesTheTime) {
  World world;
  InvocationSpec spec = world.Spec("Svc", "run");
  spec.start_at = world.now;
  EXPECT_EQ(world.Answer<InvocationAccepted>(world.SendIn(spec)).execution_time, world.now);
  EXPECT_EQ(world.StatusOf(spec.id).state, InvocationState::kInvoked);
}

TEST(Invoke, ADelayedExclusiveCallQueuesWhenItIsDue) {
  World world;
  InvocationSpec delayed = world.Spec("Obj", "add", "k");
  delayed.start_at = world.now + 10;
  world.SendIn(delayed);
  const InvocationSpec running = world.Spec("Obj", "add", "k");
  world.SendIn(running);
  world.now += 10;
  world.FireTimers();
  EXPECT_EQ(world.StatusOf(delayed.id).state, InvocationState::kInboxed);
  world.RunToEnd(running.id);
  world.RunToEnd(delayed.id);
  EXPECT_EQ(world.StatusOf(delayed.id).state, InvocationState::kCompleted);
}

TEST(Queue, RunsExclusiveCallsOneAtATimeInOrder) {
  World world;
  std::vector<InvocationSpec> specs;
  for (int i = 0; i < 5; ++i) {
    specs.push_back(world.Spec("Obj", "add", "k"));
    world.SendIn(specs.back());
  }
  EXPECT_EQ(world.Pull(), 1U);
  for (size_t i = 0; i < specs.size(); ++i) {
    for (size_t j = 0; j < specs.size(); ++j) {
      const InvocationState expected = j < i    ? InvocationState::kCompleted
                                       : j == i ? InvocationState::kInvoked
                                                : InvocationState::kInboxed;
      EXPECT_EQ(world.StatusOf(specs[j].id).state, expected) << i << " " << j;
    }
    Attempt attempt = world.Begin(specs[i].id);
    EXPECT_EQ(world.starts.size(), i + 1);
    world.Send(attempt, {Output("x"), EndFrame()});
  }
  EXPECT_EQ(world.StatusOf(specs[4].id).state, InvocationState::kCompleted);
}

TEST(Queue, OtherKeysAndSharedHandlersRunBeside) {
  World world;
  const InvocationSpec holder = world.Spec("Obj", "add", "k");
  const InvocationSpec other_key = world.Spec("Obj", "add", "other");
  const InvocationSpec shared = world.Spec("Obj", "peek", "k");
  for (const InvocationSpec& spec : {holder, other_key, shared}) {
    world.SendIn(spec);
  }
  EXPECT_EQ(world.Pull(), 3U);
}

TEST(Queue, TheLockStaysWhileSuspendedBackingOffAndPaused) {
  World world;
  world.Edit("Obj", "add", [](HandlerSchema& handler) { handler.retry_policy.max_attempts = 2; });
  const InvocationSpec holder = world.Spec("Obj", "add", "k");
  const InvocationSpec next = world.Spec("Obj", "add", "k");
  world.SendIn(holder);
  world.SendIn(next);
  Attempt attempt = world.Begin(holder.id);
  world.Send(attempt, {Fail(500, "once")});
  EXPECT_EQ(world.Pull(), 0U);
  world.now += 1000;
  world.FireTimers();
  attempt = world.Begin(holder.id);
  world.Send(attempt, {Fail(500, "twice")});
  EXPECT_EQ(world.StatusOf(holder.id).state, InvocationState::kPaused);
  EXPECT_EQ(world.Pull(), 0U);
  EXPECT_EQ(world.Control(holder.id, Resume{holder.id}), ControlResult::kDone);
  attempt = world.Begin(holder.id);
  world.Send(attempt, {RunStep(1), SuspendOn({1})});
  EXPECT_EQ(world.StatusOf(holder.id).state, InvocationState::kSuspended);
  EXPECT_EQ(world.StatusOf(next.id).state, InvocationState::kInboxed);
}

TEST(Attach, WaitsAnswersOrDoesNotKnow) {
  World world;
  InvocationSpec spec = world.Spec("Svc", "run");
  EXPECT_EQ(world.Answer<InvocationUnknown>(world.AttachTo(spec.id)).id, spec.id);
  spec.start_at = world.now + 10;
  world.SendIn(spec);
  EXPECT_EQ(world.Answer<InvocationNotReady>(world.AttachTo(spec.id, false)).id, spec.id);
  const uint32_t waiting = world.AttachTo(spec.id);
  world.now += 10;
  world.FireTimers();
  const uint32_t also = world.AttachTo(spec.id);
  world.RunToEnd(spec.id, "r");
  EXPECT_EQ(world.ResultText(waiting), "value r");
  EXPECT_EQ(world.ResultText(also), "value r");
  for (const bool wait : {true, false}) {
    const uint32_t stored = world.AttachTo(spec.id, wait);
    EXPECT_EQ(world.ResultText(stored), "value r");
    EXPECT_TRUE(world.Answer<InvocationResult>(stored).expires_at.has_value());
  }
}

TEST(Attach, AClientThatLeftIsNotAnswered) {
  World world;
  const InvocationSpec spec = world.Spec("Svc", "run");
  const uint32_t left = world.CallIn(spec);
  const uint32_t stays = world.AttachTo(spec.id);
  world.ApplyTo(spec.id, ForgetReply{spec.id, ReplyTo{0, left, 1}});
  world.ApplyTo(spec.id, ForgetReply{spec.id, ReplyTo{0, 999, 1}});
  world.RunToEnd(spec.id);
  EXPECT_FALSE(world.answered(left));
  EXPECT_TRUE(world.answered(stays));
  world.ApplyTo(spec.id, ForgetReply{spec.id, ReplyTo{0, left, 1}});
}

TEST(Retention, FollowsTheHandlerAndTheKey) {
  HandlerSchema handler;
  handler.journal_retention = 50;
  handler.idempotency_retention = 30;
  handler.workflow_completion_retention = 70;
  EXPECT_EQ(RetentionOf(handler, false), (Retention{50, 50}));
  EXPECT_EQ(RetentionOf(handler, true), (Retention{30, 30}));
  handler.idempotency_retention = 90;
  EXPECT_EQ(RetentionOf(handler, true), (Retention{90, 50}));
  handler.type = HandlerType::kWorkflow;
  EXPECT_EQ(RetentionOf(handler, false), (Retention{70, 50}));
  handler.journal_retention = 0;
  EXPECT_EQ(RetentionOf(handler, false), (Retention{70, 0}));
}

}  // namespace
}  // namespace perdure::test
