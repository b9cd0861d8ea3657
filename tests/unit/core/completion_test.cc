// SPDX-License-Identifier: Apache-2.0
//
// What is kept of a completed invocation, for how long, and how it goes: in slices, in expiry order
// (ingress API 6.1); and those who listen to a result.
#include "core/keys.h"
#include "tests/unit/core/world.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace perdure::test {
namespace {

using Texts = std::vector<std::string>;

size_t Rows(World& world) {
  size_t rows = 0;
  for (const Family family :
       {Family::kStatus, Family::kJournal, Family::kState, Family::kQueue, Family::kIndex}) {
    rows += world.RowCount(family);
  }
  return rows;
}

TEST(Retention, OfNothingForgetsAtOnce) {
  World world;
  InvocationSpec spec = world.Spec("Svc", "run");
  spec.retention = {0, 0};
  const uint32_t slot = world.CallIn(spec);
  Attempt attempt = world.Begin(spec.id);
  world.Send(attempt, {RunStep(1), Propose(1, "v"), Output("r"), EndFrame()});
  EXPECT_EQ(world.ResultText(slot), "value r");
  EXPECT_EQ(Rows(world), 0U);
  EXPECT_EQ(world.Answer<InvocationUnknown>(world.AttachTo(spec.id)).id, spec.id);
}

TEST(Retention, OfNothingStillLatchesWhileItRuns) {
  World world;
  InvocationSpec spec = world.IdempotentSpec("Svc", "run", "", "ik");
  spec.retention = {0, 0};
  const uint32_t first = world.CallIn(spec);
  const uint32_t second = world.CallIn(spec);
  world.RunToEnd(spec.id, "r");
  EXPECT_EQ(world.ResultText(first), "value r");
  EXPECT_EQ(world.ResultText(second), "value r");
  const uint32_t third = world.CallIn(spec);
  world.RunToEnd(spec.id, "again");
  EXPECT_EQ(world.ResultText(third), "value again");
}

TEST(Retention, ExpiresInOrder) {
  World world;
  const InvocationSpec first = world.Spec("Svc", "run");
  InvocationSpec second = world.Spec("Svc", "run");
  second.retention = {500, 500};
  for (const InvocationSpec& spec : {first, second}) {
    world.SendIn(spec);
    world.RunToEnd(spec.id);
  }
  EXPECT_EQ(world.machine().next_retention(), world.now + 500);
  world.now += 499;
  world.FireRetention();
  EXPECT_TRUE(world.Status(second.id).has_value());
  world.now += 1;
  world.FireRetention();
  EXPECT_FALSE(world.Status(second.id).has_value());
  EXPECT_TRUE(world.Status(first.id).has_value());
  EXPECT_EQ(world.machine().next_retention(), world.now + 500);
  world.now += 500;
  world.FireRetention();
  EXPECT_EQ(Rows(world), 0U);
  EXPECT_EQ(world.machine().next_retention(), std::nullopt);
}

TEST(Retention, TheJournalGoesFirstAndTheResultStays) {
  for (const bool failure : {false, true}) {
    World world;
    InvocationSpec spec = world.IdempotentSpec("Svc", "run", "", "ik");
    spec.retention = {1000, 100};
    world.SendIn(spec);
    Attempt attempt = world.Begin(spec.id);
    world.Send(
        attempt,
        {RunStep(1),
         Propose(1, "v"),
         failure ? OutputFailure(418, "tea") : Output("r"),
         EndFrame()});
    const std::string expected = failure ? "failure 418 tea" : "value r";
    EXPECT_EQ(world.ResultText(world.CallIn(spec)), expected);
    world.now += 100;
    world.FireRetention();
    EXPECT_EQ(world.StatusOf(spec.id).journal_length, 0U);
    EXPECT_EQ(world.RowCount(Family::kJournal), failure ? 0U : 1U);  // the copied result
    EXPECT_EQ(world.RowCount(Family::kIndex), 0U);
    EXPECT_EQ(world.ResultText(world.CallIn(spec)), expected);
    world.now += 900;
    world.FireRetention();
    EXPECT_EQ(Rows(world), 0U);
  }
}

TEST(Retention, OfAllTimeNeverExpires) {
  World world;
  InvocationSpec spec = world.Spec("Svc", "run");
  spec.retention = {~DurationMs{0}, ~DurationMs{0}};
  world.SendIn(spec);
  world.RunToEnd(spec.id);
  world.now *= 1000;
  world.FireRetention();
  EXPECT_TRUE(world.Status(spec.id).has_value());
  EXPECT_EQ(world.machine().next_retention(), ~TimeMs{0});
}

TEST(Retention, ManyExpireInSlices) {
  World world;
  world.check_every_command = false;
  for (int i = 0; i < 600; ++i) {
    const InvocationSpec spec = world.Spec("Svc", "run");
    world.SendIn(spec);
    world.RunToEnd(spec.id);
  }
  world.now += 1000;
  size_t turns = 0;
  while (world.machine().next_retention()) {
    const size_t before = world.RowCount(Family::kStatus);
    world.FireRetention();
    EXPECT_LE(before - world.RowCount(Family::kStatus), limits::kWorkItemsPerTurn);
    ++turns;
    world.CheckAll();
  }
  EXPECT_GE(turns, 3U);
  EXPECT_EQ(Rows(world), 0U);
}

TEST(Retention, ALongJournalGoesInSlices) {
  World world;
  world.check_every_command = false;
  const InvocationSpec spec = world.Spec("Svc", "run");
  world.SendIn(spec);
  Attempt attempt = world.Begin(spec.id);
  for (CompletionId id = 1; id <= 500; ++id) {
    world.Send(attempt, {RunStep(id), Propose(id, "v")});
  }
  world.Send(attempt, {Output("x"), EndFrame()});
  world.now += 1000;
  world.FireRetention();
  EXPECT_FALSE(world.Status(spec.id).has_value());  // gone for clients in the first slice
  world.CheckAll();
  // A new life of the id does not mind what is left of the old one.
  world.SendIn(spec);
  size_t before = world.RowCount(Family::kJournal) + world.RowCount(Family::kIndex);
  while (world.Step()) {
    const size_t after = world.RowCount(Family::kJournal) + world.RowCount(Family::kIndex);
    EXPECT_LE(before - after, limits::kWorkItemsPerTurn);
    before = after;
    world.CheckAll();
  }
  EXPECT_EQ(world.Journal(spec.id), Texts{"Input"});
  EXPECT_EQ(world.RowCount(Family::kJournal), 1U);
  EXPECT_EQ(world.RowCount(Family::kIndex), 0U);
}

TEST(Retention, PurgingGoesOnAfterARestart) {
  World world;
  world.check_every_command = false;
  InvocationSpec spec = world.Spec("Svc", "run");
  spec.retention = {0, 0};
  world.SendIn(spec);
  Attempt attempt = world.Begin(spec.id);
  for (CompletionId id = 1; id <= 500; ++id) {
    world.Send(attempt, {RunStep(id)});
  }
  world.Send(attempt, {Output("x"), EndFrame()});
  EXPECT_GT(Rows(world), 500U);
  world.Step();
  world.Restart();
  world.Settle();
  EXPECT_EQ(Rows(world), 0U);
}

// --- listeners ---

TEST(Listeners, ManyAreToldInSlices) {
  World world;
  world.check_every_command = false;
  const InvocationSpec callee = world.IdempotentSpec("Obj", "add", "k", "ik");
  const auto call = Call(
      {.service = "Obj",
       .handler = "add",
       .key = "k",
       .id_completion = 1,
       .result_completion = 2,
       .idempotency_key = "ik"});
  std::vector<InvocationId> callers;
  constexpr size_t kCallers = 600;
  for (size_t i = 0; i < kCallers; ++i) {
    const InvocationSpec caller = world.Spec("Svc", "run");
    world.SendIn(caller);
    Attempt attempt = world.Begin(caller.id);
    world.Send(attempt, {call, SuspendOn({2})});
    callers.push_back(caller.id);
  }
  world.CheckAll();
  world.RunToEnd(callee.id, "all");
  size_t slices = 0;
  while (world.Step()) {
    ++slices;
    world.CheckAll();
  }
  EXPECT_GE(slices, kCallers / limits::kWorkItemsPerTurn);
  for (const InvocationId& caller : callers) {
    ASSERT_EQ(world.Journal(caller).back(), "!Call(2)=value all");
    ASSERT_EQ(world.StatusOf(caller).state, InvocationState::kInvoked);
  }
}

TEST(Listeners, AreToldOfAWithdrawal) {
  World world;
  InvocationSpec callee = world.IdempotentSpec("Obj", "add", "k", "ik");
  callee.start_at = world.now + 1000;
  world.SendIn(callee);
  const InvocationSpec caller = world.Spec("Svc", "run");
  world.SendIn(caller);
  Attempt attempt = world.Begin(caller.id);
  world.Send(
      attempt,
      {Call(
          {.service = "Obj",
           .handler = "add",
           .key = "k",
           .id_completion = 1,
           .result_completion = 2,
           .idempotency_key = "ik"})});
  world.Control(callee.id, Cancel{callee.id});
  world.Settle();
  EXPECT_EQ(world.Journal(caller.id).back(), "!Call(2)=failure 409 canceled");
}

TEST(Lives, AnIdWithdrawnAndUsedAgainInOneCommandHasTwoBirths) {
  World world;
  const InvocationSpec caller = world.Spec("Svc", "run");
  world.SendIn(caller);
  const InvocationId callee = world.IdempotentSpec("Obj", "add", "k", "ik").id;
  const auto call = [](CompletionId id) {
    return Call(
        {.service = "Obj",
         .handler = "add",
         .key = "k",
         .id_completion = id,
         .result_completion = id + 1,
         .idempotency_key = "ik"});
  };
  InvocationSpec holder = world.Spec("Obj", "add", "k");
  world.SendIn(holder);
  Attempt attempt = world.Begin(caller.id);
  // Queued, listened to, withdrawn, and called anew: all in one read.
  world.Send(attempt, {call(1), call(3), SendCancel(callee), call(5)});
  world.Settle();
  const Texts journal = world.Journal(caller.id);
  EXPECT_EQ(std::count(journal.begin(), journal.end(), "!Call(2)=failure 409 canceled"), 1);
  EXPECT_EQ(std::count(journal.begin(), journal.end(), "!Call(4)=failure 409 canceled"), 1);
  world.RunToEnd(holder.id);
  world.RunToEnd(callee, "second life");
  EXPECT_EQ(world.Journal(caller.id).back(), "!Call(6)=value second life");
}

}  // namespace
}  // namespace perdure::test
