// SPDX-License-Identifier: Apache-2.0
//
// State of objects and workflows: who may touch it, what a read answers, what an attempt is given
// at its start (service protocol 3.4).
#include "tests/unit/core/world.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace perdure::test {
namespace {

using Texts = std::vector<std::string>;
using Entries = std::vector<std::pair<std::string, std::string>>;

struct OnObject {
  World world;
  InvocationSpec spec = world.Spec("Obj", "add", "k");
  Attempt attempt = Begin(spec);

  Attempt Begin(const InvocationSpec& what) {
    world.SendIn(what);
    return world.Begin(what.id);
  }
  void End() { world.Send(attempt, {Output("x"), EndFrame()}); }
};

TEST(State, IsWrittenWhenTheCommandIsAppended) {
  OnObject on;
  on.world.Send(on.attempt, {SetState("a", "1"), SetState("b", ""), SetState("c", "3")});
  EXPECT_EQ(on.world.StateValue("Obj", "k", "a"), "1");
  EXPECT_EQ(on.world.StateValue("Obj", "k", "b"), "");  // an empty value is a value
  on.world.Send(on.attempt, {ClearState("a"), ClearState("none"), SetState("c", "4")});
  EXPECT_EQ(on.world.StateValue("Obj", "k", "a"), std::nullopt);
  EXPECT_EQ(on.world.StateValue("Obj", "k", "c"), "4");
  on.world.Send(on.attempt, {ClearAllState()});
  EXPECT_EQ(on.world.RowCount(Family::kState), 0U);
}

TEST(State, SurvivesAFailureAndAKill) {
  OnObject on;
  on.world.Send(on.attempt, {SetState("a", "1"), Fail(500, "x")});
  EXPECT_EQ(on.world.Control(on.spec.id, Kill{on.spec.id}), ControlResult::kDone);
  EXPECT_EQ(on.world.StateValue("Obj", "k", "a"), "1");
}

TEST(State, BelongsToOneKeyOfOneService) {
  OnObject on;
  on.world.Send(on.attempt, {SetState("a", "1")});
  Attempt other = on.Begin(on.world.Spec("Obj", "add", "k2"));
  on.world.Send(other, {SetState("a", "2"), ClearAllState()});
  EXPECT_EQ(on.world.StateValue("Obj", "k", "a"), "1");
  EXPECT_EQ(on.world.StateValue("Obj", "k2", "a"), std::nullopt);
}

TEST(State, LazyReadsAnswerAtOnce) {
  OnObject on;
  on.world.Send(
      on.attempt,
      {SetState("b", "2"),
       SetState("a", ""),
       SetState("\xc3\xa4", "3"),
       GetState(1, "b"),
       GetState(2, "a"),
       GetState(3, "none"),
       GetStateKeys(4),
       GetEagerState("b")});
  EXPECT_EQ(
      on.world.Journal(on.spec.id),
      (Texts{
          "Input",
          "SetState",
          "SetState",
          "SetState",
          "GetLazyState",
          "!GetLazyState(1)=value 2",
          "GetLazyState",
          "!GetLazyState(2)=value ",
          "GetLazyState",
          "!GetLazyState(3)=void",
          "GetLazyStateKeys",
          "!GetLazyStateKeys(4)=keys a b \xc3\xa4",
          "GetEagerState"}));
}

TEST(State, ASharedHandlerReadsAndDoesNotWrite) {
  OnObject on;
  on.world.Send(on.attempt, {SetState("a", "1")});
  for (const SdkFrame& write : {SetState("a", "2"), ClearState("a"), ClearAllState()}) {
    const InvocationSpec shared = on.world.Spec("Obj", "peek", "k");
    Attempt attempt = on.Begin(shared);
    on.world.Send(attempt, {GetState(1, "a"), write});
    EXPECT_EQ(on.world.Journal(shared.id).back(), "!GetLazyState(1)=value 1");
    EXPECT_EQ(on.world.StatusOf(shared.id).last_failure->doc_code, "RT0020");
  }
  EXPECT_EQ(on.world.StateValue("Obj", "k", "a"), "1");
}

TEST(State, IsNotThereForAService) {
  World world;
  for (const SdkFrame& frame :
       {GetState(1, "a"), GetStateKeys(1), GetEagerState("a"), SetState("a", "1")}) {
    const InvocationSpec spec = world.Spec("Svc", "run");
    world.SendIn(spec);
    Attempt attempt = world.Begin(spec.id);
    world.Send(attempt, {frame});
    EXPECT_EQ(world.Journal(spec.id), Texts{"Input"});
    EXPECT_EQ(world.StatusOf(spec.id).last_failure->doc_code, "RT0020");
  }
}

TEST(State, OfAWorkflowIsWrittenByItsRunAndGoesWithIt) {
  World world;
  const InvocationSpec spec = world.Spec("Wf", "run", "w");
  world.SendIn(spec);
  Attempt run = world.Begin(spec.id);
  world.Send(run, {SetState("a", "1"), Output("x"), EndFrame()});
  const InvocationSpec shared = world.Spec("Wf", "status", "w");
  world.SendIn(shared);
  Attempt attempt = world.Begin(shared.id);
  EXPECT_EQ(world.LastStart(shared.id).state, (Entries{{"a", "1"}}));
  world.Send(attempt, {GetState(1, "a"), Output("x"), EndFrame()});
  EXPECT_EQ(world.StateValue("Wf", "w", "a"), "1");
  world.now += 2000;
  world.FireRetention();
  EXPECT_EQ(world.RowCount(Family::kState), 0U);
  world.SendIn(spec);
  EXPECT_EQ(world.StatusOf(spec.id).state, InvocationState::kInvoked);
}

TEST(EagerState, IsTheWholeStateIncludingTheInvocationsOwnWrites) {
  OnObject on;
  EXPECT_TRUE(on.world.LastStart(on.spec.id).state.empty());
  EXPECT_FALSE(on.world.LastStart(on.spec.id).partial_state);
  on.world.Send(on.attempt, {SetState("b", "2"), SetState("a", "1"), Fail(500, "x")});
  on.world.now += 1000;
  on.world.FireTimers();
  on.world.Begin(on.spec.id);
  EXPECT_EQ(on.world.LastStart(on.spec.id).state, (Entries{{"a", "1"}, {"b", "2"}}));
  EXPECT_FALSE(on.world.LastStart(on.spec.id).partial_state);
  const InvocationSpec shared = on.world.Spec("Obj", "peek", "k");
  on.Begin(shared);
  EXPECT_EQ(on.world.LastStart(shared.id).state.size(), 2U);
}

TEST(EagerState, IsPartialWhenItIsLazyLargeOrSwitchedOff) {
  OnObject on;
  on.world.Send(on.attempt, {SetState("a", "1"), SetState("b", "22222"), SetState("c", "3")});
  on.world.Edit("Obj", "peek", [](HandlerSchema& handler) { handler.enable_lazy_state = true; });
  const InvocationSpec lazy = on.world.Spec("Obj", "peek", "k");
  on.Begin(lazy);
  EXPECT_TRUE(on.world.LastStart(lazy.id).partial_state);
  EXPECT_TRUE(on.world.LastStart(lazy.id).state.empty());

  on.world.eager_state_bytes_max = 4;  // "a" and "1" fit
  on.world.Restart();
  on.world.Begin(on.spec.id);
  EXPECT_TRUE(on.world.LastStart(on.spec.id).partial_state);
  EXPECT_EQ(on.world.LastStart(on.spec.id).state, (Entries{{"a", "1"}}));

  on.world.eager_state_bytes_max = 0;
  on.world.Restart();
  on.world.Begin(on.spec.id);
  EXPECT_TRUE(on.world.LastStart(on.spec.id).partial_state);
  EXPECT_TRUE(on.world.LastStart(on.spec.id).state.empty());
}

}  // namespace
}  // namespace perdure::test
