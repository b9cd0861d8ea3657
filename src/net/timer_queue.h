// SPDX-License-Identifier: Apache-2.0
//
// Timers of one thread, ordered by deadline: a binary heap that knows where each timer stands, so
// that starting and cancelling cost no allocation and O(log n). Reads no clock and waits for
// nothing.
#pragma once

#include "perdure/base/executor.h"
#include "perdure/base/move_function.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace perdure {

// Thread: one.
class TimerQueue {
 public:
  using TimerId = Executor::TimerId;

  TimerId Add(uint64_t deadline_ns, MoveFunction<void()> work);
  void Cancel(TimerId id);
  // Takes out the work of one timer whose deadline is not after `now_ns`; empty if there is none.
  MoveFunction<void()> TakeDue(uint64_t now_ns);

  std::optional<uint64_t> next_deadline_ns() const;
  size_t size() const { return heap_.size(); }

 private:
  struct Slot {
    MoveFunction<void()> work;
    uint32_t generation = 1;
    uint32_t place = 0;  // in heap_
  };
  struct Entry {
    uint64_t deadline_ns;
    uint64_t sequence;  // equal deadlines fire in the order they were started
    uint32_t slot;
    bool Before(const Entry& other) const {
      return deadline_ns != other.deadline_ns ? deadline_ns < other.deadline_ns
                                              : sequence < other.sequence;
    }
  };

  void Put(size_t place, Entry entry);
  void Up(size_t place);
  void Down(size_t place);
  MoveFunction<void()> Remove(size_t place);

  std::vector<Slot> slots_;
  std::vector<uint32_t> free_slots_;
  std::vector<Entry> heap_;
  uint64_t sequence_ = 0;
};

}  // namespace perdure
