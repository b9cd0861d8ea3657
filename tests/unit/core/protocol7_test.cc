// SPDX-License-Identifier: Apache-2.0
//
// What version 7 of the service protocol adds: a version of its own, trees of what is waited for,
// acknowledged commands, and errors that pause or end (service protocol 2.6, 3.12, 3.13).
#include "tests/unit/core/running.h"
#include "tests/unit/core/wait_text.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace perdure::test {
namespace {

using Texts = std::vector<std::string>;

TEST(Version7, IsTakenIfItIsOfferedAndTheDeploymentSpeaksIt) {
  World world;
  const auto version = [&world] {
    const InvocationSpec spec = world.Spec("Svc", "run");
    world.SendIn(spec);
    Attempt attempt = world.Begin(spec.id);
    const int offered = world.LastStart(spec.id).protocol_version;
    world.Send(attempt, {RunStep(1), Output("x"), EndFrame()});
    EXPECT_EQ(world.StatusOf(spec.id).pinned_protocol_version, offered);
    return offered;
  };
  world.AddDeployment(7);
  EXPECT_EQ(version(), 6);
  world.protocol_version_max = 7;
  world.Restart();
  EXPECT_EQ(version(), 7);
  world.AddDeployment(6);
  EXPECT_EQ(version(), 6);
  world.AddDeployment(5);
  EXPECT_EQ(version(), 5);
}

TEST(Version7, StaysWithWhatBeganWithIt) {
  World world;
  world.protocol_version_max = 7;
  world.Restart();
  world.AddDeployment(7);
  const InvocationSpec spec = world.Spec("Svc", "run");
  world.SendIn(spec);
  Attempt attempt = world.Begin(spec.id);
  world.Send(attempt, {RunStep(1)});
  world.protocol_version_max = 6;
  world.Restart();
  world.Begin(spec.id);
  EXPECT_EQ(world.LastStart(spec.id).protocol_version, 7);
}

// A run that succeeded (1), one that failed (2), and sleeps for 100, 200 and 300 ms (3, 4, 5).
struct Awaiting : Running {
  explicit Awaiting(std::string_view waits) {
    const TimeMs now = world.now;
    world.Send(
        attempt,
        {RunStep(1),
         Propose(1, "v"),
         RunStep(2),
         ProposeFailure(2, 500, "no"),
         Sleep(3, now + 100),
         Sleep(4, now + 200),
         Sleep(5, now + 300),
         SuspendOnTree(Waits(waits))});
  }
  // What it waits for, or "resumed".
  std::string State() {
    const InvocationStatus status = Status();
    return status.state == InvocationState::kInvoked ? "resumed" : TextOf(status.wait_set);
  }
  void Pass(DurationMs time) {
    world.now += time;
    world.FireTimers();
  }
};

TEST(Version7, ATreeIsSettledWithWhatIsInTheJournal) {
  const std::pair<const char*, const char*> cases[] = {
      {"first(s1 settled(c1 c3))", "first(s1 settled(c3))"},
      {"first(s1 settled(c1 c2))", "resumed"},
      {"first(s1 all(c1 c3))", "first(s1 all(c3))"},
      {"first(s1 all(c2 c3))", "resumed"},
      {"first(s1 some(c2 c3))", "first(s1 some(c3))"},
      {"first(s1 some(c1 c3))", "resumed"},
      {"first(s1 some(c2))", "resumed"},
      {"first(s1 first(c1 c3))", "resumed"},
      {"first(s1 settled(c3 first(c1 c4) all(c1 c5)))", "first(s1 settled(c3 all(c5)))"}};
  for (const auto& [waits, expected] : cases) {
    Awaiting run(waits);
    EXPECT_EQ(run.State(), expected) << waits;
  }
}

TEST(Version7, ATreeIsSettledStepByStepAndOutlivesTheProcess) {
  Awaiting run("first(s1 settled(c3 c4 all(c1 c5)))");
  EXPECT_EQ(run.State(), "first(s1 settled(c3 c4 all(c5)))");
  run.Pass(200);
  EXPECT_EQ(run.State(), "first(s1 settled(all(c5)))");
  run.world.Restart();
  EXPECT_EQ(run.world.Pull(), 0U);
  run.Pass(100);
  EXPECT_EQ(run.State(), "resumed");
  EXPECT_EQ(run.world.Pull(), 1U);
  EXPECT_EQ(run.world.LastStart(run.spec.id).known_entries, 11U);
}

TEST(Version7, ACalleesFailureIsAFailure) {
  for (const bool fails : {true, false}) {
    Running run;
    CallTo to{.service = "Svc", .handler = "other", .id_completion = 1, .result_completion = 2};
    run.world.Send(
        run.attempt,
        {Call(to), Sleep(3, run.world.now + 1000), SuspendOnTree(Waits("first(s1 all(c2 c3))"))});
    run.world.Settle();
    Attempt callee = run.world.Begin(run.Callee(2));
    run.world.Send(callee, {fails ? OutputFailure(418, "tea") : Output("x"), EndFrame()});
    run.world.Settle();
    EXPECT_EQ(run.Status().state, fails ? InvocationState::kInvoked : InvocationState::kSuspended);
  }
}

PeerMessage SignalFrom(
    uint64_t sequence, const InvocationId& to, uint32_t index, SignalResult result) {
  return PeerMessage{PartitionId{0}, sequence, PeerSignal{to, SignalName{index}, result}};
}

TEST(Version7, TheFirstOfASignalCounts) {
  const SignalResult failure = Failure{500, "late", {}};
  const SignalResult success = SharedBytes(std::string("v"));
  for (const bool fails : {true, false}) {
    Running run;
    run.world.Apply(0, SignalFrom(1, run.spec.id, 17, fails ? failure : success));
    run.world.Apply(0, SignalFrom(2, run.spec.id, 17, fails ? success : failure));
    run.world.Send(run.attempt, {SuspendOnTree(Waits("all(s17 s18)"))});
    EXPECT_EQ(run.Status().state, fails ? InvocationState::kInvoked : InvocationState::kSuspended);
  }
}

TEST(Version7, ASignalBelowAnAllOf) {
  Running run;
  run.world.Send(run.attempt, {SuspendOnTree(Waits("first(s1 settled(s17 s18 \"go\"))"))});
  run.world.Apply(0, SignalFrom(1, run.spec.id, 17, VoidResult{}));
  EXPECT_EQ(TextOf(run.Status().wait_set), "first(s1 settled(s18 \"go\"))");
  run.world.Apply(0, SignalFrom(2, run.spec.id, 17, VoidResult{}));
  EXPECT_EQ(TextOf(run.Status().wait_set), "first(s1 settled(s18 \"go\"))");
  run.world.Control(run.spec.id, Cancel{run.spec.id});
  EXPECT_EQ(run.Status().state, InvocationState::kInvoked);
}

TEST(Version7, CommandsAreAcknowledgedWhereTheSdkAsks) {
  Running run;
  const auto asking = [](SdkFrame frame) {
    frame.requested_ack = true;
    return frame;
  };
  SdkFrame custom = asking(RunStep(0));
  custom.message = CustomCommand{};
  run.world.Send(
      run.attempt,
      {asking(RunStep(1)),
       RunStep(2),
       asking(Propose(1, "v")),
       custom,
       asking(Sleep(3, run.world.now + 1000))});
  ASSERT_EQ(run.world.notifies.size(), 1U);
  EXPECT_EQ(run.world.notifies[0].command_acks, (std::vector<uint32_t>{1, 4}));
  EXPECT_EQ(run.world.notifies[0].chunk.entries.size(), 1U);
}

TEST(Version7, AnAcknowledgementNeedsNoNotification) {
  Running run;
  SdkFrame step = RunStep(1);
  step.requested_ack = true;
  run.world.Send(run.attempt, {step});
  run.world.Send(run.attempt, {step});
  run.world.Send(run.attempt, {Propose(1, "v")});
  ASSERT_EQ(run.world.notifies.size(), 3U);
  EXPECT_EQ(run.world.notifies[0].command_acks, (std::vector<uint32_t>{1}));
  EXPECT_EQ(run.world.notifies[0].chunk.entries.size(), 0U);
  EXPECT_EQ(run.world.notifies[1].command_acks, (std::vector<uint32_t>{2}));
  EXPECT_EQ(run.world.notifies[1].chunk.from, run.world.notifies[0].chunk.next);
  EXPECT_EQ(run.world.notifies[2].command_acks, (std::vector<uint32_t>{}));
  EXPECT_EQ(run.world.notifies[2].chunk.entries.size(), 1U);
}

TEST(Version7, AcknowledgementsWaitForAStreamThatLags) {
  Running run;
  SdkFrame step = RunStep(1);
  step.requested_ack = true;
  const std::string large(limits::kJournalChunk, 'v');
  run.world.Send(run.attempt, {RunStep(2), Propose(2, large), RunStep(3), Propose(3, large)});
  ASSERT_TRUE(run.world.notifies.back().lagging);
  const size_t told = run.world.notifies.size();
  const JournalIndex from = run.world.notifies.back().chunk.next;
  run.world.Send(run.attempt, {step});
  run.world.Send(run.attempt, {step});
  EXPECT_EQ(run.world.notifies.size(), told);
  run.world.ApplyTo(run.spec.id, ReadJournal{run.spec.id, run.attempt.epoch, from});
  ASSERT_EQ(run.world.notifies.size(), told + 1);
  EXPECT_EQ(run.world.notifies.back().command_acks, (std::vector<uint32_t>{3, 4}));
}

TEST(Version7, AnErrorMayPauseOrEndTheInvocation) {
  Running paused;
  paused.world.Send(paused.attempt, {FailWith(ErrorBehavior::kPause, 500, "no")});
  EXPECT_EQ(paused.Status().state, InvocationState::kPaused);
  EXPECT_EQ(paused.Status().last_failure->error.message, "no");
  EXPECT_EQ(paused.Status().next_retry_at, 0U);

  Running failed;
  failed.world.Send(failed.attempt, {FailWith(ErrorBehavior::kFail, 418, "tea")});
  EXPECT_EQ(failed.world.ResultText(failed.slot), "failure 418 tea");
  EXPECT_EQ(failed.Status().stacktrace, "at line 1");

  Running retried;
  retried.world.Send(retried.attempt, {FailWith(ErrorBehavior::kRetry, 500, "again")});
  EXPECT_EQ(retried.Status().next_retry_at, retried.world.now + 50);
}

TEST(Version7, WhatThePauseWaitedForMayEndInstead) {
  Running run;
  run.world.Control(run.spec.id, Pause{run.spec.id});
  run.world.Send(run.attempt, {FailWith(ErrorBehavior::kFail, 418, "tea")});
  EXPECT_EQ(run.world.ResultText(run.slot), "failure 418 tea");
}

TEST(Version7, AScopeNamesNothingThatIsThere) {
  World world;
  const InvocationSpec target = world.IdempotentSpec("Svc", "run", "", "ik");
  world.SendIn(target);
  world.RunToEnd(target.id);
  const InvocationSpec spec = world.Spec("Svc", "other");
  world.SendIn(spec);
  Attempt attempt = world.Begin(spec.id);
  world.Send(attempt, {AttachToCall(1, "Svc", std::nullopt, "run", "ik"), AttachInScope(2, "s")});
  world.Settle();
  const Texts expected = {
      "Input",
      "AttachInvocation",
      "!AttachInvocation(1)=value done",
      "AttachInvocation",
      "!AttachInvocation(2)=failure 404 not found"};
  EXPECT_EQ(world.Journal(spec.id), expected);
  world.Send(attempt, {AttachInScope(3, "")});
  EXPECT_EQ(world.StatusOf(spec.id).last_failure->doc_code, "RT0024");
}

}  // namespace
}  // namespace perdure::test
