// SPDX-License-Identifier: Apache-2.0
//
// Applies one command: the verbs of the machine, over one transaction and the partition's memory.
// Lives as long as one command. Rows are loaded once, changed in memory and written by Finish, so a
// command that is refused half-way has written nothing but its journal.
#pragma once

#include "core/keys.h"
#include "core/object_state.h"
#include "core/partition_memory.h"
#include "core/row_codec.h"
#include "core/wait_tree.h"
#include "perdure/core/command.h"
#include "perdure/core/effect.h"
#include "perdure/core/machine.h"
#include "perdure/core/rows.h"
#include "perdure/store/state.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace perdure {

// An invocation as this command sees it.
struct Invocation {
  InvocationId id;
  InvocationStatus status;
  bool dirty = false;
  bool removed = false;
  std::vector<JournalEntry> fresh;     // notifications appended by this command
  std::vector<uint32_t> command_acks;  // commands appended by it whose SDK wants to be told
};

template <typename Item>
bool Contains(const std::vector<Item>& items, const Item& item) {
  return std::find(items.begin(), items.end(), item) != items.end();
}

// Of what is told to many.
inline size_t SizeOf(const ValueOrFailure& result) {
  const auto* value = std::get_if<SharedBytes>(&result);
  return value != nullptr ? value->size() : std::get<Failure>(result).message.size();
}

class Applier {
 public:
  Applier(
      PartitionMemory& memory,
      const Stamp& stamp,
      StateTxn& txn,
      Effects& effects,
      ReplyTo reply_to)
      : memory_(memory), stamp_(stamp), txn_(txn), effects_(effects), reply_to_(reply_to) {}

  // --- commands, one file per subject (apply_*.cc) ---
  void Apply(Invoke& command);
  void Apply(Attach& command);
  void Apply(ForgetReply& command);
  void Apply(DeliverSignal& command);
  void Apply(JournalAppend& command);
  void Apply(AttemptFailed& command);
  void Apply(ReadJournal& command);
  void Apply(AttemptHead& command);
  void Apply(Cancel& command);
  void Apply(Kill& command);
  void Apply(Resume& command);
  void Apply(Pause& command);
  void Apply(Purge& command);
  void Apply(RestartAsNew& command);
  void Apply(Quarantine& command);
  void Apply(TimersDue& command);
  void Apply(RetentionDue& command);
  void Apply(ContinueWork& command);
  void Apply(SlotsFreed&) {}
  void Apply(PeerMessage& command);
  void Apply(PeerAck& command);

  // --- outside of commands ---
  void OpenPartition();
  size_t PullStarts(size_t slots);
  // Writes what was changed and tells live attempts what is new.
  void Finish();

 private:
  // --- rows (applier.cc) ---
  Invocation* Find(const InvocationId& id);
  Invocation& Create(const InvocationId& id);
  LiveAttempt* Live(const InvocationId& id);
  LiveAttempt* LiveWithEpoch(const InvocationId& id, AttemptEpoch epoch);
  void Touch(Invocation& invocation) const;
  void WriteStatus(Invocation& invocation);
  void TellAttempt(Invocation& invocation);
  uint64_t Entropy();
  // What follows is about this invocation.
  void NoteSubject(const InvocationId& id);
  void Answer(Reply reply);
  void Answer(const ReplyTo& to, Reply reply);

  // --- life of an invocation (apply_invoke.cc) ---
  void CreateInvocation(InvocationSpec& spec, bool wait);
  void FoundExisting(Invocation& existing, const InvocationSpec& spec, bool wait);
  void FoundByCaller(Invocation& existing, const InvocationSpec& spec);
  void Enqueue(Invocation& invocation);
  void MakeReady(Invocation& invocation);
  void DropReady(Invocation& invocation);
  void ReleaseLock(Invocation& invocation);
  void StartNextInQueue(const Target& target, uint64_t behind);
  void Wait(const InvocationId& id);
  InvocationResult ResultOf(const Invocation& invocation);

  // --- frames (apply_journal.cc) ---
  // False: the attempt is over, what follows on this stream is dropped.
  bool ApplyFrame(Invocation& invocation, SdkFrame& frame);
  bool ApplyCommand(Invocation& invocation, SdkFrame& frame);
  void ApplyProposal(Invocation& invocation, const ProposeRunCompletion& proposal);
  void ApplySuspension(Invocation& invocation, Suspension& suspension);
  void ApplyEnd(Invocation& invocation);
  void Pin(Invocation& invocation);
  void AppendCommand(Invocation& invocation, const SdkFrame& frame);
  // Appends a notification and wakes the invocation if it waits for it.
  void AppendCompletion(
      Invocation& invocation, MessageType type, CompletionId completion_id, SharedBytes payload);
  JournalIndex AppendEntry(Invocation& invocation, MessageType type, const SharedBytes& payload);
  // A notification is new in the journal.
  void Arrived(Invocation& invocation, const NotificationId& what, BytesView notification);
  // What the journal holds of it.
  Arrival ArrivalOf(
      const Invocation& invocation, const NotificationId& what, bool outcome_matters) const;
  void Wake(Invocation& invocation);

  // --- consequences of commands ---
  bool ApplyOutput(Invocation& invocation, SdkFrame& frame);
  bool ApplySleep(Invocation& invocation, SdkFrame& frame);
  bool ApplyCall(Invocation& invocation, SdkFrame& frame);
  bool ApplyOneWayCall(Invocation& invocation, SdkFrame& frame);
  // Resolves the callee; nothing: the attempt was failed.
  bool InvokeCallee(
      Invocation& invocation, const SdkFrame& frame, CallCommand& call, TimeMs start_at);
  std::optional<InvocationSpec> ResolveCallee(
      Invocation& invocation, CallCommand& call, MessageType type);

  // --- signals and awakeables (apply_signals.cc) ---
  bool ApplySendSignal(Invocation& invocation, SdkFrame& frame);
  bool ApplyCompleteAwakeable(Invocation& invocation, SdkFrame& frame);
  void ReceiveSignal(const InvocationId& id, const SignalName& signal, const SignalResult& result);
  void AppendSignal(Invocation& invocation, const SignalName& signal, const SignalResult& result);

  // --- promises of workflows (apply_promise.cc) ---
  bool ApplyPromise(Invocation& invocation, SdkFrame& frame);
  std::optional<ValueOrFailure> ReadPromise(const Target& workflow, std::string_view promise) const;
  void GetPromise(Invocation& invocation, const GetPromiseCommand& command);
  void CompletePromise(Invocation& invocation, CompletePromiseCommand& command);
  // One slice of those who wait; true: all are told. `cursor`: the key of the next one.
  bool TellPromise(const std::string& listeners, std::string& cursor, const ValueOrFailure& result);
  bool TellPromiseSlice(WorkRow& work);
  // One slice; true: none is left.
  bool ClearPromises(const Target& workflow, size_t& dropped);
  bool ClearPromiseListeners(const Target& workflow, size_t& dropped);
  // Who waits, by a row of the listeners; null: nobody any more.
  Invocation* WaitingFor(BytesView listener_key, BytesView listener);

  // --- results of other invocations (apply_attach.cc) ---
  bool ApplyAttach(Invocation& invocation, SdkFrame& frame);
  void ReceiveAttach(const PeerAttach& attach);
  void AddListener(Invocation& target, const CallerRef& caller);
  void ReceiveResult(const PeerCallResult& result);

  // --- state (apply_state.cc) ---
  bool CheckStateAccess(Invocation& invocation, MessageType type, bool write);
  bool ApplyStateRead(Invocation& invocation, SdkFrame& frame);
  bool ApplyStateKeys(Invocation& invocation, const SdkFrame& frame, CompletionId completion_id);
  bool ApplyStateWrite(Invocation& invocation, SdkFrame& frame);
  ObjectState StateOf(const Target& target) const;
  // Empties the state of an object, at once for everybody who reads it. Returns the rows deleted
  // by this command; more are left to work.
  size_t ClearState(const Target& target);
  // One slice; true: done. Else `cursor` is where it goes on.
  bool ClearSlice(uint64_t sequence, WorkRow& work);
  bool DropState(const std::string& prefix, std::string& cursor, size_t& dropped);
  bool SettleState(const std::string& prefix, const std::string& fresh_prefix, std::string& cursor);
  void EagerState(const Invocation& invocation, bool lazy, StartAttempt& start);

  // --- messages to other invocations (apply_peer.cc) ---
  PartitionId PartitionOfId(const InvocationId& id) const;
  void Send(const InvocationId& target, PeerPayload payload);
  void SendThroughOutbox(PartitionId to, PeerPayload payload);
  void Receive(PeerPayload payload);
  void HopMore(uint16_t to);
  void Deliver(const CallerRef& caller, const SignalResult& result);
  void Deliver(const CallerRef& caller, const ValueOrFailure& result);

  // --- attempts (apply_attempt.cc) ---
  bool Start(Invocation& invocation);
  // Of what begins on this deployment.
  int ProtocolVersionFor(const DeploymentSchema& deployment) const;
  // `entry_max`: of one entry alone.
  JournalChunk ReadChunk(
      const Invocation& invocation,
      JournalIndex from,
      JournalIndex whole_until,
      size_t bytes_max,
      size_t entry_max);
  void EndAttempt(const InvocationId& id);
  // The attempt is over with an error: retry, pause or kill.
  void FailAttempt(
      Invocation& invocation,
      AttemptError error,
      std::string doc_code,
      std::optional<DurationMs> delay,
      bool reached_sdk);
  // A command that must not be: discards it and what follows, resets the stream.
  void FailPrecondition(
      Invocation& invocation, MessageType type, std::string message, std::string doc_code);
  void CompleteWithLastFailure(Invocation& invocation);
  // No attempt of it runs or will.
  void PauseInvocation(Invocation& invocation, bool after_failure);
  void BackOff(Invocation& invocation, DurationMs delay);
  DurationMs RetryDelay(const RetryPolicy& policy, uint32_t failed_attempts);
  // Of the deployment in use (service protocol 4.6).
  RetryPolicy PolicyOf(const Invocation& invocation) const;

  // --- journal events (apply_events.cc) ---
  // Of the failure in the status.
  void RecordFailure(Invocation& invocation);
  void RecordPause(Invocation& invocation, bool after_failure);
  void AppendEvent(Invocation& invocation, EventKind kind, bool with_failure);
  void DropEvents(Invocation& invocation);

  // --- completion (apply_completion.cc) ---
  void Complete(Invocation& invocation, std::optional<Failure> failure);
  void TellWaiters(Invocation& invocation);
  void AnswerSlice(PendingAnswers& answers);
  void TellListeners(Invocation& invocation);
  void KeepOrForget(Invocation& invocation);
  // A copy of the result, for when the journal goes.
  void StoreResult(Invocation& invocation);
  void ForgetJournal(Invocation& invocation);
  // Removes a scheduled or queued invocation; those who wait get `failure`.
  void Withdraw(Invocation& invocation, const Failure& failure);
  // Forgets a completed invocation, in this step or, if that is more than a turn's work, in slices.
  void ForgetOrBegin(Invocation& invocation);
  // True: it is forgotten.
  bool ForgetSlice(Invocation& invocation);
  // Returns the rows of state deleted by this command.
  size_t Forget(Invocation& invocation);
  void PurgeJournal(const InvocationId& id, Birth birth, JournalIndex length);
  // Index rows from `cursor` on, then entries from the last one down.
  void PurgeRows(const InvocationId& id, Birth birth, JournalIndex& left, std::string& cursor);
  void StopForKill(Invocation& invocation);
  // Kills callees named from `from` on; returns the index to go on with, or nothing when done.
  std::optional<JournalIndex> KillChildren(
      const InvocationId& id, Birth birth, JournalIndex from, JournalIndex journal_length);
  void KillInvocation(Invocation& invocation);
  // Returns its sequence.
  uint64_t AddWork(const WorkRow& work);
  void ContinueLater();
  void AddExpiry(const keys::ExpiryRef& expiry);
  static keys::ExpiryRef ExpiryOf(const Invocation& invocation, ExpiryKind kind);
  void DropExpiry(const Invocation& invocation, ExpiryKind kind);
  bool DoWork(uint64_t sequence, WorkRow& work);
  bool TellSlice(const WorkRow& work);

  // --- the deployment to go on with, and restarts (apply_restart.cc) ---
  // Changes where a paused or suspended invocation goes on; kDone: it may be resumed.
  ControlOutcome Repin(Invocation& invocation, const DeploymentChoice& choice);
  std::shared_ptr<const DeploymentSchema> Choose(
      const InvocationStatus& status, const DeploymentChoice& choice) const;
  RestartOutcome CheckRestart(const RestartAsNew& command, const Invocation* source) const;
  InvocationId FreshId(PartitionKey partition_key);
  WorkRow PlanRestart(const RestartAsNew& command, const Invocation& source);
  enum class Copied : uint8_t { kAll, kSome, kRefused };
  // One slice.
  Copied CopyJournal(WorkRow& work);
  // False: its completions are not all there.
  bool CountCompletions(WorkRow& work, const JournalEntry& entry);
  void CopyEntry(WorkRow& work, const JournalEntry& entry);
  void EndRestart(WorkRow& work, bool refused, const ReplyTo& reply_to);
  bool RestartSlice(uint64_t sequence, WorkRow& work);
  void LoadRestarts();
  bool IsCopied(const InvocationId& id, Birth birth) const;

  // --- timers (apply_timer.cc) ---
  void AddTimer(const keys::TimerRef& timer, Birth birth);
  void DropTimer(const keys::TimerRef& timer);
  void LoadTimers();
  void Fire(const keys::TimerRef& timer, Birth birth);
  void DropRetryTimer(Invocation& invocation);

  PartitionMemory& memory_;
  const Stamp& stamp_;
  StateTxn& txn_;
  Effects& effects_;
  ReplyTo reply_to_;
  std::vector<std::unique_ptr<Invocation>> loaded_;
  uint64_t entropy_uses_ = 0;
  // For attempts of this turn.
  size_t entries_read_ = 0;
  size_t bytes_read_ = 0;
};

}  // namespace perdure
