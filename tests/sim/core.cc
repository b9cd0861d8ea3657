// SPDX-License-Identifier: Apache-2.0
//
// See core.h. Posted work keeps its order per executor whatever its latency.
#include "tests/sim/core.h"

#include "perdure/base/assert.h"

#include <algorithm>
#include <utility>

namespace perdure::sim {

Scheduler::Event Scheduler::At(uint64_t at_ns, Work work) {
  const Event event{std::max(at_ns, now_), ++sequence_};
  events_.emplace(event, std::move(work));
  return event;
}

void Scheduler::RunOne() {
  PERDURE_ASSERT(!events_.empty());
  const auto first = events_.begin();
  now_ = first->first.first;
  Work work = std::move(first->second);
  events_.erase(first);
  work();
}

uint64_t HashText(std::string_view text, uint64_t from) {
  uint64_t hash = from;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  }
  return hash;
}

void Story::Say(uint64_t now_ns, const std::string& line) {
  std::string text = std::to_string(now_ns / kUs) + " us  " + line;
  hash_ = HashText(text, hash_);
  lines_.push_back(std::move(text));
  if (lines_.size() > keep_) {
    lines_.pop_front();
  }
}

void SimCore::Violate(const std::string& what) {
  Say("VIOLATION: " + what);
  violations_.push_back(what);
}

void SimCore::JumpWallClock(int64_t by_ms) {
  wall_max_ms_ = wall_max_ms();
  const int64_t ahead = static_cast<int64_t>(wall_ahead_ms_) + by_ms;
  PERDURE_ASSERT(ahead >= 0);
  wall_ahead_ms_ = static_cast<uint64_t>(ahead);
  ++coverage["jumps of the clock"];
  Say("the wall clock jumps by " + std::to_string(by_ms) + " ms");
}

void SimExecutor::Post(MoveFunction<void()> work) {
  const uint64_t latency =
      core_.Fault(5) ? core_.rng.Between(1, 40) * kMs : core_.rng.Below(60 * kUs);
  last_post_ns_ = std::max(last_post_ns_, core_.now_ns() + latency);
  core_.scheduler.At(
      last_post_ns_, [alive = std::weak_ptr<bool>(alive_), work = std::move(work)]() mutable {
        if (!alive.expired()) {
          work();
        }
      });
}

Executor::TimerId SimExecutor::StartTimer(DurationMs delay, MoveFunction<void()> work) {
  const TimerId timer = next_timer_++;
  // Timeouts may be practically infinite.
  const uint64_t wait = std::min<uint64_t>(delay, uint64_t{365} * 24 * 3600 * 1000) * kMs;
  timers_[timer] = core_.scheduler.After(
      wait + core_.rng.Below(kMs),
      [this, alive = std::weak_ptr<bool>(alive_), timer, work = std::move(work)]() mutable {
        if (!alive.expired()) {
          timers_.erase(timer);
          work();
        }
      });
  return timer;
}

void SimExecutor::CancelTimer(TimerId timer) {
  const auto found = timers_.find(timer);
  if (found != timers_.end()) {
    core_.scheduler.Cancel(found->second);
    timers_.erase(found);
  }
}

std::string Short(const InvocationId& id) {
  const std::string text = id.ToString();
  return text.substr(text.size() - 9);
}

}  // namespace perdure::sim
