// SPDX-License-Identifier: Apache-2.0
//
// Attach and GetInvocationOutput of other invocations by id, by call and by workflow (service
// protocol 3.10).
#include "tests/unit/core/running.h"

#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

namespace perdure::test {
namespace {

using Texts = std::vector<std::string>;

TEST(AttachCommand, GetsTheResultWhenItIsThere) {
  for (const bool far : {false, true}) {
    Running run(2);
    const InvocationSpec target = run.world.Spec("Svc", "other", "", far ? 1 : 0);
    run.world.SendIn(target);
    run.world.Send(run.attempt, {AttachTo(1, target.id.ToString()), SuspendOn({1})});
    run.world.Settle();
    EXPECT_EQ(run.Journal(), (Texts{"Input", "AttachInvocation"}));
    run.world.RunToEnd(target.id, "r");
    run.world.Settle();
    EXPECT_EQ(run.Journal().back(), "!AttachInvocation(1)=value r");
    EXPECT_EQ(run.Status().state, InvocationState::kInvoked);
  }
}

TEST(AttachCommand, OfWhatIsCompletedOrUnknownIsAnsweredAtOnce) {
  Running run;
  const InvocationSpec target = run.world.Spec("Svc", "other");
  run.world.SendIn(target);
  run.world.RunToEnd(target.id, "r");
  const std::string unknown = run.world.Spec("Svc", "other").id.ToString();
  run.world.Send(run.attempt, {AttachTo(1, target.id.ToString()), AttachTo(2, unknown)});
  EXPECT_EQ(
      run.Journal(),
      (Texts{
          "Input",
          "AttachInvocation",
          "!AttachInvocation(1)=value r",
          "AttachInvocation",
          "!AttachInvocation(2)=failure 404 not found"}));
}

TEST(AttachCommand, ByWorkflowAndByIdempotencyKey) {
  Running run;
  const InvocationSpec workflow = run.world.Spec("Wf", "run", "k");
  const InvocationSpec call = run.world.IdempotentSpec("Obj", "add", "o", "ik");
  run.world.SendIn(workflow);
  run.world.SendIn(call);
  run.world.RunToEnd(workflow.id, "w");
  run.world.RunToEnd(call.id, "c");
  run.world.Send(
      run.attempt, {AttachToWorkflow(1, "Wf", "k"), AttachToCall(2, "Obj", "o", "add", "ik")});
  EXPECT_EQ(run.Journal()[2], "!AttachInvocation(1)=value w");
  EXPECT_EQ(run.Journal()[4], "!AttachInvocation(2)=value c");
}

TEST(AttachCommand, OutputTellsWhetherThereIsOne) {
  Running run;
  const InvocationSpec target = run.world.Spec("Svc", "other");
  run.world.SendIn(target);
  run.world.Send(run.attempt, {GetOutput(1, target.id.ToString())});
  run.world.RunToEnd(target.id, "r");
  run.world.Send(run.attempt, {GetOutput(2, target.id.ToString())});
  EXPECT_EQ(
      run.Journal(),
      (Texts{
          "Input",
          "GetInvocationOutput",
          "!GetInvocationOutput(1)=void",
          "GetInvocationOutput",
          "!GetInvocationOutput(2)=value r"}));
}

TEST(AttachCommand, ToAnIdThatMakesNoSenseFailsTheAttempt) {
  Running run;
  run.world.Send(run.attempt, {AttachTo(1, "inv_1abc")});
  EXPECT_NE(run.Why().find("bad invocation id: bad length"), std::string::npos) << run.Why();
  EXPECT_EQ(run.Journal(), Texts{"Input"});
}

}  // namespace
}  // namespace perdure::test
