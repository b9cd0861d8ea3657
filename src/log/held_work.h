// SPDX-License-Identifier: Apache-2.0
//
// Work that waits for a ticket to become durable, in one queue per destination, and the batch it
// leaves in: one Post per destination, because waking a thread costs more than the work. It knows
// nothing of syncing and has no lock of its own.
#pragma once

#include "perdure/base/executor.h"
#include "perdure/base/move_function.h"
#include "perdure/log/commit_log.h"

#include <cstddef>
#include <deque>
#include <vector>

namespace perdure {

// Thread: one at a time.
class PostBatches {
 public:
  void Add(Executor& destination, MoveFunction<void()> work);
  // Posts everything, in the order in which it was added to each destination, and is empty again.
  void PostAll();
  size_t size() const { return size_; }

 private:
  struct Batch {
    Executor* destination;
    std::vector<MoveFunction<void()>> work;
  };
  std::vector<Batch> batches_;  // few: the threads of a node
  size_t size_ = 0;
};

// Thread: one at a time.
class HeldWork {
 public:
  void Add(Ticket ticket, Executor& destination, MoveFunction<void()> work);
  // Moves what is durable to `out`: per destination in the order of tickets, and of the calls of
  // Add for equal ones.
  void TakeDurable(Ticket durable, PostBatches& out);
  void Clear();
  size_t size() const { return size_; }

 private:
  struct Item {
    Ticket ticket;
    MoveFunction<void()> work;
  };
  // Kept when empty: a destination that held once holds again.
  struct Lane {
    Executor* destination;
    std::deque<Item> items;  // by ticket
  };

  Lane& LaneOf(Executor& destination);

  std::deque<Lane> lanes_;  // in the order of first use, so that equal calls give an equal order
  size_t size_ = 0;
};

}  // namespace perdure
