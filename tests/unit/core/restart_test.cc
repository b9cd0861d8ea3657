// SPDX-License-Identifier: Apache-2.0
//
// The heads in memory of queues that are larger than they are, and what a new process finds.
#include "tests/unit/core/world.h"

#include <gtest/gtest.h>

#include <string>
#include <unordered_set>
#include <vector>

namespace perdure::test {
namespace {

using Texts = std::vector<std::string>;

TEST(ReadyHead, MoreThanItsLimitAllStartInOrder) {
  World world;
  world.check_every_command = false;
  const size_t count = limits::kReadyHeadMax + 1000;
  std::vector<InvocationId> ids;
  world.Pull();  // the head is complete from now on
  for (size_t i = 0; i < count; ++i) {
    const InvocationSpec spec = world.Spec("Svc", "run");
    world.SendIn(spec);
    ids.push_back(spec.id);
  }
  world.CheckAll();
  EXPECT_EQ(world.machine().memory().ready.items.size(), limits::kReadyHeadMax);
  EXPECT_FALSE(world.machine().memory().ready.complete);
  size_t started = 0;
  while (const size_t more = world.Pull(0, 64)) {
    started += more;
  }
  EXPECT_EQ(started, count);
  EXPECT_EQ(world.machine().ready_count(), 0U);
  for (size_t i = 0; i < count; ++i) {
    ASSERT_EQ(world.starts[i].id, ids[i]) << i;
  }
  world.CheckAll();
}

TEST(ReadyHead, WhatWasKilledMeanwhileIsSkipped) {
  World world;
  world.check_every_command = false;
  std::vector<InvocationId> ids;
  for (size_t i = 0; i < 1000; ++i) {
    const InvocationSpec spec = world.Spec("Svc", "run");
    world.SendIn(spec);
    ids.push_back(spec.id);
  }
  for (size_t i = 0; i + 1 < ids.size(); ++i) {
    world.Control(ids[i], Kill{ids[i]});
  }
  size_t pulls = 0;
  while (world.machine().ready_count() > 0) {
    world.Pull(0, 64);
    ++pulls;
  }
  EXPECT_LE(pulls, 1000 / limits::kWorkItemsPerTurn + 2);
  ASSERT_EQ(world.starts.size(), 1U);
  EXPECT_EQ(world.starts[0].id, ids.back());
}

TEST(TimerHead, MoreThanItsLimitAllFireInOrder) {
  World world;
  world.check_every_command = false;
  const size_t count = limits::kTimerHeadMax + 500;
  for (size_t i = 0; i < count; ++i) {
    InvocationSpec spec = world.Spec("Svc", "run");
    // Latest first, so that the head has to push out what it holds.
    spec.start_at = world.now + 10'000 - i;
    world.SendIn(spec);
  }
  EXPECT_EQ(world.machine().memory().timers.keys.size(), limits::kTimerHeadMax);
  EXPECT_TRUE(world.machine().memory().timers.bound.has_value());
  world.CheckAll();
  const TimeMs start = world.now;
  EXPECT_EQ(world.machine().next_timer(), start + 10'000 - (count - 1));
  size_t fired = 0;
  while (const std::optional<TimeMs> due = world.machine().next_timer()) {
    world.now = *due;
    world.FireTimers();
    ++fired;
  }
  EXPECT_EQ(fired, count);
  size_t started = 0;
  while (const size_t more = world.Pull(0, 64)) {
    started += more;
  }
  EXPECT_EQ(started, count);
  world.CheckAll();
}

TEST(TimerHead, ManyDueAtOnceFireInSlices) {
  World world;
  world.check_every_command = false;
  for (size_t i = 0; i < 600; ++i) {
    InvocationSpec spec = world.Spec("Svc", "run");
    spec.start_at = world.now + 10;
    world.SendIn(spec);
  }
  world.now += 10;
  world.FireTimers();
  EXPECT_EQ(world.machine().next_timer(), world.now);
  EXPECT_EQ(world.machine().memory().timers.keys.size(), 600 - limits::kWorkItemsPerTurn);
  world.FireTimers();
  world.FireTimers();
  EXPECT_EQ(world.machine().next_timer(), std::nullopt);
  world.CheckAll();
}

TEST(Restart, FindsAgainWhatRanSleptAndWaited) {
  World world;
  const InvocationSpec running = world.Spec("Svc", "run");
  const InvocationSpec ready = world.Spec("Svc", "run");
  const InvocationSpec backing_off = world.Spec("Svc", "run");
  const InvocationSpec sleeping = world.Spec("Svc", "run");
  InvocationSpec scheduled = world.Spec("Svc", "run");
  scheduled.start_at = world.now + 5000;
  const InvocationSpec completed = world.Spec("Svc", "run");
  for (const auto& spec : {running, backing_off, sleeping, scheduled, completed}) {
    world.SendIn(spec);
  }
  Attempt attempt = world.Begin(running.id);
  world.Send(attempt, {RunStep(1), Propose(1, "v")});
  Attempt failing{backing_off.id, world.LastStart(backing_off.id).epoch, 0};
  world.Send(failing, {Fail(500, "x")});
  Attempt sleeper{sleeping.id, world.LastStart(sleeping.id).epoch, 0};
  world.Send(sleeper, {Sleep(1, world.now + 7000), SuspendOn({1})});
  Attempt ending{completed.id, world.LastStart(completed.id).epoch, 0};
  world.Send(ending, {Output("kept"), EndFrame()});
  world.SendIn(ready);
  const uint64_t position = world.machine().memory().row.position;

  world.Restart();
  EXPECT_EQ(world.machine().memory().row.position, position);
  EXPECT_TRUE(world.machine().memory().live.empty());
  world.starts.clear();
  EXPECT_EQ(world.Pull(), 2U);
  EXPECT_EQ(world.starts[0].id, running.id);
  EXPECT_EQ(world.starts[1].id, ready.id);
  EXPECT_GT(world.starts[0].epoch, attempt.epoch);
  EXPECT_EQ(world.starts[0].known_entries, 3U);
  // Frames of the process before are late.
  world.Send(attempt, {RunStep(2)});
  EXPECT_EQ(world.Journal(running.id), (Texts{"Input", "Run", "!Run(1)=value v"}));

  EXPECT_EQ(world.machine().next_timer(), world.StatusOf(backing_off.id).next_retry_at);
  EXPECT_EQ(world.machine().next_retention(), world.now + 1000);
  world.now += 7000;
  world.FireTimers();
  EXPECT_EQ(world.Pull(), 3U);
  EXPECT_EQ(world.Journal(sleeping.id).back(), "!Sleep(1)=void");
  EXPECT_EQ(world.ResultText(world.AttachTo(completed.id)), "value kept");
}

TEST(Restart, TwiceInARowGivesNewEpochs) {
  World world;
  const InvocationSpec spec = world.Spec("Svc", "run");
  world.SendIn(spec);
  std::unordered_set<uint64_t> epochs;
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(epochs.insert(world.Begin(spec.id).epoch.value).second);
    world.Restart();
  }
}

TEST(Restart, KeepsQueuesAndLocks) {
  World world;
  const InvocationSpec holder = world.Spec("Obj", "add", "k");
  const InvocationSpec next = world.Spec("Obj", "add", "k");
  world.SendIn(holder);
  world.SendIn(next);
  world.Begin(holder.id);
  world.Restart();
  EXPECT_EQ(world.Pull(), 1U);
  const InvocationSpec last = world.Spec("Obj", "add", "k");
  world.SendIn(last);
  Attempt attempt{holder.id, world.LastStart(holder.id).epoch, 0};
  world.Send(attempt, {Output("x"), EndFrame()});
  EXPECT_EQ(world.StatusOf(next.id).state, InvocationState::kInvoked);
  EXPECT_EQ(world.StatusOf(last.id).state, InvocationState::kInboxed);
}

}  // namespace
}  // namespace perdure::test
