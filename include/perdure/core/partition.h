// SPDX-License-Identifier: Apache-2.0
//
// Makes the machine of one partition of invocations.
#pragma once

#include "perdure/base/ids.h"
#include "perdure/base/limits.h"
#include "perdure/base/work_note.h"
#include "perdure/core/machine.h"
#include "perdure/protocol/message_type.h"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace perdure {

struct PartitionMachineOptions {
  PartitionId partition;
  uint16_t partition_count = 1;
  // Grows with every start of the database; the upper part of attempt epochs.
  uint64_t start_counter = 0;
  // Keys and values sent with the start of an attempt; beyond, the state map is partial. 0: none.
  size_t eager_state_bytes_max = limits::kEagerStateMax;
  // The largest answer to an SDK; one that would be larger fails the attempt.
  size_t message_bytes_max = limits::kMessageSizeDefault;
  // Work that is larger goes on in the next turn; tests make it small.
  size_t work_items_max = limits::kWorkItemsPerTurn;
  // Where the machine says which invocation it is at work on; may be null. Outlives the machine.
  WorkNote* note = nullptr;
  // The newest version of the service protocol that is offered (service protocol 1.6). What began
  // with a newer one goes on with it.
  int protocol_version_max = kProtocolVersionMax;
};

std::unique_ptr<Machine> MakePartitionMachine(const PartitionMachineOptions& options);

}  // namespace perdure
