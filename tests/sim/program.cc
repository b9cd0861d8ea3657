// SPDX-License-Identifier: Apache-2.0
//
// See program.h. Services: Plain, Brief (forgotten when done), Weak (paused after few attempts),
// Doomed (killed after few attempts), Obj (add, look) and Wf (run).
#include "tests/sim/program.h"

#include <algorithm>
#include <sstream>
#include <utility>

namespace perdure::sim {
namespace {

Step RunStep(Rng& rng) {
  Step step;
  step.kind = StepKind::kRun;
  step.wait_now = rng.Percent(80);
  step.failures = rng.Percent(15) ? rng.Between(1, 3) : 0;
  step.fails_for_good = rng.Percent(8);
  // Now and then larger than a lease, a chunk, a piece that is copied.
  step.padding = rng.Percent(6) ? rng.Between(1'000, 60'000) : rng.Below(40);
  return step;
}

Step SleepStep(Rng& rng) {
  Step step;
  step.kind = StepKind::kSleep;
  step.wait_now = rng.Percent(70);
  step.ms = rng.Percent(20) ? rng.Between(500, 8'000) : rng.Between(1, 300);
  return step;
}

Step CallStep(Rng& rng, const Task& task, size_t number) {
  Step step;
  step.kind = rng.Percent(60) ? StepKind::kCall : StepKind::kSend;
  step.wait_now = rng.Percent(60);
  const bool waits = step.kind == StepKind::kCall;
  const std::string token = task.token + "." + std::to_string(number);
  step.callee = AnyTarget(rng, waits ? task.min_rank : 0);
  step.task = TaskFor(rng, step.callee, token, task.depth + 1, waits ? task.min_rank : 0);
  if (waits && !step.callee.keyed() && rng.Percent(15)) {
    // Whoever comes first brings the task: it must not depend on who waits.
    step.idempotency_key = "shared-" + std::to_string(rng.Below(3));
    step.callee.service = "Plain";
    step.task.leaf = true;
  }
  // A scheduled run of a workflow that is killed would leave its id to a second life.
  if (!waits && !step.callee.workflow_run() && rng.Percent(40)) {
    step.ms = rng.Between(1, 4'000);
  }
  return step;
}

Step StateStep(Rng& rng, const Target& target) {
  Step step;
  step.kind = rng.Percent(85) ? StepKind::kLook : StepKind::kKeys;
  if (target.exclusive() && rng.Percent(50)) {
    step.kind = StepKind::kAdd;
    step.add = rng.Between(1, 9);
    step.padding = rng.Percent(10) ? rng.Between(100, 20'000) : 0;
  }
  return step;
}

// More than one chunk of a journal holds.
void AddHeavySteps(Rng& rng, std::vector<Step>& steps) {
  for (uint64_t left = rng.Between(3, 12); left > 0; --left) {
    Step step = RunStep(rng);
    step.padding = rng.Between(20'000, 60'000);
    steps.push_back(step);
  }
}

}  // namespace

std::string Task::Encode() const {
  std::ostringstream out;
  out << "task " << token << ' ' << seed << ' ' << depth << ' ' << min_rank << ' ' << leaf;
  return out.str();
}

std::optional<Task> Task::Decode(std::string_view text) {
  std::istringstream in{std::string(text)};
  std::string word;
  Task task;
  in >> word >> task.token >> task.seed >> task.depth >> task.min_rank >> task.leaf;
  if (in.fail() || word != "task") {
    return std::nullopt;
  }
  return task;
}

std::string ObjectKey(uint64_t number) {
  return "key-" + std::to_string(number);
}

Target AnyTarget(Rng& rng, uint64_t min_rank) {
  const uint64_t choice = rng.Below(100);
  if (choice < 35 && min_rank < kObjectCount) {
    const std::string key = ObjectKey(rng.Between(min_rank, kObjectCount - 1));
    return {"Obj", key, "add", ServiceType::kVirtualObject, HandlerType::kExclusive};
  }
  if (choice < 45) {
    const std::string key = ObjectKey(rng.Below(kObjectCount));
    return {"Obj", key, "look", ServiceType::kVirtualObject, HandlerType::kShared};
  }
  if (choice < 52) {
    const std::string key = "flow-" + std::to_string(rng.Below(4));
    return {"Wf", key, "run", ServiceType::kWorkflow, HandlerType::kWorkflow};
  }
  std::string service = "Plain";
  if (choice < 62) {
    service = "Brief";
  } else if (choice < 68) {
    service = "Weak";
  } else if (choice < 74) {
    service = "Doomed";
  }
  return {service, "", "go", ServiceType::kService, HandlerType::kUnkeyed};
}

Task TaskFor(Rng& rng, const Target& target, std::string token, uint64_t depth, uint64_t min_rank) {
  Task task;
  task.token = std::move(token);
  task.seed = rng.Next();
  task.depth = depth;
  task.min_rank = min_rank;
  if (target.exclusive()) {
    for (uint64_t i = 0; i < kObjectCount; ++i) {
      if (target.key == ObjectKey(i)) {
        task.min_rank = std::max(min_rank, i + 1);
      }
    }
  }
  task.leaf = target.workflow_run();
  return task;
}

std::vector<Step> MakeProgram(const Task& task, const Target& target) {
  Rng rng(task.seed);
  std::vector<Step> steps;
  if (rng.Percent(4)) {
    AddHeavySteps(rng, steps);
  }
  const uint64_t count = rng.Below(6);
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t choice = rng.Below(100);
    const bool calls = choice >= 45 && choice < 75 && !task.leaf && task.depth < 3;
    if (choice >= 30 && choice < 45) {
      steps.push_back(SleepStep(rng));
    } else if (calls) {
      steps.push_back(CallStep(rng, task, steps.size()));
    } else if (choice >= 45 && target.keyed()) {
      steps.push_back(StateStep(rng, target));
    } else {
      steps.push_back(RunStep(rng));
    }
  }
  if (target.exclusive()) {
    Step add;
    add.kind = StepKind::kAdd;
    add.add = rng.Between(1, 9);
    steps.push_back(add);
  }
  if (rng.Percent(5)) {
    Step fail;
    fail.kind = StepKind::kFail;
    steps.push_back(fail);
  }
  return steps;
}

}  // namespace perdure::sim
