// SPDX-License-Identifier: Apache-2.0
//
// Rows of fresh state: each belongs to a clear of its object that is still being worked off, and
// lies where that has not been yet. One that is left behind would come back to life, or never be
// deleted. See invariants.h and object_state.h.
#include "core/invariants.h"
#include "core/keys.h"
#include "core/row_codec.h"
#include "perdure/base/assert.h"

#include <set>

namespace perdure {

Violations CheckFreshState(
    const StateReader& reader, PartitionId partition, uint16_t partition_count) {
  std::set<std::string> rows;
  const std::string table = keys::TableBegin(Table::kFreshState);
  for (auto row = reader.Scan(Family::kState, table, keys::PrefixEnd(table)); row->Valid();
       row->Next()) {
    const std::optional<uint64_t> hash = keys::ParseU64(row->key().substr(1, 8));
    PERDURE_INVARIANT(hash.has_value(), "a row of fresh state has no object");
    if (PartitionOf(PartitionKey{*hash}, partition_count) == partition) {
      rows.emplace(row->key());
    }
  }
  const std::string prefix = keys::WorkPrefix(partition);
  for (auto row = reader.Scan(Family::kQueue, prefix, keys::PrefixEnd(prefix)); row->Valid();
       row->Next()) {
    const WorkRow work = DecodeWork(row->value());
    if (work.kind == WorkRow::Kind::kClearState) {
      const std::string fresh = keys::FreshStatePrefix(
          work.service, work.object_key, keys::ParseWorkSequence(row->key()));
      rows.erase(rows.lower_bound(fresh + work.cursor), rows.lower_bound(keys::PrefixEnd(fresh)));
    }
  }
  if (rows.empty()) {
    return {};
  }
  return {"rows of fresh state belong to no clear"};
}

}  // namespace perdure
