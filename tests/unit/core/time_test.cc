// SPDX-License-Identifier: Apache-2.0
//
// Timers and expiries against restarts, repetitions, other lives of an id, and a clock that goes
// back. What each of them does when all is well is in journal_test.cc, invoke_test.cc,
// attempt_test.cc and completion_test.cc.
#include "core/keys.h"
#include "tests/unit/core/world.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace perdure::test {
namespace {

using Texts = std::vector<std::string>;
const PartitionId kPartition{0};

// A sleeper, a delayed send and one that backs off, all due in 100 ms.
struct Timed {
  World world;
  InvocationSpec sleeping = world.Spec("Svc", "run");
  InvocationSpec delayed = world.Spec("Svc", "run");
  InvocationSpec failing = world.Spec("Svc", "run");

  Timed() {
    delayed.start_at = world.now + 100;
    for (const InvocationSpec& spec : {sleeping, delayed, failing}) {
      world.SendIn(spec);
    }
    Attempt sleeper = world.Begin(sleeping.id);
    world.Send(sleeper, {Sleep(1, world.now + 100), SuspendOn({1})});
    Attempt failed{failing.id, world.LastStart(failing.id).epoch, 0};
    world.Send(failed, {Fail(500, "x", 100)});
  }
  void ExpectWaiting() {
    EXPECT_EQ(world.StatusOf(sleeping.id).state, InvocationState::kSuspended);
    EXPECT_EQ(world.StatusOf(delayed.id).state, InvocationState::kScheduled);
    EXPECT_NE(world.StatusOf(failing.id).next_retry_at, 0U);
  }
  void ExpectFired() {
    for (const InvocationSpec& spec : {sleeping, delayed, failing}) {
      const InvocationStatus status = world.StatusOf(spec.id);
      EXPECT_EQ(status.state, InvocationState::kInvoked);
      EXPECT_NE(status.ready_order, 0U);
    }
    EXPECT_EQ(world.Journal(sleeping.id), (Texts{"Input", "Sleep", "!Sleep(1)=void"}));
    EXPECT_EQ(world.machine().next_timer(), std::nullopt);
  }
};

TEST(Timers, FiredTwiceChangeNothing) {
  Timed at;
  at.world.now += 100;
  at.world.FireTimers();
  const uint64_t order = at.world.StatusOf(at.failing.id).ready_order;
  at.world.FireTimers();
  at.ExpectFired();
  EXPECT_EQ(at.world.StatusOf(at.failing.id).ready_order, order);
  EXPECT_EQ(at.world.Pull(), 3U);
  at.world.FireTimers();
  EXPECT_EQ(at.world.Pull(), 0U);
}

TEST(Timers, DueWhileTheProcessWasDownFireAfterItsStart) {
  Timed at;
  at.world.now += 5000;
  at.world.Restart();
  at.ExpectWaiting();  // opening changes nothing by itself
  EXPECT_LE(*at.world.machine().next_timer(), at.world.now);
  at.world.FireTimers();
  at.ExpectFired();
  EXPECT_EQ(at.world.Pull(), 3U);
}

TEST(Timers, ThatFiredBeforeARestartDoNotFireAgain) {
  Timed at;
  at.world.now += 100;
  at.world.FireTimers();
  at.world.Restart();
  at.ExpectFired();
  at.world.FireTimers();
  at.ExpectFired();
}

TEST(Timers, AClockThatGoesBackFiresNothingEarly) {
  Timed at;
  const TimeMs due = at.world.now + 100;
  at.world.now -= 500'000;
  at.world.FireTimers();
  at.world.Restart();
  at.world.FireTimers();
  at.ExpectWaiting();
  // New timers of the earlier time fire at their own.
  InvocationSpec early = at.world.Spec("Svc", "run");
  early.start_at = at.world.now + 10;
  at.world.SendIn(early);
  at.world.now += 10;
  at.world.FireTimers();
  EXPECT_EQ(at.world.StatusOf(early.id).state, InvocationState::kInvoked);
  at.ExpectWaiting();
  at.world.now = due;
  at.world.FireTimers();
  at.ExpectFired();
}

TEST(Timers, AnAttemptBeforeItsLastEntryHasWaitedForNothing) {
  World world;
  const InvocationSpec spec = world.Spec("Svc", "run");
  world.SendIn(spec);
  world.now -= 1000;
  world.Begin(spec.id);
  EXPECT_EQ(world.LastStart(spec.id).duration_since_last_entry, 0U);
}

TEST(Timers, StartInTheOrderOfTheirTimes) {
  World world;
  std::vector<InvocationSpec> specs;
  for (const TimeMs delay : {30U, 10U, 20U}) {
    specs.push_back(world.Spec("Obj", "add", "k"));
    specs.back().start_at = world.now + delay;
    world.SendIn(specs.back());
  }
  world.now += 1000;  // late: all at once
  world.FireTimers();
  EXPECT_EQ(world.StatusOf(specs[1].id).state, InvocationState::kInvoked);
  EXPECT_LT(world.StatusOf(specs[2].id).inbox_sequence, world.StatusOf(specs[0].id).inbox_sequence);
}

TEST(Timers, OfAnotherBirthAreDropped) {
  World world;
  world.check_every_command = false;
  const InvocationSpec spec = world.Spec("Svc", "run");
  world.SendIn(spec);
  Attempt attempt = world.Begin(spec.id);
  world.Send(attempt, {SuspendOn({1})});
  const Birth birth = world.StatusOf(spec.id).birth;
  // Each kind; one of them of a birth that is still to come.
  world.Tamper([&](StateTxn& txn) {
    uint64_t other = birth.value - 1;
    for (const TimerKind kind :
         {TimerKind::kSleep, TimerKind::kScheduledStart, TimerKind::kRetry}) {
      txn.Put(
          Family::kQueue, keys::Timer(kPartition, {world.now, spec.id, kind, 1}), keys::U64(other));
      other = birth.value + 1;
    }
  });
  world.Restart();
  world.FireTimers();
  EXPECT_EQ(world.Journal(spec.id), Texts{"Input"});
  EXPECT_EQ(world.StatusOf(spec.id).state, InvocationState::kSuspended);
  EXPECT_EQ(world.machine().next_timer(), std::nullopt);
  world.CheckAll();
}

// --- expiry ---

TEST(Expiry, AnIdempotentResultIsReplayedUntilThenAndRunsAnewAfterwards) {
  World world;
  const InvocationSpec spec = world.IdempotentSpec("Svc", "run", "", "ik");
  world.SendIn(spec);
  world.RunToEnd(spec.id, "first");
  const Birth birth = world.StatusOf(spec.id).birth;
  const TimeMs completed = world.now;
  world.now += 999;
  world.FireRetention();
  const uint32_t replayed = world.CallIn(spec);
  EXPECT_EQ(world.ResultText(replayed), "value first");
  EXPECT_EQ(world.Answer<InvocationResult>(replayed).expires_at, completed + 1000);
  EXPECT_EQ(world.Pull(), 0U);
  world.now += 1;
  world.FireRetention();
  const uint32_t again = world.CallIn(spec);
  EXPECT_FALSE(world.answered(again));
  EXPECT_GT(world.StatusOf(spec.id).birth, birth);
  world.RunToEnd(spec.id, "second");
  EXPECT_EQ(world.ResultText(again), "value second");
}

TEST(Expiry, OfAWorkflow) {
  World world;
  InvocationSpec spec = world.Spec("Wf", "run", "w");
  spec.retention = {1000, 400};
  world.SendIn(spec);
  Attempt run = world.Begin(spec.id);
  world.Send(run, {SetState("a", "1"), Output("x"), EndFrame()});
  const std::string refused = "failure 409 the workflow method was already invoked";
  world.now += 400;
  world.FireRetention();
  EXPECT_EQ(world.StatusOf(spec.id).journal_length, 0U);
  EXPECT_EQ(world.StateValue("Wf", "w", "a"), "1");
  world.now += 599;
  world.FireRetention();
  EXPECT_EQ(world.ResultText(world.CallIn(spec)), refused);
  EXPECT_EQ(world.ResultText(world.AttachTo(spec.id)), "value x");
  EXPECT_EQ(world.StateValue("Wf", "w", "a"), "1");
  world.now += 1;
  world.FireRetention();
  EXPECT_EQ(world.Answer<InvocationUnknown>(world.AttachTo(spec.id)).id, spec.id);
  EXPECT_EQ(world.StateValue("Wf", "w", "a"), std::nullopt);
  const uint32_t again = world.CallIn(spec);
  world.RunToEnd(spec.id, "y");
  EXPECT_EQ(world.ResultText(again), "value y");
}

TEST(Expiry, TwoOfOneMillisecondBothGoAndOnceIsEnough) {
  World world;
  const InvocationSpec first = world.Spec("Svc", "run");
  const InvocationSpec second = world.Spec("Svc", "run");
  for (const InvocationSpec& spec : {first, second}) {
    world.SendIn(spec);
    world.RunToEnd(spec.id);
  }
  world.now += 1000;
  world.FireRetention();
  EXPECT_EQ(world.RowCount(Family::kStatus), 0U);
  world.FireRetention();
  EXPECT_EQ(world.machine().next_retention(), std::nullopt);
}

TEST(Expiry, OfTheJournalAndTheResultWhileTheProcessWasDown) {
  World world;
  InvocationSpec spec = world.IdempotentSpec("Svc", "run", "", "ik");
  spec.retention = {1000, 100};
  world.SendIn(spec);
  world.RunToEnd(spec.id);
  world.now += 5000;
  world.Restart();
  EXPECT_LE(*world.machine().next_retention(), world.now);
  // Until then it is kept: late, never early.
  EXPECT_EQ(world.ResultText(world.CallIn(spec)), "value done");
  world.FireRetention();
  EXPECT_FALSE(world.Status(spec.id).has_value());
  EXPECT_EQ(world.RowCount(Family::kJournal), 0U);
  EXPECT_EQ(world.machine().next_retention(), std::nullopt);
}

TEST(Expiry, AClockThatGoesBackKeepsTheOrderOfTheTimes) {
  World world;
  const InvocationSpec later = world.IdempotentSpec("Svc", "run", "", "later");
  world.SendIn(later);
  world.RunToEnd(later.id);
  const TimeMs expires = world.now + 1000;
  world.now -= 500;
  world.Restart();
  world.FireRetention();
  const InvocationSpec earlier = world.IdempotentSpec("Svc", "run", "", "earlier");
  world.SendIn(earlier);
  world.RunToEnd(earlier.id);
  EXPECT_EQ(world.machine().next_retention(), expires - 500);
  world.now = expires - 500;
  world.FireRetention();
  EXPECT_FALSE(world.Status(earlier.id).has_value());
  EXPECT_TRUE(world.Status(later.id).has_value());
  world.now = expires;
  world.FireRetention();
  EXPECT_FALSE(world.Status(later.id).has_value());
}

TEST(Expiry, OfAnotherBirthLeavesThisLifeAlone) {
  World world;
  world.check_every_command = false;
  const InvocationSpec spec = world.IdempotentSpec("Svc", "run", "", "ik");
  world.SendIn(spec);
  world.RunToEnd(spec.id, "kept");
  const Birth other{world.StatusOf(spec.id).birth.value - 1};
  world.Tamper([&](StateTxn& txn) {
    for (const ExpiryKind kind : {ExpiryKind::kInvocation, ExpiryKind::kJournal}) {
      txn.Put(
          Family::kQueue, keys::Expiry(kPartition, {world.now, spec.id, other, kind}), BytesView());
    }
  });
  world.Restart();
  world.FireRetention();
  EXPECT_EQ(world.ResultText(world.CallIn(spec)), "value kept");
  EXPECT_EQ(world.Journal(spec.id), (Texts{"Input", "Output"}));
  world.CheckAll();
}

}  // namespace
}  // namespace perdure::test
