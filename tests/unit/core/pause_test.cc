// SPDX-License-Identifier: Apache-2.0
//
// Pause, and purge of what is completed, in every state (admin API 8.1, 8.4, 8.6).
#include "tests/unit/core/world.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace perdure::test {
namespace {

using Texts = std::vector<std::string>;

struct Running {
  World world;
  InvocationSpec spec = world.Spec("Svc", "run");
  uint32_t slot = world.CallIn(spec);
  Attempt attempt = world.Begin(spec.id);

  ControlResult Do(Command command) { return world.Control(spec.id, std::move(command)); }
  ControlResult DoPause() { return Do(Pause{spec.id}); }
  InvocationState State() { return world.StatusOf(spec.id).state; }
};

TEST(Pause, AsksARunningAttemptToSuspendAndKeepsWhatItDid) {
  Running run;
  EXPECT_EQ(run.DoPause(), ControlResult::kRequested);
  EXPECT_EQ(run.DoPause(), ControlResult::kRequested);
  ASSERT_EQ(run.world.stops.size(), 1U);
  EXPECT_EQ(run.world.stops[0].how, StopAttempt::How::kHalfClose);
  EXPECT_EQ(run.State(), InvocationState::kInvoked);
  run.world.Send(run.attempt, {RunStep(1), Propose(1, "v"), SuspendOn({1, 2})});
  EXPECT_EQ(run.State(), InvocationState::kPaused);
  EXPECT_EQ(run.world.Pull(), 0U);
  EXPECT_EQ(run.world.Journal(run.spec.id), (Texts{"Input", "Run", "!Run(1)=value v"}));

  EXPECT_EQ(run.Do(Resume{run.spec.id}), ControlResult::kDone);
  EXPECT_EQ(run.world.Pull(), 1U);
}

TEST(Pause, OfAnAttemptThatFailsOrEndsMeanwhile) {
  {
    Running run;
    run.DoPause();
    run.world.Send(run.attempt, {Fail(500, "boom")});
    EXPECT_EQ(run.State(), InvocationState::kPaused);
    EXPECT_EQ(run.world.machine().next_timer(), std::nullopt);
    EXPECT_EQ(run.world.StatusOf(run.spec.id).last_failure->error.message, "boom");
  }
  Running run;
  run.DoPause();
  run.world.Send(run.attempt, {Output("done"), EndFrame()});
  EXPECT_EQ(run.State(), InvocationState::kCompleted);
  EXPECT_FALSE(run.world.StatusOf(run.spec.id).pause_requested);
}

TEST(Pause, IsTakenBackByResumeAndByCancel) {
  for (const bool cancel : {false, true}) {
    Running run;
    run.DoPause();
    if (cancel) {
      run.Do(Cancel{run.spec.id});
    } else {
      EXPECT_EQ(run.Do(Resume{run.spec.id}), ControlResult::kDone);
    }
    run.world.Send(run.attempt, {SuspendOn({1}, {kCancelSignal})});
    EXPECT_EQ(run.State(), cancel ? InvocationState::kInvoked : InvocationState::kSuspended);
  }
}

TEST(Pause, SurvivesTheProcess) {
  Running run;
  run.DoPause();
  run.world.Restart();
  EXPECT_EQ(run.world.Pull(), 0U);
  EXPECT_EQ(run.State(), InvocationState::kPaused);
}

TEST(Pause, OfWhatDoesNotRun) {
  {
    Running run;
    run.world.Send(run.attempt, {Fail(500, "boom")});
    EXPECT_EQ(run.DoPause(), ControlResult::kRequested);
    EXPECT_EQ(run.State(), InvocationState::kPaused);
    EXPECT_EQ(run.world.machine().next_timer(), std::nullopt);
    EXPECT_EQ(run.DoPause(), ControlResult::kDone);
  }
  {
    Running run;
    run.world.Send(run.attempt, {SuspendOn({1})});
    EXPECT_EQ(run.DoPause(), ControlResult::kDone);
    EXPECT_EQ(run.State(), InvocationState::kSuspended);
  }
  {
    Running run;
    run.world.Send(run.attempt, {Output("done"), EndFrame()});
    EXPECT_EQ(run.DoPause(), ControlResult::kNotRunning);
  }
  World world;
  InvocationSpec scheduled = world.Spec("Svc", "run");
  scheduled.start_at = world.now + 100;
  world.SendIn(scheduled);
  EXPECT_EQ(world.Control(scheduled.id, Pause{scheduled.id}), ControlResult::kNotRunning);
  const InvocationSpec ready = world.Spec("Svc", "run");
  world.SendIn(ready);
  EXPECT_EQ(world.Control(ready.id, Pause{ready.id}), ControlResult::kRequested);
  EXPECT_EQ(world.Pull(), 0U);
  EXPECT_EQ(world.StatusOf(ready.id).state, InvocationState::kPaused);
  const InvocationId unknown = world.Spec("Svc", "run").id;
  EXPECT_EQ(world.Control(unknown, Pause{unknown}), ControlResult::kNotFound);
}

TEST(Purge, OfTheJournalKeepsTheResult) {
  Running run;
  run.world.Send(run.attempt, {RunStep(1), Output("done"), EndFrame()});
  for (int twice = 0; twice < 2; ++twice) {
    EXPECT_EQ(run.Do(Purge{run.spec.id, true}), ControlResult::kDone);
    run.world.Settle();
    EXPECT_TRUE(run.world.Journal(run.spec.id).empty());
    EXPECT_EQ(run.world.ResultText(run.world.AttachTo(run.spec.id)), "value done");
  }
  run.world.now += 2000;
  run.world.FireRetention();
  run.world.Settle();
  EXPECT_FALSE(run.world.Status(run.spec.id).has_value());
  EXPECT_EQ(run.world.RowCount(Family::kJournal), 0U);
}

TEST(Purge, LeavesNothing) {
  Running run;
  run.world.Send(run.attempt, {RunStep(1), Propose(1, "v"), Output("done"), EndFrame()});
  EXPECT_EQ(run.Do(Purge{run.spec.id}), ControlResult::kDone);
  run.world.Settle();
  EXPECT_FALSE(run.world.Status(run.spec.id).has_value());
  EXPECT_EQ(run.world.RowCount(Family::kJournal), 0U);
  EXPECT_EQ(run.world.RowCount(Family::kIndex), 0U);
  EXPECT_EQ(run.Do(Purge{run.spec.id}), ControlResult::kNotFound);
}

TEST(Purge, OfAWorkflowTakesStateAndPromises) {
  World world;
  world.work_items_max = 3;
  world.Restart();
  const InvocationSpec spec = world.Spec("Wf", "run", "k");
  world.SendIn(spec);
  Attempt attempt = world.Begin(spec.id);
  std::vector<SdkFrame> frames{SetState("a", "1")};
  for (CompletionId i = 1; i <= 8; ++i) {
    frames.push_back(CompletePromise(i, "p" + std::to_string(i), "v"));
  }
  frames.push_back(Output("done"));
  frames.push_back(EndFrame());
  world.Send(attempt, std::move(frames));
  EXPECT_EQ(world.Control(spec.id, Purge{spec.id}), ControlResult::kDone);
  for (int slice = 0; slice < 20; ++slice) {
    world.FireRetention();
    world.Settle();
  }
  EXPECT_FALSE(world.Status(spec.id).has_value());
  EXPECT_EQ(world.RowCount(Family::kState), 0U);
  EXPECT_EQ(world.RowCount(Family::kJournal), 0U);
}

TEST(Purge, OfWhatIsNotCompletedIsRefused) {
  Running run;
  for (const bool journal_only : {false, true}) {
    EXPECT_EQ(run.Do(Purge{run.spec.id, journal_only}), ControlResult::kNotCompleted);
    const InvocationId unknown = run.world.Spec("Svc", "run").id;
    EXPECT_EQ(run.world.Control(unknown, Purge{unknown, journal_only}), ControlResult::kNotFound);
  }
  EXPECT_EQ(run.world.Journal(run.spec.id), Texts{"Input"});
}

}  // namespace
}  // namespace perdure::test
