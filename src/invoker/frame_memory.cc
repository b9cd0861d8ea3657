// SPDX-License-Identifier: Apache-2.0
//
// Grants are made in the order of the queue, also to a new request: it may not overtake those who
// wait, even if there is room for it.
#include "invoker/frame_memory.h"

#include "perdure/base/assert.h"

#include <algorithm>
#include <utility>

namespace perdure {

FrameMemory::WaiterId FrameMemory::Take(size_t bytes, MoveFunction<void()> granted) {
  PERDURE_ASSERT(bytes <= bytes_max_);
  if (HasRoom(bytes)) {
    bytes_taken_ += bytes;
    return 0;
  }
  waiters_.push_back({++last_waiter_, bytes, std::move(granted)});
  return last_waiter_;
}

void FrameMemory::Forget(WaiterId waiter) {
  const auto it = std::find_if(
      waiters_.begin(), waiters_.end(), [waiter](const Waiter& item) { return item.id == waiter; });
  if (it != waiters_.end()) {
    waiters_.erase(it);
    Grant();  // it may have been the large one in front
  }
}

void FrameMemory::GiveBack(size_t bytes) {
  PERDURE_ASSERT(bytes <= bytes_taken_);
  bytes_taken_ -= bytes;
  Grant();
}

void FrameMemory::Close() {
  waiters_.clear();
}

void FrameMemory::Grant() {
  while (!waiters_.empty() && waiters_.front().bytes <= bytes_max_ - bytes_taken_) {
    Waiter next = std::move(waiters_.front());
    waiters_.pop_front();
    bytes_taken_ += next.bytes;
    next.granted();
  }
}

}  // namespace perdure
