// SPDX-License-Identifier: Apache-2.0
//
// What time brings: sleeps, delayed starts, retries, expired invocations; and the opening of a
// partition, which derives from the tables what must run.
#include "core/applier.h"
#include "perdure/base/assert.h"
#include "perdure/base/limits.h"
#include "perdure/protocol/notifications.h"

#include <utility>

namespace perdure {

void Applier::AddTimer(const keys::TimerRef& timer, Birth birth) {
  std::string key = keys::Timer(memory_.partition, timer);
  txn_.Put(Family::kQueue, key, keys::U64(birth.value));
  TimerHead& head = memory_.timers;
  if (head.bound && key >= *head.bound) {
    return;
  }
  head.keys.insert(std::move(key));
  if (head.keys.size() > limits::kTimerHeadMax) {
    const auto last = std::prev(head.keys.end());
    head.bound = *last;
    head.keys.erase(last);
  }
}

void Applier::DropTimer(const keys::TimerRef& timer) {
  const std::string key = keys::Timer(memory_.partition, timer);
  txn_.Delete(Family::kQueue, key);
  memory_.timers.keys.erase(key);
}

void Applier::DropRetryTimer(Invocation& invocation) {
  InvocationStatus& status = invocation.status;
  if (status.next_retry_at != 0) {
    DropTimer({status.next_retry_at, invocation.id, TimerKind::kRetry, 0});
    status.next_retry_at = 0;
  }
}

void Applier::LoadTimers() {
  TimerHead& head = memory_.timers;
  if (!head.keys.empty() || !head.bound) {
    return;
  }
  const auto rows =
      txn_.Scan(Family::kQueue, *head.bound, keys::PrefixEnd(keys::TimerPrefix(memory_.partition)));
  // As many as one turn can fire: the head is filled further by new timers.
  for (; rows->Valid() && head.keys.size() < memory_.work_items_max; rows->Next()) {
    head.keys.emplace(rows->key());
  }
  if (rows->Valid()) {
    head.bound = std::string(rows->key());
  } else {
    head.bound.reset();
  }
}

void Applier::Apply(TimersDue& command) {
  for (size_t fired = 0; fired < memory_.work_items_max; ++fired) {
    LoadTimers();
    TimerHead& head = memory_.timers;
    if (head.keys.empty()) {
      return;
    }
    const std::string key = *head.keys.begin();
    const keys::TimerRef timer = keys::ParseTimer(key);
    if (timer.due > command.wall_now) {
      return;
    }
    head.keys.erase(head.keys.begin());
    const std::optional<std::string> value = txn_.Get(Family::kQueue, key);
    if (!value) {
      continue;
    }
    txn_.Delete(Family::kQueue, key);
    const std::optional<uint64_t> birth = keys::ParseU64(*value);
    PERDURE_INVARIANT(birth.has_value(), "a timer row has no birth");
    Fire(timer, Birth{*birth});
  }
}

void Applier::Fire(const keys::TimerRef& timer, Birth birth) {
  NoteSubject(timer.id);
  Invocation* invocation = Find(timer.id);
  if (invocation == nullptr || invocation->status.birth != birth ||
      invocation->status.state == InvocationState::kCompleted) {
    return;  // timers die with their invocation
  }
  InvocationStatus& status = invocation->status;
  switch (timer.kind) {
    case TimerKind::kSleep:
      AppendCompletion(
          *invocation,
          MessageType::kSleepCompletion,
          timer.completion_id,
          EncodeVoidCompletion(timer.completion_id));
      return;
    case TimerKind::kScheduledStart:
      PERDURE_ASSERT(status.state == InvocationState::kScheduled);
      Enqueue(*invocation);
      return;
    case TimerKind::kRetry:
      if (status.state == InvocationState::kInvoked && status.next_retry_at == timer.due) {
        MakeReady(*invocation);
      }
      return;
  }
  PERDURE_INVARIANT(false, "a timer is of no known kind");
}

void Applier::Apply(RetentionDue& command) {
  const std::string prefix = keys::ExpiryPrefix(memory_.partition);
  const std::string end = keys::PrefixEnd(prefix);
  std::string from =
      memory_.next_expiry
          ? keys::Expiry(
                memory_.partition, {*memory_.next_expiry, InvocationId{}, Birth{}, ExpiryKind{}})
          : prefix;
  const auto rows = txn_.Scan(Family::kQueue, from, end);
  size_t used = 0;
  memory_.next_expiry.reset();
  for (; rows->Valid(); rows->Next()) {
    const keys::ExpiryRef expiry = keys::ParseExpiry(rows->key());
    if (expiry.due > command.wall_now || used >= memory_.work_items_max) {
      memory_.next_expiry = expiry.due;
      return;
    }
    ++used;
    NoteSubject(expiry.id);
    Invocation* invocation = Find(expiry.id);
    if (invocation == nullptr || invocation->status.birth != expiry.birth) {
      txn_.Delete(Family::kQueue, rows->key());
      continue;
    }
    InvocationStatus& status = invocation->status;
    // A workflow goes when the last of its promises is gone: its id may be used again at once.
    if (expiry.kind == ExpiryKind::kInvocation && status.target.workflow_run() &&
        !ClearPromises(status.target, used)) {
      memory_.next_expiry = expiry.due;
      return;
    }
    txn_.Delete(Family::kQueue, rows->key());
    used += status.journal_length + (status.events_end - status.events_begin);
    if (expiry.kind == ExpiryKind::kInvocation) {
      used += Forget(*invocation);
      continue;
    }
    ForgetJournal(*invocation);
  }
}

void Applier::OpenPartition() {
  if (const auto row = txn_.Get(Family::kMeta, keys::Partition(memory_.partition))) {
    memory_.row = DecodePartition(*row);
  }
  // Everything in these tables is looked at again: what ran when the process ended is in `ready`.
  memory_.ready.complete = false;
  memory_.ready.scan_from = keys::ReadyPrefix(memory_.partition);
  memory_.timers.bound = keys::TimerPrefix(memory_.partition);
  LoadTimers();

  const std::string expiries = keys::ExpiryPrefix(memory_.partition);
  const auto expiry = txn_.Scan(Family::kQueue, expiries, keys::PrefixEnd(expiries));
  if (expiry->Valid()) {
    memory_.next_expiry = keys::ParseExpiry(expiry->key()).due;
  }

  const std::string dedup = keys::DedupPrefix(memory_.partition);
  const auto seen = txn_.Scan(Family::kMeta, dedup, keys::PrefixEnd(dedup));
  for (; seen->Valid(); seen->Next()) {
    const std::optional<uint64_t> sequence = keys::ParseU64(seen->value());
    PERDURE_INVARIANT(sequence.has_value(), "a row of seen messages has no sequence");
    memory_.received[keys::ParseDedup(seen->key()).value] = *sequence;
  }

  for (const auto& [to, sent] : memory_.row.outbox_sent) {
    OutboxWindow& window = memory_.outbox[to];
    window = OutboxWindow{sent, sent, sent};
    const std::string first = keys::Outbox(memory_.partition, PartitionId{to}, 0);
    const std::string end = keys::Outbox(memory_.partition, PartitionId{to}, ~uint64_t{0});
    const auto rows = txn_.Scan(Family::kQueue, first, end);
    if (rows->Valid()) {
      window.acked = keys::ParseOutbox(rows->key()).sequence - 1;
      window.hopped = window.acked;
      HopMore(to);
    }
  }

  const std::string prefix = keys::WorkPrefix(memory_.partition);
  if (txn_.Scan(Family::kQueue, prefix, keys::PrefixEnd(prefix))->Valid()) {
    ContinueLater();
  }
  memory_.clearing = ReadClearing(txn_, memory_.partition);
  LoadRestarts();
}

}  // namespace perdure
