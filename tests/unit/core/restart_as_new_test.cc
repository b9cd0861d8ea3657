// SPDX-License-Identifier: Apache-2.0
//
// A completed invocation once more as a new one (admin API 8.5): what is copied, what is refused,
// in one step and in slices; and resume on another deployment (admin API 8.4).
#include "core/row_codec.h"
#include "tests/unit/core/running.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace perdure::test {
namespace {

using Texts = std::vector<std::string>;
using Kind = DeploymentChoice::Kind;

struct Source : Running {
  Source() = default;
  explicit Source(size_t items_max) {
    world.work_items_max = items_max;
    world.Restart();
    attempt = world.Begin(spec.id);
  }
  void Finish(std::vector<SdkFrame> frames) { world.Send(attempt, std::move(frames)); }
  uint32_t Ask(JournalIndex from, DeploymentChoice deployment = {Kind::kLatest, {}}) {
    const uint32_t place = next_slot_++;
    world.ApplyTo(spec.id, RestartAsNew{spec.id, from, deployment}, ReplyTo{0, place, 1});
    return place;
  }
  RestartOutcome Restart(JournalIndex from, DeploymentChoice deployment = {Kind::kLatest, {}}) {
    const uint32_t asked = Ask(from, deployment);
    world.Settle();
    const auto outcome = world.Answer<RestartOutcome>(asked);
    EXPECT_EQ(outcome.id, spec.id);
    return outcome;
  }
  InvocationId RestartDone(JournalIndex from, DeploymentChoice deployment = {Kind::kLatest, {}}) {
    const RestartOutcome outcome = Restart(from, deployment);
    EXPECT_EQ(outcome.result, RestartResult::kRestarted);
    return outcome.new_id;
  }

 private:
  uint32_t next_slot_ = 5000;
};

// Input, Run 1 and its result, Sleep 2, Run 3 and its result, signal 17, the end of the sleep.
void FinishWithSleep(Source& source) {
  const TimeMs due = source.world.now + 10;
  source.world.Send(
      source.attempt, {RunStep(1), Propose(1, "a"), Sleep(2, due), RunStep(3), Propose(3, "b")});
  source.world.ApplyTo(
      source.spec.id,
      DeliverSignal{source.spec.id, SignalName{17U}, SharedBytes(std::string("hey"))});
  source.world.now = due;
  source.world.FireTimers();
  source.Finish({Output("done"), EndFrame()});
  ASSERT_EQ(
      source.Journal(),
      (Texts{
          "Input",
          "Run",
          "!Run(1)=value a",
          "Sleep",
          "Run",
          "!Run(3)=value b",
          "!Signal(17)=value hey",
          "!Sleep(2)=void",
          "Output"}));
}

TEST(RestartAsNew, BeginsWithTheInputAlone) {
  Source source;
  FinishWithSleep(source);
  const InvocationId id = source.RestartDone(0);
  EXPECT_NE(id, source.spec.id);
  EXPECT_EQ(id.partition_key, source.spec.id.partition_key);
  EXPECT_EQ(source.world.Journal(id), Texts{"Input"});
  const InvocationStatus status = source.world.StatusOf(id);
  EXPECT_EQ(status.state, InvocationState::kInvoked);
  EXPECT_EQ(status.restarted_from, source.spec.id);
  EXPECT_EQ(status.target, source.Status().target);
  EXPECT_EQ(status.retention, source.Status().retention);
  EXPECT_EQ(status.idempotency_key, std::nullopt);
  EXPECT_NE(status.random_seed, source.Status().random_seed);
  source.world.RunToEnd(id, "again");
  EXPECT_EQ(source.world.ResultText(source.world.AttachTo(id)), "value again");
  EXPECT_EQ(source.world.ResultText(source.world.AttachTo(source.spec.id)), "value done");
}

TEST(RestartAsNew, KeepsAPrefixAndTheCompletionsOfItsCommands) {
  const std::pair<JournalIndex, Texts> cases[] = {
      {1, {"Input", "Run", "!Run(1)=value a"}},
      {2, {"Input", "Run", "!Run(1)=value a"}},
      {3, {"Input", "Run", "!Run(1)=value a", "Sleep", "!Sleep(2)=void"}},
      {4, {"Input", "Run", "!Run(1)=value a", "Sleep", "Run", "!Run(3)=value b", "!Sleep(2)=void"}},
      {6,
       {"Input",
        "Run",
        "!Run(1)=value a",
        "Sleep",
        "Run",
        "!Run(3)=value b",
        "!Signal(17)=value hey",
        "!Sleep(2)=void"}}};
  for (const size_t items_max : {size_t{256}, size_t{1}, size_t{2}}) {
    for (const auto& [from, expected] : cases) {
      Source source(items_max);
      FinishWithSleep(source);
      const InvocationId id = source.RestartDone(from);
      EXPECT_EQ(source.world.Journal(id), expected) << from;
      const InvocationStatus status = source.world.StatusOf(id);
      EXPECT_EQ(status.random_seed, source.Status().random_seed);
      EXPECT_EQ(status.pinned_deployment, source.world.active());
      EXPECT_EQ(status.pinned_protocol_version, source.Status().pinned_protocol_version);
      Attempt attempt = source.world.Begin(id);
      EXPECT_EQ(source.world.LastStart(id).known_entries, expected.size());
      source.world.Send(attempt, {Output("again"), EndFrame()});
      EXPECT_EQ(source.world.ResultText(source.world.AttachTo(id)), "value again");
    }
  }
}

TEST(RestartAsNew, AnOutputInThePrefixIsTheResultOfTheEnd) {
  for (const bool failed : {false, true}) {
    Source source;
    source.Finish({failed ? OutputFailure(400, "no") : Output("done"), EndFrame()});
    const InvocationId id = source.RestartDone(1);
    EXPECT_EQ(source.world.Journal(id), (Texts{"Input", "Output"}));
    Attempt attempt = source.world.Begin(id);
    source.world.Send(attempt, {EndFrame()});
    EXPECT_EQ(
        source.world.ResultText(source.world.AttachTo(id)),
        failed ? "failure 400 no" : "value done");
  }
}

TEST(RestartAsNew, OfCallsKeepsIdAndResult) {
  Source source;
  source.world.Send(
      source.attempt,
      {Call({"Svc", "other", {}, {}, 1, 2}), OneWayCall({"Svc", "other", {}, {}, 3})});
  const InvocationId callee = source.Callee(2);
  source.world.Settle();
  source.world.RunToEnd(callee, "hi");
  source.world.Settle();
  source.Finish({Output("done"), EndFrame()});
  const InvocationId id = source.RestartDone(3);
  const Texts journal = source.world.Journal(id);
  ASSERT_EQ(journal.size(), 6U);
  EXPECT_EQ(journal[1], "Call");
  EXPECT_EQ(journal[3], "OneWayCall");
  EXPECT_EQ(journal[5], "!Call(2)=value hi");
}

TEST(RestartAsNew, AWholePrefixIsNeeded) {
  for (const size_t items_max : {size_t{256}, size_t{1}}) {
    Source source(items_max);
    source.Finish(
        {RunStep(1),
         Propose(1, "a"),
         Sleep(2, source.world.now + 1'000'000),
         Output("done"),
         EndFrame()});
    const size_t journal = source.world.RowCount(Family::kJournal);
    const size_t index = source.world.RowCount(Family::kIndex);
    for (const JournalIndex from : {3U, 4U, 5U, 99U, ~0U - 1}) {
      EXPECT_EQ(source.Restart(from).result, RestartResult::kIncompletePrefix) << from;
    }
    EXPECT_EQ(source.Restart(~0U).result, RestartResult::kOutOfRange);
    source.world.Settle();
    EXPECT_EQ(source.world.RowCount(Family::kJournal), journal);
    EXPECT_EQ(source.world.RowCount(Family::kIndex), index);
    EXPECT_EQ(source.Restart(2).result, RestartResult::kRestarted);
  }
}

TEST(RestartAsNew, IsRefusedInEveryOtherState) {
  Source source;
  EXPECT_EQ(source.Restart(0).result, RestartResult::kNotCompleted);
  source.world.Send(source.attempt, {Fail(500, "boom")});
  EXPECT_EQ(source.Restart(0).result, RestartResult::kNotCompleted);  // backing off
  source.world.Control(source.spec.id, Pause{source.spec.id});
  EXPECT_EQ(source.Restart(0).result, RestartResult::kNotCompleted);
  source.world.Control(source.spec.id, Kill{source.spec.id});
  // Never pinned: there is nothing to say what a prefix is of.
  EXPECT_EQ(source.Restart(1).result, RestartResult::kUnsupported);
  const InvocationId again = source.RestartDone(0);
  EXPECT_EQ(source.world.StatusOf(again).pinned_deployment, std::nullopt);
  const auto unknown = DeploymentChoice{Kind::kNamed, DeploymentId{{9}}};
  EXPECT_EQ(source.Restart(0, unknown).result, RestartResult::kDeploymentUnknown);

  source.world.Control(source.spec.id, Purge{source.spec.id, true});
  EXPECT_EQ(source.Restart(0, unknown).result, RestartResult::kInputGone);
  source.world.Control(source.spec.id, Purge{source.spec.id});
  EXPECT_EQ(source.Restart(0).result, RestartResult::kNotFound);
}

TEST(RestartAsNew, OfWhatHasNotBegunAndOfWorkflows) {
  Source delayed;
  delayed.spec = delayed.world.Spec("Svc", "run");
  delayed.spec.start_at = delayed.world.now + 100;
  delayed.world.SendIn(delayed.spec);
  EXPECT_EQ(delayed.Restart(0).result, RestartResult::kNotStarted);

  Source queued;
  queued.world.SendIn(queued.world.Spec("Obj", "add", "k"));
  queued.spec = queued.world.Spec("Obj", "add", "k");
  queued.world.SendIn(queued.spec);
  EXPECT_EQ(queued.Restart(0).result, RestartResult::kNotStarted);

  for (const char* handler : {"run", "status"}) {
    Source workflow;
    workflow.spec = workflow.world.Spec("Wf", handler, "k");
    workflow.world.SendIn(workflow.spec);
    workflow.world.RunToEnd(workflow.spec.id);
    EXPECT_EQ(workflow.Restart(0).result, RestartResult::kUnsupported);
  }
}

TEST(RestartAsNew, QueuesUpBehindItsObject) {
  Source source;
  source.spec = source.world.Spec("Obj", "add", "k");
  source.world.SendIn(source.spec);
  source.world.RunToEnd(source.spec.id);
  const InvocationSpec holder = source.world.Spec("Obj", "add", "k");
  source.world.SendIn(holder);
  const InvocationId id = source.RestartDone(0);
  EXPECT_EQ(source.world.StatusOf(id).state, InvocationState::kInboxed);
  source.world.RunToEnd(holder.id);
  EXPECT_EQ(source.world.StatusOf(id).state, InvocationState::kInvoked);
}

TEST(RestartAsNew, OnTheDeploymentThatIsWished) {
  Source source;
  const DeploymentId first = source.world.active();
  source.Finish({RunStep(1), Propose(1, "a"), Output("done"), EndFrame()});
  const DeploymentId second = source.world.AddDeployment();
  const auto pinned = [&](DeploymentChoice choice) {
    return *source.world.StatusOf(source.RestartDone(2, choice)).pinned_deployment;
  };
  EXPECT_EQ(pinned({Kind::kKeep, {}}), first);
  EXPECT_EQ(pinned({Kind::kLatest, {}}), second);
  EXPECT_EQ(pinned({Kind::kNamed, first}), first);

  const DeploymentId old = source.world.AddDeployment(5);
  for (const DeploymentChoice& choice :
       {DeploymentChoice{Kind::kLatest, {}}, DeploymentChoice{Kind::kNamed, old}}) {
    const RestartOutcome outcome = source.Restart(0, choice);
    EXPECT_EQ(outcome.result, RestartResult::kVersionUnsupported);
    EXPECT_EQ(outcome.mismatch.pinned, 6);
    EXPECT_EQ(outcome.mismatch.deployment, old);
    EXPECT_EQ(outcome.mismatch.max, 5);
  }
  source.world.RemoveService("Svc");
  EXPECT_EQ(source.Restart(0).result, RestartResult::kDeploymentUnknown);
}

TEST(RestartAsNew, ALongCopyOutlivesTheProcessAndItsSource) {
  for (const bool journal_only : {false, true}) {
    Source source(2);
    FinishWithSleep(source);
    const uint32_t slot = source.Ask(6);
    EXPECT_FALSE(source.world.answered(slot));
    EXPECT_EQ(
        source.world.Control(source.spec.id, Purge{source.spec.id, journal_only}),
        ControlResult::kDone);
    source.world.Restart();
    source.world.Settle();
    EXPECT_FALSE(source.world.answered(slot));  // who asked is gone
    ASSERT_EQ(source.world.Pull(), 1U);
    const InvocationId id = source.world.starts.back().id;
    EXPECT_EQ(source.world.StatusOf(id).restarted_from, source.spec.id);
    EXPECT_EQ(source.world.Journal(id).size(), 8U);
    EXPECT_EQ(source.world.Status(source.spec.id).has_value(), journal_only);
    // Of the old one at most its result is left.
    EXPECT_EQ(source.world.RowCount(Family::kJournal), journal_only ? 9U : 8U);
  }
}

TEST(RestartAsNew, LargeEntriesAreCopiedInSlicesAndNotPurgedMeanwhile) {
  Source source;
  std::vector<SdkFrame> frames;
  for (CompletionId i = 1; i <= 4; ++i) {
    frames.push_back(RunStep(i));
    frames.push_back(Propose(i, std::string(limits::kTurnBytesMax / 2 + 1, 'x')));
  }
  frames.push_back(Output("done"));
  frames.push_back(EndFrame());
  source.Finish(std::move(frames));
  const uint32_t slot = source.Ask(8);
  EXPECT_FALSE(source.world.answered(slot));
  EXPECT_EQ(source.world.Control(source.spec.id, Purge{source.spec.id}), ControlResult::kDone);
  source.world.Settle();
  const auto outcome = source.world.Answer<RestartOutcome>(slot);
  ASSERT_EQ(outcome.result, RestartResult::kRestarted);
  EXPECT_EQ(source.world.StatusOf(outcome.new_id).journal_length, 9U);
  source.world.Control(outcome.new_id, Kill{outcome.new_id});
  source.world.Control(outcome.new_id, Purge{outcome.new_id});
  source.world.Settle();
  EXPECT_EQ(source.world.RowCount(Family::kJournal), 0U);
}

std::string Unhex(std::string_view hex) {
  std::string out;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    out.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return out;
}

// Made with the protobuf compiler: a change here means that folders written before cannot be read.
TEST(RestartAsNew, ItsRowsArePinned) {
  const std::string id = "548ae3cba54055b374dd275f31a51bdcda682792704beb6d";
  const std::string source = "69fde4df6e12235cad2da2db4a4a93d5073471fedb2acd65";
  const std::string status = "08820210031a0c0a035376631a0372756e200178038001029a0218" + source;
  const std::string work =
      "08071218" + id + "18820220045a18" + source + "60056809700378018201" + "33" + status;
  const WorkRow row = DecodeWork(Unhex(work));
  EXPECT_EQ(row.kind, WorkRow::Kind::kRestart);
  EXPECT_EQ(row.id.ToBytes(), Unhex(id));
  EXPECT_EQ(row.birth, Birth{258});
  EXPECT_EQ(row.next_index, 4U);
  EXPECT_EQ(row.copy.source.ToBytes(), Unhex(source));
  EXPECT_EQ(row.copy.source_birth, Birth{5});
  EXPECT_EQ(row.copy.source_length, 9U);
  EXPECT_EQ(row.copy.prefix_length, 3U);
  EXPECT_EQ(row.copy.completions_left, 1U);
  EXPECT_EQ(row.copy.status.command_count, 2U);
  EXPECT_EQ(row.copy.status.restarted_from, row.copy.source);
  EXPECT_EQ(EncodeWork(row), Unhex(work));
  EXPECT_EQ(EncodeStatus(DecodeStatus(Unhex(status))), Unhex(status));
}

struct PausedOn {
  PausedOn() {
    run.world.Send(run.attempt, {RunStep(1), Propose(1, "a"), SuspendOn({2})});
    run.world.Send(run.attempt, {});
  }
  Running run;
  ControlResult Do(DeploymentChoice choice) {
    return run.world.Control(run.spec.id, Resume{run.spec.id, choice});
  }
};

TEST(ResumeOn, AnotherDeploymentWhileItRests) {
  PausedOn paused;
  World& world = paused.run.world;
  const DeploymentId first = world.active();
  const DeploymentId second = world.AddDeployment();
  EXPECT_EQ(paused.Do({Kind::kNamed, DeploymentId{{9}}}), ControlResult::kDeploymentUnknown);
  EXPECT_EQ(paused.run.Status().state, InvocationState::kSuspended);
  EXPECT_EQ(paused.Do({Kind::kLatest, {}}), ControlResult::kDone);
  EXPECT_EQ(paused.run.Status().pinned_deployment, second);
  const Attempt attempt = world.Begin(paused.run.spec.id);
  EXPECT_EQ(world.LastStart(attempt.id).deployment->id, second);

  // Now it runs.
  for (const DeploymentChoice& choice :
       {DeploymentChoice{Kind::kLatest, {}}, DeploymentChoice{Kind::kNamed, first}}) {
    EXPECT_EQ(paused.Do(choice), ControlResult::kDeploymentFixed);
  }
  EXPECT_EQ(paused.Do({Kind::kKeep, {}}), ControlResult::kDone);
  Attempt mutable_attempt = attempt;
  world.Send(mutable_attempt, {SuspendOn({2})});
  world.Control(paused.run.spec.id, Pause{paused.run.spec.id});
  const DeploymentId old = world.AddDeployment(5);
  EXPECT_EQ(paused.Do({Kind::kNamed, old}), ControlResult::kVersionUnsupported);
  EXPECT_EQ(paused.Do({Kind::kNamed, first}), ControlResult::kDone);
  EXPECT_EQ(paused.run.Status().pinned_deployment, first);
}

TEST(ResumeOn, WithoutAPinOnlyTheLatestGoes) {
  Running run;
  run.world.Send(run.attempt, {Fail(500, "boom")});
  EXPECT_EQ(
      run.world.Control(run.spec.id, Resume{run.spec.id, {Kind::kLatest, {}}}),
      ControlResult::kDeploymentFixed);  // backing off
  run.world.Control(run.spec.id, Pause{run.spec.id});
  EXPECT_EQ(
      run.world.Control(run.spec.id, Resume{run.spec.id, {Kind::kNamed, run.world.active()}}),
      ControlResult::kDeploymentFixed);
  EXPECT_EQ(
      run.world.Control(run.spec.id, Resume{run.spec.id, {Kind::kLatest, {}}}),
      ControlResult::kDone);
  EXPECT_EQ(run.Status().pinned_deployment, std::nullopt);
}

}  // namespace
}  // namespace perdure::test
