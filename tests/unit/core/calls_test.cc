// SPDX-License-Identifier: Apache-2.0
//
// Calls between invocations, within a partition and across (service protocol 3.6), and the
// outbox that carries them: windows, duplicates, acknowledgements.
#include "perdure/protocol/notifications.h"
#include "tests/unit/core/running.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace perdure::test {
namespace {

using Texts = std::vector<std::string>;

TEST(Calls, WithinAPartition) {
  Running run;
  run.world.Send(
      run.attempt,
      {Call(
           {.service = "Svc",
            .handler = "other",
            .parameter = "p",
            .id_completion = 1,
            .result_completion = 2,
            .headers = {{"h", "v"}}}),
       SuspendOn({2})});
  EXPECT_EQ(run.Journal(), (Texts{"Input", "Call", "!CallInvocationId(1)=id"}));
  const InvocationId callee = run.Callee(2);
  const InvocationStatus status = run.world.StatusOf(callee);
  ASSERT_TRUE(status.caller.has_value());
  EXPECT_EQ(status.caller->id, run.spec.id);
  EXPECT_EQ(status.caller->result_completion_id, 2U);
  EXPECT_NE(status.random_seed, 0U);
  const Result<InputContent> input = DecodeInput(run.world.Entry(callee, 0).payload);
  EXPECT_EQ(input->body.view(), "p");
  EXPECT_EQ(input->headers, (std::vector<Header>{{"h", "v"}}));
  run.world.RunToEnd(callee, "r");
  EXPECT_EQ(run.Journal().back(), "!Call(2)=value r");
  EXPECT_EQ(run.Status().state, InvocationState::kInvoked);
  EXPECT_TRUE(run.world.wire.empty());
}

TEST(Calls, AFailureIsDeliveredUnchanged) {
  Running run;
  run.world.Send(
      run.attempt,
      {Call({.service = "Svc", .handler = "other", .id_completion = 1, .result_completion = 2})});
  Attempt callee = run.world.Begin(run.Callee(2));
  run.world.Send(callee, {OutputFailure(418, "tea"), EndFrame()});
  EXPECT_EQ(run.Journal().back(), "!Call(2)=failure 418 tea");
}

TEST(Calls, AcrossPartitions) {
  Running run(2);
  const std::string key = run.world.KeyIn(1);
  run.world.Send(
      run.attempt,
      {Call(
           {.service = "Obj",
            .handler = "add",
            .key = key,
            .parameter = "p",
            .id_completion = 1,
            .result_completion = 2}),
       SuspendOn({2})});
  const InvocationId callee = run.Callee(2);
  EXPECT_EQ(run.world.PartitionNumber(callee), 1);
  EXPECT_FALSE(run.world.Status(callee).has_value());
  run.world.Settle();
  EXPECT_EQ(run.world.StatusOf(callee).target.key, key);
  run.world.RunToEnd(callee, "far");
  EXPECT_EQ(run.Status().state, InvocationState::kSuspended);
  run.world.Settle();
  EXPECT_EQ(run.Journal().back(), "!Call(2)=value far");
  run.world.RunToEnd(run.spec.id, "end");
  EXPECT_EQ(run.world.ResultText(run.slot), "value end");
  for (uint16_t i = 0; i < 2; ++i) {
    for (const auto& [to, window] : run.world.machine(i).memory().outbox) {
      EXPECT_EQ(window.acked, window.sent) << i << " " << to;
    }
  }
}

TEST(Calls, WithOneKeyAttachToOneCallee) {
  for (const bool far : {false, true}) {
    Running run(2);
    const std::string key = run.world.KeyIn(far ? 1 : 0);
    const auto call = [&](CompletionId id) {
      return Call(
          {.service = "Obj",
           .handler = "add",
           .key = key,
           .id_completion = id,
           .result_completion = id + 1,
           .idempotency_key = "ik"});
    };
    run.world.Send(run.attempt, {call(1), call(3)});
    run.world.Settle();
    const InvocationId callee = run.Callee(2);
    EXPECT_EQ(run.Callee(4), callee);
    run.world.RunToEnd(callee, "one");
    run.world.Settle();
    Texts journal = run.Journal();
    EXPECT_EQ(std::count(journal.begin(), journal.end(), "!Call(2)=value one"), 1);
    EXPECT_EQ(std::count(journal.begin(), journal.end(), "!Call(4)=value one"), 1);
    // Now it is stored: answered at once.
    run.world.Send(run.attempt, {call(5)});
    run.world.Settle();
    EXPECT_EQ(run.Journal().back(), "!Call(6)=value one");
  }
}

TEST(Calls, AWorkflowThatRanIsRefused) {
  Running run;
  const auto call = [](CompletionId id) {
    return Call(
        {.service = "Wf",
         .handler = "run",
         .key = "w",
         .id_completion = id,
         .result_completion = id + 1});
  };
  run.world.Send(run.attempt, {call(1), call(3)});
  EXPECT_EQ(run.Journal().back(), "!Call(4)=failure 409 the workflow method was already invoked");
  EXPECT_EQ(run.Callee(2), run.Callee(4));
  // A one-way call to it is not answered at all.
  run.world.Send(
      run.attempt,
      {OneWayCall({.service = "Wf", .handler = "run", .key = "w", .id_completion = 5})});
  EXPECT_EQ(run.Journal().back(), "!CallInvocationId(5)=id");
}

TEST(Calls, OneWayWithADelay) {
  for (const bool far : {false, true}) {
    Running run(2);
    const std::string key = run.world.KeyIn(far ? 1 : 0);
    const TimeMs due = run.world.now + 50;
    run.world.Send(
        run.attempt,
        {OneWayCall(
            {.service = "Obj",
             .handler = "add",
             .key = key,
             .id_completion = 1,
             .invoke_time = due})});
    run.world.Settle();
    const InvocationId callee = run.Callee(2);
    EXPECT_EQ(run.world.StatusOf(callee).state, InvocationState::kScheduled);
    EXPECT_EQ(run.world.StatusOf(callee).scheduled_start_at, due);
    run.world.now = due;
    run.world.FireTimers(far ? 1 : 0);
    run.world.RunToEnd(callee);
    run.world.Settle();
    EXPECT_EQ(run.Journal().size(), 3U);  // no result for a one-way call
  }
}

TEST(Calls, ToNobodyRetryUntilItIsRegistered) {
  Running run;
  run.world.RemoveService("Obj");
  const SdkFrame call = Call(
      {.service = "Obj", .handler = "add", .key = "k", .id_completion = 1, .result_completion = 2});
  run.world.Send(run.attempt, {RunStep(9), call, RunStep(10)});
  EXPECT_EQ(run.Journal(), (Texts{"Input", "Run"}));
  EXPECT_EQ(run.Status().last_failure->doc_code, "RT0018");
  EXPECT_EQ(run.Status().last_failure->error.related_command_index, 2U);
  EXPECT_EQ(run.world.stops.size(), 1U);
  run.world.AddDeployment();
  run.world.now += 1000;
  run.world.FireTimers();
  run.attempt = run.world.Begin(run.spec.id);
  run.world.Send(run.attempt, {call});
  EXPECT_EQ(run.Journal().size(), 4U);
}

TEST(Calls, ThatMakeNoSenseFailTheAttempt) {
  struct Case {
    CallTo to;
    std::string doc_code;
    std::string text;
  };
  const std::vector<Case> cases = {
      {{.service = "Svc", .handler = "none"}, "RT0018", "Svc/none was not found"},
      {{.service = "Svc", .handler = "run", .key = "k"}, "RT0017", "takes no key"},
      {{.service = "Svc", .handler = "run", .idempotency_key = ""}, "RT0017", "cannot be empty"},
      {{.service = "Svc", .handler = "run", .scope = "s"}, "RT0024", "scoped invocations"},
      {{.service = "Svc", .handler = "run", .scope = "s", .limit_key = "l"},
       "RT0024",
       "scoped invocations"},
      {{.service = "Svc", .handler = "run", .limit_key = "l"}, "RT0024", "without a scope"},
  };
  for (const Case& bad : cases) {
    for (const bool one_way : {false, true}) {
      Running run;
      run.world.Send(run.attempt, {one_way ? OneWayCall(bad.to) : Call(bad.to)});
      EXPECT_EQ(run.Journal(), Texts{"Input"}) << bad.text;
      EXPECT_EQ(run.Status().last_failure->doc_code, bad.doc_code) << bad.text;
      EXPECT_NE(run.Why().find(bad.text), std::string::npos) << run.Why();
      EXPECT_EQ(run.Status().pinned_deployment, std::nullopt);
    }
  }
}

TEST(Calls, TheEmptyKeyIsAKey) {
  Running run;
  run.world.Send(
      run.attempt,
      {Call({.service = "Obj", .handler = "add", .id_completion = 1, .result_completion = 2})});
  EXPECT_EQ(run.world.StatusOf(run.Callee(2)).target.ToString(), "Obj//add");
}

TEST(Calls, AResultForACallerThatEndedIsDropped) {
  Running run(2);
  run.world.Send(
      run.attempt,
      {Call(
           {.service = "Obj",
            .handler = "add",
            .key = run.world.KeyIn(1),
            .id_completion = 1,
            .result_completion = 2}),
       Output("early"),
       EndFrame()});
  run.world.Settle();
  run.world.RunToEnd(run.Callee(2));
  run.world.Settle();
  EXPECT_EQ(run.Journal(), (Texts{"Input", "Call", "!CallInvocationId(1)=id", "Output"}));
}

TEST(Calls, AResultForAnEarlierLifeOfTheCallerIsDropped) {
  World world(2);
  const InvocationSpec spec = world.IdempotentSpec("Obj", "add", world.KeyIn(0), "ik");
  world.SendIn(spec);
  Attempt attempt = world.Begin(spec.id);
  world.Send(
      attempt,
      {Call(
           {.service = "Obj",
            .handler = "add",
            .key = world.KeyIn(1),
            .id_completion = 1,
            .result_completion = 2}),
       Output("x"),
       EndFrame()});
  world.Settle();
  const InvocationId callee = CalleeOf(world.Entry(spec.id, 2));
  world.now += 2000;
  world.FireRetention();
  EXPECT_FALSE(world.Status(spec.id).has_value());
  world.SendIn(spec);
  world.RunToEnd(callee);
  world.Settle();
  EXPECT_EQ(world.Journal(spec.id), Texts{"Input"});
}

// --- the outbox ---

struct Fan {
  World world{2};
  InvocationSpec spec = world.Spec("Svc", "run");
  Attempt attempt = Start();

  Attempt Start() {
    world.SendIn(spec);
    return world.Begin(spec.id);
  }
  void SendFar(int count, CompletionId first = 1) {
    std::vector<SdkFrame> frames;
    for (int i = 0; i < count; ++i) {
      frames.push_back(OneWayCall(
          {.service = "Obj",
           .handler = "peek",
           .key = world.KeyIn(1),
           .id_completion = first + static_cast<CompletionId>(i)}));
    }
    world.Send(attempt, std::move(frames));
  }
  size_t Created() {
    size_t count = 0;
    const auto reader = world.Snapshot();
    StatusScanner scanner(*reader, std::nullopt);
    while (scanner.Next()) {
      ++count;
    }
    return count - 1;
  }
};

TEST(Outbox, SixtyFourAreOnTheWay) {
  Fan fan;
  fan.SendFar(100);
  EXPECT_EQ(fan.world.wire.size(), limits::kMailboxPerPeer);
  EXPECT_EQ(fan.world.machine(0).memory().outbox.at(1).sent, 100U);
  // The receiver takes one; its acknowledgement lets one more go.
  fan.world.Step();
  EXPECT_EQ(fan.world.wire.size(), limits::kMailboxPerPeer);  // 63 messages, 1 acknowledgement
  const World::Message ack = std::move(fan.world.wire.back());
  fan.world.wire.pop_back();
  fan.world.Apply(ack.to, ack.command);
  EXPECT_EQ(std::get<PeerMessage>(fan.world.wire.back().command).sequence, 65U);
  fan.world.Settle();
  EXPECT_EQ(fan.Created(), 100U);
}

TEST(Outbox, OneAcknowledgementCoversWhatCameBefore) {
  Fan fan;
  fan.SendFar(10);
  fan.world.wire.clear();
  fan.world.Apply(0, PeerAck{PartitionId{1}, 7});
  EXPECT_EQ(fan.world.machine(0).memory().outbox.at(1).acked, 7U);
  fan.world.Apply(0, PeerAck{PartitionId{1}, 3});  // late
  EXPECT_EQ(fan.world.machine(0).memory().outbox.at(1).acked, 7U);
}

TEST(Outbox, ADuplicateIsAcknowledgedAndNotApplied) {
  Fan fan;
  fan.SendFar(2);
  const World::Message first = fan.world.wire.front();
  fan.world.Settle();
  EXPECT_EQ(fan.Created(), 2U);
  fan.world.Apply(1, first.command);
  EXPECT_EQ(fan.Created(), 2U);
  ASSERT_EQ(fan.world.wire.size(), 1U);
  EXPECT_EQ(std::get<PeerAck>(fan.world.wire.front().command).sequence, 2U);
}

TEST(Outbox, AGapIsABrokenInvariant) {
  Fan fan;
  fan.SendFar(2);
  EXPECT_DEATH(fan.world.Apply(1, fan.world.wire.back().command), "was skipped");
  EXPECT_DEATH(fan.world.Apply(0, PeerAck{PartitionId{1}, 3}), "before it was sent");
}

TEST(Outbox, IsSentAgainAfterARestart) {
  Fan fan;
  fan.SendFar(100);
  for (int i = 0; i < 30; ++i) {
    fan.world.Step();  // received, and not acknowledged before the end
  }
  EXPECT_EQ(fan.Created(), 30U);
  fan.world.Restart();
  EXPECT_EQ(fan.world.wire.size(), limits::kMailboxPerPeer);
  EXPECT_EQ(std::get<PeerMessage>(fan.world.wire.front().command).sequence, 1U);
  fan.world.Settle();
  EXPECT_EQ(fan.Created(), 100U);
  EXPECT_EQ(fan.world.machine(0).memory().outbox.at(1).acked, 100U);
  fan.world.Restart();
  EXPECT_TRUE(fan.world.wire.empty());
}

}  // namespace
}  // namespace perdure::test
