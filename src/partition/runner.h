// SPDX-License-Identifier: Apache-2.0
//
// Runs one partition in turns: drain the mailbox, stamp, apply each command on one transaction,
// append the write set, hold the effects until it is durable. Owns no thread: whoever calls Turn is
// the partition's thread (in production PartitionThread, in simulation the simulator).
#pragma once

#include "partition/mailbox.h"
#include "perdure/core/machine.h"
#include "perdure/partition/partitions.h"

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

namespace perdure {

// What all runners share. Everything outlives them.
struct RunnerParts {
  StateStore& store;
  CommitLog& log;
  const Clock& clock;
  SchemaPublisher& publisher;
  EffectTarget& target;
  PartitionGateway& gateway;
  SlotPool* slots = nullptr;
  uint64_t term = 0;
};

// Thread: one.
class Runner {
 public:
  Runner(
      const RunnerParts& parts,
      PartitionId partition,
      std::unique_ptr<Machine> machine,
      Mailbox& mailbox,
      uint64_t entropy_seed);

  // Before the first turn. What was recovered is durable: the schema is published at once.
  void Open();
  // One turn, if there is anything to do. True: there is more to do now.
  bool Turn();
  // When the next timer or expiry is due, wall clock.
  std::optional<TimeMs> NextWake() const;

  const Machine& machine() const { return *machine_; }

  // See PartitionGateway. Thread: any.
  std::optional<InvocationResult> FindResult(const InvocationId& id) const;

 private:
  void SubmitDue(TimeMs wall);
  std::unique_ptr<Envelope> NextEnvelope(size_t taken);
  Stamp MakeStamp(TimeMs wall);
  void PullStarts(StateTxn& txn, Effects& effects, TimeMs wall);
  void Append(StateTxn& txn);
  void Dispatch(Effects effects);
  uint64_t Entropy();

  RunnerParts parts_;
  PartitionId partition_;
  std::unique_ptr<Machine> machine_;
  Mailbox& mailbox_;
  SchemaCache schema_;
  std::deque<std::unique_ptr<Envelope>> accepted_;
  std::deque<std::unique_ptr<Envelope>> new_work_;
  std::vector<std::unique_ptr<Envelope>> taken_accepted_;
  std::vector<std::unique_ptr<Envelope>> taken_new_work_;
  // More is ready, and it was not slots that ended the last pull.
  bool starts_left_ = false;
  // Grows before and after every append: odd while rows change, so that readers on other threads
  // can tell whether all they saw belongs together.
  std::atomic<uint64_t> appends_ = 0;
  // Of this partition; whatever it says waits for this one. Written by the partition's thread.
  std::atomic<Ticket> newest_;
  TimeMs now_ = 0;
  uint64_t entropy_;
};

}  // namespace perdure
