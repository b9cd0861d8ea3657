// SPDX-License-Identifier: Apache-2.0
//
// Makes the invoker's parts for the composition root.
#pragma once

#include "perdure/base/clock.h"
#include "perdure/invoker/attempt_host.h"
#include "perdure/partition/gateway.h"
#include "perdure/partition/io_context.h"
#include "perdure/protocol/request_identity.h"

#include <cstddef>
#include <memory>
#include <string>

namespace perdure {

struct InvokerOptions {
  size_t slots = 0;             // of the whole process
  size_t message_size_max = 0;  // a frame from an SDK
  // Leases, per I/O thread: for frames in assembly, and for what is on its way to SDKs.
  size_t frame_memory_max = 0;
  size_t sending_memory_max = 0;
  size_t invocation_memory_max = 0;  // of each, for one attempt; one that needs more is paused
  std::string cluster_name;          // x-restate-cluster-name
  std::shared_ptr<const RequestIdentity> identity;  // null: requests are not signed
};

// `gateway` is used to wake partitions that wait for slots.
std::unique_ptr<SlotPool> MakeSlotPool(size_t slots, PartitionGateway& gateway);

// One per I/O thread.
std::unique_ptr<AttemptHost> MakeAttemptHost(
    const InvokerOptions& options,
    PartitionGateway& gateway,
    IoContext& context,
    SlotPool& slots,
    const Clock& clock);

}  // namespace perdure
