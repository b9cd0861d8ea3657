// SPDX-License-Identifier: Apache-2.0
//
// The seam between a runner and the machine of a partition. A machine decides: it reads and writes
// through the transaction, appends effects, and does nothing else. No clock, no chance, no I/O.
#pragma once

#include "perdure/base/ids.h"
#include "perdure/core/command.h"
#include "perdure/core/effect.h"
#include "perdure/schema/schema.h"
#include "perdure/store/state.h"

#include <cstdint>
#include <memory>
#include <optional>

namespace perdure {

// What a command is applied with. `now` never goes back within a process.
struct Stamp {
  TimeMs now = 0;
  uint64_t entropy = 0;  // fresh for every command
  const SchemaView* schema = nullptr;
};

// Thread: the partition's. One object per partition, alive as long as the process.
class Machine {
 public:
  virtual ~Machine() = default;

  // Reads what it must remember from committed state and re-derives what must run: called once,
  // before the first command.
  virtual void Open(StateTxn& txn, const Stamp& stamp, Effects& effects) = 0;

  virtual void Apply(
      Command command, ReplyTo reply_to, const Stamp& stamp, StateTxn& txn, Effects& effects) = 0;

  // Starts at most `slots` ready invocations; returns how many were started.
  virtual size_t PullStarts(size_t slots, const Stamp& stamp, StateTxn& txn, Effects& effects) = 0;
  // How many invocations are known to be ready and not started (may be an underestimate; 0 is
  // exact).
  virtual size_t ready_count() const = 0;

  // Writes what is kept in memory during a turn (counters, applied position).
  virtual void EndTurn(StateTxn& txn) = 0;

  // When TimersDue / RetentionDue should be submitted next; nothing: no such row.
  virtual std::optional<TimeMs> next_timer() const = 0;
  virtual std::optional<TimeMs> next_retention() const = 0;
};

}  // namespace perdure
