// SPDX-License-Identifier: Apache-2.0
//
// Promises of a workflow: got before and after they are completed, completed once, told to many,
// and gone with the workflow (service protocol 3.9).
#include "tests/unit/core/world.h"

#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

namespace perdure::test {
namespace {

using Texts = std::vector<std::string>;

// A workflow that runs, with a shared handler beside it.
struct Workflow {
  World world;
  InvocationSpec run = world.Spec("Wf", "run", "k");
  InvocationSpec status = world.Spec("Wf", "status", "k");
  uint32_t slot = world.CallIn(run);
  uint32_t status_slot = world.CallIn(status);
  Attempt main = world.Begin(run.id);
  Attempt beside = world.Begin(status.id);

  Texts Journal() { return world.Journal(run.id); }
};

TEST(Promises, WakeWhoWaitsForThem) {
  Workflow wf;
  wf.world.Send(wf.main, {GetPromise(1, "p"), SuspendOn({1})});
  EXPECT_EQ(wf.world.StatusOf(wf.run.id).state, InvocationState::kSuspended);
  wf.world.Send(wf.beside, {CompletePromise(1, "other", "no"), CompletePromise(2, "p", "yes")});
  EXPECT_EQ(wf.Journal(), (Texts{"Input", "GetPromise", "!GetPromise(1)=value yes"}));
  EXPECT_EQ(wf.world.StatusOf(wf.run.id).state, InvocationState::kInvoked);
  EXPECT_EQ(
      wf.world.Journal(wf.status.id),
      (Texts{
          "Input",
          "CompletePromise",
          "!CompletePromise(1)=void",
          "CompletePromise",
          "!CompletePromise(2)=void"}));
}

TEST(Promises, ThatAreCompletedAreGotAtOnce) {
  Workflow wf;
  wf.world.Send(wf.beside, {PeekPromise(1, "p"), CompletePromise(2, "p", ""), PeekPromise(3, "p")});
  wf.world.Send(wf.main, {GetPromise(1, "p")});
  EXPECT_EQ(wf.Journal(), (Texts{"Input", "GetPromise", "!GetPromise(1)=value "}));
  const Texts journal = wf.world.Journal(wf.status.id);
  EXPECT_EQ(journal[2], "!PeekPromise(1)=void");
  EXPECT_EQ(journal.back(), "!PeekPromise(3)=value ");
}

TEST(Promises, AreCompletedOnce) {
  Workflow wf;
  wf.world.Send(wf.beside, {CompletePromise(1, "p", "a"), CompletePromise(2, "p", "b")});
  wf.world.Send(wf.main, {PeekPromise(1, "p")});
  EXPECT_EQ(
      wf.world.Journal(wf.status.id).back(),
      "!CompletePromise(2)=failure 409 promise was already completed");
  EXPECT_EQ(wf.Journal().back(), "!PeekPromise(1)=value a");
}

TEST(Promises, AreTheWorkflowsOwn) {
  Workflow wf;
  const InvocationSpec other = wf.world.Spec("Wf", "run", "other");
  wf.world.SendIn(other);
  Attempt there = wf.world.Begin(other.id);
  wf.world.Send(wf.main, {CompletePromise(1, "p", "a")});
  wf.world.Send(there, {PeekPromise(1, "p")});
  EXPECT_EQ(wf.world.Journal(other.id).back(), "!PeekPromise(1)=void");
}

TEST(Promises, AreToldToManyInSlices) {
  Workflow wf;
  wf.world.work_items_max = 4;
  wf.world.Restart();
  constexpr int kWaiting = 11;
  std::vector<InvocationId> waiting;
  for (int i = 0; i < kWaiting; ++i) {
    const InvocationSpec spec = wf.world.Spec("Wf", "status", "k");
    wf.world.SendIn(spec);
    Attempt attempt = wf.world.Begin(spec.id);
    wf.world.Send(attempt, {GetPromise(1, "p"), SuspendOn({1})});
    waiting.push_back(spec.id);
  }
  Attempt completes = wf.world.Begin(wf.run.id);
  wf.world.Send(completes, {CompletePromise(1, "p", "v")});
  wf.world.Restart();  // the rest of the work is a row
  wf.world.Settle();
  for (const InvocationId& id : waiting) {
    EXPECT_EQ(wf.world.StatusOf(id).state, InvocationState::kInvoked);
    EXPECT_EQ(wf.world.Journal(id).back(), "!GetPromise(1)=value v");
  }
}

TEST(Promises, WhoWasKilledMeanwhileIsNotTold) {
  Workflow wf;
  wf.world.Send(wf.main, {GetPromise(1, "p"), SuspendOn({1})});
  wf.world.Control(wf.run.id, Kill{wf.run.id});
  wf.world.Send(wf.beside, {CompletePromise(1, "p", "v")});
  EXPECT_EQ(wf.Journal(), (Texts{"Input", "GetPromise"}));
}

TEST(Promises, GoWithTheWorkflow) {
  Workflow wf;
  wf.world.work_items_max = 3;
  wf.world.Restart();
  Attempt main = wf.world.Begin(wf.run.id);
  std::vector<SdkFrame> frames;
  for (CompletionId i = 1; i <= 10; ++i) {
    frames.push_back(CompletePromise(i, "p" + std::to_string(i), "v"));
  }
  frames.push_back(GetPromise(11, "never"));
  frames.push_back(Output("done"));
  frames.push_back(EndFrame());
  wf.world.Send(main, std::move(frames));
  wf.world.RunToEnd(wf.status.id);
  wf.world.Settle();
  wf.world.now += 5000;
  for (int slice = 0; slice < 40; ++slice) {
    wf.world.FireRetention();
    wf.world.Settle();
  }
  EXPECT_FALSE(wf.world.Status(wf.run.id).has_value());
  EXPECT_EQ(wf.world.RowCount(Family::kState), 0U);
  EXPECT_EQ(wf.world.RowCount(Family::kIndex), 0U);
}

// As in the reference: the run that is withdrawn never was.
TEST(Promises, OutliveARunThatNeverStarted) {
  World world;
  InvocationSpec run = world.Spec("Wf", "run", "k");
  run.start_at = world.now + 60'000;
  world.SendIn(run);
  const InvocationSpec status = world.Spec("Wf", "status", "k");
  world.SendIn(status);
  Attempt beside = world.Begin(status.id);
  world.Send(beside, {CompletePromise(1, "p", "v")});

  EXPECT_EQ(world.Control(run.id, Cancel{run.id}), ControlResult::kDone);
  world.Settle();
  run.start_at = 0;
  world.SendIn(run);
  Attempt next = world.Begin(run.id);
  world.Send(next, {PeekPromise(1, "p")});

  EXPECT_EQ(world.Journal(run.id).back(), "!PeekPromise(1)=value v");
}

TEST(Promises, WhoStillWaitsWhenTheWorkflowGoesIsWokenByTheNext) {
  Workflow wf;
  wf.world.Send(wf.main, {Output("done"), EndFrame()});
  wf.world.Send(wf.beside, {GetPromise(1, "p"), SuspendOn({1})});
  wf.world.now += 5000;
  wf.world.FireRetention();
  wf.world.Settle();
  ASSERT_FALSE(wf.world.Status(wf.run.id).has_value());

  const InvocationSpec again = wf.world.Spec("Wf", "status", "k");
  wf.world.SendIn(again);
  Attempt attempt = wf.world.Begin(again.id);
  wf.world.Send(attempt, {CompletePromise(1, "p", "v")});

  EXPECT_EQ(wf.world.Journal(wf.status.id).back(), "!GetPromise(1)=value v");
  EXPECT_EQ(wf.world.StatusOf(wf.status.id).state, InvocationState::kInvoked);
}

TEST(Promises, AreOnlyThereForWorkflows) {
  for (const char* service : {"Svc", "Obj"}) {
    World world;
    const InvocationSpec spec =
        std::string(service) == "Svc" ? world.Spec("Svc", "run") : world.Spec("Obj", "add", "k");
    world.SendIn(spec);
    Attempt attempt = world.Begin(spec.id);
    world.Send(attempt, {PeekPromise(1, "p")});
    EXPECT_EQ(world.Journal(spec.id), Texts{"Input"});
    EXPECT_EQ(world.StatusOf(spec.id).last_failure->doc_code, "RT0020");
  }
}

}  // namespace
}  // namespace perdure::test
