// SPDX-License-Identifier: Apache-2.0
//
// See object_state.h. While nothing is being cleared, which is nearly always, this costs one look
// at an empty map.
#include "core/object_state.h"

#include "core/keys.h"
#include "core/row_codec.h"

namespace perdure {
namespace {

// False: `visit` has enough.
bool EachRow(
    const StateReader& reader,
    const std::string& prefix,
    const std::string& lower,
    const std::string& upper,
    const std::function<bool(BytesView, BytesView)>& visit) {
  const auto row = reader.Scan(Family::kState, lower, upper);
  for (; row->Valid(); row->Next()) {
    if (!visit(row->key().substr(prefix.size()), row->value())) {
      return false;
    }
  }
  return true;
}

}  // namespace

ClearingObjects ReadClearing(const StateReader& reader, PartitionId partition) {
  ClearingObjects clearing;
  const std::string prefix = keys::WorkPrefix(partition);
  const auto row = reader.Scan(Family::kQueue, prefix, keys::PrefixEnd(prefix));
  for (; row->Valid(); row->Next()) {
    const WorkRow work = DecodeWork(row->value());
    if (work.kind == WorkRow::Kind::kClearState) {
      // The newest one of an object comes last and counts.
      clearing[keys::StatePrefix(work.service, work.object_key)] =
          Clearing{keys::ParseWorkSequence(row->key()), work.cursor};
    }
  }
  return clearing;
}

ObjectState::ObjectState(
    const ClearingObjects& clearing, std::string_view service, std::string_view object_key)
    : service_(service), object_key_(object_key) {
  if (!clearing.empty()) {
    const auto found = clearing.find(keys::StatePrefix(service, object_key));
    clearing_ = found == clearing.end() ? nullptr : &found->second;
  }
}

std::string ObjectState::RowOf(BytesView state_key) const {
  if (clearing_ == nullptr || state_key < clearing_->cursor) {
    return keys::State(service_, object_key_, state_key);
  }
  std::string row = keys::FreshStatePrefix(service_, object_key_, clearing_->sequence);
  row.append(state_key);
  return row;
}

void ObjectState::Each(
    const StateReader& reader, const std::function<bool(BytesView, BytesView)>& visit) const {
  const std::string prefix = keys::StatePrefix(service_, object_key_);
  if (clearing_ == nullptr) {
    EachRow(reader, prefix, prefix, keys::PrefixEnd(prefix), visit);
    return;
  }
  const std::string fresh = keys::FreshStatePrefix(service_, object_key_, clearing_->sequence);
  if (EachRow(reader, prefix, prefix, prefix + clearing_->cursor, visit)) {
    EachRow(reader, fresh, fresh + clearing_->cursor, keys::PrefixEnd(fresh), visit);
  }
}

}  // namespace perdure
