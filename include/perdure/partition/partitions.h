// SPDX-License-Identifier: Apache-2.0
//
// All partitions of this process: their threads, mailboxes and runners, behind the one door.
#pragma once

#include "perdure/base/clock.h"
#include "perdure/base/executor.h"
#include "perdure/core/effect.h"
#include "perdure/core/machine.h"
#include "perdure/invoker/attempt_host.h"
#include "perdure/log/commit_log.h"
#include "perdure/partition/gateway.h"
#include "perdure/schema/publisher.h"
#include "perdure/store/crash_notes.h"
#include "perdure/store/disk_space.h"
#include "perdure/store/state.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace perdure {

// Where released effects go: the I/O threads.
class EffectTarget {
 public:
  virtual ~EffectTarget() = default;
  virtual size_t io_thread_count() const = 0;
  virtual Executor& executor(size_t io_thread) = 0;
  // Thread: that I/O thread. Only StartAttempt, NotifyAttempt, StopAttempt and SendReply.
  virtual void Deliver(size_t io_thread, Effects effects) = 0;
};

// A partition thread that has work and gets nothing done for `stuck_beats` heartbeats of the
// watchdog ends the process: a crash is recoverable, a hang is not (design 5). Time is counted in
// heartbeats, so a process that was stopped for a while is not late. Waiting for the disk is
// different: after `stall_beats` it is reported, and new work is refused until it is over.
struct WatchdogOptions {
  DurationMs beat = 1000;
  uint32_t stuck_beats = 30;
  uint32_t stall_beats = 5;
};

struct PartitionsOptions {
  uint16_t partition_count = 8;
  size_t threads = 1;
  uint64_t term = 0;  // the start counter of the database
  uint64_t entropy_seed = 0;
  // Paused before anything else is applied (Quarantine).
  std::vector<CrashNotes::Suspect> suspects = {};
  WatchdogOptions watchdog = {};
};

class Partitions : public PartitionGateway {
 public:
  // The slot pool wakes partitions through the gateway, so it is made after it. REQUIRES: once,
  // before Start.
  virtual void SetSlots(SlotPool& slots) = 0;
  // Recovers every partition (the metadata partition first: its schema is published before this
  // returns), then starts the threads. Submissions before that wait in the mailboxes.
  virtual void Start() = 0;
  // Ends the threads after their current turn. Nothing is applied afterwards.
  virtual void Stop() = 0;
};

// Everything passed in outlives the partitions.
struct PartitionsParts {
  StateStore& store;
  CommitLog& log;
  const DiskSpace& disk;
  const Clock& clock;
  SchemaPublisher& publisher;
  EffectTarget& target;
  // May be null: then nobody knows which invocation a thread hangs on.
  CrashNotes* notes = nullptr;
};

using MachineFactory = std::function<std::unique_ptr<Machine>(PartitionId)>;

// `make_machine` is called for every partition and for kMetadataPartition.
std::unique_ptr<Partitions> MakePartitions(
    const PartitionsOptions& options,
    const PartitionsParts& parts,
    const MachineFactory& make_machine);

}  // namespace perdure
