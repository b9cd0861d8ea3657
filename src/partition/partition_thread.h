// SPDX-License-Identifier: Apache-2.0
//
// A thread that owns whole partitions and gives each a turn while there is work; sleeps until the
// next timer or until it is woken.
#pragma once

#include "partition/runner.h"
#include "perdure/base/clock.h"
#include "perdure/base/progress.h"

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace perdure {

class PartitionThread {
 public:
  explicit PartitionThread(const Clock& clock) : clock_(clock) {}
  ~PartitionThread() { Stop(); }

  // REQUIRES: before Start. `runner` outlives the thread.
  void Add(Runner& runner) { runners_.push_back(&runner); }
  void Start();
  void Stop();
  // Thread: any. Cheap when the thread is awake.
  void Wake();

  const Progress& progress() const { return progress_; }

 private:
  void Run();
  void Sleep();

  const Clock& clock_;
  Progress progress_;
  std::vector<Runner*> runners_;
  std::thread thread_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> woken_{false};
  std::mutex mutex_;
  std::condition_variable sleeping_;
};

}  // namespace perdure
