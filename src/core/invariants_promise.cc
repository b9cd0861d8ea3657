// SPDX-License-Identifier: Apache-2.0
//
// Rows of promises: who waits for a completed one is being told. See invariants.h and
// apply_promise.cc.
#include "core/invariants.h"
#include "core/keys.h"
#include "core/row_codec.h"
#include "perdure/base/assert.h"

#include <optional>
#include <set>
#include <string>

namespace perdure {

std::string PromiseListenerOf(
    const InvocationId& id, const Target& target, const GetPromiseCommand& command) {
  return keys::PromiseListener(
      target.service, target.key, command.promise, id, command.result_completion_id);
}

Violations CheckPromises(
    const StateReader& reader, PartitionId partition, uint16_t partition_count) {
  std::set<std::string> being_told;
  const std::string work_rows = keys::WorkPrefix(partition);
  for (auto row = reader.Scan(Family::kQueue, work_rows, keys::PrefixEnd(work_rows)); row->Valid();
       row->Next()) {
    const WorkRow work = DecodeWork(row->value());
    if (work.kind == WorkRow::Kind::kTellPromise) {
      being_told.insert(keys::Promise(work.service, work.object_key, work.promise));
    }
  }
  Violations violations;
  const std::string table = keys::TableBegin(Table::kPromise);
  for (auto row = reader.Scan(Family::kState, table, keys::PrefixEnd(table)); row->Valid();
       row->Next()) {
    const std::string promise(row->key());
    const std::optional<uint64_t> hash = keys::ParseU64(row->key().substr(1, 8));
    PERDURE_INVARIANT(hash.has_value(), "a row of a promise has no workflow");
    if (PartitionOf(PartitionKey{*hash}, partition_count) != partition ||
        being_told.count(promise) > 0) {
      continue;
    }
    const std::string listeners = keys::PromiseListenersOf(promise);
    if (reader.Scan(Family::kIndex, listeners, keys::PrefixEnd(listeners))->Valid()) {
      violations.push_back("a completed promise has a listener that is not told");
    }
  }
  return violations;
}

}  // namespace perdure
