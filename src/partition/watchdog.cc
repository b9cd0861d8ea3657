// SPDX-License-Identifier: Apache-2.0
//
// Progress is a changed number of steps. A thread that goes in and out of the storage without a
// step is no stall: it reads in circles, and that is a hang.
#include "partition/watchdog.h"

#include "perdure/base/log.h"

#include <pthread.h>

#include <chrono>
#include <utility>

namespace perdure {

HangJudge::Verdict HangJudge::Look(const Sample& sample) {
  const Sample last = std::exchange(last_, sample);
  if (sample.idle || last.idle || sample.steps != last.steps) {
    stuck_for_ = 0;
    stalled_for_ = 0;
    return Verdict::kFine;
  }
  if (sample.storage % 2 != 0 && sample.storage == last.storage) {
    ++stalled_for_;
    return stalled_for_ >= options_.stall_beats ? Verdict::kStalled : Verdict::kFine;
  }
  stalled_for_ = 0;
  ++stuck_for_;
  return stuck_for_ >= options_.stuck_beats ? Verdict::kStuck : Verdict::kFine;
}

Watchdog::Watchdog(
    const WatchdogOptions& options,
    std::vector<const Progress*> threads,
    MoveFunction<void(size_t)> on_stuck)
    : options_(options),
      threads_(std::move(threads)),
      on_stuck_(std::move(on_stuck)),
      judges_(threads_.size(), HangJudge(options)) {}

void Watchdog::Start() {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "watchdog");
    Run();
  });
}

void Watchdog::Stop() {
  if (!thread_.joinable()) {
    return;
  }
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  stop_.notify_one();
  thread_.join();
}

void Watchdog::Run() {
  std::unique_lock<std::mutex> lock(mutex_);
  const auto beat = std::chrono::milliseconds(options_.beat);
  while (!stop_.wait_for(lock, beat, [this] { return stopping_; })) {
    lock.unlock();
    Beat();
    lock.lock();
  }
}

void Watchdog::Beat() {
  bool stalled = false;
  for (size_t i = 0; i < threads_.size(); ++i) {
    const Progress& progress = *threads_[i];
    const HangJudge::Sample sample{
        progress.steps.load(std::memory_order_relaxed),
        progress.storage.load(std::memory_order_relaxed),
        progress.idle.load(std::memory_order_relaxed)};
    switch (judges_[i].Look(sample)) {
      case HangJudge::Verdict::kFine:
        break;
      case HangJudge::Verdict::kStalled:
        stalled = true;
        break;
      case HangJudge::Verdict::kStuck:
        on_stuck_(i);
        break;
    }
  }
  if (stalled != stalled_.exchange(stalled, std::memory_order_relaxed)) {
    if (stalled) {
      PERDURE_LOG(kWarn, "storage_stalled", {{"new_work", "refused until the disk answers"}});
    } else {
      PERDURE_LOG(kInfo, "storage_goes_on", {});
    }
  }
}

}  // namespace perdure
