// SPDX-License-Identifier: Apache-2.0
//
// The log of write sets. Appending and becoming durable are two operations: a turn appends and goes
// on; what must not leave the process before its cause is durable is held here until it is.
#pragma once

#include "perdure/base/executor.h"
#include "perdure/base/ids.h"
#include "perdure/base/move_function.h"
#include "perdure/store/state.h"

#include <cstddef>
#include <cstdint>

namespace perdure {

// Numbers the write sets of one database, in order, from 1. 0: nothing was appended yet.
using Ticket = StrongNumber<struct TicketTag>;

class CommitLog {
 public:
  virtual ~CommitLog() = default;

  // Appends the write set of `txn` and makes it visible to transactions begun later. An empty write
  // set is not written; the newest ticket is returned. The transaction is spent.
  // A failed write ends the process. Thread: any; `txn` came from this database's StateStore.
  virtual Ticket Append(PartitionId partition, uint64_t term, StateTxn& txn) = 0;

  virtual Ticket newest() const = 0;
  virtual Ticket durable() const = 0;

  // Posts `work` to `destination` once `ticket` is durable: per destination in the order of
  // tickets, and of the calls for equal ones. So whoever never goes back in its tickets, as a
  // partition, keeps its order. `destination` outlives the log. Thread: any.
  virtual void Hold(Ticket ticket, Executor& destination, MoveFunction<void()> work) = 0;

  // Posts `work` to `destination` after a sync that began after this call (promise 1, readers).
  virtual void SyncFromNow(Executor& destination, MoveFunction<void()> work) = 0;

  // True while unsynced bytes or held work are at their limit: the door refuses new work.
  virtual bool congested() const = 0;
  // Blocks the calling runner until congestion is over or the log stops.
  virtual void WaitWhileCongested() = 0;

  // Whether a message to a partition of this node may hop before the sender's write set is durable
  // (design 5, local hop).
  virtual bool hop_before_durable() const = 0;
};

}  // namespace perdure
