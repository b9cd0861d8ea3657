// SPDX-License-Identifier: Apache-2.0
//
// Cancel, kill, pause, resume and purge (service protocol 7, admin API 8), and work that goes on
// over several turns: killed trees, listeners, purged journals.
#include "core/applier.h"
#include "perdure/base/assert.h"
#include "perdure/base/limits.h"
#include "perdure/base/overloaded.h"
#include "perdure/protocol/notifications.h"

#include <utility>

namespace perdure {
namespace {

bool Started(InvocationState state) {
  return state != InvocationState::kScheduled && state != InvocationState::kInboxed;
}

}  // namespace

void Applier::Apply(Cancel& command) {
  Invocation* invocation = Find(command.id);
  if (invocation == nullptr) {
    Answer(ControlOutcome{command.id, ControlResult::kNotFound});
    return;
  }
  if (invocation->status.state == InvocationState::kCompleted) {
    Answer(ControlOutcome{command.id, ControlResult::kAlreadyCompleted});
    return;
  }
  if (!Started(invocation->status.state)) {
    Withdraw(*invocation, Failure{409, "canceled", {}});
    Answer(ControlOutcome{command.id, ControlResult::kDone});
    return;
  }
  AppendSignal(*invocation, SignalName{kCancelSignal}, VoidResult{});
  Answer(ControlOutcome{command.id, ControlResult::kRequested});
}

void Applier::Apply(Kill& command) {
  Invocation* invocation = Find(command.id);
  if (invocation == nullptr) {
    Answer(ControlOutcome{command.id, ControlResult::kNotFound});
    return;
  }
  if (invocation->status.state == InvocationState::kCompleted) {
    Answer(ControlOutcome{command.id, ControlResult::kAlreadyCompleted});
    return;
  }
  KillInvocation(*invocation);
  Answer(ControlOutcome{command.id, ControlResult::kDone});
}

void Applier::KillInvocation(Invocation& invocation) {
  const Failure killed{409, "killed", {}};
  if (!Started(invocation.status.state)) {
    Withdraw(invocation, killed);
    return;
  }
  StopForKill(invocation);
  const InvocationStatus& status = invocation.status;
  const JournalIndex length = status.journal_length;
  const Birth birth = status.birth;
  const std::optional<JournalIndex> next = KillChildren(invocation.id, birth, 0, length);
  if (next) {
    AddWork(WorkRow{WorkRow::Kind::kKillChildren, invocation.id, birth, *next, {}});
  }
  Complete(invocation, killed);
}

void Applier::StopForKill(Invocation& invocation) {
  if (const LiveAttempt* live = Live(invocation.id)) {
    effects_.push_back(StopAttempt{invocation.id, live->epoch, StopAttempt::How::kReset});
  }
}

std::optional<JournalIndex> Applier::KillChildren(
    const InvocationId& id, Birth birth, JournalIndex from, JournalIndex journal_length) {
  JournalIndex index = from;
  for (; index < journal_length && index - from < memory_.work_items_max; ++index) {
    std::optional<std::string> value =
        txn_.Get(Family::kJournal, keys::JournalEntry(id, birth, index));
    if (!value) {
      return std::nullopt;  // the end, or the journal went with the invocation
    }
    const JournalEntry entry = DecodeEntry(index, std::move(*value));
    if (entry.type != MessageType::kCallInvocationIdCompletion) {
      continue;
    }
    const InvocationId callee = DecodeCallee(entry.payload.view());
    Send(callee, PeerKill{callee});
  }
  return index < journal_length ? std::optional<JournalIndex>(index) : std::nullopt;
}

void Applier::Apply(Resume& command) {
  Invocation* invocation = Find(command.id);
  if (invocation == nullptr) {
    Answer(ControlOutcome{command.id, ControlResult::kNotFound});
    return;
  }
  InvocationStatus& status = invocation->status;
  switch (status.state) {
    case InvocationState::kCompleted:
      Answer(ControlOutcome{command.id, ControlResult::kAlreadyCompleted});
      return;
    case InvocationState::kScheduled:
    case InvocationState::kInboxed:
      Answer(ControlOutcome{command.id, ControlResult::kNotStarted});
      return;
    case InvocationState::kInvoked:
    case InvocationState::kSuspended:
    case InvocationState::kPaused:
      break;
  }
  const ControlOutcome outcome = Repin(*invocation, command.deployment);
  if (outcome.result != ControlResult::kDone) {
    Answer(outcome);
    return;
  }
  if (status.pause_requested) {
    status.pause_requested = false;
    Touch(*invocation);
  }
  if (status.ready_order == 0) {  // else it runs, or is about to
    DropRetryTimer(*invocation);
    status.failed_attempts = 0;
    status.retry_count_since_last_entry = 0;
    status.attempts_started = 0;
    MakeReady(*invocation);
  }
  Answer(ControlOutcome{command.id, ControlResult::kDone});
}

void Applier::Apply(Pause& command) {
  Invocation* invocation = Find(command.id);
  if (invocation == nullptr) {
    Answer(ControlOutcome{command.id, ControlResult::kNotFound});
    return;
  }
  InvocationStatus& status = invocation->status;
  const bool still =
      status.state == InvocationState::kSuspended || status.state == InvocationState::kPaused;
  if (still || status.state != InvocationState::kInvoked) {
    Answer(ControlOutcome{command.id, still ? ControlResult::kDone : ControlResult::kNotRunning});
    return;
  }
  if (const LiveAttempt* live = Live(command.id)) {
    // What it has done is kept; it ends when the SDK yields, and is paused then.
    if (!status.pause_requested) {
      status.pause_requested = true;
      Touch(*invocation);
      effects_.push_back(StopAttempt{command.id, live->epoch, StopAttempt::How::kHalfClose});
    }
  } else {
    DropReady(*invocation);
    DropRetryTimer(*invocation);
    PauseInvocation(*invocation, status.failed_attempts > 0);
  }
  Answer(ControlOutcome{command.id, ControlResult::kRequested});
}

void Applier::Apply(Quarantine& command) {
  Invocation* invocation = Find(command.id);
  if (invocation == nullptr) {
    return;
  }
  InvocationStatus& status = invocation->status;
  if (status.state != InvocationState::kInvoked && status.state != InvocationState::kSuspended) {
    return;
  }
  StopForKill(*invocation);
  EndAttempt(command.id);
  DropReady(*invocation);
  DropRetryTimer(*invocation);
  AttemptError error;
  error.message = "the server crashed " + std::to_string(command.crashes) +
                  " times in a row at work on this invocation, so it is paused; resume it with a "
                  "version of the server that does not, or kill it";
  status.last_failure = LastFailure{std::move(error), {}, stamp_.now};
  PauseInvocation(*invocation, true);
}

void Applier::Apply(Purge& command) {
  Invocation* invocation = Find(command.id);
  if (invocation == nullptr) {
    Answer(ControlOutcome{command.id, ControlResult::kNotFound});
    return;
  }
  InvocationStatus& status = invocation->status;
  if (status.state != InvocationState::kCompleted) {
    Answer(ControlOutcome{command.id, ControlResult::kNotCompleted});
    return;
  }
  if (!command.journal_only) {
    ForgetOrBegin(*invocation);
  } else if (status.journal_length > 0) {
    DropExpiry(*invocation, ExpiryKind::kJournal);
    StoreResult(*invocation);
    ForgetJournal(*invocation);
  }
  Answer(ControlOutcome{command.id, ControlResult::kDone});
}

void Applier::Apply(ContinueWork&) {
  memory_.work_pending = false;
  if (!memory_.answers.empty()) {
    AnswerSlice(memory_.answers.front());
    if (memory_.answers.front().to.empty()) {
      memory_.answers.pop_front();
    }
    ContinueLater();
    return;
  }
  const auto rows = txn_.Scan(
      Family::kQueue,
      keys::Work(memory_.partition, memory_.work.from),
      keys::PrefixEnd(keys::WorkPrefix(memory_.partition)));
  if (!rows->Valid()) {
    return;
  }
  const std::string key(rows->key());
  const uint64_t sequence = keys::ParseWorkSequence(key);
  WorkRow work = DecodeWork(rows->value());
  rows->Next();
  const bool more = rows->Valid();
  if (memory_.work.from != sequence) {
    memory_.work = WorkHead{sequence, {}};
  }
  if (DoWork(sequence, work)) {
    txn_.Delete(Family::kQueue, key);
    memory_.work = WorkHead{sequence + 1, {}};
    if (more) {
      ContinueLater();
    }
    return;
  }
  // What listeners are told may be large; the rows that are left of them say how far it is.
  if (work.kind != WorkRow::Kind::kNotifyListeners) {
    txn_.Put(Family::kQueue, key, EncodeWork(work));
  }
  ContinueLater();
}

// One slice. True: the work is done.
bool Applier::DoWork(uint64_t sequence, WorkRow& work) {
  NoteSubject(work.id);
  switch (work.kind) {
    case WorkRow::Kind::kKillChildren: {
      // The invocation may be forgotten by now; its journal is purged behind this work.
      const std::optional<JournalIndex> next =
          KillChildren(work.id, work.birth, work.next_index, ~JournalIndex{0});
      work.next_index = next.value_or(0);
      return !next.has_value();
    }
    case WorkRow::Kind::kNotifyListeners:
      return TellSlice(work);
    case WorkRow::Kind::kPurge:
      PurgeRows(work.id, work.birth, work.next_index, memory_.work.cursor);
      return work.next_index == 0;
    case WorkRow::Kind::kClearState:
      return ClearSlice(sequence, work);
    case WorkRow::Kind::kTellPromise:
      return TellPromiseSlice(work);
    case WorkRow::Kind::kRestart:
      return RestartSlice(sequence, work);
    case WorkRow::Kind::kForget: {
      Invocation* invocation = Find(work.id);
      return invocation == nullptr || invocation->status.birth != work.birth ||
             ForgetSlice(*invocation);
    }
  }
  PERDURE_INVARIANT(false, "a work row is of no known kind");
  return true;
}

bool Applier::TellSlice(const WorkRow& work) {
  const std::string prefix = keys::ListenerPrefix(work.id, work.birth);
  std::string& cursor = memory_.work.cursor;
  const auto rows =
      txn_.Scan(Family::kIndex, cursor.empty() ? prefix : cursor, keys::PrefixEnd(prefix));
  const size_t result_bytes = SizeOf(work.result);
  size_t bytes = 0;
  for (size_t told = 0; rows->Valid(); ++told, rows->Next()) {
    if (told == memory_.work_items_max || bytes >= limits::kTurnBytesMax) {
      return false;
    }
    cursor = std::string(rows->key());
    const CallerRef caller = DecodeCaller(rows->value());
    txn_.Delete(Family::kIndex, cursor);
    Deliver(caller, work.result);
    bytes += result_bytes;
  }
  return true;
}

}  // namespace perdure
