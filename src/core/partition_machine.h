// SPDX-License-Identifier: Apache-2.0
//
// The machine of a partition of invocations: start reading here, then applier.h. It owns what the
// partition keeps in memory and hands each command to an Applier. Decides everything about
// invocations, performs nothing.
#pragma once

#include "core/partition_memory.h"
#include "perdure/core/machine.h"
#include "perdure/core/partition.h"

#include <memory>

namespace perdure {

class PartitionMachine final : public Machine {
 public:
  explicit PartitionMachine(const PartitionMachineOptions& options);

  void Open(StateTxn& txn, const Stamp& stamp, Effects& effects) override;
  void Apply(Command command, ReplyTo reply_to, const Stamp& stamp, StateTxn& txn, Effects& effects)
      override;
  size_t PullStarts(size_t slots, const Stamp& stamp, StateTxn& txn, Effects& effects) override;
  size_t ready_count() const override;
  void EndTurn(StateTxn& txn) override;
  std::optional<TimeMs> next_timer() const override;
  std::optional<TimeMs> next_retention() const override;

  // For invariants and tests.
  const PartitionMemory& memory() const { return memory_; }

 private:
  PartitionMemory memory_;
};

}  // namespace perdure
