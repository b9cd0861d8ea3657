// SPDX-License-Identifier: Apache-2.0
//
// The requests of one I/O thread that wait for an answer of a partition. A slot is a number that
// can be copied between threads; a generation tells apart its uses, so a late answer is dropped.
#pragma once

#include "perdure/base/assert.h"
#include "perdure/base/move_function.h"
#include "perdure/core/command.h"
#include "perdure/core/reply.h"

#include <cstdint>
#include <vector>

namespace perdure {

// Thread: its I/O thread.
class ReplySlots {
 public:
  using Callback = MoveFunction<void(Reply)>;

  explicit ReplySlots(uint16_t io_thread) : io_thread_(io_thread) {}

  // `callback` is called at most once, on this thread.
  ReplyTo Take(Callback callback) {
    uint32_t slot = 0;
    if (free_.empty()) {
      slot = static_cast<uint32_t>(slots_.size());
      slots_.emplace_back();
    } else {
      slot = free_.back();
      free_.pop_back();
    }
    slots_[slot].callback = std::move(callback);
    return ReplyTo{io_thread_, slot, slots_[slot].generation};
  }

  // Gives the slot back unanswered; its callback is destroyed.
  void Drop(const ReplyTo& reply_to) { static_cast<void>(Release(reply_to)); }

  // Answers; late or unknown answers are dropped.
  void Deliver(const ReplyTo& reply_to, Reply reply) {
    Callback callback = Release(reply_to);
    if (callback) {
      callback(std::move(reply));
    }
  }

  size_t in_use() const { return slots_.size() - free_.size(); }

 private:
  struct Slot {
    uint32_t generation = 1;
    Callback callback;
  };

  Callback Release(const ReplyTo& reply_to) {
    PERDURE_ASSERT(reply_to.io_thread == io_thread_);
    if (reply_to.slot >= slots_.size()) {
      return {};
    }
    Slot& slot = slots_[reply_to.slot];
    if (slot.generation != reply_to.generation || !slot.callback) {
      return {};
    }
    Callback callback = std::move(slot.callback);
    slot.callback = {};
    ++slot.generation;
    free_.push_back(reply_to.slot);
    return callback;
  }

  uint16_t io_thread_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_;
};

}  // namespace perdure
