// SPDX-License-Identifier: Apache-2.0
//
// The memory of one I/O thread for one purpose: frames in assembly, or what is on its way to SDKs.
// A frame or a stretch of a journal gets room for all of itself or waits: two halves can never
// block each other. First come, first served, so a large one is not passed by small ones for ever.
// Counts bytes; allocates nothing.
#pragma once

#include "perdure/base/move_function.h"

#include <cstddef>
#include <cstdint>
#include <deque>

namespace perdure {

// Thread: one.
class FrameMemory {
 public:
  using WaiterId = uint64_t;  // 0 is never a waiter

  explicit FrameMemory(size_t bytes_max) : bytes_max_(bytes_max) {}

  // 0: the bytes are taken. Else `granted` is called when they are, unless Forget comes first.
  // REQUIRES: bytes <= bytes_max.
  WaiterId Take(size_t bytes, MoveFunction<void()> granted);
  void Forget(WaiterId waiter);
  void GiveBack(size_t bytes);
  // Nobody is granted anything any more.
  void Close();

  // Take would give them at once.
  bool HasRoom(size_t bytes) const {
    return waiters_.empty() && bytes <= bytes_max_ - bytes_taken_;
  }

  size_t bytes_max() const { return bytes_max_; }
  size_t bytes_taken() const { return bytes_taken_; }

 private:
  struct Waiter {
    WaiterId id;
    size_t bytes;
    MoveFunction<void()> granted;
  };
  void Grant();

  const size_t bytes_max_;
  size_t bytes_taken_ = 0;
  WaiterId last_waiter_ = 0;
  std::deque<Waiter> waiters_;
};

}  // namespace perdure
