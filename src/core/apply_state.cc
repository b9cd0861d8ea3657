// SPDX-License-Identifier: Apache-2.0
//
// State of objects and workflows (service protocol 3.4): writes take effect when the command is
// appended, not at the end of the handler. A clear of many rows takes effect at once, too, and its
// rows go in slices (object_state.h).
#include "core/applier.h"
#include "perdure/base/assert.h"
#include "perdure/base/limits.h"
#include "perdure/base/overloaded.h"
#include "perdure/protocol/notifications.h"

#include <utility>
#include <vector>

namespace perdure {

ObjectState Applier::StateOf(const Target& target) const {
  return ObjectState(memory_.clearing, target.service, target.key);
}

bool Applier::CheckStateAccess(Invocation& invocation, MessageType type, bool write) {
  const Target& target = invocation.status.target;
  if (!target.keyed()) {
    FailPrecondition(
        invocation, type, "state is only there for virtual objects and workflows", "RT0020");
    return false;
  }
  if (write && target.handler_type == HandlerType::kShared) {
    FailPrecondition(invocation, type, "a shared handler cannot write state", "RT0020");
    return false;
  }
  return true;
}

bool Applier::ApplyStateRead(Invocation& invocation, SdkFrame& frame) {
  if (!CheckStateAccess(invocation, frame.type, false)) {
    return false;
  }
  if (const auto* list = std::get_if<GetLazyStateKeysCommand>(&frame.message)) {
    return ApplyStateKeys(invocation, frame, list->result_completion_id);
  }
  AppendCommand(invocation, frame);
  if (const auto* get = std::get_if<GetLazyStateCommand>(&frame.message)) {
    const std::optional<std::string> value =
        txn_.Get(Family::kState, StateOf(invocation.status.target).RowOf(get->key.view()));
    AppendCompletion(
        invocation,
        MessageType::kGetLazyStateCompletion,
        get->result_completion_id,
        EncodeGetLazyStateCompletion(
            get->result_completion_id, value ? std::optional<BytesView>(*value) : std::nullopt));
  }
  return true;  // eager reads: the SDK has the value
}

bool Applier::ApplyStateKeys(
    Invocation& invocation, const SdkFrame& frame, CompletionId completion_id) {
  const Target& target = invocation.status.target;
  std::vector<std::string> names;
  size_t bytes = 0;
  StateOf(target).Each(txn_, [&](BytesView name, BytesView) {
    bytes += name.size();
    names.emplace_back(name);
    return bytes <= memory_.message_bytes_max;
  });
  SharedBytes answer;
  if (bytes <= memory_.message_bytes_max) {
    answer = EncodeGetLazyStateKeysCompletion(completion_id, names);
    bytes = answer.size();
  }
  if (bytes > memory_.message_bytes_max) {
    FailPrecondition(
        invocation,
        frame.type,
        "the state keys of " + target.service + "/" + target.key + " take more than the " +
            std::to_string(memory_.message_bytes_max) +
            " bytes of a message (worker.invoker.message-size-limit)",
        "RT0017");
    return false;
  }
  AppendCommand(invocation, frame);
  AppendCompletion(
      invocation, MessageType::kGetLazyStateKeysCompletion, completion_id, std::move(answer));
  return true;
}

bool Applier::ApplyStateWrite(Invocation& invocation, SdkFrame& frame) {
  if (!CheckStateAccess(invocation, frame.type, true)) {
    return false;
  }
  AppendCommand(invocation, frame);
  const Target& target = invocation.status.target;
  if (const auto* set = std::get_if<SetStateCommand>(&frame.message)) {
    txn_.Put(Family::kState, StateOf(target).RowOf(set->key.view()), set->value.view());
  } else if (const auto* clear = std::get_if<ClearStateCommand>(&frame.message)) {
    txn_.Delete(Family::kState, StateOf(target).RowOf(clear->key.view()));
  } else {
    ClearState(target);
  }
  return true;
}

size_t Applier::ClearState(const Target& target) {
  const std::string prefix = keys::StatePrefix(target.service, target.key);
  WorkRow work;
  work.kind = WorkRow::Kind::kClearState;
  work.service = target.service;
  work.object_key = target.key;
  size_t dropped = 0;
  // If a clear is under way, all there is belongs to the past: what lies in the state table goes
  // with the new clear, what was set since the last one with the row of that one.
  if (memory_.clearing.count(prefix) == 0 && DropState(prefix, work.cursor, dropped)) {
    return dropped;
  }
  const uint64_t sequence = AddWork(work);
  memory_.clearing[prefix] = Clearing{sequence, std::move(work.cursor)};
  return dropped;
}

bool Applier::DropState(const std::string& prefix, std::string& cursor, size_t& dropped) {
  const auto rows = txn_.Scan(Family::kState, prefix + cursor, keys::PrefixEnd(prefix));
  for (; rows->Valid() && dropped < memory_.work_items_max; rows->Next()) {
    txn_.Delete(Family::kState, rows->key());
    ++dropped;
  }
  if (!rows->Valid()) {
    return true;
  }
  cursor = std::string(rows->key().substr(prefix.size()));
  return false;
}

bool Applier::ClearSlice(uint64_t sequence, WorkRow& work) {
  const std::string prefix = keys::StatePrefix(work.service, work.object_key);
  const std::string fresh = keys::FreshStatePrefix(work.service, work.object_key, sequence);
  const auto found = memory_.clearing.find(prefix);
  PERDURE_INVARIANT(found != memory_.clearing.end(), "a clear of state is not known");
  if (found->second.sequence != sequence) {
    // Cleared once more since: what was set in between is old too.
    size_t dropped = 0;
    return DropState(fresh, work.cursor, dropped);
  }
  if (SettleState(prefix, fresh, work.cursor)) {
    memory_.clearing.erase(found);
    return true;
  }
  found->second.cursor = work.cursor;
  return false;
}

// In the order of the keys: an old row goes, a fresh one takes its place.
bool Applier::SettleState(
    const std::string& prefix, const std::string& fresh_prefix, std::string& cursor) {
  const auto old = txn_.Scan(Family::kState, prefix + cursor, keys::PrefixEnd(prefix));
  const auto fresh =
      txn_.Scan(Family::kState, fresh_prefix + cursor, keys::PrefixEnd(fresh_prefix));
  size_t bytes = 0;
  for (size_t items = 0; old->Valid() || fresh->Valid(); ++items) {
    const BytesView old_name = old->Valid() ? old->key().substr(prefix.size()) : BytesView();
    const BytesView fresh_name =
        fresh->Valid() ? fresh->key().substr(fresh_prefix.size()) : BytesView();
    const bool take_old = old->Valid() && (!fresh->Valid() || old_name <= fresh_name);
    const bool take_fresh = fresh->Valid() && (!old->Valid() || fresh_name <= old_name);
    if (items == memory_.work_items_max || bytes >= limits::kTurnBytesMax) {
      cursor = std::string(take_old ? old_name : fresh_name);
      return false;
    }
    if (take_fresh) {
      bytes += fresh->value().size();
      txn_.Put(Family::kState, prefix + std::string(fresh_name), fresh->value());
      txn_.Delete(Family::kState, fresh->key());
      fresh->Next();
    } else {
      txn_.Delete(Family::kState, old->key());
    }
    if (take_old) {
      old->Next();
    }
  }
  return true;
}

void Applier::EagerState(const Invocation& invocation, bool lazy, StartAttempt& start) {
  const Target& target = invocation.status.target;
  if (!target.keyed() || lazy || memory_.eager_state_bytes_max == 0) {
    return;  // partial, with nothing in it
  }
  size_t bytes = 0;
  start.partial_state = false;
  StateOf(target).Each(txn_, [&](BytesView name, BytesView value) {
    bytes += name.size() + value.size();
    if (bytes > memory_.eager_state_bytes_max) {
      start.partial_state = true;
      return false;
    }
    start.state.emplace_back(name, value);
    return true;
  });
  bytes_read_ += bytes;
}

}  // namespace perdure
