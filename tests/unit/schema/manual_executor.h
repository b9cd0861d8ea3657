// SPDX-License-Identifier: Apache-2.0
//
// An executor whose time the test moves by hand, on the test's own thread.
#pragma once

#include "perdure/base/executor.h"

#include <deque>
#include <map>
#include <utility>

namespace perdure::testing {

class ManualExecutor final : public Executor {
 public:
  void Post(MoveFunction<void()> work) override { queue_.push_back(std::move(work)); }
  TimerId StartTimer(DurationMs delay, MoveFunction<void()> work) override {
    ++last_timer_;
    timers_.emplace(std::pair<TimeMs, TimerId>{now_ + delay, last_timer_}, std::move(work));
    return last_timer_;
  }
  void CancelTimer(TimerId timer) override {
    for (auto it = timers_.begin(); it != timers_.end(); ++it) {
      if (it->first.second == timer) {
        timers_.erase(it);
        return;
      }
    }
  }

  void RunPosted() {
    while (!queue_.empty()) {
      MoveFunction<void()> work = std::move(queue_.front());
      queue_.pop_front();
      work();
    }
  }
  // Runs the earliest timer and moves the time to it. False: there is none.
  bool FireNextTimer() {
    if (timers_.empty()) {
      return false;
    }
    now_ = timers_.begin()->first.first;
    MoveFunction<void()> work = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    work();
    return true;
  }
  TimeMs now() const { return now_; }
  size_t timers() const { return timers_.size(); }
  size_t posted() const { return queue_.size(); }

 private:
  TimeMs now_ = 0;
  TimerId last_timer_ = 0;
  std::deque<MoveFunction<void()>> queue_;
  std::map<std::pair<TimeMs, TimerId>, MoveFunction<void()>> timers_;
};

}  // namespace perdure::testing
