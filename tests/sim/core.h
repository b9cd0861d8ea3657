// SPDX-License-Identifier: Apache-2.0
//
// What everything in a simulated run shares: virtual time, chance, the story and the coverage
// counters. Events happen in the order (time, sequence); nothing else decides an order, and nothing
// asks the real clock, a thread or an address.
#pragma once

#include "perdure/base/clock.h"
#include "perdure/base/executor.h"
#include "perdure/base/ids.h"
#include "perdure/base/move_function.h"
#include "tests/sim/random.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace perdure::sim {

constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kUs = 1'000;
// The wall clock when a run begins.
constexpr TimeMs kEpochMs = 1'700'000'000'000;

// Bugs planted on purpose: the simulation must find each (negative controls).
enum class Bug {
  kNone,
  kEarlyRelease,  // effects leave before what caused them is durable
  kNoDedup,       // a repeated message between partitions is taken again
  kNoFence,       // frames of a dead attempt are taken as those of the live one
  kLostWake,      // now and then a timer is forgotten
};

// Events by (time, sequence).
class Scheduler {
 public:
  using Work = MoveFunction<void()>;
  using Event = std::pair<uint64_t, uint64_t>;

  uint64_t now_ns() const { return now_; }
  Event At(uint64_t at_ns, Work work);
  Event After(uint64_t delay_ns, Work work) { return At(now_ + delay_ns, std::move(work)); }
  void Cancel(const Event& event) { events_.erase(event); }
  // REQUIRES: !empty().
  void RunOne();
  bool empty() const { return events_.empty(); }
  uint64_t next_ns() const { return events_.begin()->first.first; }

 private:
  uint64_t now_ = 0;
  uint64_t sequence_ = 0;
  std::map<Event, Work> events_;
};

// Every line counts in the hash; the last ones are kept for the reader.
class Story {
 public:
  explicit Story(size_t keep) : keep_(keep) {}
  void Say(uint64_t now_ns, const std::string& line);
  uint64_t hash() const { return hash_; }
  const std::deque<std::string>& lines() const { return lines_; }

 private:
  const size_t keep_;
  uint64_t hash_ = 0xcbf29ce484222325ULL;
  std::deque<std::string> lines_;
};

// How often what a run is meant to reach was reached.
using Coverage = std::map<std::string, uint64_t>;

class SimCore {
 public:
  SimCore(uint64_t seed, Bug planted, size_t keep_lines)
      : rng(seed), bug(planted), story_(keep_lines) {}

  Rng rng;
  Scheduler scheduler;
  Coverage coverage;
  const Bug bug;
  bool faults = true;        // off while a run drains
  uint64_t fault_level = 2;  // halves: 2 is the ordinary amount

  uint64_t now_ns() const { return scheduler.now_ns(); }
  TimeMs wall_ms() const { return kEpochMs + now_ns() / kMs + wall_ahead_ms_; }
  // The latest the wall clock ever was: what was due by then may have happened.
  TimeMs wall_max_ms() const { return std::max(wall_max_ms_, wall_ms()); }
  void JumpWallClock(int64_t by_ms);
  // True in `share` of 1000 cases at the ordinary level, never while a run drains.
  bool Fault(uint64_t share) { return faults && rng.Below(2000) < share * fault_level; }

  void Say(const std::string& line) { story_.Say(now_ns(), line); }
  const Story& story() const { return story_; }
  // Something is wrong. The run ends with the first one.
  void Violate(const std::string& what);
  const std::vector<std::string>& violations() const { return violations_; }

 private:
  Story story_;
  std::vector<std::string> violations_;
  uint64_t wall_ahead_ms_ = 60'000;  // so that it can go back
  TimeMs wall_max_ms_ = 0;
};

class SimClock final : public Clock {
 public:
  explicit SimClock(const SimCore& core) : core_(core) {}
  TimeMs WallMs() const override { return core_.wall_ms(); }
  uint64_t MonotonicNs() const override { return core_.now_ns(); }

 private:
  const SimCore& core_;
};

// For partitions: every look at it costs some time, so that turns end early now and then.
class SlowClock final : public Clock {
 public:
  explicit SlowClock(SimCore& core) : core_(core) {}
  TimeMs WallMs() const override { return core_.wall_ms(); }
  uint64_t MonotonicNs() const override {
    lost_ += core_.rng.Below(core_.faults ? 400 * kUs : 20 * kUs);
    return core_.now_ns() + lost_;
  }

 private:
  SimCore& core_;
  mutable uint64_t lost_ = 0;
};

// One thread of a process. Work that is still waiting dies with it.
class SimExecutor final : public Executor {
 public:
  explicit SimExecutor(SimCore& core) : core_(core) {}
  void Post(MoveFunction<void()> work) override;
  TimerId StartTimer(DurationMs delay, MoveFunction<void()> work) override;
  void CancelTimer(TimerId timer) override;

 private:
  SimCore& core_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  uint64_t last_post_ns_ = 0;
  TimerId next_timer_ = 1;
  std::map<TimerId, Scheduler::Event> timers_;
};

// The last letters of an id: enough to tell them apart in a story.
std::string Short(const InvocationId& id);
uint64_t HashText(std::string_view text, uint64_t from = 0xcbf29ce484222325ULL);

}  // namespace perdure::sim
