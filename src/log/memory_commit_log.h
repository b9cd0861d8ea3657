// SPDX-License-Identifier: Apache-2.0
//
// CommitLog over MemoryStore, and the controls that tests hold. Whatever the real syncer does by
// itself is a call here; the order of what is released is the same.
#pragma once

#include "log/held_work.h"
#include "log/memory_store.h"
#include "perdure/log/memory.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace perdure {

class MemoryCommitLog final : public CommitLog {
 public:
  MemoryCommitLog(MemoryStore& store, const MemoryDatabaseOptions& options);

  Ticket Append(PartitionId partition, uint64_t term, StateTxn& txn) override;
  Ticket newest() const override { return newest_; }
  Ticket durable() const override { return durable_; }
  void Hold(Ticket ticket, Executor& destination, MoveFunction<void()> work) override;
  void SyncFromNow(Executor& destination, MoveFunction<void()> work) override;
  bool congested() const override;
  void WaitWhileCongested() override;
  bool hop_before_durable() const override { return options_.hop_before_durable; }

  void BeginSync();
  void FinishSync();
  bool syncing() const { return syncing_; }
  bool sync_wanted() const;
  size_t held() const { return held_.size() + requests_.size() + begun_requests_.size(); }
  void Crash();

 private:
  struct Request {
    Executor* destination;
    MoveFunction<void()> work;
  };

  MemoryStore& store_;
  const MemoryDatabaseOptions options_;
  Ticket newest_;
  Ticket durable_;
  HeldWork held_;
  std::vector<Request> requests_;
  size_t unsynced_bytes_ = 0;

  bool syncing_ = false;
  Ticket target_;                        // of the sync under way
  std::vector<Request> begun_requests_;  // those it will answer
};

}  // namespace perdure
