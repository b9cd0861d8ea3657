// SPDX-License-Identifier: Apache-2.0
//
// The invoker as the partitions see it: it runs attempts, and hands out the slots that bound them.
#pragma once

#include "perdure/base/ids.h"
#include "perdure/base/move_function.h"
#include "perdure/core/effect.h"
#include "perdure/http/client.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace perdure {

// Runs attempts on one I/O thread. Thread: its own. An unknown or superseded attempt is ignored.
class AttemptHost {
 public:
  virtual ~AttemptHost() = default;
  // Every call carries one slot, which the host releases when the attempt is over (or at once, if a
  // newer attempt of the invocation runs here already).
  virtual void Start(StartAttempt start) = 0;
  virtual void Notify(NotifyAttempt notify) = 0;
  virtual void Stop(const StopAttempt& stop) = 0;
  // Attempts on the wire now, for introspection.
  struct LiveAttempt {
    InvocationId id;
    AttemptEpoch epoch;
    TimeMs started_at = 0;
    DeploymentId deployment;
    std::string server;
    WaitSet awaiting_on;  // what the SDK last said it waits for; empty: it did not
  };
  virtual std::vector<LiveAttempt> Live() const = 0;
};

// The slots of all attempts of the process (`concurrent-invocations-limit`). Thread: any.
class SlotPool {
 public:
  virtual ~SlotPool() = default;
  // Takes up to `want` slots; `waiting` starts, at least as many, wait in all. If it gives fewer
  // than `want`, the partition is woken (SlotsFreed) when slots come back, and the invoker knows
  // that somebody waits.
  virtual size_t Acquire(PartitionId partition, size_t want, size_t waiting) = 0;
  virtual void Release(size_t count) = 0;

  // For hosts, which free slots when starts wait too long. `starved` is called (Thread: any) when a
  // partition begins to wait; it outlives the pool or does nothing.
  virtual void Watch(MoveFunction<void()> starved) { static_cast<void>(starved); }
  // A mark of the present moment.
  virtual uint64_t Mark() const { return 0; }
  // Some partition waits and has been given no slot since `mark`.
  virtual bool StarvingSince(uint64_t mark) const {
    static_cast<void>(mark);
    return false;
  }
  // Some partition has fewer slots than it wanted when it last asked.
  virtual bool AnyShort() const { return false; }
  // The share of one host in the starts that lack a slot.
  virtual size_t Lacking() const { return 0; }
};

}  // namespace perdure
