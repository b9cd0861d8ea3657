// SPDX-License-Identifier: Apache-2.0
//
// Random requests, control, time and disturbance. See model_driver.h.
#include "tests/unit/core/model_driver.h"

#include "tests/unit/core/random_spec.h"

#include <gtest/gtest.h>

namespace perdure::test {
namespace {

constexpr DurationMs kKept = 5000;
constexpr int kSteps = 200;

}  // namespace

Driver::Driver(uint64_t seed) : random_(seed) {
  world_.check_every_command = false;
  // Every other seed does all larger work in slices of three.
  world_.work_items_max = seed % 2 == 0 ? limits::kWorkItemsPerTurn : 3;
  world_.Restart();
  model_.now = world_.now;
  world_.entropy = seed;
  // One handler is killed when its attempts are used up, the others are paused.
  world_.Edit("Svc", "other", [](HandlerSchema& handler) {
    handler.retry_policy.max_attempts = 2;
    handler.retry_policy.on_max_attempts = OnMaxAttempts::kKill;
  });
  // And two of these at once.
  for (const auto& [service, handler] : {std::pair("Obj", "add"), std::pair("Wf", "status")}) {
    world_.Edit(
        service, handler, [](HandlerSchema& schema) { schema.retry_policy.max_attempts = 1; });
  }
  for (const auto& [service, handler] :
       {std::pair("Svc", "run"),
        std::pair("Svc", "other"),
        std::pair("Obj", "add"),
        std::pair("Obj", "peek"),
        std::pair("Wf", "run"),
        std::pair("Wf", "status")}) {
    world_.Edit(service, handler, [](HandlerSchema& schema) {
      schema.journal_retention = kKept;
      schema.idempotency_retention = kKept;
      schema.workflow_completion_retention = 2 * kKept;
    });
  }
}

void Driver::RunAll() {
  for (int step = 0; step < kSteps && !testing::Test::HasFailure(); ++step) {
    SCOPED_TRACE("step " + std::to_string(step));
    // New work is rarer than what goes on with it.
    const size_t what = Pick(22);
    if (what < 3) {
      NewInvocation();
    } else if (what < 5) {
      ControlSomething();
    } else if (what < 6) {
      PassTime();
    } else if (what < 7) {
      Disturb();
    } else if (what < 8) {
      SignalFromOutside();
    } else if (what < 11) {
      StartAll();
    } else {
      Progress();
    }
    world_.Settle();
    world_.CheckAll();
    Compare();
  }
}

InvocationSpec Driver::RandomSpec() {
  return test::RandomSpec(world_, [this](size_t count) { return Pick(count); });
}

void Driver::NewInvocation() {
  const InvocationSpec spec = RandomSpec();
  if (Pick(2) == 0) {
    const uint32_t slot = world_.CallIn(spec);
    model_.Invoke(spec, slot, std::nullopt);
  } else {
    world_.SendIn(spec);
    model_.Invoke(spec, std::nullopt, std::nullopt);
  }
  ids_.push_back(spec.id);
}

void Driver::ControlSomething() {
  if (ids_.empty()) {
    return;
  }
  const InvocationId id = AnyId();
  ControlResult expected{};
  ControlResult actual{};
  switch (Pick(5)) {
    case 0:
      NoteControl("cancel", id);
      actual = world_.Control(id, Cancel{id});
      expected = model_.Cancel(id);
      break;
    case 1:
      NoteControl("kill", id);
      actual = world_.Control(id, Kill{id});
      expected = model_.Kill(id);
      break;
    case 2:
      actual = world_.Control(id, Resume{id});
      expected = model_.Resume(id);
      break;
    case 3:
      RestartSomething(id);
      break;
    default:
      model_.Attach(id, world_.AttachTo(id));
      break;
  }
  EXPECT_EQ(actual, expected) << id.ToString();
}

void Driver::RestartSomething(const InvocationId& id) {
  const RestartOutcome restarted = world_.RestartAsNew(id);
  EXPECT_EQ(restarted.result, model_.RestartAsNew(id, restarted.new_id)) << id.ToString();
  if (restarted.result == RestartResult::kRestarted) {
    ids_.push_back(restarted.new_id);
  }
}

void Driver::PassTime() {
  world_.now += 2000;
  const auto due = [this](std::optional<TimeMs> at) { return at && *at <= world_.now; };
  for (uint16_t partition = 0; partition < 2; ++partition) {
    while (due(world_.machine(partition).next_timer())) {
      world_.FireTimers(partition);
    }
  }
  world_.Settle();
  model_.PassTime(world_.now);
  for (uint16_t partition = 0; partition < 2; ++partition) {
    while (due(world_.machine(partition).next_retention())) {
      world_.FireRetention(partition);
    }
  }
  model_.Expire(world_.now);
}

void Driver::Disturb() {
  switch (Pick(4)) {
    case 0:
      world_.Restart();
      model_.Restart();
      attempts_.clear();
      break;
    case 1:
      if (!late_.empty()) {
        world_.ApplyTo(late_.back().id, late_.back());
      }
      break;
    case 2:
      if (!late_.empty()) {
        const InvocationId id = late_.back().id;
        world_.ApplyTo(id, AttemptFailed{id, AttemptEpoch{1}, {}, "RT0010", {}, true});
      }
      break;
    default:
      world_.Apply(static_cast<uint16_t>(Pick(2)), ContinueWork{});
      break;
  }
}

void Driver::StartAll() {
  world_.starts.clear();
  for (uint16_t partition = 0; partition < 2; ++partition) {
    while (world_.machine(partition).ready_count() > 0) {
      world_.Pull(partition);
    }
  }
  std::set<InvocationId> started;
  for (const StartAttempt& start : world_.starts) {
    EXPECT_TRUE(started.insert(start.id).second);
    attempts_[start.id] = Attempt{start.id, start.epoch, 0};
    CheckStart(start);
  }
  EXPECT_EQ(started, model_.StartAll());
}

void Driver::CheckStart(const StartAttempt& start) {
  const Model::LifePtr life = model_.Find(start.id);
  ASSERT_NE(life, nullptr);
  EXPECT_EQ(start.known_entries, life->journal.size());
  if (start.target.keyed()) {
    const auto& state = model_.state[Model::ObjectOf(*life)];
    const std::map<std::string, std::string> eager(start.state.begin(), start.state.end());
    EXPECT_EQ(eager, state);
  }
}

}  // namespace perdure::test
