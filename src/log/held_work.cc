// SPDX-License-Identifier: Apache-2.0
//
// Queues are searched linearly: there are as many destinations as threads.
#include "log/held_work.h"

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
  for (Lane& lane : lanes_) {
    if (lane.destination == &destination) {
      lane.items.push_back(Item{ticket, std::move(work)});
      return;
    }
  }
  Lane lane{&destination, {}};
  lane.items.push_back(Item{ticket, std::move(work)});
  lanes_.push_back(std::move(lane));
}

bool HeldWork::WaitsFor(const Executor& destination) const {
  for (const Lane& lane : lanes_) {
    if (lane.destination == &destination) return !lane.items.empty();
  }
  return false;
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
