// SPDX-License-Identifier: Apache-2.0
//
// A thread (or the simulator) to which work can be handed. Work for one executor runs one piece at
// a time, in the order it was posted.
#pragma once

#include "perdure/base/ids.h"
#include "perdure/base/move_function.h"

#include <cstdint>

namespace perdure {

class Executor {
 public:
  using TimerId = uint64_t;  // 0 is never a timer

  virtual ~Executor() = default;
  // Thread: any. After the executor has stopped, work is dropped.
  virtual void Post(MoveFunction<void()> work) = 0;
  // Thread: the executor's own. Runs `work` once, not before `delay` has passed.
  virtual TimerId StartTimer(DurationMs delay, MoveFunction<void()> work) = 0;
  // Thread: the executor's own. An unknown or finished timer is ignored.
  virtual void CancelTimer(TimerId timer) = 0;
};

}  // namespace perdure
