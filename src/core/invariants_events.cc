// SPDX-License-Identifier: Apache-2.0
//
// Journal events: exactly those that the status of their invocation counts. See invariants.h.
#include "core/invariants.h"
#include "core/keys.h"
#include "core/row_codec.h"
#include "perdure/base/limits.h"

#include <map>

namespace perdure {

Violations CheckEvents(const StateReader& reader, PartitionId partition, uint16_t partition_count) {
  Violations violations;
  std::map<InvocationId, uint32_t> rows;
  const std::string begin = keys::TableBegin(Table::kEvent);
  for (auto row = reader.Scan(Family::kJournal, begin, keys::TableEnd(Table::kEvent)); row->Valid();
       row->Next()) {
    const keys::IdBirth life = keys::ParseIdAndBirth(row->key().substr(1));
    if (PartitionOf(life.id.partition_key, partition_count) != partition) {
      continue;
    }
    static_cast<void>(DecodeEvent(row->value()));
    const std::optional<InvocationStatus> status = ReadStatus(reader, life.id);
    const std::optional<uint32_t> number = keys::ParseU32(row->key().substr(row->key().size() - 4));
    if (!status || status->birth != life.birth || !number || *number < status->events_begin ||
        *number >= status->events_end) {
      violations.push_back(life.id.ToString() + ": a journal event is left behind");
    }
    ++rows[life.id];
  }
  StatusScanner scanner(reader, std::nullopt);
  while (const std::optional<StatusRow> row = scanner.Next()) {
    if (PartitionOf(row->id.partition_key, partition_count) != partition) {
      continue;
    }
    const uint32_t kept = row->status.events_end - row->status.events_begin;
    if (kept > limits::kEventsKept || rows[row->id] != kept) {
      violations.push_back(row->id.ToString() + ": counts other journal events than it has");
    }
  }
  return violations;
}

}  // namespace perdure
