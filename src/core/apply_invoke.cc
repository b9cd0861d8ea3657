// SPDX-License-Identifier: Apache-2.0
//
// The beginning of an invocation: created, found again by its id, delayed, queued behind its
// object, made ready; and requests that wait for a result.
#include "core/applier.h"
#include "core/stored_result.h"
#include "perdure/base/assert.h"
#include "perdure/base/limits.h"
#include "perdure/base/overloaded.h"
#include "perdure/protocol/notifications.h"

#include <algorithm>
#include <utility>

namespace perdure {

Retention RetentionOf(const HandlerSchema& handler, bool has_idempotency_key) {
  if (handler.type == HandlerType::kWorkflow) {
    return {
        handler.workflow_completion_retention,
        std::min(handler.journal_retention, handler.workflow_completion_retention)};
  }
  if (has_idempotency_key) {
    return {
        handler.idempotency_retention,
        std::min(handler.journal_retention, handler.idempotency_retention)};
  }
  return {handler.journal_retention, handler.journal_retention};
}

void Applier::Apply(Invoke& command) {
  CreateInvocation(command.spec, command.wait);
}

void Applier::CreateInvocation(InvocationSpec& spec, bool wait) {
  if (Invocation* existing = Find(spec.id)) {
    FoundExisting(*existing, spec, wait);
    return;
  }
  Invocation& invocation = Create(spec.id);
  InvocationStatus& status = invocation.status;
  status.birth = Birth{memory_.row.position};
  status.target = std::move(spec.target);
  status.idempotency_key = std::move(spec.idempotency_key);
  status.caller = std::move(spec.caller);
  status.retention = spec.retention;
  status.random_seed = spec.random_seed;
  status.created_at = stamp_.now;
  status.command_count = 1;
  AppendEntry(
      invocation, MessageType::kInputCommand, EncodeInputCommand(spec.headers, spec.body.view()));

  std::optional<TimeMs> execution_time;
  if (spec.start_at > stamp_.now) {
    status.state = InvocationState::kScheduled;
    status.scheduled_start_at = spec.start_at;
    execution_time = spec.start_at;
    AddTimer({spec.start_at, spec.id, TimerKind::kScheduledStart, 0}, status.birth);
  } else {
    if (spec.start_at != 0) {
      execution_time = spec.start_at;
    }
    Enqueue(invocation);
  }
  Touch(invocation);
  if (wait) {
    Wait(spec.id);
  } else {
    Answer(InvocationAccepted{spec.id, false, execution_time});
  }
}

void Applier::FoundExisting(Invocation& existing, const InvocationSpec& spec, bool wait) {
  if (spec.caller) {
    FoundByCaller(existing, spec);
    return;
  }
  if (!wait) {
    std::optional<TimeMs> execution_time;
    if (existing.status.state == InvocationState::kScheduled) {
      execution_time = existing.status.scheduled_start_at;
    }
    Answer(InvocationAccepted{existing.id, true, execution_time});
  } else if (existing.status.target.workflow_run()) {
    InvocationResult result{existing.id, existing.status.target.service, {}, {}, {}, {}};
    result.handler = existing.status.target.handler;
    result.result = Failure{409, "the workflow method was already invoked", {}};
    Answer(std::move(result));
  } else if (existing.status.state == InvocationState::kCompleted) {
    Answer(ResultOf(existing));
  } else {
    Wait(existing.id);
  }
}

void Applier::FoundByCaller(Invocation& existing, const InvocationSpec& spec) {
  const CallerRef& caller = *spec.caller;
  if (caller.result_completion_id == 0) {
    return;
  }
  if (existing.status.target.workflow_run()) {
    Deliver(caller, ValueOrFailure(Failure{409, "the workflow method was already invoked", {}}));
  } else if (existing.status.state == InvocationState::kCompleted) {
    Deliver(caller, ResultOf(existing).result);
  } else {
    AddListener(existing, caller);
  }
}

void Applier::Wait(const InvocationId& id) {
  if (reply_to_.wanted()) {
    memory_.waiting[id].push_back(reply_to_);
  }
}

InvocationResult Applier::ResultOf(const Invocation& invocation) {
  const InvocationStatus& status = invocation.status;
  std::optional<ValueOrFailure> stored = ReadResult(txn_, invocation.id, status);
  PERDURE_INVARIANT(stored.has_value(), "a completed invocation has no result");
  return MakeInvocationResult(invocation.id, status, std::move(*stored));
}

void Applier::Apply(Attach& command) {
  Invocation* invocation = Find(command.id);
  if (invocation == nullptr) {
    Answer(InvocationUnknown{command.id});
  } else if (invocation->status.state == InvocationState::kCompleted) {
    Answer(ResultOf(*invocation));
  } else if (command.wait) {
    Wait(command.id);
  } else {
    Answer(InvocationNotReady{command.id});
  }
}

void Applier::Apply(ForgetReply& command) {
  const auto it = memory_.waiting.find(command.id);
  if (it == memory_.waiting.end()) {
    return;
  }
  std::erase(it->second, command.reply_to);
  if (it->second.empty()) {
    memory_.waiting.erase(it);
  }
}

void Applier::Enqueue(Invocation& invocation) {
  InvocationStatus& status = invocation.status;
  if (!status.target.exclusive()) {
    MakeReady(invocation);
    return;
  }
  const std::string lock = keys::Lock(status.target.service, status.target.key);
  const std::string self = keys::IdAndBirth(invocation.id, status.birth);
  if (txn_.Get(Family::kIndex, lock)) {
    status.state = InvocationState::kInboxed;
    status.inboxed_at = stamp_.now;
    // Several may be queued by one command: the sequence is the partition's, not the command's.
    status.inbox_sequence = ++memory_.row.work_sequence;
    txn_.Put(
        Family::kQueue,
        keys::Inbox(status.target.service, status.target.key, status.inbox_sequence),
        self);
    Touch(invocation);
    return;
  }
  // Whoever queues up from now on has a higher sequence.
  txn_.Put(Family::kIndex, lock, {self, keys::U64(memory_.row.work_sequence)});
  MakeReady(invocation);
}

void Applier::ReleaseLock(Invocation& invocation) {
  const Target& target = invocation.status.target;
  if (!target.exclusive()) {
    return;
  }
  const std::string lock = keys::Lock(target.service, target.key);
  const std::optional<std::string> holder = txn_.Get(Family::kIndex, lock);
  PERDURE_INVARIANT(holder.has_value(), "an exclusive invocation ran without its lock");
  const keys::LockHolder owner = keys::ParseLock(*holder);
  PERDURE_INVARIANT(
      owner.id == invocation.id && owner.birth == invocation.status.birth,
      "the lock of an object is held by another invocation");
  StartNextInQueue(target, owner.sequence);
}

void Applier::StartNextInQueue(const Target& target, uint64_t behind) {
  const std::string lock = keys::Lock(target.service, target.key);
  // From where the last holder stood: what is before it was deleted, and would be walked over again
  // and again.
  const auto rows = txn_.Scan(
      Family::kQueue,
      keys::Inbox(target.service, target.key, behind + 1),
      keys::PrefixEnd(keys::InboxPrefix(target.service, target.key)));
  if (!rows->Valid()) {
    txn_.Delete(Family::kIndex, lock);
    return;
  }
  const std::string inbox_key(rows->key());
  const std::string self(rows->value());
  const uint64_t sequence = keys::ParseInboxSequence(inbox_key);
  const keys::IdBirth next = keys::ParseIdAndBirth(self);
  Invocation* invocation = Find(next.id);
  PERDURE_INVARIANT(
      invocation != nullptr && invocation->status.birth == next.birth &&
          invocation->status.state == InvocationState::kInboxed,
      "the queue of an object names an invocation that is not queued");
  txn_.Delete(Family::kQueue, inbox_key);
  txn_.Put(Family::kIndex, lock, {self, keys::U64(sequence)});
  invocation->status.inbox_sequence = 0;
  MakeReady(*invocation);
}

void Applier::MakeReady(Invocation& invocation) {
  InvocationStatus& status = invocation.status;
  PERDURE_ASSERT(status.ready_order == 0);
  status.state = InvocationState::kInvoked;
  status.wait_set = {};
  status.next_retry_at = 0;
  // Orders grow within the partition, so a row lies behind all older ones.
  status.ready_order = ++memory_.row.work_sequence;
  std::string key = keys::Ready(memory_.partition, status.ready_order, invocation.id);
  txn_.Put(Family::kQueue, key, keys::U64(status.birth.value));
  ReadyHead& head = memory_.ready;
  if (head.complete) {
    if (head.items.size() < limits::kReadyHeadMax) {
      head.items.push_back({status.ready_order, invocation.id});
    } else {
      head.complete = false;
      head.scan_from = std::move(key);
    }
  }
  Touch(invocation);
}

void Applier::DropReady(Invocation& invocation) {
  InvocationStatus& status = invocation.status;
  if (status.ready_order == 0) {
    return;
  }
  txn_.Delete(Family::kQueue, keys::Ready(memory_.partition, status.ready_order, invocation.id));
  status.ready_order = 0;
}

}  // namespace perdure
