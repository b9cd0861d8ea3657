// SPDX-License-Identifier: Apache-2.0
//
// See model.h.
#include "tests/unit/core/model.h"

#include <algorithm>

namespace perdure::test {
namespace {

bool Started(const Model::Life& life) {
  return life.state != InvocationState::kScheduled && life.state != InvocationState::kInboxed;
}

}  // namespace

void Model::Invoke(
    const InvocationSpec& spec, std::optional<uint32_t> slot, std::optional<Ref> caller) {
  if (const LifePtr found = Find(spec.id)) {
    const bool workflow = found->target.workflow_run();
    const bool done = found->state == InvocationState::kCompleted;
    const std::string refusal = "failure 409 the workflow method was already invoked";
    if (slot && (workflow || done)) {
      answers[*slot] = workflow ? refusal : found->result;
    } else if (slot) {
      found->slots.push_back(*slot);
    }
    if (caller && caller->completion != 0 && (workflow || done)) {
      Deliver(*caller, workflow ? refusal : found->result);
    } else if (caller && caller->completion != 0) {
      found->listeners.push_back(*caller);
    }
    return;
  }
  const LifePtr life = std::make_shared<Life>();
  lives[spec.id] = life;
  life->id = spec.id;
  life->number = next_life_++;
  life->target = spec.target;
  life->retention = spec.retention;
  life->caller = caller;
  life->journal = {"Input"};
  if (slot) {
    life->slots.push_back(*slot);
  }
  if (spec.start_at > now) {
    life->state = InvocationState::kScheduled;
    life->start_at = spec.start_at;
  } else {
    Enqueue(*life);
  }
}

void Model::Attach(const InvocationId& id, uint32_t slot) {
  const LifePtr life = Find(id);
  if (life == nullptr) {
    answers[slot] = "unknown";
  } else if (life->state == InvocationState::kCompleted) {
    answers[slot] = life->result;
  } else {
    life->slots.push_back(slot);
  }
}

ControlResult Model::Cancel(const InvocationId& id) {
  const LifePtr life = Find(id);
  if (life == nullptr) {
    return ControlResult::kNotFound;
  }
  if (life->state == InvocationState::kCompleted) {
    return ControlResult::kAlreadyCompleted;
  }
  if (!Started(*life)) {
    Withdraw(*life, "failure 409 canceled");
    return ControlResult::kDone;
  }
  Signal(id, kCancelSignal, "void");
  return ControlResult::kRequested;
}

void Model::Signal(const InvocationId& id, const SignalName& signal, const std::string& text) {
  const LifePtr life = Find(id);
  if (life == nullptr || life->state == InvocationState::kCompleted) {
    return;
  }
  const bool cancel = signal == SignalName{kCancelSignal};
  if (cancel && !Started(*life)) {
    Withdraw(*life, "failure 409 canceled");
    return;
  }
  const auto* number = std::get_if<uint32_t>(&signal);
  const std::string name =
      number != nullptr ? std::to_string(*number) : std::get<std::string>(signal);
  life->journal.push_back("!Signal(" + name + ")=" + text);
  life->signals.emplace(signal, text.rfind("failure ", 0) == 0);
  if (cancel && life->state == InvocationState::kPaused) {
    life->failed = 0;
    MakeReady(*life);
  }
  Wake(*life);
}

ControlResult Model::Kill(const InvocationId& id) {
  const LifePtr life = Find(id);
  if (life == nullptr) {
    return ControlResult::kNotFound;
  }
  if (life->state == InvocationState::kCompleted) {
    return ControlResult::kAlreadyCompleted;
  }
  if (!Started(*life)) {
    Withdraw(*life, "failure 409 killed");
    return ControlResult::kDone;
  }
  Complete(*life, "failure 409 killed");
  for (const InvocationId& child : life->children) {
    Kill(child);
  }
  return ControlResult::kDone;
}

ControlResult Model::Resume(const InvocationId& id) {
  const LifePtr life = Find(id);
  if (life == nullptr) {
    return ControlResult::kNotFound;
  }
  if (life->state == InvocationState::kCompleted) {
    return ControlResult::kAlreadyCompleted;
  }
  if (!Started(*life)) {
    return ControlResult::kNotStarted;
  }
  if (life->state != InvocationState::kInvoked || life->step == Step::kBackingOff) {
    life->failed = 0;
    MakeReady(*life);
  }
  return ControlResult::kDone;
}

RestartResult Model::RestartAsNew(const InvocationId& id, const InvocationId& new_id) {
  const LifePtr life = Find(id);
  if (life == nullptr) {
    return RestartResult::kNotFound;
  }
  if (life->state != InvocationState::kCompleted) {
    return Started(*life) ? RestartResult::kNotCompleted : RestartResult::kNotStarted;
  }
  if (life->target.service_type == ServiceType::kWorkflow) {
    return RestartResult::kUnsupported;
  }
  if (life->journal.empty()) {
    return RestartResult::kInputGone;
  }
  InvocationSpec spec;
  spec.id = new_id;
  spec.target = life->target;
  spec.retention = life->retention;
  Invoke(spec, std::nullopt, std::nullopt);
  return RestartResult::kRestarted;
}

void Model::Answer(Life& life, CompletionId completion, const std::string& text) {
  if (life.answered.insert(completion).second) {
    life.journal.push_back(text);
    if (text.find("=failure ") != std::string::npos) {
      life.answered_with_failure.insert(completion);
    }
    Wake(life);
  }
}

void Model::AddSleep(Life& life, CompletionId completion, TimeMs due) {
  Command(life, "Sleep");
  sleeps_.push_back({due, {life.id, life.number, completion}});
}

void Model::Suspend(Life& life, Waits waits) {
  life.state = InvocationState::kSuspended;
  life.failed = 0;
  life.waits = std::move(waits);
  Wake(life);
}

void Model::GetPromise(Life& life, CompletionId completion, const std::string& promise) {
  Command(life, "GetPromise");
  const Ref who{life.id, life.number, completion, "GetPromise"};
  const auto& completed = promises[ObjectOf(life)];
  if (const auto found = completed.find(promise); found != completed.end()) {
    Deliver(who, found->second);
  } else {
    promise_waits_[{ObjectOf(life), promise}].push_back(who);
  }
}

void Model::PeekPromise(Life& life, CompletionId completion, const std::string& promise) {
  Command(life, "PeekPromise");
  const auto& completed = promises[ObjectOf(life)];
  const auto found = completed.find(promise);
  Deliver(
      {life.id, life.number, completion, "PeekPromise"},
      found == completed.end() ? "void" : found->second);
}

void Model::CompletePromise(
    Life& life, CompletionId completion, const std::string& promise, const std::string& text) {
  Command(life, "CompletePromise");
  const bool first = promises[ObjectOf(life)].emplace(promise, text).second;
  if (first) {
    for (const Ref& waiting : std::exchange(promise_waits_[{ObjectOf(life), promise}], {})) {
      Deliver(waiting, text);
    }
  }
  Deliver(
      {life.id, life.number, completion, "CompletePromise"},
      first ? "void" : "failure 409 promise was already completed");
}

void Model::AskForResult(
    Life& life, CompletionId completion, const InvocationId& target, bool waits) {
  const std::string entry = waits ? "AttachInvocation" : "GetInvocationOutput";
  Command(life, entry);
  const Ref who{life.id, life.number, completion, entry};
  const LifePtr found = Find(target);
  if (found == nullptr) {
    Deliver(who, "failure 404 not found");
  } else if (found->state == InvocationState::kCompleted) {
    Deliver(who, found->result);
  } else if (waits) {
    found->listeners.push_back(who);
  } else {
    Deliver(who, "void");
  }
}

void Model::FailAttempt(
    Life& life, uint32_t max_attempts, bool then_kill, const std::string& failure) {
  life.step = Step::kBackingOff;
  if (++life.failed < max_attempts) {
    return;
  }
  if (then_kill) {
    Complete(life, failure);
  } else {
    life.state = InvocationState::kPaused;
  }
}

void Model::FailFor(Life& life, ErrorBehavior behavior, const std::string& failure) {
  if (behavior == ErrorBehavior::kFail) {
    Complete(life, failure);
  } else {
    life.state = InvocationState::kPaused;
  }
}

void Model::End(Life& life) {
  Complete(life, life.output);
}

void Model::PassTime(TimeMs time) {
  now = time;
  std::vector<LifePtr> due_starts;
  for (const auto& [id, life] : lives) {
    if (life->state == InvocationState::kScheduled && life->start_at <= now) {
      due_starts.push_back(life);
    } else if (life->state == InvocationState::kInvoked && life->step == Step::kBackingOff) {
      MakeReady(*life);
    }
  }
  std::sort(due_starts.begin(), due_starts.end(), [](const LifePtr& a, const LifePtr& b) {
    return std::pair(a->start_at, a->id) < std::pair(b->start_at, b->id);
  });
  for (const LifePtr& life : due_starts) {
    Enqueue(*life);
  }
  const std::vector<SleepTimer> sleeps = std::move(sleeps_);
  sleeps_.clear();
  for (const SleepTimer& sleep : sleeps) {
    if (sleep.due > now) {
      sleeps_.push_back(sleep);
      continue;
    }
    const LifePtr life = Find(sleep.who.id);
    if (life != nullptr && life->number == sleep.who.life &&
        life->state != InvocationState::kCompleted) {
      const CompletionId completion = sleep.who.completion;
      Answer(*life, completion, "!Sleep(" + std::to_string(completion) + ")=void");
    }
  }
}

void Model::Expire(TimeMs time) {
  std::vector<LifePtr> gone;
  for (const auto& [id, life] : lives) {
    if (life->state != InvocationState::kCompleted) {
      continue;
    }
    if (life->completed_at + life->retention.journal <= time) {
      life->journal.clear();
    }
    if (life->completed_at + life->retention.completion <= time) {
      gone.push_back(life);
    }
  }
  for (const LifePtr& life : gone) {
    Forget(*life);
  }
}

void Model::Restart() {
  for (const auto& [id, life] : lives) {
    life->slots.clear();  // clients come again
    if (life->state == InvocationState::kInvoked && life->step == Step::kRunning) {
      life->step = Step::kReady;
    }
  }
}

std::set<InvocationId> Model::StartAll() {
  std::set<InvocationId> started;
  for (const auto& [id, life] : lives) {
    if (life->state == InvocationState::kInvoked && life->step == Step::kReady) {
      life->step = Step::kRunning;
      started.insert(id);
    }
  }
  return started;
}

void Model::Enqueue(Life& life) {
  if (!life.target.exclusive()) {
    MakeReady(life);
  } else if (const auto lock = locks_.find(ObjectOf(life)); lock != locks_.end()) {
    life.state = InvocationState::kInboxed;
    lock->second.queue.push_back(life.id);
  } else {
    locks_[ObjectOf(life)] = Lock{life.id, {}};
    MakeReady(life);
  }
}

void Model::Wake(Life& life) {
  if (life.state != InvocationState::kSuspended) {
    return;
  }
  const bool cancelled = life.signals.count(SignalName{kCancelSignal}) > 0;
  if ((life.waits.for_cancel && cancelled) || Settled(life)) {
    MakeReady(life);
  }
}

bool Model::Settled(const Life& life) {
  size_t successes = 0;
  size_t failures = 0;
  for (const CompletionId id : life.waits.completions) {
    const bool failure = life.answered_with_failure.count(id) > 0;
    if (failure) {
      ++failures;
    } else {
      successes += life.answered.count(id);
    }
  }
  for (const SignalName& signal : life.waits.signals) {
    if (const auto came = life.signals.find(signal); came != life.signals.end()) {
      ++(came->second ? failures : successes);
    }
  }
  const size_t all = life.waits.completions.size() + life.waits.signals.size();
  switch (life.waits.combinator) {
    case Combinator::kUnknown:
    case Combinator::kFirstCompleted:
      return successes + failures > 0;
    case Combinator::kAllCompleted:
      return successes + failures == all;
    case Combinator::kFirstSucceededOrAllFailed:
      return successes > 0 || failures == all;
    case Combinator::kAllSucceededOrFirstFailed:
      return failures > 0 || successes == all;
  }
  return false;
}

void Model::Complete(Life& life, const std::string& result) {
  life.state = InvocationState::kCompleted;
  life.result = result;
  life.completed_at = now;
  if (life.target.exclusive()) {
    Lock& lock = locks_.at(ObjectOf(life));
    if (lock.queue.empty()) {
      locks_.erase(ObjectOf(life));
    } else {
      lock.holder = lock.queue.front();
      lock.queue.pop_front();
      MakeReady(*Find(lock.holder));
    }
  }
  TellAll(life, result);
  if (life.retention.completion == 0) {
    Forget(life);
  }
}

void Model::Withdraw(Life& life, const std::string& result) {
  if (life.state == InvocationState::kInboxed) {
    std::erase(locks_.at(ObjectOf(life)).queue, life.id);
  }
  life.state = InvocationState::kCompleted;
  TellAll(life, result);
  // What others completed for a workflow stays for its next run, as in the reference.
  const LifePtr keep = Find(life.id);
  lives.erase(life.id);
}

void Model::TellAll(Life& life, const std::string& result) {
  for (const uint32_t slot : std::exchange(life.slots, {})) {
    answers[slot] = result;
  }
  if (life.caller && life.caller->completion != 0) {
    Deliver(*life.caller, result);
  }
  for (const Ref& listener : std::exchange(life.listeners, {})) {
    Deliver(listener, result);
  }
}

void Model::Deliver(const Ref& to, const std::string& result) {
  const LifePtr life = Find(to.id);
  if (life != nullptr && life->number == to.life && life->state != InvocationState::kCompleted) {
    Answer(
        *life, to.completion, "!" + to.entry + "(" + std::to_string(to.completion) + ")=" + result);
  }
}

void Model::Forget(Life& life) {
  const LifePtr keep = Find(life.id);
  if (life.target.workflow_run()) {
    state.erase(ObjectOf(life));
    promises.erase(ObjectOf(life));
  }
  lives.erase(life.id);
}

}  // namespace perdure::test
