// SPDX-License-Identifier: Apache-2.0
//
// State of objects and workflows (service protocol 3.4): writes take effect when the command is
// appended, not at the end of the handler.
#include "core/applier.h"
#include "perdure/base/assert.h"
#include "perdure/base/overloaded.h"
#include "perdure/protocol/notifications.h"

#include <utility>
#include <vector>

namespace perdure {

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
  AppendCommand(invocation, frame);
  const Target& target = invocation.status.target;
  if (const auto* get = std::get_if<GetLazyStateCommand>(&frame.message)) {
    const std::optional<std::string> value =
        txn_.Get(Family::kState, keys::State(target.service, target.key, get->key.view()));
    AppendCompletion(
        invocation,
        MessageType::kGetLazyStateCompletion,
        get->result_completion_id,
        EncodeGetLazyStateCompletion(
            get->result_completion_id, value ? std::optional<BytesView>(*value) : std::nullopt));
  } else if (const auto* list = std::get_if<GetLazyStateKeysCommand>(&frame.message)) {
    const std::string prefix = keys::StatePrefix(target.service, target.key);
    std::vector<std::string> names;
    const auto rows = txn_.Scan(Family::kState, prefix, keys::PrefixEnd(prefix));
    for (; rows->Valid(); rows->Next()) {
      names.emplace_back(rows->key().substr(prefix.size()));
    }
    AppendCompletion(
        invocation,
        MessageType::kGetLazyStateKeysCompletion,
        list->result_completion_id,
        EncodeGetLazyStateKeysCompletion(list->result_completion_id, names));
  }
  return true;  // eager reads: the SDK has the value
}

bool Applier::ApplyStateWrite(Invocation& invocation, SdkFrame& frame) {
  if (!CheckStateAccess(invocation, frame.type, true)) {
    return false;
  }
  AppendCommand(invocation, frame);
  const Target& target = invocation.status.target;
  if (const auto* set = std::get_if<SetStateCommand>(&frame.message)) {
    txn_.Put(
        Family::kState,
        keys::State(target.service, target.key, set->key.view()),
        set->value.view());
  } else if (const auto* clear = std::get_if<ClearStateCommand>(&frame.message)) {
    txn_.Delete(Family::kState, keys::State(target.service, target.key, clear->key.view()));
  } else {
    const std::string prefix = keys::StatePrefix(target.service, target.key);
    std::vector<std::string> all;
    const auto rows = txn_.Scan(Family::kState, prefix, keys::PrefixEnd(prefix));
    for (; rows->Valid(); rows->Next()) {
      all.emplace_back(rows->key());
    }
    for (const std::string& key : all) {
      txn_.Delete(Family::kState, key);
    }
  }
  return true;
}

void Applier::EagerState(const Invocation& invocation, bool lazy, StartAttempt& start) {
  const Target& target = invocation.status.target;
  if (!target.keyed() || lazy || memory_.eager_state_bytes_max == 0) {
    return;  // partial, with nothing in it
  }
  const std::string prefix = keys::StatePrefix(target.service, target.key);
  size_t bytes = 0;
  start.partial_state = false;
  const auto rows = txn_.Scan(Family::kState, prefix, keys::PrefixEnd(prefix));
  for (; rows->Valid(); rows->Next()) {
    const BytesView name = rows->key().substr(prefix.size());
    bytes += name.size() + rows->value().size();
    if (bytes > memory_.eager_state_bytes_max) {
      start.partial_state = true;
      return;
    }
    start.state.emplace_back(name, rows->value());
    bytes_read_ += name.size() + rows->value().size();
  }
}

}  // namespace perdure
