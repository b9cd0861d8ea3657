// SPDX-License-Identifier: Apache-2.0
//
// Signals between invocations, by index and name, and awakeables, also from outside (service
// protocol 3.8, ingress API 10).
#include "tests/unit/core/running.h"

#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

namespace perdure::test {
namespace {

using Texts = std::vector<std::string>;

TEST(Signals, CancelAnotherInvocation) {
  for (const bool far : {false, true}) {
    Running run(2);
    const InvocationSpec target = run.world.Spec("Svc", "run", "", far ? 1 : 0);
    run.world.SendIn(target);
    run.world.Begin(target.id);
    run.world.Send(run.attempt, {SendCancel(target.id), SendCancel(target.id)});
    run.world.Settle();
    EXPECT_EQ(run.world.Journal(target.id), (Texts{"Input", "!Signal(1)=void", "!Signal(1)=void"}));
    EXPECT_EQ(run.Journal(), (Texts{"Input", "SendSignal", "SendSignal"}));
  }
}

TEST(Signals, WithdrawWhatHasNotStarted) {
  Running run;
  InvocationSpec scheduled = run.world.Spec("Svc", "run");
  scheduled.start_at = run.world.now + 100;
  run.world.SendIn(scheduled);
  const uint32_t waiting = run.world.AttachTo(scheduled.id);
  run.world.Send(run.attempt, {SendCancel(scheduled.id)});
  EXPECT_EQ(run.world.ResultText(waiting), "failure 409 canceled");
  EXPECT_FALSE(run.world.Status(scheduled.id).has_value());
}

// The reference drops it.
TEST(Signals, BeforeTheStartAreKeptForIt) {
  World world;
  InvocationSpec scheduled = world.Spec("Svc", "run");
  scheduled.start_at = world.now + 100;
  world.SendIn(scheduled);
  world.Apply(
      0, PeerMessage{PartitionId{0}, 1, PeerSignal{scheduled.id, SignalName{17U}, VoidResult{}}});
  EXPECT_EQ(world.Journal(scheduled.id), (Texts{"Input", "!Signal(17)=void"}));
  world.now += 100;
  world.FireTimers();
  Attempt attempt = world.Begin(scheduled.id);
  EXPECT_EQ(world.LastStart(scheduled.id).known_entries, 2U);
  world.Send(attempt, {SuspendOn({}, {17})});
  EXPECT_EQ(world.StatusOf(scheduled.id).state, InvocationState::kInvoked);
}

TEST(Signals, ByNameWakeWhoWaitsForThem) {
  for (const bool far : {false, true}) {
    Running run(2);
    const InvocationSpec target = run.world.Spec("Svc", "run", "", far ? 1 : 0);
    run.world.SendIn(target);
    Attempt waiting = run.world.Begin(target.id);
    run.world.Send(waiting, {SuspendOnNamed("go")});
    run.world.Send(run.attempt, {SendSignal(target.id.ToString(), std::string("stay"), "1")});
    run.world.Settle();
    EXPECT_EQ(run.world.StatusOf(target.id).state, InvocationState::kSuspended);
    run.world.Send(run.attempt, {SendSignal(target.id.ToString(), std::string("go"), "2")});
    run.world.Settle();
    EXPECT_EQ(run.world.StatusOf(target.id).state, InvocationState::kInvoked);
    EXPECT_EQ(
        run.world.Journal(target.id),
        (Texts{"Input", "!Signal(stay)=value 1", "!Signal(go)=value 2"}));
  }
}

TEST(Signals, ToNobodyAreDropped) {
  Running run;
  run.world.Send(run.attempt, {SendCancel(run.world.Spec("Svc", "run").id)});
  EXPECT_EQ(run.Journal(), (Texts{"Input", "SendSignal"}));
}

TEST(Signals, ThatMakeNoSenseFailTheAttempt) {
  Running run;
  run.world.Send(run.attempt, {SendSignal("inv_1abc", kCancelSignal)});
  EXPECT_NE(run.Why().find("bad invocation id 'inv_1abc'"), std::string::npos) << run.Why();
  EXPECT_EQ(run.Journal(), Texts{"Input"});
}

// --- awakeables ---

std::string FirstAwakeableOf(const InvocationId& id) {
  return AwakeableId{id, 17}.ToString();
}

TEST(Awakeables, CompletedByAHandler) {
  for (const bool far : {false, true}) {
    Running run(2);
    const InvocationSpec target = run.world.Spec("Svc", "run", "", far ? 1 : 0);
    run.world.SendIn(target);
    Attempt waiting = run.world.Begin(target.id);
    run.world.Send(waiting, {SuspendOn({}, {17, 1})});
    const std::string id = FirstAwakeableOf(target.id);
    run.world.Send(
        run.attempt, {CompleteAwakeable(id, "v"), RejectAwakeable(id + "==", 500, "late")});
    run.world.Settle();
    EXPECT_EQ(run.world.StatusOf(target.id).state, InvocationState::kInvoked);
    EXPECT_EQ(
        run.world.Journal(target.id),
        (Texts{"Input", "!Signal(17)=value v", "!Signal(17)=failure 500 late"}));
    EXPECT_EQ(run.Journal(), (Texts{"Input", "CompleteAwakeable", "CompleteAwakeable"}));
  }
}

TEST(Awakeables, CompletedFromOutside) {
  Running run;
  run.world.Send(run.attempt, {SuspendOn({}, {17})});
  const ReplyTo reply{0, 900, 1};
  run.world.ApplyTo(run.spec.id, DeliverSignal{run.spec.id, 17U, SharedBytes::Copy("v")}, reply);
  EXPECT_TRUE(std::holds_alternative<SignalAccepted>(run.world.replies.at(900).front()));
  EXPECT_EQ(run.Status().state, InvocationState::kInvoked);
  EXPECT_EQ(run.Journal(), (Texts{"Input", "!Signal(17)=value v"}));
}

TEST(Awakeables, OfNobodyAreAcceptedFromOutside) {
  World world;
  const InvocationId nobody = world.Spec("Svc", "run").id;
  world.ApplyTo(nobody, DeliverSignal{nobody, 17U, VoidResult{}}, ReplyTo{0, 900, 1});
  EXPECT_TRUE(std::holds_alternative<SignalAccepted>(world.replies.at(900).front()));
  EXPECT_FALSE(world.Status(nobody).has_value());
}

TEST(Awakeables, WithAnIdThatMakesNoSenseFailTheAttempt) {
  const std::string good = FirstAwakeableOf(World().Spec("Svc", "run").id);
  for (const std::string& id :
       {std::string("sign_1abc"), "prom_1" + good.substr(6), std::string("x"), std::string()}) {
    Running run;
    run.world.Send(run.attempt, {CompleteAwakeable(id, "v")});
    EXPECT_NE(run.Why().find("bad awakeable id '" + id + "'"), std::string::npos) << run.Why();
    EXPECT_EQ(run.Journal(), Texts{"Input"});
  }
}

}  // namespace
}  // namespace perdure::test
