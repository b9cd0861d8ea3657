// SPDX-License-Identifier: Apache-2.0
//
// One state of a partition against the one before. See invariants.h.
#include "core/invariants.h"
#include "core/keys.h"
#include "core/row_codec.h"

#include <algorithm>
#include <utility>

namespace perdure {
namespace {

using Kept = PartitionSnapshot::Kept;

bool Started(InvocationState state) {
  return state != InvocationState::kScheduled && state != InvocationState::kInboxed;
}

// An empty text: the step is legal.
std::string CompareLife(const Kept& before, const Kept& after) {
  const InvocationStatus& old_status = before.status;
  const InvocationStatus& new_status = after.status;
  if (old_status.target != new_status.target || old_status.retention != new_status.retention ||
      old_status.random_seed != new_status.random_seed ||
      old_status.created_at != new_status.created_at ||
      old_status.idempotency_key != new_status.idempotency_key) {
    return "what was fixed at its creation changed";
  }
  // A resume may choose another deployment, of the same protocol version (admin API 8.4).
  const bool rested = old_status.state == InvocationState::kPaused ||
                      old_status.state == InvocationState::kSuspended;
  if (old_status.pinned_deployment &&
      ((old_status.pinned_deployment != new_status.pinned_deployment && !rested) ||
       !new_status.pinned_deployment ||
       old_status.pinned_protocol_version != new_status.pinned_protocol_version)) {
    return "its deployment was pinned and changed";
  }
  if (Started(old_status.state) && !Started(new_status.state)) {
    return "it was started and waits for its start again";
  }
  const bool completed = old_status.state == InvocationState::kCompleted;
  if (completed && new_status.state != InvocationState::kCompleted) {
    return "it was completed and is not any more";
  }
  if (completed && before.result != after.result) {
    return "its result changed";
  }
  const bool purged = new_status.state == InvocationState::kCompleted && after.journal.empty();
  if (purged) {
    return {};
  }
  if (completed && before.journal.size() != after.journal.size()) {
    return "the journal of a completed invocation changed its length";
  }
  if (before.journal.size() > after.journal.size() ||
      !std::equal(before.journal.begin(), before.journal.end(), after.journal.begin())) {
    return "its journal is not an extension of what it was";
  }
  return {};
}

}  // namespace

PartitionSnapshot TakePartitionSnapshot(
    const StateReader& reader, PartitionId partition, uint16_t partition_count) {
  PartitionSnapshot snapshot;
  if (const auto row = reader.Get(Family::kMeta, keys::Partition(partition))) {
    snapshot.position = DecodePartition(*row).position;
  }
  StatusScanner scanner(reader, std::nullopt);
  while (std::optional<StatusRow> row = scanner.Next()) {
    if (PartitionOf(row->id.partition_key, partition_count) != partition) {
      continue;
    }
    Kept kept;
    for (JournalIndex index = 0; index < row->status.journal_length; ++index) {
      const auto value =
          reader.Get(Family::kJournal, keys::JournalEntry(row->id, row->status.birth, index));
      kept.journal.push_back(value.value_or(std::string()));
    }
    kept.result = ReadResult(reader, row->id, row->status);
    kept.status = std::move(row->status);
    snapshot.invocations.emplace(row->id, std::move(kept));
  }
  return snapshot;
}

Violations CheckStep(const PartitionSnapshot& before, const PartitionSnapshot& after) {
  Violations violations;
  if (after.position < before.position) {
    violations.push_back("the position of the partition went back");
  }
  for (const auto& [id, old_kept] : before.invocations) {
    const InvocationStatus& status = old_kept.status;
    const auto found = after.invocations.find(id);
    if (found == after.invocations.end() || found->second.status.birth != status.birth) {
      const bool may_go = status.state == InvocationState::kCompleted || !Started(status.state) ||
                          status.retention.completion == 0;
      if (!may_go) {
        violations.push_back(id.ToString() + ": it disappeared while it ran");
      }
      if (found != after.invocations.end() && found->second.status.birth <= status.birth) {
        violations.push_back(id.ToString() + ": its second life was born before its first");
      }
      continue;
    }
    std::string what = CompareLife(old_kept, found->second);
    if (!what.empty()) {
      violations.push_back(id.ToString() + ": " + std::move(what));
    }
  }
  for (const auto& [id, new_kept] : after.invocations) {
    if (new_kept.status.birth.value > after.position) {
      violations.push_back(id.ToString() + ": it was born in the future");
    }
  }
  return violations;
}

}  // namespace perdure
