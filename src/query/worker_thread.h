// SPDX-License-Identifier: Apache-2.0
//
// A thread of its own that runs what is posted to it, one piece at a time, with timers. For
// questions, which may take seconds and must not hold up partitions or I/O.
#pragma once

#include "perdure/base/executor.h"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

namespace perdure::query {

class WorkerThread final : public Executor {
 public:
  WorkerThread();
  ~WorkerThread() override;

  void Post(MoveFunction<void()> work) override;
  TimerId StartTimer(DurationMs delay, MoveFunction<void()> work) override;
  void CancelTimer(TimerId timer) override;

  // Finishes the piece of work under way, drops the rest and joins. Thread: any but its own. May be
  // called again.
  void Stop();

 private:
  using TimerKey = std::pair<uint64_t, TimerId>;  // due in nanoseconds, monotonic

  void Run();
  // The next piece of work, or nothing once stopped.
  MoveFunction<void()> Take();

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;                             // protected by mutex_
  std::deque<MoveFunction<void()>> queue_;           // protected by mutex_
  std::map<TimerKey, MoveFunction<void()>> timers_;  // own thread only
  TimerId last_timer_ = 0;                           // own thread only
  std::thread thread_;                               // last: starts when all else is there
};

}  // namespace perdure::query
