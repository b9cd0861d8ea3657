// SPDX-License-Identifier: Apache-2.0
//
// Frames of an attempt: stored as they came, performed once, dropped when late (service protocol
// 3.1, 3.3, 3.5, 3.7, 3.12).
#include "tests/unit/core/world.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace perdure::test {
namespace {

using Texts = std::vector<std::string>;

struct Running {
  World world;
  InvocationSpec spec = world.Spec("Svc", "run");
  uint32_t slot = world.CallIn(spec);
  Attempt attempt = world.Begin(spec.id);

  Texts Journal() { return world.Journal(spec.id); }
  InvocationStatus Status() { return world.StatusOf(spec.id); }
};

TEST(Journal, StoresTheBytesOfTheSdk) {
  Running run;
  SdkFrame frame = RunStep(1);
  // A field that this server does not know (number 99).
  frame.payload = SharedBytes(std::string(frame.payload.view()) + "\x98\x06\x01");
  run.world.Send(run.attempt, {frame});
  EXPECT_EQ(run.world.Entry(run.spec.id, 1).payload.view(), frame.payload.view());
  EXPECT_EQ(run.Status().command_count, 2U);
}

TEST(Journal, StoresCustomEntriesOfAnyTarget) {
  Running run;  // a service: it has no state that they could be a read of
  SdkFrame frame;
  frame.type = static_cast<MessageType>(0xfc00);
  frame.message = CustomCommand{};
  frame.payload = SharedBytes(std::string("\xff\0opaque", 8));
  run.world.Send(run.attempt, {frame, RunStep(1)});
  EXPECT_EQ(run.world.Entry(run.spec.id, 1).type, frame.type);
  EXPECT_EQ(run.world.Entry(run.spec.id, 1).payload.view(), frame.payload.view());
  EXPECT_EQ(run.Status().command_count, 3U);
  EXPECT_FALSE(run.Status().last_failure.has_value());
}

TEST(Journal, DropsFramesItHasSeen) {
  Running run;
  run.world.Send(run.attempt, {RunStep(1), RunStep(2)});
  // The whole read again, then one that overlaps.
  const JournalAppend again{run.spec.id, run.attempt.epoch, 0, {RunStep(1), RunStep(2)}};
  run.world.ApplyTo(run.spec.id, again);
  run.world.ApplyTo(
      run.spec.id, JournalAppend{run.spec.id, run.attempt.epoch, 1, {RunStep(2), RunStep(3)}});
  EXPECT_EQ(run.Journal(), (Texts{"Input", "Run", "Run", "Run"}));
}

TEST(Journal, DropsFramesOfAnotherEpoch) {
  Running run;
  JournalAppend late{run.spec.id, AttemptEpoch{run.attempt.epoch.value + 1}, 0, {RunStep(1)}};
  run.world.ApplyTo(run.spec.id, late);
  late.epoch.value -= 2;
  run.world.ApplyTo(run.spec.id, late);
  run.world.ApplyTo(run.spec.id, AttemptFailed{run.spec.id, late.epoch, {}, "RT0010", {}, true});
  run.world.ApplyTo(run.spec.id, ReadJournal{run.spec.id, late.epoch, 0});
  EXPECT_EQ(run.Journal(), Texts{"Input"});
  EXPECT_TRUE(run.world.notifies.empty());
  EXPECT_EQ(run.Status().failed_attempts, 0U);
}

TEST(Journal, ErrorsOfTheSdkHaveTheCodeThatExplainsThem) {
  for (const auto& [code, doc_code] :
       {std::pair{500U, "RT0007"}, {570U, "RT0016"}, {571U, "RT0012"}, {573U, "RT0007"}}) {
    Running run;
    run.world.Send(run.attempt, {Fail(code, "x")});
    EXPECT_EQ(run.Status().last_failure->doc_code, doc_code);
    EXPECT_EQ(run.Status().last_failure->error.code, code);
  }
}

TEST(Journal, DropsWhatComesAfterTheEnd) {
  Running run;
  run.world.Send(run.attempt, {Output("a"), EndFrame(), RunStep(1)});
  run.world.Send(run.attempt, {RunStep(2)});
  EXPECT_EQ(run.Journal(), (Texts{"Input", "Output"}));
  EXPECT_EQ(run.world.ResultText(run.slot), "value a");
}

TEST(Journal, LateFramesOfAFailedAttemptAreDroppedByTheNextOne) {
  Running run;
  run.world.Send(run.attempt, {RunStep(1), Fail(500, "x")});
  run.world.now += 1000;
  run.world.FireTimers();
  Attempt second = run.world.Begin(run.spec.id);
  EXPECT_GT(second.epoch, run.attempt.epoch);
  run.world.Send(run.attempt, {RunStep(7)});
  run.world.Send(second, {RunStep(8)});
  EXPECT_EQ(run.Journal(), (Texts{"Input", "Run", "Run"}));
}

TEST(Run, AProposalIsStoredAndTold) {
  Running run;
  run.world.Send(run.attempt, {RunStep(1)});
  run.world.Send(run.attempt, {Propose(1, "v")});
  EXPECT_EQ(run.Journal(), (Texts{"Input", "Run", "!Run(1)=value v"}));
  ASSERT_EQ(run.world.notifies.size(), 1U);
  const NotifyAttempt& notify = run.world.notifies[0];
  EXPECT_EQ(notify.epoch, run.attempt.epoch);
  EXPECT_FALSE(notify.lagging);
  ASSERT_EQ(notify.chunk.entries.size(), 1U);
  EXPECT_EQ(Describe(notify.chunk.entries[0]), "!Run(1)=value v");
  EXPECT_EQ(notify.chunk.from, 1U);
  EXPECT_EQ(notify.chunk.next, 3U);
  EXPECT_EQ(notify.chunk.journal_length, 3U);
}

TEST(Run, ASecondProposalIsDropped) {
  Running run;
  run.world.Send(run.attempt, {RunStep(1), Propose(1, "v"), Propose(1, "w")});
  run.world.Send(run.attempt, {ProposeFailure(1, 500, "no")});
  EXPECT_EQ(run.Journal(), (Texts{"Input", "Run", "!Run(1)=value v"}));
}

TEST(Run, AFailureIsAResultToo) {
  Running run;
  run.world.Send(run.attempt, {RunStep(1), ProposeFailure(1, 400, "bad")});
  EXPECT_EQ(run.Journal(), (Texts{"Input", "Run", "!Run(1)=failure 400 bad"}));
}

TEST(Sleep, FiresWhenItIsDue) {
  Running run;
  run.world.Send(run.attempt, {Sleep(1, run.world.now + 100), SuspendOn({1})});
  EXPECT_EQ(run.Status().state, InvocationState::kSuspended);
  run.world.now += 99;
  run.world.FireTimers();
  EXPECT_EQ(run.Status().state, InvocationState::kSuspended);
  run.world.now += 1;
  run.world.FireTimers();
  EXPECT_EQ(run.Status().state, InvocationState::kInvoked);
  EXPECT_EQ(run.Journal(), (Texts{"Input", "Sleep", "!Sleep(1)=void"}));
  run.world.RunToEnd(run.spec.id);
}

TEST(Sleep, InThePastFiresAtOnce) {
  Running run;
  run.world.Send(run.attempt, {Sleep(1, 5)});
  EXPECT_EQ(run.world.machine().next_timer(), 5U);
  run.world.FireTimers();
  EXPECT_EQ(run.Journal(), (Texts{"Input", "Sleep", "!Sleep(1)=void"}));
  ASSERT_EQ(run.world.notifies.size(), 1U);
}

TEST(Sleep, TwoOfOneMillisecondBothFire) {
  Running run;
  const TimeMs due = run.world.now + 5;
  run.world.Send(run.attempt, {Sleep(1, due), Sleep(2, due)});
  run.world.now = due;
  run.world.FireTimers();
  EXPECT_EQ(run.Journal(), (Texts{"Input", "Sleep", "Sleep", "!Sleep(1)=void", "!Sleep(2)=void"}));
}

TEST(Sleep, DiesWithItsInvocation) {
  Running run;
  run.world.Send(run.attempt, {Sleep(1, run.world.now + 100), Output("x"), EndFrame()});
  run.world.now += 100;
  run.world.FireTimers();
  EXPECT_EQ(run.Journal(), (Texts{"Input", "Sleep", "Output"}));
  EXPECT_EQ(run.world.machine().next_timer(), std::nullopt);
}

TEST(Sleep, OfAnEarlierLifeIsNotToldToTheNext) {
  World world;
  const InvocationSpec spec = world.IdempotentSpec("Svc", "run", "", "ik");
  world.SendIn(spec);
  Attempt attempt = world.Begin(spec.id);
  world.Send(attempt, {Sleep(1, world.now + 5000), Output("x"), EndFrame()});
  world.now += 1000;
  world.FireRetention();
  world.SendIn(spec);
  world.now += 4000;
  world.FireTimers();
  EXPECT_EQ(world.Journal(spec.id), Texts{"Input"});
}

TEST(Suspension, IsResumedAtOnceByWhatIsThereAlready) {
  Running run;
  run.world.Send(run.attempt, {RunStep(1), Propose(1, "v"), SuspendOn({5, 1})});
  EXPECT_EQ(run.Status().state, InvocationState::kInvoked);
  EXPECT_TRUE(run.Status().wait_set.empty());
  EXPECT_EQ(run.world.Pull(), 1U);
  EXPECT_EQ(run.world.LastStart(run.spec.id).known_entries, 3U);
}

TEST(Suspension, WaitsForAnyOneOfItsList) {
  Running run;
  run.world.Send(
      run.attempt,
      {Sleep(1, run.world.now + 100), Sleep(2, run.world.now + 50), SuspendOn({1, 2, 77}, {1})});
  EXPECT_EQ(run.Status().wait_set, WaitSet::AnyOf({1, 2, 77}, {1}));
  EXPECT_EQ(run.world.Pull(), 0U);
  run.world.now += 50;
  run.world.FireTimers();
  EXPECT_EQ(run.world.Pull(), 1U);
}

TEST(Suspension, IsNotResumedByWhatItDoesNotWaitFor) {
  Running run;
  run.world.Send(run.attempt, {Sleep(1, run.world.now + 10), SuspendOn({2}, {})});
  run.world.now += 10;
  run.world.FireTimers();
  EXPECT_EQ(run.world.Control(run.spec.id, Cancel{run.spec.id}), ControlResult::kRequested);
  EXPECT_EQ(run.Status().state, InvocationState::kSuspended);
  EXPECT_EQ(run.Journal(), (Texts{"Input", "Sleep", "!Sleep(1)=void", "!Signal(1)=void"}));
}

TEST(Suspension, ThatWaitsForNothingIsAFailedAttempt) {
  Running run;
  run.world.Send(run.attempt, {SuspendOn({})});
  const InvocationStatus status = run.Status();
  EXPECT_EQ(status.state, InvocationState::kInvoked);
  EXPECT_NE(status.next_retry_at, 0U);
  ASSERT_TRUE(status.last_failure.has_value());
  EXPECT_EQ(status.last_failure->doc_code, "RT0012");
  EXPECT_EQ(status.last_failure->error.code, 571U);
}

TEST(Suspension, OnANamedSignalWaits) {
  Running run;
  run.world.Send(run.attempt, {SuspendOnNamed("go")});
  EXPECT_EQ(run.Status().state, InvocationState::kSuspended);
  run.world.Apply(
      0,
      PeerMessage{
          PartitionId{0},
          1,
          PeerSignal{run.spec.id, SignalName{std::string("go")}, SharedBytes(std::string("x"))}});
  EXPECT_EQ(run.Status().state, InvocationState::kInvoked);
  EXPECT_EQ(run.Journal(), (Texts{"Input", "!Signal(go)=value x"}));
}

TEST(End, WithoutAnOutputIsAFailedAttempt) {
  Running run;
  run.world.Send(run.attempt, {RunStep(1), EndFrame()});
  EXPECT_FALSE(run.world.answered(run.slot));
  const InvocationStatus status = run.Status();
  EXPECT_NE(status.next_retry_at, 0U);
  EXPECT_EQ(status.last_failure->error.code, 571U);
  EXPECT_EQ(status.failed_attempts, 1U);
}

TEST(End, TheLastOfTwoOutputsCounts) {
  Running run;
  run.world.Send(run.attempt, {Output("first"), Output("second"), EndFrame()});
  EXPECT_EQ(run.world.ResultText(run.slot), "value second");
}

TEST(End, AValueBehindAFailureCounts) {
  Running run;
  run.world.Send(run.attempt, {OutputFailure(500, "no"), Output("yes"), EndFrame()});
  EXPECT_EQ(run.world.ResultText(run.slot), "value yes");
}

TEST(End, AnOutputOfAnEarlierAttemptIsEnough) {
  Running run;
  run.world.Send(run.attempt, {OutputFailure(418, "tea"), Fail(500, "lost")});
  EXPECT_FALSE(run.world.answered(run.slot));
  run.world.now += 1000;
  run.world.FireTimers();
  Attempt second = run.world.Begin(run.spec.id);
  run.world.Send(second, {EndFrame()});
  EXPECT_EQ(run.world.ResultText(run.slot), "failure 418 tea");
}

TEST(Commands, ThatMustNotBeFailTheAttemptAndAreNamed) {
  Running run;
  run.world.Send(run.attempt, {RunStep(1), GetPromise(2, "p"), RunStep(3)});
  EXPECT_EQ(run.Journal(), (Texts{"Input", "Run"}));
  const LastFailure failure = *run.Status().last_failure;
  EXPECT_NE(failure.error.message.find("only there for workflows"), std::string::npos)
      << failure.error.message;
  EXPECT_EQ(failure.error.related_command_index, 2U);
  EXPECT_EQ(
      failure.error.related_command_type, static_cast<uint16_t>(MessageType::kGetPromiseCommand));
  ASSERT_EQ(run.world.stops.size(), 1U);
  EXPECT_EQ(run.world.stops[0].epoch, run.attempt.epoch);
  EXPECT_EQ(run.world.stops[0].how, StopAttempt::How::kReset);
}

TEST(Journal, ALostReadIsABrokenInvariant) {
  Running run;
  EXPECT_DEATH(
      run.world.ApplyTo(
          run.spec.id, JournalAppend{run.spec.id, run.attempt.epoch, 3, {RunStep(1)}}),
      "frames of an attempt were lost");
}

}  // namespace
}  // namespace perdure::test
