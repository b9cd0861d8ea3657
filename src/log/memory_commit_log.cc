// SPDX-License-Identifier: Apache-2.0
//
// The watermark moves when the caller says that a sync has finished, to the newest ticket at the
// time it began.
#include "log/memory_commit_log.h"

#include "perdure/base/assert.h"

#include <utility>

namespace perdure {
namespace {

class MemoryDatabaseImpl final : public MemoryDatabase {
 public:
  explicit MemoryDatabaseImpl(const MemoryDatabaseOptions& options) : log_(store_, options) {}

  StateStore& store() override { return store_; }
  CommitLog& log() override { return log_; }
  uint64_t start_counter() const override { return store_.life(); }
  bool sync_wanted() const override { return log_.sync_wanted(); }
  size_t unsynced_write_sets() const override { return store_.unsynced(); }
  size_t held() const override { return log_.held(); }
  void BeginSync() override { log_.BeginSync(); }
  void FinishSync() override { log_.FinishSync(); }
  void Sync() override {
    log_.BeginSync();
    log_.FinishSync();
  }
  bool syncing() const override { return log_.syncing(); }
  void CrashAndRecover(size_t survivors) override {
    store_.MakeDurable(survivors);
    store_.Crash();
    log_.Crash();
  }

 private:
  MemoryStore store_;
  MemoryCommitLog log_;
};

}  // namespace

std::unique_ptr<MemoryDatabase> MemoryDatabase::Create(const MemoryDatabaseOptions& options) {
  return std::make_unique<MemoryDatabaseImpl>(options);
}

MemoryCommitLog::MemoryCommitLog(MemoryStore& store, const MemoryDatabaseOptions& options)
    : store_(store), options_(options) {}

Ticket MemoryCommitLog::Append(PartitionId /*partition*/, uint64_t /*term*/, StateTxn& txn) {
  if (txn.empty()) return newest_;
  unsynced_bytes_ += txn.byte_size();
  store_.Apply(txn);
  ++newest_.value;
  PERDURE_ASSERT(store_.unsynced() == newest_.value - durable_.value);
  return newest_;
}

void MemoryCommitLog::Hold(Ticket ticket, Executor& destination, MoveFunction<void()> work) {
  PERDURE_ASSERT(ticket <= newest_);
  if (ticket <= durable_) {
    destination.Post(std::move(work));
    return;
  }
  held_.Add(ticket, destination, std::move(work));
}

void MemoryCommitLog::SyncFromNow(Executor& destination, MoveFunction<void()> work) {
  requests_.push_back(Request{&destination, std::move(work)});
}

bool MemoryCommitLog::congested() const {
  return unsynced_bytes_ >= options_.unsynced_bytes_max ||
         held_.size() >= options_.held_effects_max;
}

void MemoryCommitLog::WaitWhileCongested() {
  while (congested()) {
    if (!syncing_) BeginSync();
    FinishSync();
  }
}

bool MemoryCommitLog::sync_wanted() const {
  return held_.size() > 0 || !requests_.empty() || congested();
}

void MemoryCommitLog::BeginSync() {
  PERDURE_ASSERT(!syncing_);
  syncing_ = true;
  target_ = newest_;
  begun_requests_ = std::exchange(requests_, {});
}

void MemoryCommitLog::FinishSync() {
  PERDURE_ASSERT(syncing_);
  syncing_ = false;
  unsynced_bytes_ -= store_.MakeDurable(target_.value - durable_.value);
  durable_ = target_;
  PostBatches released;
  held_.TakeDurable(durable_, released);
  for (Request& request : begun_requests_) {
    released.Add(*request.destination, std::move(request.work));
  }
  begun_requests_.clear();
  released.PostAll();
}

void MemoryCommitLog::Crash() {
  newest_ = Ticket{};
  durable_ = Ticket{};
  target_ = Ticket{};
  syncing_ = false;
  unsynced_bytes_ = 0;
  held_.Clear();
  requests_.clear();
  begun_requests_.clear();
}

}  // namespace perdure
