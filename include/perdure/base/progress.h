// SPDX-License-Identifier: Apache-2.0
//
// How far a watched thread is, so that somebody else can tell a hang from a wait (design 5,
// watchdog). Written by the thread it belongs to, read by the watchdog; relaxed, because only
// change over seconds is looked at.
#pragma once

#include <atomic>
#include <cstdint>

namespace perdure {

struct Progress {
  std::atomic<uint64_t> steps{0};  // grows with everything that gets done
  // Grows when the thread goes into the storage and when it comes back: odd while inside.
  std::atomic<uint64_t> storage{0};
  std::atomic<bool> idle{true};  // has nothing to do, and waits to be woken

  void Step() { Grow(steps); }
  static void Grow(std::atomic<uint64_t>& counter) {
    counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
};

// What the calling thread reports to; null: it is not watched.
inline thread_local Progress* thread_progress = nullptr;

// Around everything that may wait for the disk. Nested ones count as one.
class InStorage {
 public:
  InStorage() {
    if (thread_progress != nullptr && Depth()++ == 0) {
      Progress::Grow(thread_progress->storage);
    }
  }
  ~InStorage() {
    if (thread_progress != nullptr && --Depth() == 0) {
      Progress::Grow(thread_progress->storage);
    }
  }
  InStorage(const InStorage&) = delete;
  InStorage& operator=(const InStorage&) = delete;

 private:
  static int& Depth() {
    thread_local int depth = 0;
    return depth;
  }
};

}  // namespace perdure
