// SPDX-License-Identifier: Apache-2.0
//
// A queue, a condition variable and a sorted map of timers. Timers are few (one per question).
#include "query/worker_thread.h"

#include "perdure/base/clock.h"

#include <chrono>

namespace perdure::query {

WorkerThread::WorkerThread() : thread_([this] { Run(); }) {}

WorkerThread::~WorkerThread() {
  Stop();
}

void WorkerThread::Post(MoveFunction<void()> work) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (stopped_) {
      return;
    }
    queue_.push_back(std::move(work));
  }
  changed_.notify_one();
}

Executor::TimerId WorkerThread::StartTimer(DurationMs delay, MoveFunction<void()> work) {
  const uint64_t due = SystemClock().MonotonicNs() + delay * 1'000'000;
  ++last_timer_;
  timers_.emplace(TimerKey{due, last_timer_}, std::move(work));
  return last_timer_;
}

void WorkerThread::CancelTimer(TimerId timer) {
  for (auto it = timers_.begin(); it != timers_.end(); ++it) {
    if (it->first.second == timer) {
      timers_.erase(it);
      return;
    }
  }
}

void WorkerThread::Stop() {
  std::deque<MoveFunction<void()>> dropped;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopped_ = true;
    dropped.swap(queue_);
  }
  changed_.notify_one();
  if (thread_.joinable()) {
    thread_.join();
  }
  timers_.clear();
}

void WorkerThread::Run() {
  while (MoveFunction<void()> work = Take()) {
    work();
  }
}

MoveFunction<void()> WorkerThread::Take() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stopped_) {
    const uint64_t now = SystemClock().MonotonicNs();
    if (!timers_.empty() && timers_.begin()->first.first <= now) {
      MoveFunction<void()> work = std::move(timers_.begin()->second);
      timers_.erase(timers_.begin());
      return work;
    }
    if (!queue_.empty()) {
      MoveFunction<void()> work = std::move(queue_.front());
      queue_.pop_front();
      return work;
    }
    if (timers_.empty()) {
      changed_.wait(lock);
    } else {
      changed_.wait_for(lock, std::chrono::nanoseconds(timers_.begin()->first.first - now));
    }
  }
  return {};
}

}  // namespace perdure::query
