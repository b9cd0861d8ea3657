// SPDX-License-Identifier: Apache-2.0
//
// An invocation that brought the process down is paused before anything else happens to it, and the
// machine says which one it is at work on (design 5, poison).
#include "tests/unit/core/running.h"
#include "tests/unit/core/world.h"

#include <gtest/gtest.h>

#include <string>

namespace perdure::test {
namespace {

TEST(Quarantine, PausesWhatRunsWaitsOrBacksOff) {
  for (const SdkFrame& last : {RunStep(1), SuspendOn({1}), Fail(500, "boom")}) {
    Running run;
    run.world.Send(run.attempt, {last});
    run.world.Restart();
    run.world.ApplyTo(run.spec.id, Quarantine{run.spec.id, 3});
    EXPECT_EQ(run.Status().state, InvocationState::kPaused);
    EXPECT_EQ(run.world.Pull(), 0U);
    EXPECT_EQ(run.world.machine().next_timer(), std::nullopt);
    EXPECT_NE(run.Why().find("crashed 3 times in a row"), std::string::npos);
    EXPECT_EQ(run.world.Control(run.spec.id, Resume{run.spec.id}), ControlResult::kDone);
    EXPECT_EQ(run.world.Pull(), 1U);
  }
}

TEST(Quarantine, LeavesOthersAlone) {
  World world;
  const InvocationSpec first = world.Spec("Obj", "add", "k");
  const InvocationSpec queued = world.Spec("Obj", "add", "k");
  world.SendIn(first);
  world.SendIn(queued);
  world.ApplyTo(queued.id, Quarantine{queued.id, 3});
  EXPECT_EQ(world.StatusOf(queued.id).state, InvocationState::kInboxed);
  world.RunToEnd(first.id);
  world.ApplyTo(first.id, Quarantine{first.id, 3});
  EXPECT_EQ(world.StatusOf(first.id).state, InvocationState::kCompleted);
  const InvocationSpec unknown = world.Spec("Svc", "run");
  world.ApplyTo(unknown.id, Quarantine{unknown.id, 3});
  EXPECT_FALSE(world.Status(unknown.id).has_value());
}

}  // namespace
}  // namespace perdure::test
