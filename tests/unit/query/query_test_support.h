// SPDX-License-Identifier: Apache-2.0
//
// Rows of invocations for tests of introspection, written with the machine's own codec.
#pragma once

#include "core/keys.h"
#include "core/row_codec.h"
#include "perdure/core/rows.h"
#include "tests/unit/schema/map_state.h"

#include <string>
#include <utility>

namespace perdure::testing {

inline InvocationId MakeId(uint8_t n) {
  InvocationId id;
  id.partition_key.value = n;
  id.uuid[15] = n;
  return id;
}

inline InvocationStatus MakeStatus(InvocationState state, std::string service = "Svc") {
  InvocationStatus status;
  status.state = state;
  status.birth.value = 7;
  status.target.service = std::move(service);
  status.target.handler = "run";
  status.created_at = 1'795'487'224'539;  // 2026-11-24T02:27:04.539Z
  status.modified_at = status.created_at;
  status.retention = {86'400'000, 0};
  return status;
}

inline void PutStatus(MapTxn& txn, const InvocationId& id, const InvocationStatus& status) {
  txn.Put(Family::kStatus, keys::Status(id), EncodeStatus(status));
}

inline void PutEntry(
    MapTxn& txn,
    const InvocationId& id,
    const InvocationStatus& status,
    JournalIndex index,
    MessageType type,
    std::string_view payload) {
  txn.Put(
      Family::kJournal,
      keys::JournalEntry(id, status.birth, index),
      {EncodeEntryHead(type, status.created_at), payload});
}

}  // namespace perdure::testing
