// SPDX-License-Identifier: Apache-2.0
//
// Cancel, kill and resume (service protocol 7, admin API 8), and work that goes on over several
// turns: killed trees, listeners, purged journals.
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
  for (; index < journal_length && index - from < limits::kWorkItemsPerTurn; ++index) {
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
  if (status.ready_order == 0) {  // else it runs, or is about to
    DropRetryTimer(*invocation);
    status.failed_attempts = 0;
    status.retry_count_since_last_entry = 0;
    status.attempts_started = 0;
    MakeReady(*invocation);
  }
  Answer(ControlOutcome{command.id, ControlResult::kDone});
}

void Applier::Apply(ContinueWork&) {
  memory_.work_pending = false;
  const std::string prefix = keys::WorkPrefix(memory_.partition);
  std::string key;
  WorkRow work;
  {
    const auto rows = txn_.Scan(Family::kQueue, prefix, keys::PrefixEnd(prefix));
    if (!rows->Valid()) {
      return;
    }
    key = std::string(rows->key());
    work = DecodeWork(rows->value());
    rows->Next();
    if (rows->Valid()) {
      memory_.work_pending = true;
    }
  }
  if (DoWork(work)) {
    txn_.Delete(Family::kQueue, key);
  } else {
    txn_.Put(Family::kQueue, key, EncodeWork(work));
    memory_.work_pending = true;
  }
  if (memory_.work_pending) {
    effects_.push_back(SubmitToSelf{ContinueWork{}});
  }
}

// One slice. True: the work is done.
bool Applier::DoWork(WorkRow& work) {
  switch (work.kind) {
    case WorkRow::Kind::kKillChildren: {
      // The invocation may be forgotten by now; its journal is purged behind this work.
      const std::optional<JournalIndex> next =
          KillChildren(work.id, work.birth, work.next_index, ~JournalIndex{0});
      work.next_index = next.value_or(0);
      return !next.has_value();
    }
    case WorkRow::Kind::kNotifyListeners: {
      const std::string prefix = keys::ListenerPrefix(work.id, work.birth);
      std::vector<std::pair<std::string, CallerRef>> slice;
      {
        const auto rows = txn_.Scan(Family::kIndex, prefix, keys::PrefixEnd(prefix));
        for (; rows->Valid() && slice.size() < limits::kWorkItemsPerTurn; rows->Next()) {
          slice.emplace_back(std::string(rows->key()), DecodeCaller(rows->value()));
        }
      }
      for (const auto& [key, caller] : slice) {
        txn_.Delete(Family::kIndex, key);
        Deliver(caller, work.result);
      }
      return slice.size() < limits::kWorkItemsPerTurn;
    }
    case WorkRow::Kind::kPurge:
      PurgeRows(work.id, work.birth, work.next_index, limits::kWorkItemsPerTurn);
      return work.next_index == 0;
  }
  PERDURE_INVARIANT(false, "a work row is of no known kind");
  return true;
}

}  // namespace perdure
