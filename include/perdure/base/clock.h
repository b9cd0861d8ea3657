// SPDX-License-Identifier: Apache-2.0
//
// Time as a port: production asks the system, simulation has its own. Core never sees a clock; it
// is given a stamp.
#pragma once

#include "perdure/base/ids.h"

#include <cstdint>

namespace perdure {

// Thread: any.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimeMs WallMs() const = 0;
  // Monotonic, for measuring durations inside a process.
  virtual uint64_t MonotonicNs() const = 0;
};

// The system's clock. Lives as long as the process.
const Clock& SystemClock();

}  // namespace perdure
