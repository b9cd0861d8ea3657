// SPDX-License-Identifier: Apache-2.0
//
// The end of an invocation: its result is fixed, whoever waits is told, its object goes to the
// next, and it is kept for its retention or forgotten (service protocol 3.3, ingress API 6.1).
#include "core/applier.h"
#include "perdure/base/assert.h"
#include "perdure/base/overloaded.h"
#include "perdure/protocol/notifications.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace perdure {

void Applier::Complete(Invocation& invocation, std::optional<Failure> failure) {
  InvocationStatus& status = invocation.status;
  PERDURE_ASSERT(status.state != InvocationState::kCompleted);
  EndAttempt(invocation.id);
  DropReady(invocation);
  DropRetryTimer(invocation);
  status.state = InvocationState::kCompleted;
  status.completed_at = stamp_.now;
  status.pause_requested = false;
  status.wait_set = {};
  if (failure) {
    status.failure = std::move(failure);
  }
  Touch(invocation);
  ReleaseLock(invocation);
  TellWaiters(invocation);
  if (status.caller && status.caller->result_completion_id != 0) {
    Deliver(*status.caller, ResultOf(invocation).result);
  }
  TellListeners(invocation);
  KeepOrForget(invocation);
}

void Applier::TellWaiters(Invocation& invocation) {
  const auto it = memory_.waiting.find(invocation.id);
  if (it == memory_.waiting.end()) {
    return;
  }
  PendingAnswers answers{ResultOf(invocation), std::move(it->second)};
  memory_.waiting.erase(it);
  answers.result.expires_at.reset();  // a live answer, not a stored one (ingress API 6)
  AnswerSlice(answers);
  if (!answers.to.empty()) {
    memory_.answers.push_back(std::move(answers));
    ContinueLater();
  }
}

void Applier::AnswerSlice(PendingAnswers& answers) {
  const size_t count = std::min(answers.to.size(), memory_.work_items_max);
  const auto end = answers.to.end();
  for (auto to = end - static_cast<std::ptrdiff_t>(count); to != end; ++to) {
    Answer(*to, answers.result);
  }
  answers.to.resize(answers.to.size() - count);
}

void Applier::TellListeners(Invocation& invocation) {
  if (!invocation.status.has_listeners) {
    return;
  }
  AddWork(WorkRow{
      WorkRow::Kind::kNotifyListeners,
      invocation.id,
      invocation.status.birth,
      0,
      ResultOf(invocation).result});
}

void Applier::KeepOrForget(Invocation& invocation) {
  InvocationStatus& status = invocation.status;
  if (status.retention.completion == 0) {
    ForgetOrBegin(invocation);
    return;
  }
  AddExpiry(ExpiryOf(invocation, ExpiryKind::kInvocation));
  if (status.retention.journal >= status.retention.completion) {
    return;
  }
  StoreResult(invocation);
  AddExpiry(ExpiryOf(invocation, ExpiryKind::kJournal));
}

keys::ExpiryRef Applier::ExpiryOf(const Invocation& invocation, ExpiryKind kind) {
  const InvocationStatus& status = invocation.status;
  const DurationMs retention =
      kind == ExpiryKind::kInvocation ? status.retention.completion : status.retention.journal;
  const TimeMs at = status.completed_at + retention;
  return {at < status.completed_at ? ~TimeMs{0} : at, invocation.id, status.birth, kind};
}

void Applier::DropExpiry(const Invocation& invocation, ExpiryKind kind) {
  txn_.Delete(Family::kQueue, keys::Expiry(memory_.partition, ExpiryOf(invocation, kind)));
}

void Applier::StoreResult(Invocation& invocation) {
  InvocationStatus& status = invocation.status;
  if (status.failure || status.stored_result) {
    return;
  }
  const ValueOrFailure result = ResultOf(invocation).result;
  txn_.Put(
      Family::kJournal,
      keys::Result(invocation.id, status.birth),
      std::get<SharedBytes>(result).view());
  status.stored_result = true;
}

void Applier::ForgetJournal(Invocation& invocation) {
  InvocationStatus& status = invocation.status;
  DropEvents(invocation);
  PurgeJournal(invocation.id, status.birth, status.journal_length);
  status.journal_length = 0;
  status.command_count = 0;
  status.output_index.reset();
  invocation.dirty = true;
}

void Applier::Withdraw(Invocation& invocation, const Failure& failure) {
  InvocationStatus& status = invocation.status;
  if (status.state == InvocationState::kScheduled) {
    DropTimer({status.scheduled_start_at, invocation.id, TimerKind::kScheduledStart, 0});
  } else {
    PERDURE_ASSERT(status.state == InvocationState::kInboxed);
    txn_.Delete(
        Family::kQueue,
        keys::Inbox(status.target.service, status.target.key, status.inbox_sequence));
  }
  status.state = InvocationState::kCompleted;
  status.failure = failure;
  TellWaiters(invocation);
  if (status.caller) {
    Deliver(*status.caller, ValueOrFailure(failure));
  }
  TellListeners(invocation);
  Forget(invocation);
}

void Applier::ForgetOrBegin(Invocation& invocation) {
  if (!ForgetSlice(invocation)) {
    AddWork(WorkRow{WorkRow::Kind::kForget, invocation.id, invocation.status.birth, 0, {}});
  }
}

bool Applier::ForgetSlice(Invocation& invocation) {
  size_t dropped = 0;
  // A workflow goes when the last of its promises is gone: its id may be used again at once.
  if (invocation.status.target.workflow_run() &&
      !ClearPromises(invocation.status.target, dropped)) {
    return false;
  }
  const InvocationStatus& status = invocation.status;
  if (status.retention.completion > 0) {
    DropExpiry(invocation, ExpiryKind::kInvocation);
  }
  if (status.retention.journal < status.retention.completion && status.journal_length > 0) {
    DropExpiry(invocation, ExpiryKind::kJournal);
  }
  Forget(invocation);
  return true;
}

size_t Applier::Forget(Invocation& invocation) {
  invocation.removed = true;
  txn_.Delete(Family::kStatus, keys::Status(invocation.id));
  const InvocationStatus& status = invocation.status;
  if (status.stored_result) {
    txn_.DeleteOnce(Family::kJournal, keys::Result(invocation.id, status.birth));
  }
  // State lives as long as the workflow (ingress API 6.1).
  const size_t cleared = status.target.workflow_run() ? ClearState(status.target) : 0;
  DropEvents(invocation);
  PurgeJournal(invocation.id, status.birth, status.journal_length);
  return cleared;
}

void Applier::PurgeJournal(const InvocationId& id, Birth birth, JournalIndex length) {
  JournalIndex left = length;
  // A journal of several slices may still be read by the kill of its children or by a restart; work
  // goes in order.
  if (length <= memory_.work_items_max && !IsCopied(id, birth)) {
    std::string cursor;
    PurgeRows(id, birth, left, cursor);
  }
  if (left > 0) {
    AddWork(WorkRow{WorkRow::Kind::kPurge, id, birth, left, {}});
  }
}

void Applier::PurgeRows(
    const InvocationId& id, Birth birth, JournalIndex& left, std::string& cursor) {
  size_t used = 0;
  const std::string prefix = keys::NotificationPrefix(id, birth);
  // Not from the beginning: what was deleted there would be walked over again in every slice.
  const auto rows =
      txn_.Scan(Family::kIndex, cursor.empty() ? prefix : cursor, keys::PrefixEnd(prefix));
  for (; rows->Valid() && used < memory_.work_items_max; rows->Next()) {
    cursor = std::string(rows->key());
    txn_.Delete(Family::kIndex, cursor);
    ++used;
  }
  while (left > 0 && used < memory_.work_items_max) {
    --left;
    txn_.DeleteOnce(Family::kJournal, keys::JournalEntry(id, birth, left));
    ++used;
  }
}

uint64_t Applier::AddWork(const WorkRow& work) {
  const uint64_t sequence = ++memory_.row.work_sequence;
  txn_.Put(Family::kQueue, keys::Work(memory_.partition, sequence), EncodeWork(work));
  ContinueLater();
  return sequence;
}

void Applier::ContinueLater() {
  if (!memory_.work_pending) {
    memory_.work_pending = true;
    effects_.push_back(SubmitToSelf{ContinueWork{}});
  }
}

void Applier::AddExpiry(const keys::ExpiryRef& expiry) {
  txn_.Put(Family::kQueue, keys::Expiry(memory_.partition, expiry), BytesView());
  if (!memory_.next_expiry || expiry.due < *memory_.next_expiry) {
    memory_.next_expiry = expiry.due;
  }
}

}  // namespace perdure
