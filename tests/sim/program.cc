// SPDX-License-Identifier: Apache-2.0
//
// See program.h. Services: Plain, Brief (forgotten when done), Weak (paused after few attempts),
// Doomed (killed after few attempts), Obj (add, look) and Wf (run, ask, settle). Whoever holds an
// object waits for signals only from who cannot wait for it: clients, tasks that call nobody, and
// its caller, who tells before it waits for anything else.
#include "tests/sim/program.h"

#include <algorithm>
#include <sstream>
#include <utility>

namespace perdure::sim {
namespace {

const SignalName kAwaitedName = std::string("go");
constexpr uint32_t kAwaitedIndex = 99;  // behind the awakeables of any program

SignalName AwaitedBy(const Task& task) {
  return task.awaits == 1 ? kAwaitedName : SignalName{kAwaitedIndex};
}

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
  step.kind = rng.Percent(55) ? StepKind::kCall : StepKind::kSend;
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
  if (!waits && rng.Percent(40)) {
    step.task.awaits = rng.Between(1, 2);
  }
  return step;
}

// What follows a send: the callee is told what it awaits, or is cancelled, before it is started or
// at any time after.
void AddWhatFollows(Rng& rng, Step& send, std::vector<Step>& steps) {
  const bool cancels = rng.Percent(20);
  if (send.task.awaits == 0 && !cancels) {
    steps.push_back(send);
    return;
  }
  send.wait_now = true;  // its id is needed
  steps.push_back(send);
  if (rng.Percent(30)) {
    steps.push_back(rng.Percent(50) ? RunStep(rng) : SleepStep(rng));
    steps.back().wait_now = true;
  }
  Step tell;
  tell.task.token = send.task.token;
  if (send.task.awaits != 0) {
    tell.kind = StepKind::kTell;
    tell.signal = AwaitedBy(send.task);
    steps.push_back(tell);
  }
  if (cancels) {
    tell.kind = StepKind::kCancel;
    steps.push_back(tell);
  }
}

// Clients complete it, or a task that gets its id does.
void AddAwakeable(Rng& rng, const Task& task, uint32_t signal, std::vector<Step>& steps) {
  Step await;
  await.kind = StepKind::kAwait;
  await.signal = signal;
  await.wait_now = rng.Percent(60);
  await.from_outside = task.leaf || task.depth >= 3 || rng.Percent(50);
  if (!await.from_outside) {
    Step send;
    send.kind = StepKind::kSend;
    send.wait_now = rng.Percent(60);
    send.callee = {"Plain", "", "go", ServiceType::kService, HandlerType::kUnkeyed};
    const std::string token = task.token + "." + std::to_string(steps.size());
    send.task = TaskFor(rng, send.callee, token, task.depth + 1, 0);
    send.task.leaf = true;
    send.signal = signal;
    send.task.awakeable = "of the sender";
    if (rng.Percent(30)) {
      send.ms = rng.Between(1, 2'000);
    }
    steps.push_back(send);
  }
  steps.push_back(await);
}

Step PromiseStep(Rng& rng, const Task& task) {
  Step step;
  const uint64_t choice = rng.Below(100);
  step.kind = StepKind::kPromiseComplete;
  if (choice < 35) {
    step.kind = StepKind::kPromiseGet;
  } else if (choice < 65) {
    step.kind = StepKind::kPromisePeek;
  }
  step.wait_now = rng.Percent(70);
  step.promise = "p" + std::to_string(rng.Below(kPromiseCount));
  step.task.token = task.token;
  return step;
}

void InsertAnywhere(Rng& rng, std::vector<Step>& steps, StepKind kind, SignalName signal) {
  Step step;
  step.kind = kind;
  step.signal = std::move(signal);
  const auto at = static_cast<std::ptrdiff_t>(rng.Below(steps.size() + 1));
  steps.insert(steps.begin() + at, step);
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
  out << "task " << token << ' ' << seed << ' ' << depth << ' ' << min_rank << ' ' << leaf << ' '
      << awaits << ' ' << (awakeable.empty() ? "-" : awakeable);
  return out.str();
}

std::optional<Task> Task::Decode(std::string_view text) {
  std::istringstream in{std::string(text)};
  std::string word;
  Task task;
  in >> word >> task.token >> task.seed >> task.depth >> task.min_rank >> task.leaf;
  in >> task.awaits >> task.awakeable;
  if (in.fail() || word != "task") {
    return std::nullopt;
  }
  if (task.awakeable == "-") {
    task.awakeable.clear();
  }
  return task;
}

std::string ObjectKey(uint64_t number) {
  return "key-" + std::to_string(number);
}

std::string FlowKey(uint64_t number) {
  return "flow-" + std::to_string(number);
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
    const std::string key = FlowKey(rng.Below(kFlowCount));
    return {"Wf", key, "run", ServiceType::kWorkflow, HandlerType::kWorkflow};
  }
  if (choice < 60) {
    const std::string key = FlowKey(rng.Below(kFlowCount));
    return {"Wf", key, "ask", ServiceType::kWorkflow, HandlerType::kShared};
  }
  std::string service = "Plain";
  if (choice < 68) {
    service = "Brief";
  } else if (choice < 73) {
    service = "Weak";
  } else if (choice < 78) {
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
  task.leaf = target.service_type == ServiceType::kWorkflow;
  return task;
}

std::vector<Step> MakeProgram(const Task& task, const Target& target) {
  Rng rng(task.seed);
  std::vector<Step> steps;
  if (target.handler == "settle") {
    for (uint64_t i = 0; i < kPromiseCount; ++i) {
      steps.push_back(PromiseStep(rng, task));
      steps.back().kind = StepKind::kPromiseComplete;
      steps.back().promise = "p" + std::to_string(i);
    }
    return steps;
  }
  if (rng.Percent(4)) {
    AddHeavySteps(rng, steps);
  }
  uint32_t awakeable = kFirstAwakeable;
  const uint64_t count = rng.Below(6);
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t choice = rng.Below(100);
    const bool calls = choice >= 45 && choice < 75 && !task.leaf && task.depth < 3;
    if (choice >= 30 && choice < 38) {
      steps.push_back(SleepStep(rng));
    } else if (choice >= 38 && choice < 45) {
      AddAwakeable(rng, task, awakeable++, steps);
    } else if (calls) {
      Step call = CallStep(rng, task, steps.size());
      if (call.kind == StepKind::kSend) {
        AddWhatFollows(rng, call, steps);
      } else {
        steps.push_back(call);
      }
    } else if (choice >= 45 && target.service_type == ServiceType::kWorkflow && rng.Percent(60)) {
      steps.push_back(PromiseStep(rng, task));
    } else if (choice >= 45 && target.keyed()) {
      steps.push_back(StateStep(rng, target));
    } else {
      steps.push_back(RunStep(rng));
    }
  }
  if (task.awaits != 0) {
    InsertAnywhere(rng, steps, StepKind::kAwait, AwaitedBy(task));
  }
  if (!task.awakeable.empty()) {
    InsertAnywhere(rng, steps, StepKind::kComplete, {});
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
