// SPDX-License-Identifier: Apache-2.0
//
// What a client can see of partitions, in the simplest way: no turns, no messages, no tables. The
// model test does the same things to the machine and to this, and compares. A result is a text,
// "value hi" or "failure 409 killed", as in World.
#pragma once

#include "perdure/core/command.h"
#include "perdure/core/reply.h"
#include "perdure/core/rows.h"

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace perdure::test {

class Model {
 public:
  // Who waits for a result: an invocation in one of its lives.
  struct Ref {
    InvocationId id;
    uint64_t life = 0;
    CompletionId completion = 0;
    std::string entry = "Call";  // what it becomes in the journal
  };
  // Waited for together, beside a cancellation.
  struct Waits {
    std::set<CompletionId> completions;
    std::set<SignalName> signals;
    Combinator combinator = Combinator::kUnknown;
    bool for_cancel = false;
  };
  enum class Step { kReady, kRunning, kBackingOff };
  struct Life {
    InvocationId id;
    uint64_t number = 0;
    Target target;
    Retention retention;
    InvocationState state = InvocationState::kInvoked;
    Step step = Step::kReady;  // while invoked
    uint32_t failed = 0;
    TimeMs start_at = 0;
    TimeMs completed_at = 0;
    std::vector<std::string> journal;
    std::set<CompletionId> answered;
    std::set<CompletionId> answered_with_failure;
    std::map<SignalName, bool> signals;  // that came; whether the first was a failure
    Waits waits;                         // while suspended
    std::string output;
    std::string result;
    std::optional<Ref> caller;
    std::vector<Ref> listeners;
    std::vector<uint32_t> slots;
    std::vector<InvocationId> children;
    CompletionId next_completion = 1;
  };
  using LifePtr = std::shared_ptr<Life>;

  // --- from clients ---
  void Invoke(const InvocationSpec& spec, std::optional<uint32_t> slot, std::optional<Ref> caller);
  void Attach(const InvocationId& id, uint32_t slot);
  // Also from a running attempt; the text is that of the result.
  void Signal(const InvocationId& id, const SignalName& signal, const std::string& text);
  ControlResult Cancel(const InvocationId& id);
  ControlResult Kill(const InvocationId& id);
  ControlResult Resume(const InvocationId& id);
  RestartResult RestartAsNew(const InvocationId& id, const InvocationId& new_id);

  // --- from a running attempt ---
  void Command(Life& life, const std::string& name) { life.journal.push_back(name); }
  void Answer(Life& life, CompletionId completion, const std::string& text);
  void AddSleep(Life& life, CompletionId completion, TimeMs due);
  void Suspend(Life& life, Waits waits);
  void GetPromise(Life& life, CompletionId completion, const std::string& promise);
  void PeekPromise(Life& life, CompletionId completion, const std::string& promise);
  void CompletePromise(
      Life& life, CompletionId completion, const std::string& promise, const std::string& text);
  // Attach, or GetInvocationOutput, which does not wait.
  void AskForResult(Life& life, CompletionId completion, const InvocationId& target, bool waits);
  void FailAttempt(Life& life, uint32_t max_attempts, bool then_kill, const std::string& failure);
  void FailFor(Life& life, ErrorBehavior behavior, const std::string& failure);
  void End(Life& life);

  // --- time and process ---
  void PassTime(TimeMs time);  // whatever backs off is due by then
  void Expire(TimeMs time);
  void Restart();
  // Everything ready runs now.
  std::set<InvocationId> StartAll();

  LifePtr Find(const InvocationId& id) const {
    const auto it = lives.find(id);
    return it == lives.end() ? nullptr : it->second;
  }
  using Object = std::pair<std::string, std::string>;  // service and key
  static Object ObjectOf(const Life& life) { return {life.target.service, life.target.key}; }

  TimeMs now = 0;
  std::map<InvocationId, LifePtr> lives;
  std::map<Object, std::map<std::string, std::string>> state;
  std::map<Object, std::map<std::string, std::string>> promises;
  std::map<uint32_t, std::string> answers;  // by slot

 private:
  struct Lock {
    InvocationId holder;
    std::deque<InvocationId> queue;
  };
  struct SleepTimer {
    TimeMs due = 0;
    Ref who;
  };

  void Enqueue(Life& life);
  void MakeReady(Life& life) {
    life.state = InvocationState::kInvoked;
    life.step = Step::kReady;
    life.waits = {};
  }
  void Wake(Life& life);
  static bool Settled(const Life& life);
  void Complete(Life& life, const std::string& result);
  void Withdraw(Life& life, const std::string& result);
  void TellAll(Life& life, const std::string& result);
  void Deliver(const Ref& to, const std::string& result);
  void Forget(Life& life);

  std::map<Object, Lock> locks_;
  std::vector<SleepTimer> sleeps_;
  std::map<std::pair<Object, std::string>, std::vector<Ref>> promise_waits_;
  uint64_t next_life_ = 1;
};

}  // namespace perdure::test
