// SPDX-License-Identifier: Apache-2.0
//
// Cancel, kill and resume in every state (admin API 8.1, service protocol 7), and kills of trees
// that are larger than one turn.
#include "tests/unit/core/world.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace perdure::test {
namespace {

using Texts = std::vector<std::string>;

// Brings an invocation of Obj/k/add into a state; holds the slot that waits for its result.
struct InState {
  World world;
  InvocationSpec spec = world.Spec("Obj", "add", "k");
  uint32_t slot = 0;

  explicit InState(InvocationState state, bool backing_off = false) {
    if (state == InvocationState::kInboxed) {
      world.SendIn(world.Spec("Obj", "add", "k"));
    }
    if (state == InvocationState::kScheduled) {
      spec.start_at = world.now + 1000;
    }
    slot = world.CallIn(spec);
    if (state == InvocationState::kScheduled || state == InvocationState::kInboxed) {
      return;
    }
    Attempt attempt = world.Begin(spec.id);
    if (state == InvocationState::kSuspended) {
      world.Send(attempt, {SuspendOn({1}, {kCancelSignal})});
    } else if (state == InvocationState::kPaused) {
      for (int i = 0; i < 4; ++i) {
        world.Send(attempt, {Fail(500, "boom")});
        world.now += 2000;
        world.FireTimers();
        if (i < 3) {
          attempt = world.Begin(spec.id);
        }
      }
    } else if (state == InvocationState::kCompleted) {
      world.Send(attempt, {Output("done"), EndFrame()});
    } else if (backing_off) {
      world.Send(attempt, {Fail(500, "boom")});
    }
    PERDURE_ASSERT(world.StatusOf(spec.id).state == state);
  }
  ControlResult Do(Command command) { return world.Control(spec.id, std::move(command)); }
  InvocationState State() { return world.StatusOf(spec.id).state; }
};

TEST(Cancel, WithdrawsWhatHasNotStarted) {
  for (const InvocationState state : {InvocationState::kScheduled, InvocationState::kInboxed}) {
    InState in(state);
    EXPECT_EQ(in.Do(Cancel{in.spec.id}), ControlResult::kDone);
    EXPECT_EQ(in.world.ResultText(in.slot), "failure 409 canceled");
    EXPECT_FALSE(in.world.Status(in.spec.id).has_value());
    EXPECT_EQ(in.Do(Cancel{in.spec.id}), ControlResult::kNotFound);
    // The id may be used again.
    in.spec.start_at = 0;
    EXPECT_FALSE(in.world.Answer<InvocationAccepted>(in.world.SendIn(in.spec)).previously);
  }
}

TEST(Cancel, SignalsWhatRuns) {
  InState in(InvocationState::kInvoked);
  EXPECT_EQ(in.Do(Cancel{in.spec.id}), ControlResult::kRequested);
  EXPECT_EQ(in.Do(Cancel{in.spec.id}), ControlResult::kRequested);
  EXPECT_EQ(in.world.Journal(in.spec.id), (Texts{"Input", "!Signal(1)=void", "!Signal(1)=void"}));
  EXPECT_EQ(in.world.notifies.size(), 2U);
}

TEST(Cancel, DoesNotHurryARetry) {
  InState in(InvocationState::kInvoked, true);
  const TimeMs due = in.world.StatusOf(in.spec.id).next_retry_at;
  EXPECT_EQ(in.Do(Cancel{in.spec.id}), ControlResult::kRequested);
  EXPECT_EQ(in.world.StatusOf(in.spec.id).next_retry_at, due);
  EXPECT_EQ(in.world.Pull(), 0U);
}

TEST(Cancel, ResumesWhatIsSuspendedOrPaused) {
  for (const InvocationState state : {InvocationState::kSuspended, InvocationState::kPaused}) {
    InState in(state);
    EXPECT_EQ(in.Do(Cancel{in.spec.id}), ControlResult::kRequested);
    EXPECT_EQ(in.State(), InvocationState::kInvoked);
    EXPECT_EQ(in.world.Pull(), 1U);
    EXPECT_EQ(Describe(in.world.LastStart(in.spec.id).journal.entries.back()), "!Signal(1)=void");
  }
}

TEST(Control, OfTheCompletedAndTheUnknown) {
  InState in(InvocationState::kCompleted);
  EXPECT_EQ(in.Do(Cancel{in.spec.id}), ControlResult::kAlreadyCompleted);
  EXPECT_EQ(in.Do(Kill{in.spec.id}), ControlResult::kAlreadyCompleted);
  EXPECT_EQ(in.Do(Resume{in.spec.id}), ControlResult::kAlreadyCompleted);
  const InvocationId unknown = in.world.Spec("Svc", "run").id;
  EXPECT_EQ(in.world.Control(unknown, Cancel{unknown}), ControlResult::kNotFound);
  EXPECT_EQ(in.world.Control(unknown, Kill{unknown}), ControlResult::kNotFound);
  EXPECT_EQ(in.world.Control(unknown, Resume{unknown}), ControlResult::kNotFound);
}

TEST(Kill, EndsEveryState) {
  for (const InvocationState state :
       {InvocationState::kScheduled,
        InvocationState::kInboxed,
        InvocationState::kInvoked,
        InvocationState::kSuspended,
        InvocationState::kPaused}) {
    InState in(state);
    const bool started = state != InvocationState::kScheduled && state != InvocationState::kInboxed;
    EXPECT_EQ(in.Do(Kill{in.spec.id}), ControlResult::kDone);
    EXPECT_EQ(in.world.ResultText(in.slot), "failure 409 killed");
    EXPECT_EQ(in.world.Status(in.spec.id).has_value(), started);
    EXPECT_EQ(in.world.stops.size(), state == InvocationState::kInvoked ? 1U : 0U);
    EXPECT_EQ(in.world.Pull(), state == InvocationState::kInboxed ? 1U : 0U);
    // The object is free (or with whoever was there first).
    const InvocationSpec next = in.world.Spec("Obj", "add", "k");
    in.world.SendIn(next);
    EXPECT_EQ(in.world.Pull(), state == InvocationState::kInboxed ? 0U : 1U);
  }
}

TEST(Kill, OfABackingOffInvocationDropsItsTimer) {
  InState in(InvocationState::kInvoked, true);
  EXPECT_EQ(in.Do(Kill{in.spec.id}), ControlResult::kDone);
  EXPECT_EQ(in.world.machine().next_timer(), std::nullopt);
  EXPECT_TRUE(in.world.stops.empty());
}

TEST(Kill, LateFramesAreDropped) {
  World world;
  const InvocationSpec spec = world.Spec("Svc", "run");
  world.SendIn(spec);
  Attempt attempt = world.Begin(spec.id);
  world.Control(spec.id, Kill{spec.id});
  world.Send(attempt, {RunStep(1), Output("x"), EndFrame()});
  EXPECT_EQ(world.Journal(spec.id), Texts{"Input"});
}

TEST(Kill, TakesTheTreeWithIt) {
  World world(2);
  const InvocationSpec root = world.Spec("Svc", "run");
  world.SendIn(root);
  Attempt attempt = world.Begin(root.id);
  const auto call = [&](uint16_t partition, CompletionId id, TimeMs at) {
    return OneWayCall(
        {.service = "Obj",
         .handler = "peek",
         .key = world.KeyIn(partition),
         .id_completion = id,
         .invoke_time = at});
  };
  world.Send(
      attempt,
      {call(0, 1, 0), call(1, 2, 0), call(0, 3, world.now + 5000), call(1, 4, world.now + 5000)});
  world.Settle();
  std::vector<InvocationId> children;
  for (const JournalIndex index : {2U, 4U, 6U, 8U}) {
    children.push_back(CalleeOf(world.Entry(root.id, index)));
  }
  // A grandchild in the other partition.
  Attempt child = world.Begin(children[1]);
  world.Send(child, {call(0, 1, 0)});
  world.Settle();
  const InvocationId grandchild = CalleeOf(world.Entry(children[1], 2));

  const uint32_t waits = world.AttachTo(grandchild);
  const uint32_t delayed = world.AttachTo(children[3]);
  world.Control(root.id, Kill{root.id});
  world.Settle();
  EXPECT_EQ(world.ResultText(waits), "failure 409 killed");
  EXPECT_EQ(world.ResultText(delayed), "failure 409 killed");
  EXPECT_EQ(world.StatusOf(children[0]).state, InvocationState::kCompleted);
  EXPECT_EQ(world.StatusOf(children[1]).state, InvocationState::kCompleted);
  EXPECT_FALSE(world.Status(children[2]).has_value());
  EXPECT_FALSE(world.Status(children[3]).has_value());
}

TEST(Kill, SparesTheTreeOfACompletedChild) {
  World world;
  const InvocationSpec root = world.Spec("Svc", "run");
  world.SendIn(root);
  Attempt attempt = world.Begin(root.id);
  world.Send(attempt, {OneWayCall({.service = "Svc", .handler = "other", .id_completion = 1})});
  const InvocationId child = CalleeOf(world.Entry(root.id, 2));
  world.RunToEnd(child, "fine");
  world.Control(root.id, Kill{root.id});
  world.Settle();
  EXPECT_EQ(world.ResultText(world.AttachTo(child)), "value fine");
}

// A root with many children. `completion` is its retention.
void KillManyChildren(DurationMs completion, DurationMs journal) {
  World world;
  world.check_every_command = false;
  InvocationSpec root = world.Spec("Svc", "run");
  root.retention = {completion, journal};
  const uint32_t slot = world.CallIn(root);
  Attempt attempt = world.Begin(root.id);
  std::vector<InvocationId> children;
  constexpr CompletionId kChildren = 700;  // 1401 entries: six slices
  for (CompletionId id = 1; id <= kChildren; ++id) {
    world.Send(attempt, {OneWayCall({.service = "Svc", .handler = "other", .id_completion = id})});
    children.push_back(CalleeOf(world.Entry(root.id, 2 * id)));
  }
  world.Settle();
  world.CheckAll();
  world.Control(root.id, Kill{root.id});
  EXPECT_EQ(world.ResultText(slot), "failure 409 killed");  // at once, not after the tree
  if (journal < completion) {
    world.FireRetention();
  }
  world.CheckAll();
  size_t slices = 0;
  while (world.Step()) {
    ++slices;
  }
  EXPECT_GT(slices, kChildren);
  for (const InvocationId& child : children) {
    ASSERT_EQ(world.StatusOf(child).state, InvocationState::kCompleted) << child.ToString();
  }
  EXPECT_EQ(world.Status(root.id).has_value(), completion > 0);
  world.CheckAll();
}

TEST(Kill, OfManyChildrenGoesOnOverSeveralTurns) {
  KillManyChildren(1000, 1000);
}
TEST(Kill, OfManyChildrenOutlivesTheForgottenRoot) {
  KillManyChildren(0, 0);
}
TEST(Kill, OfManyChildrenOutlivesTheJournalsRetention) {
  KillManyChildren(1000, 0);
}

TEST(Kill, FindsAChildAtTheEndOfAForgottenJournal) {
  for (const DurationMs completion : {0U, 1000U}) {
    World world;
    InvocationSpec root = world.Spec("Svc", "run");
    root.retention = {completion, 0};
    world.SendIn(root);
    Attempt attempt = world.Begin(root.id);
    std::vector<SdkFrame> steps(400, RunStep(9));
    steps.push_back(OneWayCall({.service = "Svc", .handler = "other", .id_completion = 1}));
    world.Send(attempt, std::move(steps));
    const InvocationId child = CalleeOf(world.Entry(root.id, 402));
    world.Control(root.id, Kill{root.id});
    world.FireRetention();  // the journal has to go, and must not go first
    world.Settle();
    EXPECT_EQ(world.StatusOf(child).state, InvocationState::kCompleted);
    EXPECT_EQ(world.RowCount(Family::kJournal), 1U);  // the child's input
  }
}

TEST(Kill, OfManyChildrenGoesOnAfterARestart) {
  World world;
  world.check_every_command = false;
  const InvocationSpec root = world.Spec("Svc", "run");
  world.SendIn(root);
  Attempt attempt = world.Begin(root.id);
  for (CompletionId id = 1; id <= 300; ++id) {
    world.Send(attempt, {OneWayCall({.service = "Svc", .handler = "other", .id_completion = id})});
  }
  const InvocationId last = CalleeOf(world.Entry(root.id, 600));
  world.Control(root.id, Kill{root.id});
  world.Restart();
  world.Settle();
  EXPECT_EQ(world.StatusOf(last).state, InvocationState::kCompleted);
  world.CheckAll();
}

TEST(Resume, Matrix) {
  for (const InvocationState state : {InvocationState::kScheduled, InvocationState::kInboxed}) {
    InState in(state);
    EXPECT_EQ(in.Do(Resume{in.spec.id}), ControlResult::kNotStarted);
    EXPECT_EQ(in.State(), state);
  }
  {
    InState in(InvocationState::kInvoked);
    const AttemptEpoch epoch = in.world.LastStart(in.spec.id).epoch;
    EXPECT_EQ(in.Do(Resume{in.spec.id}), ControlResult::kDone);
    EXPECT_EQ(in.world.Pull(), 0U);
    EXPECT_EQ(in.world.LastStart(in.spec.id).epoch, epoch);
  }
  for (const InvocationState state : {InvocationState::kSuspended, InvocationState::kPaused}) {
    InState in(state);
    EXPECT_EQ(in.Do(Resume{in.spec.id}), ControlResult::kDone);
    EXPECT_EQ(in.Do(Resume{in.spec.id}), ControlResult::kDone);  // ready now
    EXPECT_EQ(in.world.Pull(), 1U);
    EXPECT_EQ(in.world.LastStart(in.spec.id).retry_count_since_last_entry, 0U);
    EXPECT_EQ(in.world.StatusOf(in.spec.id).failed_attempts, 0U);
  }
  InState in(InvocationState::kInvoked, true);
  EXPECT_EQ(in.Do(Resume{in.spec.id}), ControlResult::kDone);
  EXPECT_EQ(in.world.machine().next_timer(), std::nullopt);
  EXPECT_EQ(in.world.Pull(), 1U);
}

TEST(Paused, IsNotWokenByNotifications) {
  World world;
  world.Edit("Svc", "run", [](HandlerSchema& handler) { handler.retry_policy.max_attempts = 1; });
  const InvocationSpec spec = world.Spec("Svc", "run");
  world.SendIn(spec);
  Attempt attempt = world.Begin(spec.id);
  world.Send(attempt, {Sleep(1, world.now + 10), Fail(500, "x")});
  world.now += 10;
  world.FireTimers();
  EXPECT_EQ(world.Journal(spec.id).back(), "!Sleep(1)=void");
  EXPECT_EQ(world.StatusOf(spec.id).state, InvocationState::kPaused);
}

}  // namespace
}  // namespace perdure::test
