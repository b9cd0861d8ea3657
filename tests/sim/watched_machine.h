// SPDX-License-Identifier: Apache-2.0
//
// The real machine of a partition with an observer around it: which command was accepted from which
// attempt, so that two exclusive handlers of one key are seen if they ever overlap. Also the place
// where bugs of the machine are planted.
#pragma once

#include "core/partition_machine.h"
#include "perdure/core/machine.h"
#include "tests/sim/core.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace perdure::sim {

// Who was last seen at work on an object; lives longer than a process.
using Holders = std::map<std::string, InvocationId>;

class WatchedMachine final : public Machine {
 public:
  WatchedMachine(SimCore& core, Holders& holders, const PartitionMachineOptions& options)
      : core_(core), holders_(holders), machine_(options) {}

  void Open(StateTxn& txn, const Stamp& stamp, Effects& effects) override {
    machine_.Open(txn, stamp, effects);
  }
  void Apply(Command command, ReplyTo reply_to, const Stamp& stamp, StateTxn& txn, Effects& effects)
      override;
  size_t PullStarts(size_t slots, const Stamp& stamp, StateTxn& txn, Effects& effects) override {
    return machine_.PullStarts(slots, stamp, txn, effects);
  }
  size_t ready_count() const override { return machine_.ready_count(); }
  void EndTurn(StateTxn& txn) override { machine_.EndTurn(txn); }
  std::optional<TimeMs> next_timer() const override { return machine_.next_timer(); }
  std::optional<TimeMs> next_retention() const override { return machine_.next_retention(); }

  const PartitionMemory& memory() const { return machine_.memory(); }

 private:
  // Planted bugs reach into what only the machine may change.
  PartitionMemory& stolen() { return const_cast<PartitionMemory&>(machine_.memory()); }
  void PlantBefore(Command& command);
  void Accepted(const InvocationId& id, const StateTxn& txn);

  SimCore& core_;
  Holders& holders_;
  PartitionMachine machine_;
};

}  // namespace perdure::sim
