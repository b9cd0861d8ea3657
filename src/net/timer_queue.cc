// SPDX-License-Identifier: Apache-2.0
//
// The heap of timers: see timer_queue.h. A timer's id is its slot and the slot's generation, so an
// id that outlived its timer names nothing.
#include "net/timer_queue.h"

#include "perdure/base/assert.h"

#include <utility>

namespace perdure {
namespace {

TimerQueue::TimerId MakeId(uint32_t slot, uint32_t generation) {
  return (static_cast<uint64_t>(generation) << 32) | slot;
}

}  // namespace

TimerQueue::TimerId TimerQueue::Add(uint64_t deadline_ns, MoveFunction<void()> work) {
  uint32_t index = 0;
  if (free_slots_.empty()) {
    index = static_cast<uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    index = free_slots_.back();
    free_slots_.pop_back();
  }
  slots_[index].work = std::move(work);
  heap_.emplace_back();
  Put(heap_.size() - 1, Entry{deadline_ns, sequence_++, index});
  Up(heap_.size() - 1);
  return MakeId(index, slots_[index].generation);
}

void TimerQueue::Cancel(TimerId id) {
  const size_t index = id & 0xffffffff;
  const uint64_t generation = id >> 32;
  if (index >= slots_.size() || slots_[index].generation != generation || !slots_[index].work) {
    return;
  }
  // The work may own things whose destructors come back here: it dies last.
  const MoveFunction<void()> work = Remove(slots_[index].place);
}

MoveFunction<void()> TimerQueue::TakeDue(uint64_t now_ns) {
  if (heap_.empty() || heap_.front().deadline_ns > now_ns) {
    return {};
  }
  return Remove(0);
}

std::optional<uint64_t> TimerQueue::next_deadline_ns() const {
  return heap_.empty() ? std::nullopt : std::optional(heap_.front().deadline_ns);
}

void TimerQueue::Put(size_t place, Entry entry) {
  heap_[place] = entry;
  slots_[entry.slot].place = static_cast<uint32_t>(place);
}

void TimerQueue::Up(size_t place) {
  const Entry moving = heap_[place];
  while (place > 0) {
    const size_t parent = (place - 1) / 2;
    if (!moving.Before(heap_[parent])) {
      break;
    }
    Put(place, heap_[parent]);
    place = parent;
  }
  Put(place, moving);
}

void TimerQueue::Down(size_t place) {
  const Entry moving = heap_[place];
  for (;;) {
    size_t child = 2 * place + 1;
    if (child >= heap_.size()) {
      break;
    }
    if (child + 1 < heap_.size() && heap_[child + 1].Before(heap_[child])) {
      ++child;
    }
    if (!heap_[child].Before(moving)) {
      break;
    }
    Put(place, heap_[child]);
    place = child;
  }
  Put(place, moving);
}

MoveFunction<void()> TimerQueue::Remove(size_t place) {
  PERDURE_ASSERT(place < heap_.size());
  const uint32_t index = heap_[place].slot;
  Slot& slot = slots_[index];
  MoveFunction<void()> work = std::exchange(slot.work, {});
  ++slot.generation;
  free_slots_.push_back(index);
  const Entry last = heap_.back();
  heap_.pop_back();
  if (place < heap_.size()) {
    Put(place, last);
    Up(place);
    Down(slots_[last.slot].place);
  }
  return work;
}

}  // namespace perdure
