// SPDX-License-Identifier: Apache-2.0
//
// Invocations that are being made as copies of others: no status row yet, the journal as long as
// the work row says, and the source's journal still there. See invariants.h.
#include "core/invariants.h"
#include "core/keys.h"
#include "core/row_codec.h"

#include <algorithm>

namespace perdure {
namespace {

size_t Rows(const StateReader& reader, Family family, const std::string& prefix) {
  size_t count = 0;
  for (auto row = reader.Scan(family, prefix, keys::PrefixEnd(prefix)); row->Valid(); row->Next()) {
    ++count;
  }
  return count;
}

std::string JournalPrefix(const InvocationId& id, Birth birth) {
  std::string key = keys::JournalEntry(id, birth, 0);
  key.resize(key.size() - 4);
  return key;
}

void CheckOne(const StateReader& reader, const WorkRow& work, Violations& violations) {
  const JournalCopy& copy = work.copy;
  const auto say = [&](const std::string& what) {
    violations.push_back(work.id.ToString() + ": " + what);
  };
  if (ReadStatus(reader, work.id)) {
    say("is there before its journal is whole");
  }
  if (Rows(reader, Family::kJournal, JournalPrefix(work.id, work.birth)) !=
      copy.status.journal_length) {
    say("its copied journal has another length than its work row says");
  }
  if (work.next_index > copy.source_length || copy.prefix_length > copy.source_length) {
    say("more is copied than there is");
  }
  const uint32_t notifications = copy.status.journal_length - copy.status.command_count;
  if (Rows(reader, Family::kIndex, keys::NotificationPrefix(work.id, work.birth)) !=
      notifications + copy.completions_left) {
    say("its notification index does not tell which completions are still to come");
  }
  for (JournalIndex index = work.next_index; index < copy.source_length; ++index) {
    if (!reader.Get(Family::kJournal, keys::JournalEntry(copy.source, copy.source_birth, index))) {
      say("entry " + std::to_string(index) + " of the journal it copies is gone");
    }
  }
}

}  // namespace

Violations CheckRestarts(const StateReader& reader, PartitionId partition, uint16_t) {
  Violations violations;
  const std::string prefix = keys::WorkPrefix(partition);
  for (auto row = reader.Scan(Family::kQueue, prefix, keys::PrefixEnd(prefix)); row->Valid();
       row->Next()) {
    const WorkRow work = DecodeWork(row->value());
    if (work.kind == WorkRow::Kind::kRestart) {
      CheckOne(reader, work, violations);
    }
  }
  return violations;
}

}  // namespace perdure
