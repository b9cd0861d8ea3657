// SPDX-License-Identifier: Apache-2.0
//
// What the outside world has seen, and what must hold of it from then on: promises that were made
// are kept, what was read never changes, what is done is not done again. It looks at the server
// only from outside, and knows nothing about how it keeps its word.
#pragma once

#include "perdure/base/ids.h"
#include "perdure/core/target.h"
#include "perdure/protocol/messages.h"
#include "tests/sim/core.h"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace perdure::sim {

// An entry as an SDK sees it.
struct SeenEntry {
  MessageType type = MessageType::kInputCommand;
  std::string payload;
  friend bool operator==(const SeenEntry&, const SeenEntry&) = default;
};

std::string ResultText(const ValueOrFailure& result);

class Oracle {
 public:
  explicit Oracle(SimCore& core) : core_(core) {}

  // --- seen by clients ---
  void Acknowledged(const InvocationId& id, const std::string& token);
  // A result of `id` was read, by a client or by a caller.
  void SawResult(const InvocationId& id, const ValueOrFailure& result);
  // The server says there is no such invocation. True if it may be so.
  bool MayBeUnknown(const InvocationId& id) const;
  void WillCancel(const InvocationId& id);
  void WillKill(const InvocationId& id);
  void NotBefore(const std::string& token, TimeMs at);
  // The server said that it takes care of a cancellation.
  void CancelAcknowledged(const InvocationId& id) { cancelled_.insert(id); }

  // --- signals, by whoever sends them ---
  // From now on `id` may get this.
  void WillSignal(const InvocationId& id, const SignalName& signal, const std::string& text);
  // A client was told that it is delivered.
  void SignalAcknowledged(
      const InvocationId& id, const SignalName& signal, const std::string& text);
  // A handler goes on with it.
  void SawSignal(const InvocationId& id, const SignalName& signal, const std::string& text);

  // --- promises: `promise` names workflow and promise ---
  bool IsCompleted(const std::string& promise) const { return promises_.count(promise) > 0; }
  // What a promise is was read, or told to who completed it.
  void SawPromise(const std::string& promise, const std::string& text);
  // `by` was told that it is the one that completed it.
  void CompletedPromise(const std::string& promise, const std::string& text, const std::string& by);

  // --- released by the server ---
  void Started(const InvocationId& id, AttemptEpoch epoch, const Target& target);

  // --- seen by SDKs ---
  // A request of attempt `number` (they are opened in this order) begins, all its journal is here.
  void Replayed(
      const InvocationId& id,
      uint64_t number,
      const std::string& endpoint,
      const std::string& token,
      const std::vector<SeenEntry>& commands,
      const std::vector<SeenEntry>& notifications);
  // The `index`th notification of the invocation arrived on a stream.
  void Notified(const InvocationId& id, size_t index, const SeenEntry& entry);
  // A step begins to run; returns how many times it began before. `newest` is false for an attempt
  // that the server has given up already.
  uint64_t RunBegins(const InvocationId& id, CompletionId completion, bool newest);
  void SentOutput(const InvocationId& id, const ValueOrFailure& result);
  void SentEnd(const InvocationId& id);

  uint64_t OpenAttempt(const InvocationId& id) { return ++of(id).attempts; }
  bool IsNewest(const InvocationId& id, uint64_t number) { return of(id).attempts == number; }

  // --- after the end ---
  const std::optional<std::string>& ResultOf(const InvocationId& id) { return of(id).result; }
  bool Ended(const InvocationId& id) const;
  bool killed_any() const { return kills_ > 0; }
  bool cancelled_any() const { return cancels_ > 0; }
  struct Letter {
    InvocationId to;
    SignalName signal;
    std::string text;
    uint64_t sent_ns = 0;
    uint64_t acked_ns = 0;      // 0: never
    TimeMs acked_wall_max = 0;  // no partition had a later time then
  };
  const std::vector<Letter>& letters() const { return letters_; }
  const std::set<InvocationId>& cancel_acknowledged() const { return cancelled_; }

 private:
  struct Invocation {
    std::optional<std::string> token;
    std::optional<Target> target;
    std::optional<std::string> endpoint;  // once pinned
    uint64_t attempts = 0;
    AttemptEpoch last_epoch;
    std::vector<SeenEntry> commands;
    std::vector<SeenEntry> notifications;
    std::map<CompletionId, uint64_t> runs;
    std::set<CompletionId> runs_done;
    std::set<std::string> outputs;
    bool ended = false;
    bool acknowledged = false;
    std::optional<std::string> result;
  };

  Invocation& of(const InvocationId& id) { return invocations_[id]; }
  Letter* FindLetter(const InvocationId& id, const SignalName& signal, const std::string& text);
  bool Plausible(const Invocation& invocation, const ValueOrFailure& result) const;
  static bool DoneForGood(const Invocation& invocation);
  // `longer` says whether what is new must hold all that was known.
  void Extend(
      const InvocationId& id,
      const char* what,
      std::vector<SeenEntry>& known,
      const std::vector<SeenEntry>& seen,
      bool longer);

  SimCore& core_;
  std::map<InvocationId, Invocation> invocations_;
  std::map<std::string, InvocationId> by_token_;
  std::map<std::string, TimeMs> not_before_;
  std::set<InvocationId> touched_;  // cancelled or killed from outside
  std::set<InvocationId> cancelled_;
  std::vector<Letter> letters_;
  std::map<std::string, std::string> promises_;
  std::map<std::string, std::string> completed_by_;
  uint64_t kills_ = 0;
  uint64_t cancels_ = 0;
};

}  // namespace perdure::sim
