// SPDX-License-Identifier: Apache-2.0
//
// One life of the server: real runners, machines, dispatcher, delivery, attempt hosts and slot
// pool, wired as the composition root wires them, but driven by the scheduler. Destroying it is a
// crash.
#pragma once

#include "core/invariants.h"
#include "partition/mailbox.h"
#include "partition/runner.h"
#include "perdure/invoker/invoker.h"
#include "perdure/log/memory.h"
#include "perdure/partition/gateway.h"
#include "perdure/partition/io_context.h"
#include "server/delivery.h"
#include "tests/sim/core.h"
#include "tests/sim/network.h"
#include "tests/sim/oracle.h"
#include "tests/sim/watched_machine.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace perdure::sim {

// Fixed for one run, also across crashes.
struct ServerShape {
  uint16_t partitions = 8;
  size_t io_threads = 2;
  size_t slots = 100;
  size_t eager_state_bytes_max = 0;
  size_t frame_memory_max = 0;
  size_t work_items_max = limits::kWorkItemsPerTurn;
};

// What outlives a process.
struct Surroundings {
  SimCore& core;
  MemoryDatabase& database;
  CommitLog& log;
  Network& network;
  Oracle& oracle;
  Holders& holders;
  // Frames of earlier lives that may still come.
  std::vector<Command>& strays;
};

class Process final : public PartitionGateway, private EffectTarget {
 public:
  Process(const Surroundings& around, const ServerShape& shape);
  ~Process() override;

  void Start();
  Submitted Submit(
      PartitionId partition,
      Source source,
      Command command,
      ReplyTo reply_to = kNoReply,
      std::shared_ptr<StreamWindow> window = nullptr) override;
  std::optional<InvocationResult> FindResult(const InvocationId& id) const override {
    return runners_[PlaceOf(PartitionFor(id))]->FindResult(id);
  }
  uint16_t partition_count() const override { return shape_.partitions; }

  IoContext& context(size_t i) { return contexts_[i]; }
  const std::shared_ptr<const SchemaView>& schema() { return contexts_[0].schema.Get(); }
  const PartitionMemory& memory(uint16_t partition) const { return watched_[partition]->memory(); }
  // Rows and memory of every partition.
  void CheckAll();
  // All that must be empty when nothing is left to do; a sentence about what is not.
  std::optional<std::string> Unfinished();

 private:
  size_t io_thread_count() const override { return contexts_.size(); }
  Executor& executor(size_t io_thread) override { return *executors_[io_thread]; }
  void Deliver(size_t io_thread, Effects effects) override;

  size_t PlaceOf(PartitionId partition) const;
  void Put(size_t place, std::unique_ptr<Envelope> envelope);
  void ScheduleTurn(size_t place, uint64_t delay_ns);
  void RunTurn(size_t place);
  void Repeat(PartitionId partition, Source source, const Command& command);
  void Check(uint16_t partition);
  void Report(uint16_t partition, const Violations& violations);
  PartitionSnapshot Snapshot(uint16_t partition);

  const Surroundings around_;
  SimCore& core_;
  const ServerShape shape_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  SimClock clock_;
  SlowClock slow_clock_;
  SchemaPublisher publisher_;
  SimHttpClient client_;
  std::vector<std::unique_ptr<SimExecutor>> executors_;
  IoContexts contexts_;
  Delivery delivery_{contexts_};
  std::unique_ptr<SlotPool> slots_;
  std::vector<std::unique_ptr<Mailbox>> mailboxes_;
  std::vector<std::unique_ptr<Runner>> runners_;
  std::vector<WatchedMachine*> watched_;
  std::vector<std::unique_ptr<AttemptHost>> hosts_;
  std::vector<std::optional<Scheduler::Event>> turns_;  // the next one of each place
  uint64_t turn_count_ = 0;
};

}  // namespace perdure::sim
