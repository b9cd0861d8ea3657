// SPDX-License-Identifier: Apache-2.0
//
// The system's clocks behind the Clock port. Nothing else in the server asks the system for the
// time.
#include "perdure/base/clock.h"

#include <chrono>

namespace perdure {
namespace {

class RealClock final : public Clock {
 public:
  TimeMs WallMs() const override {
    const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count();
    return ms < 0 ? 0 : static_cast<TimeMs>(ms);
  }
  uint64_t MonotonicNs() const override {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
  }
};

}  // namespace

const Clock& SystemClock() {
  static const RealClock kClock;
  return kClock;
}

}  // namespace perdure
