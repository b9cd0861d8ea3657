// SPDX-License-Identifier: Apache-2.0
//
// Looks at the partition threads once per heartbeat. HangJudge decides and touches nothing;
// Watchdog is the thread around it. Who ends the process, and what it says before, is the owner's.
#pragma once

#include "perdure/base/move_function.h"
#include "perdure/base/progress.h"
#include "perdure/partition/partitions.h"

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace perdure {

class HangJudge {
 public:
  enum class Verdict : uint8_t { kFine, kStalled, kStuck };
  struct Sample {
    uint64_t steps = 0;
    uint64_t storage = 0;  // odd: in the storage
    bool idle = false;
  };

  explicit HangJudge(const WatchdogOptions& options) : options_(options) {}
  // Once per heartbeat.
  Verdict Look(const Sample& sample);

 private:
  WatchdogOptions options_;
  Sample last_{0, 0, true};
  uint32_t stuck_for_ = 0;  // beats
  uint32_t stalled_for_ = 0;
};

// Thread: made and stopped by one; `on_stuck` is called on the watchdog's own.
class Watchdog {
 public:
  // `on_stuck` gets the number of the thread; it is not expected to return.
  Watchdog(
      const WatchdogOptions& options,
      std::vector<const Progress*> threads,
      MoveFunction<void(size_t)> on_stuck);
  ~Watchdog() { Stop(); }
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  void Start();
  void Stop();
  // Thread: any. Some thread waits for the disk, and has for long.
  bool stalled() const { return stalled_.load(std::memory_order_relaxed); }

 private:
  void Run();
  void Beat();

  const WatchdogOptions options_;
  const std::vector<const Progress*> threads_;
  MoveFunction<void(size_t)> on_stuck_;
  std::vector<HangJudge> judges_;
  std::atomic<bool> stalled_{false};

  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;  // protected by mutex_
};

}  // namespace perdure
