// SPDX-License-Identifier: Apache-2.0
//
// Clearing state that is larger than a turn: nobody sees the old state from the first slice on,
// what is set afterwards survives, and every slice is bounded, also across restarts, further clears
// and the next life of a workflow.
#include "core/keys.h"
#include "tests/unit/core/world.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace perdure::test {
namespace {

using State = std::map<std::string, std::string>;

std::string Key(int i) {
  std::string digits = std::to_string(i);
  return "s" + std::string(4 - digits.size(), '0') + digits;
}

std::vector<SdkFrame> Fill(int count, const std::string& value = "old") {
  std::vector<SdkFrame> frames;
  for (int i = 0; i < count; ++i) {
    frames.push_back(SetState(Key(i), value));
  }
  return frames;
}

// An exclusive handler of Obj/k with `count` state keys.
struct Filled {
  World world;
  InvocationSpec spec = world.Spec("Obj", "add", "k");
  Attempt attempt;

  explicit Filled(int count) {
    world.SendIn(spec);
    attempt = world.Begin(spec.id);
    world.Send(attempt, Fill(count));
  }
  // The answer to a read.
  std::string Ask(const SdkFrame& read) {
    world.Send(attempt, {read});
    return world.Journal(spec.id).back();
  }
  State Now() { return world.State("Obj", "k"); }
  size_t Rows() { return world.RowCount(Family::kState); }
};

TEST(Clear, OfManyKeysIsSeenAtOnceAndGoesInSlices) {
  Filled on(600);
  on.world.Send(on.attempt, {ClearAllState()});
  EXPECT_EQ(on.Rows(), 600 - limits::kWorkItemsPerTurn);
  EXPECT_EQ(on.Ask(GetState(1, Key(0))), "!GetLazyState(1)=void");
  EXPECT_EQ(on.Ask(GetState(2, Key(599))), "!GetLazyState(2)=void");
  EXPECT_EQ(on.Ask(GetStateKeys(3)), "!GetLazyStateKeys(3)=keys");
  EXPECT_EQ(on.Now(), State{});
  size_t slices = 0;
  for (size_t before = on.Rows(); on.world.Step(); before = on.Rows()) {
    EXPECT_LE(before - on.Rows(), limits::kWorkItemsPerTurn);
    EXPECT_EQ(on.Now(), State{});
    ++slices;
  }
  EXPECT_EQ(slices, 2U);
  EXPECT_EQ(on.Rows(), 0U);
  EXPECT_TRUE(on.world.machine().memory().clearing.empty());
}

TEST(Clear, OfWhatFitsATurnNeedsNoMore) {
  Filled on(static_cast<int>(limits::kWorkItemsPerTurn));
  on.world.Send(on.attempt, {ClearAllState(), SetState("a", "new")});
  EXPECT_TRUE(on.world.wire.empty());
  EXPECT_EQ(on.Rows(), 1U);
}

TEST(Clear, WhatIsSetAfterwardsSurvives) {
  Filled on(1000);
  // In one read: before the cursor, at it, behind it, and a key that is cleared again.
  on.world.Send(
      on.attempt,
      {ClearAllState(),
       SetState(Key(3), "new"),
       SetState(Key(256), "new"),
       SetState(Key(999), "first"),
       SetState(Key(999), "new"),
       SetState(Key(998), "x"),
       ClearState(Key(998)),
       SetState("zz", "")});
  const State expected{{Key(3), "new"}, {Key(256), "new"}, {Key(999), "new"}, {"zz", ""}};
  EXPECT_EQ(on.Now(), expected);
  EXPECT_EQ(on.Ask(GetState(1, Key(999))), "!GetLazyState(1)=value new");
  EXPECT_EQ(on.Ask(GetState(2, Key(998))), "!GetLazyState(2)=void");
  EXPECT_EQ(on.Ask(GetStateKeys(3)), "!GetLazyStateKeys(3)=keys s0003 s0256 s0999 zz");
  while (on.world.Step()) {
    EXPECT_EQ(on.Now(), expected);
  }
  // Everything lies where it did before there was a clear.
  EXPECT_EQ(on.Rows(), 4U);
  EXPECT_EQ(on.world.Snapshot()->Get(Family::kState, keys::State("Obj", "k", Key(999))), "new");
  EXPECT_EQ(
      on.world.machine().memory().work.from, on.world.machine().memory().row.work_sequence + 1);
}

TEST(Clear, AnAttemptThatStartsMeanwhileIsGivenTheNewState) {
  Filled on(600);
  on.world.Send(on.attempt, {ClearAllState(), SetState(Key(100), "a"), SetState(Key(500), "b")});
  const InvocationSpec shared = on.world.Spec("Obj", "peek", "k");
  on.world.SendIn(shared);
  Attempt peek = on.world.Begin(shared.id);
  const StartAttempt& start = on.world.LastStart(shared.id);
  EXPECT_FALSE(start.partial_state);
  EXPECT_EQ(
      State(start.state.begin(), start.state.end()), (State{{Key(100), "a"}, {Key(500), "b"}}));
  on.world.Send(peek, {GetState(1, Key(499))});
  EXPECT_EQ(on.world.Journal(shared.id).back(), "!GetLazyState(1)=void");
}

TEST(Clear, TwiceForgetsWhatWasSetInBetween) {
  Filled on(600);
  on.world.Send(on.attempt, {ClearAllState()});
  on.world.Send(on.attempt, Fill(500, "between"));
  EXPECT_EQ(on.Now().size(), 500U);
  on.world.Send(on.attempt, {ClearAllState(), SetState(Key(7), "new")});
  EXPECT_EQ(on.Now(), (State{{Key(7), "new"}}));
  on.world.Step();
  on.world.Send(on.attempt, {ClearAllState(), SetState(Key(8), "newer")});
  size_t slices = 0;
  for (size_t before = on.Rows(); on.world.Step(); before = on.Rows()) {
    EXPECT_LE(before - on.Rows(), limits::kWorkItemsPerTurn);
    EXPECT_EQ(on.Now(), (State{{Key(8), "newer"}}));
    ++slices;
  }
  EXPECT_GE(slices, 3U);
  EXPECT_EQ(on.Rows(), 1U);
}

TEST(Clear, GoesOnAfterARestart) {
  Filled on(1000);
  on.world.Send(on.attempt, {ClearAllState(), SetState(Key(10), "new"), SetState(Key(900), "new")});
  const State expected{{Key(10), "new"}, {Key(900), "new"}};
  for (int i = 0; i < 3; ++i) {
    on.world.Restart();
    EXPECT_EQ(on.Now(), expected);
    const InvocationId id = on.spec.id;
    on.attempt = on.world.Begin(id);
    const StartAttempt& start = on.world.LastStart(id);
    EXPECT_EQ(State(start.state.begin(), start.state.end()), expected);
    on.world.Step();
    on.world.CheckAll();
  }
  on.world.Settle();
  EXPECT_EQ(on.Now(), expected);
  EXPECT_EQ(on.Rows(), 2U);
}

TEST(Clear, LeavesOtherObjectsAlone) {
  Filled on(600);
  const InvocationSpec other = on.world.Spec("Obj", "add", "k2");
  on.world.SendIn(other);
  Attempt attempt = on.world.Begin(other.id);
  on.world.Send(attempt, {SetState(Key(300), "other")});
  on.world.Send(on.attempt, {ClearAllState()});
  on.world.Send(attempt, {SetState(Key(301), "other")});
  on.world.Settle();
  EXPECT_EQ(on.world.State("Obj", "k2").size(), 2U);
  EXPECT_EQ(on.Rows(), 2U);
}

TEST(Clear, MovesLargeValuesByTheirBytes) {
  Filled on(300);
  const std::string large(400 * limits::kKiB, 'x');
  std::vector<SdkFrame> frames{ClearAllState()};
  for (int i = 0; i < 9; ++i) {
    frames.push_back(SetState(Key(400 + i), large));
  }
  on.world.Send(on.attempt, std::move(frames));
  size_t slices = 0;
  while (on.world.Step()) {
    ++slices;
  }
  EXPECT_EQ(slices, 3U);
  EXPECT_EQ(on.Now().size(), 9U);
  EXPECT_EQ(on.Rows(), 9U);
}

TEST(Clear, OfAForgottenWorkflowSparesItsNextLife) {
  World world;
  const InvocationSpec spec = world.Spec("Wf", "run", "w");
  world.SendIn(spec);
  Attempt run = world.Begin(spec.id);
  world.Send(run, Fill(700));
  world.Send(run, {Output("x"), EndFrame()});
  world.now += 1000;
  world.FireRetention();
  EXPECT_FALSE(world.Status(spec.id).has_value());
  EXPECT_EQ(world.State("Wf", "w"), State{});
  world.SendIn(spec);
  run = world.Begin(spec.id);
  EXPECT_TRUE(world.LastStart(spec.id).state.empty());
  EXPECT_FALSE(world.LastStart(spec.id).partial_state);
  world.Send(run, {SetState(Key(1), "second"), SetState(Key(650), "second")});
  world.Settle();
  EXPECT_EQ(world.State("Wf", "w"), (State{{Key(1), "second"}, {Key(650), "second"}}));
  EXPECT_EQ(world.RowCount(Family::kState), 2U);
}

TEST(Clear, TheStateOfExpiringWorkflowsCountsAgainstTheTurn) {
  World world;
  world.check_every_command = false;
  for (int i = 0; i < 12; ++i) {
    InvocationSpec spec = world.Spec("Wf", "run", "w" + std::to_string(i));
    spec.retention = {1000, 500};
    world.SendIn(spec);
    Attempt run = world.Begin(spec.id);
    world.Send(run, Fill(100));
    world.Send(run, {Output("x"), EndFrame()});
  }
  world.now += 500;  // the journals, which count too, go first
  while (*world.machine().next_retention() <= world.now) {
    world.FireRetention();
  }
  world.now += 500;
  // A turn ends behind the workflow that uses it up.
  while (world.machine().next_retention()) {
    const size_t before = world.RowCount(Family::kState);
    world.FireRetention();
    EXPECT_LE(before - world.RowCount(Family::kState), limits::kWorkItemsPerTurn + 100);
    world.CheckAll();
  }
  world.Settle();
  EXPECT_EQ(world.RowCount(Family::kState), 0U);
}

TEST(StateKeys, ThatDoNotFitAMessageFailTheAttempt) {
  Filled on(10);
  on.world.message_bytes_max = 80;  // ten keys take seven bytes each, and the answer seven
  on.world.Restart();
  on.attempt = on.world.Begin(on.spec.id);
  EXPECT_EQ(on.Ask(GetStateKeys(1)).substr(0, 28), "!GetLazyStateKeys(1)=keys s0");
  on.world.Send(on.attempt, {SetState("another", "x"), GetStateKeys(2)});
  const InvocationStatus status = on.world.StatusOf(on.spec.id);
  EXPECT_NE(status.next_retry_at, 0U);
  EXPECT_EQ(status.last_failure->doc_code, "RT0017");
  EXPECT_NE(
      status.last_failure->error.message.find("the state keys of Obj/k take more than the 80"),
      std::string::npos)
      << status.last_failure->error.message;
  EXPECT_EQ(on.world.Journal(on.spec.id).back(), "SetState");  // refused before it was stored
}

// One object against a map, with slices of three rows and steps in between.
class RandomClears {
 public:
  explicit RandomClears(uint64_t seed) : random_(seed) {
    world_.work_items_max = 3;
    world_.Restart();
    world_.SendIn(spec_);
    attempt_ = world_.Begin(spec_.id);
  }
  void Run() {
    for (int step = 0; step < 150 && !testing::Test::HasFailure(); ++step) {
      SCOPED_TRACE("step " + std::to_string(step));
      Write();
      for (size_t i = random_() % 3; i > 0; --i) {
        world_.Step();
      }
      if (random_() % 10 == 0) {
        world_.Restart();
        attempt_ = world_.Begin(spec_.id);
      }
      EXPECT_EQ(world_.State("Obj", "k"), expected_);
    }
    world_.Settle();
    EXPECT_EQ(world_.State("Obj", "k"), expected_);
    EXPECT_EQ(world_.RowCount(Family::kState), expected_.size());
  }

 private:
  void Write() {
    std::vector<SdkFrame> frames;
    for (size_t i = random_() % 12; i > 0; --i) {
      const std::string key = Key(static_cast<int>(random_() % 20));
      switch (random_() % 16) {
        case 0:
          frames.push_back(ClearAllState());
          expected_.clear();
          break;
        case 1:
        case 2:
          frames.push_back(ClearState(key));
          expected_.erase(key);
          break;
        default: {
          const std::string value = std::to_string(random_() % 100);
          frames.push_back(SetState(key, value));
          expected_[key] = value;
          break;
        }
      }
    }
    world_.Send(attempt_, std::move(frames));
  }

  std::mt19937_64 random_;
  World world_;
  InvocationSpec spec_ = world_.Spec("Obj", "add", "k");
  Attempt attempt_;
  State expected_;
};

TEST(Clear, AgreesWithAMap) {
  for (uint64_t seed = 1; seed <= 30 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomClears(seed).Run();
  }
}

}  // namespace
}  // namespace perdure::test
