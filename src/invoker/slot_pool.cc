// SPDX-License-Identifier: Apache-2.0
//
// The slots of the process: a counter, and a note of every partition that got fewer than it wanted.
// Whenever slots come back, all noted partitions are woken: a woken one may find that it needs
// nothing any more, and then nobody else would be. Knows nothing of attempts, and has no clock:
// hosts measure waiting with marks.
#include "perdure/base/assert.h"
#include "perdure/invoker/invoker.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

namespace perdure {
namespace {

class SlotPoolImpl final : public SlotPool {
 public:
  SlotPoolImpl(size_t slots, PartitionGateway& gateway)
      : slots_(slots), gateway_(gateway), free_(slots) {
    PERDURE_ASSERT(slots > 0);
  }

  size_t Acquire(PartitionId partition, size_t want, size_t waiting) override {
    PERDURE_ASSERT(waiting >= want);
    size_t got = TakeFree(want);
    if (got == want && noted_.load() == 0) {
      return got;
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    if (got < want) {
      // Noted first, then tried again: a Release in between sees the note, or its slots are seen
      // here.
      noted_.store(waiting_.size() + 1);
      got += TakeFree(want - got);
    }
    if (got == want) {
      waiting_.erase(partition);
    } else {
      NoteWaiting(partition, got > 0, waiting - got);
    }
    noted_.store(waiting_.size());
    return got;
  }

  void Release(size_t count) override {
    const size_t before = free_.fetch_add(count);
    PERDURE_ASSERT(before + count <= slots_);
    if (count == 0 || noted_.load() == 0) {
      return;
    }
    for (const PartitionId partition : TakeSleeping()) {
      static_cast<void>(gateway_.Submit(partition, Source::kSelf, SlotsFreed{}));
    }
  }

  void Watch(MoveFunction<void()> starved) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    watchers_.push_back(std::move(starved));
  }

  uint64_t Mark() const override {
    const std::lock_guard<std::mutex> lock(mutex_);
    return ticket_;
  }

  bool StarvingSince(uint64_t mark) const override {
    const std::lock_guard<std::mutex> lock(mutex_);
    return std::any_of(waiting_.begin(), waiting_.end(), [mark](const auto& item) {
      return item.second.asleep && item.second.ticket <= mark;
    });
  }

  bool AnyShort() const override { return noted_.load() > 0; }

  size_t Lacking() const override {
    const std::lock_guard<std::mutex> lock(mutex_);
    size_t lacking = 0;
    for (const auto& item : waiting_) {
      lacking += item.second.lacking;
    }
    const size_t free = free_.load();
    const size_t hosts = std::max<size_t>(watchers_.size(), 1);
    return lacking <= free ? 0 : (lacking - free + hosts - 1) / hosts;
  }

 private:
  struct Waiting {
    uint64_t ticket = 0;  // when it last got a slot, or began to wait
    size_t lacking = 0;   // starts without a slot when it last asked
    bool asleep = true;   // not woken since it asked
  };

  size_t TakeFree(size_t want) {
    size_t free = free_.load();
    while (true) {
      const size_t take = std::min(free, want);
      if (free_.compare_exchange_weak(free, free - take)) {
        return take;
      }
    }
  }

  // REQUIRES: mutex_ is held.
  void NoteWaiting(PartitionId partition, bool got_some, size_t lacking) {
    const auto [item, is_new] = waiting_.try_emplace(partition);
    item->second.asleep = true;
    item->second.lacking = lacking;
    if (is_new || got_some) {
      item->second.ticket = ++ticket_;
    }
    if (is_new) {
      for (MoveFunction<void()>& starved : watchers_) {
        starved();
      }
    }
  }

  std::vector<PartitionId> TakeSleeping() {
    std::vector<PartitionId> woken;
    const std::lock_guard<std::mutex> lock(mutex_);
    for (auto& item : waiting_) {
      if (item.second.asleep) {
        item.second.asleep = false;
        woken.push_back(item.first);
      }
    }
    return woken;
  }

  // Constant after construction.
  const size_t slots_;
  PartitionGateway& gateway_;

  // Own synchronisation.
  std::atomic<size_t> free_;
  std::atomic<size_t> noted_{0};  // size of waiting_, read without the lock

  // Protected by mutex_.
  mutable std::mutex mutex_;
  std::map<PartitionId, Waiting> waiting_;
  std::vector<MoveFunction<void()>> watchers_;
  uint64_t ticket_ = 0;
};

}  // namespace

std::unique_ptr<SlotPool> MakeSlotPool(size_t slots, PartitionGateway& gateway) {
  return std::make_unique<SlotPoolImpl>(slots, gateway);
}

}  // namespace perdure
