// SPDX-License-Identifier: Apache-2.0
//
// What must hold of a partition between two commands, as code: of its rows, of what it remembers
// about them, and of one step compared with the last. For unit tests, simulation and paranoid runs;
// it reads everything, so it is never part of a turn. It reports, it repairs nothing.
#pragma once

#include "core/partition_memory.h"
#include "perdure/base/ids.h"
#include "perdure/core/rows.h"
#include "perdure/store/state.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace perdure {

// One sentence each; empty: all is well.
using Violations = std::vector<std::string>;

// The rows of one partition against each other. Rows that do not decode end the process, as they
// would in the machine. REQUIRES: a state between two turns (counters are written at a turn's end).
Violations CheckPartition(
    const StateReader& reader, PartitionId partition, uint16_t partition_count);

// Parts of CheckPartition: promises, and what was set while its object is being cleared
// (object_state.h).
Violations CheckPromises(
    const StateReader& reader, PartitionId partition, uint16_t partition_count);
// The listener row that a GetPromise command leaves.
std::string PromiseListenerOf(
    const InvocationId& id, const Target& target, const GetPromiseCommand& command);
Violations CheckFreshState(
    const StateReader& reader, PartitionId partition, uint16_t partition_count);
// What one invocation waits for. The sentences have no subject.
Violations CheckWaitSet(
    const StateReader& reader, const InvocationId& id, const InvocationStatus& status);
// The journals of invocations that are being made as copies.
Violations CheckRestarts(
    const StateReader& reader, PartitionId partition, uint16_t partition_count);

// Journal events against the status that counts them.
Violations CheckEvents(const StateReader& reader, PartitionId partition, uint16_t partition_count);

// The heads, windows and live attempts in memory against the rows.
Violations CheckMemory(const StateReader& reader, const PartitionMemory& memory);

// What later states are compared with.
struct PartitionSnapshot {
  struct Kept {
    InvocationStatus status;
    std::vector<std::string> journal;  // values of the rows, heads included
    std::optional<ValueOrFailure> result;
  };
  uint64_t position = 0;
  std::map<InvocationId, Kept> invocations;
};
PartitionSnapshot TakePartitionSnapshot(
    const StateReader& reader, PartitionId partition, uint16_t partition_count);

// One turn may lie between the two, not more: results never change while they are kept, journals
// only grow until they go as a whole, nothing that runs disappears, positions grow.
Violations CheckStep(const PartitionSnapshot& before, const PartitionSnapshot& after);

}  // namespace perdure
