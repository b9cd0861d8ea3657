// SPDX-License-Identifier: Apache-2.0
//
// The syncer sleeps until held work or a reader waits, a limit is reached, or the oldest append is
// old enough. What nobody waits for rides along.
#include "log/embedded_commit_log.h"

#include "perdure/base/assert.h"
#include "perdure/base/log.h"
#include "perdure/base/progress.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace perdure {
namespace {

// Nobody knows what the disk holds now; the next start proves the prefix (failure policy).
[[noreturn]] void LogFailed(std::string_view operation, const Error& error) {
  PERDURE_LOG(kError, "commit_log_failed", {{"operation", operation}, {"error", error.message}});
  std::abort();
}

void RaiseTo(std::atomic<uint64_t>& maximum, uint64_t value) {
  // Written by the syncer only.
  if (value > maximum.load(std::memory_order_relaxed)) {
    maximum.store(value, std::memory_order_relaxed);
  }
}

}  // namespace

std::unique_ptr<EmbeddedLog> EmbeddedLog::Start(
    WriteSink& sink, const EmbeddedLogOptions& options) {
  return std::make_unique<EmbeddedCommitLog>(sink, options);
}

EmbeddedCommitLog::EmbeddedCommitLog(WriteSink& sink, const EmbeddedLogOptions& options)
    : sink_(sink), options_(options) {
  if (options_.no_sync) PERDURE_LOG(kWarn, "syncing_is_off", {{"durable", false}});
  syncer_ = std::thread([this] { RunSyncer(); });
}

EmbeddedCommitLog::~EmbeddedCommitLog() {
  Stop();
}

// The embedded log has one writer process by its lock, so the term fences nobody; the partition is
// in the keys.
Ticket EmbeddedCommitLog::Append(PartitionId /*partition*/, uint64_t /*term*/, StateTxn& txn) {
  if (txn.empty()) return newest();
  const InStorage in_storage;
  const size_t bytes = txn.byte_size();
  bool wake = false;
  Ticket ticket;
  {
    const std::lock_guard<std::mutex> write_lock(write_mutex_);
    const Status written = sink_.Write(txn);
    if (!written.ok()) LogFailed("write", written.error());

    const std::lock_guard<std::mutex> lock(mutex_);
    ticket = Ticket{newest_.load(std::memory_order_relaxed) + 1};
    newest_.store(ticket.value, std::memory_order_release);
    unsynced_bytes_ += bytes;
    appended_bytes_ += bytes;
    if (!appended_) {
      appended_ = true;
      oldest_append_ = Clock::now();
      wake = true;
    }
    UpdateCongestion();
    wake = wake || congested();
  }
  metrics_.appends.fetch_add(1, std::memory_order_relaxed);
  metrics_.appended_bytes.fetch_add(bytes, std::memory_order_relaxed);
  if (wake) wake_.notify_one();
  return ticket;
}

void EmbeddedCommitLog::Hold(Ticket ticket, Executor& destination, MoveFunction<void()> work) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    PERDURE_ASSERT(ticket <= newest());
    if (ticket <= durable()) {
      metrics_.released.fetch_add(1, std::memory_order_relaxed);
      destination.Post(std::move(work));
      return;
    }
    held_.Add(ticket, destination, std::move(work));
    UpdateCongestion();
  }
  wake_.notify_one();
}

void EmbeddedCommitLog::SyncFromNow(Executor& destination, MoveFunction<void()> work) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    requests_.push_back(Request{&destination, std::move(work)});
  }
  wake_.notify_one();
}

void EmbeddedCommitLog::WaitWhileCongested() {
  const InStorage in_storage;
  Guard lock(mutex_);
  while (congested() && !stopping_) {
    room_.wait(lock);
  }
}

void EmbeddedCommitLog::Stop() {
  const std::lock_guard<std::mutex> stop_lock(stop_mutex_);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  room_.notify_all();
  if (syncer_.joinable()) syncer_.join();
}

void EmbeddedCommitLog::PauseSyncer() {
  Guard lock(mutex_);
  paused_ = true;
  while (syncing_) {
    idle_.wait(lock);
  }
}

void EmbeddedCommitLog::ResumeSyncer() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    paused_ = false;
  }
  wake_.notify_one();
}

void EmbeddedCommitLog::RunSyncer() {
  Guard lock(mutex_);
  while (WaitForWork(lock)) {
    SyncOnce(lock);
  }
}

bool EmbeddedCommitLog::WaitForWork(Guard& lock) {
  const auto delay = std::chrono::milliseconds(options_.sync_delay_ms);
  for (;;) {
    if (stopping_) return appended_ || SyncWanted();
    if (paused_) {
      wake_.wait(lock);
      continue;
    }
    const bool old_enough = appended_ && Clock::now() >= oldest_append_ + delay;
    if (old_enough || SyncWanted()) return true;
    if (appended_) {
      wake_.wait_until(lock, oldest_append_ + delay);
    } else {
      wake_.wait(lock);
    }
  }
}

bool EmbeddedCommitLog::SyncWanted() const {
  return held_.size() > 0 || !requests_.empty() || congested();
}

// REQUIRES: mutex_ is held. It is given up during the sync.
void EmbeddedCommitLog::SyncOnce(Guard& lock) {
  const Ticket target = newest();
  const size_t bytes = std::exchange(appended_bytes_, 0);
  std::vector<Request> requests = std::exchange(requests_, {});
  appended_ = false;
  syncing_ = true;
  lock.unlock();

  const Clock::time_point begin = Clock::now();
  if (!options_.no_sync) {
    const Status synced = sink_.Sync();
    if (!synced.ok()) LogFailed("sync", synced.error());
  }
  const auto elapsed = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - begin);

  lock.lock();
  syncing_ = false;
  CountSync(static_cast<uint64_t>(elapsed.count()), target.value - durable().value);
  durable_.store(target.value, std::memory_order_release);
  PERDURE_ASSERT(unsynced_bytes_ >= bytes);
  unsynced_bytes_ -= bytes;
  PostBatches released;
  held_.TakeDurable(target, released);
  for (Request& request : requests) {
    released.Add(*request.destination, std::move(request.work));
  }
  metrics_.released.fetch_add(released.size(), std::memory_order_relaxed);
  released.PostAll();
  UpdateCongestion();
  idle_.notify_all();
}

void EmbeddedCommitLog::CountSync(uint64_t nanoseconds, uint64_t write_sets) {
  metrics_.syncs.fetch_add(1, std::memory_order_relaxed);
  metrics_.sync_ns.fetch_add(nanoseconds, std::memory_order_relaxed);
  RaiseTo(metrics_.sync_ns_max, nanoseconds);
  metrics_.synced_write_sets.fetch_add(write_sets, std::memory_order_relaxed);
  RaiseTo(metrics_.batch_write_sets_max, write_sets);
}

// REQUIRES: mutex_ is held.
void EmbeddedCommitLog::UpdateCongestion() {
  const bool now =
      unsynced_bytes_ >= options_.unsynced_bytes_max || held_.size() >= options_.held_effects_max;
  if (now == congested()) return;
  congested_.store(now, std::memory_order_relaxed);
  if (now) {
    metrics_.congestions.fetch_add(1, std::memory_order_relaxed);
  } else {
    room_.notify_all();
  }
}

}  // namespace perdure
