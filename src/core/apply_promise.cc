// SPDX-License-Identifier: Apache-2.0
//
// Durable promises of a workflow (service protocol 3.9). Whoever waits for one is a handler of the
// same workflow and key, hence of this partition. A promise and its listeners live as long as the
// workflow.
#include "core/applier.h"
#include "perdure/base/assert.h"
#include "perdure/base/limits.h"
#include "perdure/base/overloaded.h"
#include "perdure/protocol/notifications.h"

#include <utility>

namespace perdure {

bool Applier::ApplyPromise(Invocation& invocation, SdkFrame& frame) {
  const Target& target = invocation.status.target;
  if (target.service_type != ServiceType::kWorkflow) {
    FailPrecondition(invocation, frame.type, "promises are only there for workflows", "RT0020");
    return false;
  }
  AppendCommand(invocation, frame);
  std::visit(
      Overloaded{
          [&](GetPromiseCommand& get) { GetPromise(invocation, get); },
          [&](PeekPromiseCommand& peek) {
            const std::optional<ValueOrFailure> result = ReadPromise(target, peek.promise);
            AppendCompletion(
                invocation,
                MessageType::kPeekPromiseCompletion,
                peek.result_completion_id,
                result ? EncodeResultCompletion(peek.result_completion_id, *result)
                       : EncodeVoidCompletion(peek.result_completion_id));
          },
          [&](CompletePromiseCommand& complete) { CompletePromise(invocation, complete); },
          [](auto&) { PERDURE_INVARIANT(false, "not a command about a promise"); }},
      frame.message);
  return true;
}

std::optional<ValueOrFailure> Applier::ReadPromise(
    const Target& workflow, std::string_view promise) const {
  const std::optional<std::string> row =
      txn_.Get(Family::kState, keys::Promise(workflow.service, workflow.key, promise));
  return row ? std::optional<ValueOrFailure>(DecodePromise(*row)) : std::nullopt;
}

void Applier::GetPromise(Invocation& invocation, const GetPromiseCommand& command) {
  const Target& target = invocation.status.target;
  const CompletionId completion_id = command.result_completion_id;
  if (const std::optional<ValueOrFailure> result = ReadPromise(target, command.promise)) {
    AppendCompletion(
        invocation,
        MessageType::kGetPromiseCompletion,
        completion_id,
        EncodeResultCompletion(completion_id, *result));
    return;
  }
  txn_.Put(
      Family::kIndex,
      keys::PromiseListener(
          target.service, target.key, command.promise, invocation.id, completion_id),
      keys::U64(invocation.status.birth.value));
}

void Applier::CompletePromise(Invocation& invocation, CompletePromiseCommand& command) {
  const Target& target = invocation.status.target;
  const CompletionId completion_id = command.result_completion_id;
  const bool completed = ReadPromise(target, command.promise).has_value();
  if (!completed) {
    txn_.Put(
        Family::kState,
        keys::Promise(target.service, target.key, command.promise),
        EncodePromise(command.result));
    WorkRow work;
    work.kind = WorkRow::Kind::kTellPromise;
    if (!TellPromise(
            keys::PromiseListenerPrefix(target.service, target.key, command.promise),
            work.cursor,
            command.result)) {
      work.service = target.service;
      work.object_key = target.key;
      work.promise = command.promise;
      AddWork(work);
    }
  }
  AppendCompletion(
      invocation,
      MessageType::kCompletePromiseCompletion,
      completion_id,
      completed
          ? EncodeResultCompletion(completion_id, Failure{409, "promise was already completed", {}})
          : EncodeVoidCompletion(completion_id));
}

bool Applier::TellPromise(
    const std::string& listeners, std::string& cursor, const ValueOrFailure& result) {
  const size_t result_bytes = SizeOf(result);
  const auto rows =
      txn_.Scan(Family::kIndex, cursor.empty() ? listeners : cursor, keys::PrefixEnd(listeners));
  size_t bytes = 0;
  for (size_t told = 0; rows->Valid(); ++told, rows->Next()) {
    cursor = std::string(rows->key());
    if (told == memory_.work_items_max || bytes >= limits::kTurnBytesMax) {
      return false;
    }
    Invocation* waiting = WaitingFor(cursor, rows->value());
    txn_.Delete(Family::kIndex, cursor);
    if (waiting == nullptr) {
      continue;
    }
    const CompletionId completion_id = keys::ParsePromiseListener(cursor).completion_id;
    AppendCompletion(
        *waiting,
        MessageType::kGetPromiseCompletion,
        completion_id,
        EncodeResultCompletion(completion_id, result));
    bytes += result_bytes;
  }
  return true;
}

bool Applier::TellPromiseSlice(WorkRow& work) {
  const std::optional<std::string> row =
      txn_.Get(Family::kState, keys::Promise(work.service, work.object_key, work.promise));
  if (!row) {
    return true;  // the workflow is forgotten, and its listeners with it
  }
  return TellPromise(
      keys::PromiseListenerPrefix(work.service, work.object_key, work.promise),
      work.cursor,
      DecodePromise(*row));
}

bool Applier::ClearPromises(const Target& workflow, size_t& dropped) {
  const std::string promises = keys::PromisePrefix(workflow.service, workflow.key);
  const auto rows = txn_.Scan(Family::kState, promises, keys::PrefixEnd(promises));
  for (; rows->Valid() && dropped < memory_.work_items_max; rows->Next()) {
    txn_.Delete(Family::kState, rows->key());
    ++dropped;
  }
  return !rows->Valid() && ClearPromiseListeners(workflow, dropped);
}

// Handlers that still wait stay: whoever completes the promise later wakes them. Behind one of them
// nothing is looked at, so that a slice begins where the last one ended.
bool Applier::ClearPromiseListeners(const Target& workflow, size_t& dropped) {
  const std::string listeners = keys::PromiseListeners(workflow.service, workflow.key);
  const auto rows = txn_.Scan(Family::kIndex, listeners, keys::PrefixEnd(listeners));
  for (; rows->Valid() && dropped < memory_.work_items_max; rows->Next()) {
    if (WaitingFor(rows->key(), rows->value()) != nullptr) {
      return true;
    }
    txn_.Delete(Family::kIndex, rows->key());
    ++dropped;
  }
  return !rows->Valid();
}

Invocation* Applier::WaitingFor(BytesView listener_key, BytesView listener) {
  const std::optional<uint64_t> birth = keys::ParseU64(listener);
  PERDURE_INVARIANT(birth.has_value(), "a listener of a promise has no birth");
  Invocation* waiting = Find(keys::ParsePromiseListener(listener_key).id);
  const bool waits = waiting != nullptr && waiting->status.birth.value == *birth &&
                     waiting->status.state != InvocationState::kCompleted;
  return waits ? waiting : nullptr;  // it was killed, or it ended without waiting
}

}  // namespace perdure
