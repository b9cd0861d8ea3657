// SPDX-License-Identifier: Apache-2.0
//
// Queues are searched linearly: there are as many destinations as threads.
#include "log/held_work.h"

#include <iterator>
#include <utility>

namespace perdure {

void PostBatches::Add(Executor& destination, MoveFunction<void()> work) {
  ++size_;
  for (Batch& batch : batches_) {
    if (batch.destination == &destination) {
      batch.work.push_back(std::move(work));
      return;
    }
  }
  Batch batch{&destination, {}};
  batch.work.push_back(std::move(work));
  batches_.push_back(std::move(batch));
}

void PostBatches::PostAll() {
  for (Batch& batch : batches_) {
    if (batch.work.size() == 1) {
      batch.destination->Post(std::move(batch.work.front()));
      continue;
    }
    batch.destination->Post([work = std::move(batch.work)]() mutable {
      for (MoveFunction<void()>& piece : work) {
        piece();
        piece = MoveFunction<void()>();  // what it owned goes before the next piece runs
      }
    });
  }
  batches_.clear();
  size_ = 0;
}

void HeldWork::Add(Ticket ticket, Executor& destination, MoveFunction<void()> work) {
  ++size_;
  Lane& lane = LaneOf(destination);
  // Almost always the end: only a turn that wrote nothing waits for an older ticket.
  auto at = lane.items.end();
  while (at != lane.items.begin() && std::prev(at)->ticket > ticket) {
    --at;
  }
  lane.items.insert(at, Item{ticket, std::move(work)});
}

HeldWork::Lane& HeldWork::LaneOf(Executor& destination) {
  for (Lane& lane : lanes_) {
    if (lane.destination == &destination) return lane;
  }
  lanes_.push_back(Lane{&destination, {}});
  return lanes_.back();
}

void HeldWork::TakeDurable(Ticket durable, PostBatches& out) {
  for (Lane& lane : lanes_) {
    while (!lane.items.empty() && lane.items.front().ticket <= durable) {
      out.Add(*lane.destination, std::move(lane.items.front().work));
      lane.items.pop_front();
      --size_;
    }
  }
}

void HeldWork::Clear() {
  lanes_.clear();
  size_ = 0;
}

}  // namespace perdure
