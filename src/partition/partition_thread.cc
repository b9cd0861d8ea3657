// SPDX-License-Identifier: Apache-2.0
//
// See partition_thread.h. A sleep lasts a second at most, so that a jump of the wall clock is
// noticed.
#include "partition/partition_thread.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>

namespace perdure {
namespace {

constexpr TimeMs kSleepMax = 1000;

}  // namespace

void PartitionThread::Start() {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "partition");
    Run();
  });
}

void PartitionThread::Stop() {
  if (!thread_.joinable()) {
    return;
  }
  stopping_.store(true);
  Wake();
  thread_.join();
}

void PartitionThread::Wake() {
  if (!woken_.exchange(true, std::memory_order_acq_rel)) {
    // The lock orders this with the check in Sleep, so the wake-up is not lost.
    { const std::lock_guard<std::mutex> lock(mutex_); }
    sleeping_.notify_one();
  }
}

void PartitionThread::Run() {
  thread_progress = &progress_;
  progress_.idle.store(false, std::memory_order_relaxed);
  while (!stopping_.load(std::memory_order_relaxed)) {
    // An exchange, not a store: what was put before the wake-up it takes back must be seen below.
    static_cast<void>(woken_.exchange(false, std::memory_order_acq_rel));
    bool more = false;
    for (Runner* runner : runners_) {
      more = runner->Turn() || more;
    }
    if (!more) {
      Sleep();
    }
  }
}

void PartitionThread::Sleep() {
  TimeMs wait = kSleepMax;
  const TimeMs wall = clock_.WallMs();
  for (const Runner* runner : runners_) {
    if (const std::optional<TimeMs> next = runner->NextWake()) {
      wait = std::min(wait, *next > wall ? *next - wall : 0);
    }
  }
  progress_.idle.store(true, std::memory_order_relaxed);
  std::unique_lock<std::mutex> lock(mutex_);
  sleeping_.wait_for(lock, std::chrono::milliseconds(wait), [this] {
    return woken_.load(std::memory_order_acquire);
  });
  progress_.idle.store(false, std::memory_order_relaxed);
}

}  // namespace perdure
