// SPDX-License-Identifier: Apache-2.0
//
// What one command may do when a journal is long, a result large or those who wait are many
// (promise 3): a slice, and the rest in later turns. Journals, listeners and killed trees that go
// in slices are also in completion_test.cc and control_test.cc, state in clear_test.cc.
#include "tests/unit/core/world.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace perdure::test {
namespace {

// An invocation with `steps` small commands that failed, and begins again when timers fire.
InvocationSpec LongAndFailed(World& world, size_t steps) {
  const InvocationSpec spec = world.Spec("Svc", "run");
  world.SendIn(spec);
  Attempt attempt = world.Begin(spec.id);
  std::vector<SdkFrame> frames(steps, RunStep(1));
  frames.push_back(Fail(500, "again", 0));
  world.Send(attempt, std::move(frames));
  return spec;
}

TEST(Bounds, AStartReadsASliceOfALongJournal) {
  World world;
  const InvocationSpec spec = LongAndFailed(world, 700);
  world.FireTimers();
  const Attempt attempt = world.Begin(spec.id);
  const StartAttempt& start = world.LastStart(spec.id);
  EXPECT_EQ(start.known_entries, 701U);
  EXPECT_EQ(start.journal.entries.size(), limits::kWorkItemsPerTurn);
  EXPECT_EQ(start.journal.next, limits::kWorkItemsPerTurn);
  JournalIndex next = start.journal.next;
  size_t reads = 0;
  while (next < 701) {
    world.ApplyTo(spec.id, ReadJournal{spec.id, attempt.epoch, next});
    const JournalChunk& chunk = world.notifies.back().chunk;
    EXPECT_EQ(chunk.from, next);
    EXPECT_LE(chunk.entries.size(), limits::kWorkItemsPerTurn);
    next = chunk.next;
    ++reads;
  }
  EXPECT_EQ(reads, 2U);
  // Caught up: told directly.
  world.Control(spec.id, Cancel{spec.id});
  EXPECT_EQ(world.notifies.back().chunk.entries.size(), 1U);
}

TEST(Bounds, StartsOfLongJournalsAreSpreadOverTurns) {
  World world;
  std::vector<InvocationSpec> specs;
  for (int i = 0; i < 5; ++i) {
    specs.push_back(LongAndFailed(world, 300));
  }
  world.FireTimers();
  world.starts.clear();
  for (size_t turn = 0; turn < specs.size(); ++turn) {
    EXPECT_EQ(world.machine().ready_count(), specs.size() - turn);
    EXPECT_EQ(world.Pull(), 1U);
  }
  EXPECT_EQ(world.machine().ready_count(), 0U);
  EXPECT_EQ(world.starts.size(), specs.size());
}

TEST(Bounds, ManyWhoWaitAreAnsweredInSlices) {
  World world;
  world.check_every_command = false;
  const InvocationSpec spec = world.IdempotentSpec("Svc", "run", "", "ik");
  std::vector<uint32_t> slots;
  for (int i = 0; i < 600; ++i) {
    slots.push_back(world.CallIn(spec));
  }
  world.RunToEnd(spec.id, "r");
  EXPECT_EQ(world.replies.size(), limits::kWorkItemsPerTurn);
  world.CheckAll();
  // Who comes now finds the stored result.
  EXPECT_EQ(world.ResultText(world.CallIn(spec)), "value r");
  for (size_t before = world.replies.size(); world.Step(); before = world.replies.size()) {
    EXPECT_LE(world.replies.size() - before, limits::kWorkItemsPerTurn);
    world.CheckAll();
  }
  for (const uint32_t slot : slots) {
    ASSERT_EQ(world.ResultText(slot), "value r");
    ASSERT_EQ(world.Answer<InvocationResult>(slot).expires_at, std::nullopt);
  }
}

TEST(Bounds, WhoWaitsForAForgottenResultIsAnsweredToo) {
  World world;
  world.work_items_max = 2;
  world.Restart();
  InvocationSpec spec = world.IdempotentSpec("Svc", "run", "", "ik");
  spec.retention = {0, 0};
  std::vector<uint32_t> slots;
  for (int i = 0; i < 5; ++i) {
    slots.push_back(world.CallIn(spec));
  }
  world.RunToEnd(spec.id, "r");
  EXPECT_FALSE(world.Status(spec.id).has_value());
  world.Settle();
  for (const uint32_t slot : slots) {
    EXPECT_EQ(world.ResultText(slot), "value r");
  }
}

TEST(Bounds, ALargeResultIsToldToFewListenersPerTurn) {
  World world;
  world.check_every_command = false;
  const InvocationSpec callee = world.IdempotentSpec("Obj", "add", "k", "ik");
  const CallTo to{
      .service = "Obj",
      .handler = "add",
      .key = "k",
      .id_completion = 1,
      .result_completion = 2,
      .idempotency_key = "ik"};
  std::vector<InvocationId> callers;
  for (int i = 0; i < 10; ++i) {
    const InvocationSpec caller = world.Spec("Svc", "run");
    world.SendIn(caller);
    Attempt attempt = world.Begin(caller.id);
    world.Send(attempt, {Call(to), SuspendOn({2})});
    callers.push_back(caller.id);
  }
  const std::string large(400 * limits::kKiB, 'x');
  world.RunToEnd(callee.id, large);
  const auto told = [&] {
    size_t count = 0;
    for (const InvocationId& caller : callers) {
      count += world.StatusOf(caller).state == InvocationState::kInvoked ? 1U : 0U;
    }
    return count;
  };
  EXPECT_EQ(told(), 1U);  // the first one called and listens as its caller
  for (size_t before = told(); world.Step(); before = told()) {
    EXPECT_LE(told() - before, 3U);
    world.CheckAll();
  }
  EXPECT_EQ(told(), callers.size());
}

TEST(Bounds, AWaitSetIsAskedOnceNotWithEveryNotification) {
  World world;
  const InvocationSpec spec = world.Spec("Svc", "run");
  world.SendIn(spec);
  Attempt attempt = world.Begin(spec.id);
  world.Send(attempt, {Sleep(1, world.now + 10), Sleep(2, world.now + 20), SuspendOn({2}, {5})});
  world.now += 10;
  world.FireTimers();
  EXPECT_EQ(world.StatusOf(spec.id).state, InvocationState::kSuspended);
  world.Control(spec.id, Cancel{spec.id});  // signal 1
  EXPECT_EQ(world.StatusOf(spec.id).state, InvocationState::kSuspended);
  world.now += 10;
  world.FireTimers();
  EXPECT_EQ(world.StatusOf(spec.id).state, InvocationState::kInvoked);
}

}  // namespace
}  // namespace perdure::test
