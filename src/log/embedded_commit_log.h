// SPDX-License-Identifier: Apache-2.0
//
// One writer lock, one syncer thread, one watermark. A ticket is issued after Write has returned;
// the watermark is the newest ticket issued before Sync was called, so everything below it is
// covered. There is no linger timer: a batch is whatever arrived during the last sync. Failure of a
// write or a sync ends the process here and nowhere else.
#pragma once

#include "log/held_work.h"
#include "perdure/log/embedded.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace perdure {

class EmbeddedCommitLog final : public EmbeddedLog {
 public:
  EmbeddedCommitLog(WriteSink& sink, const EmbeddedLogOptions& options);
  ~EmbeddedCommitLog() override;
  EmbeddedCommitLog(const EmbeddedCommitLog&) = delete;
  EmbeddedCommitLog& operator=(const EmbeddedCommitLog&) = delete;

  Ticket Append(PartitionId partition, uint64_t term, StateTxn& txn) override;
  Ticket newest() const override { return Ticket{newest_.load(std::memory_order_acquire)}; }
  Ticket durable() const override { return Ticket{durable_.load(std::memory_order_acquire)}; }
  void Hold(Ticket ticket, Executor& destination, MoveFunction<void()> work) override;
  void SyncFromNow(Executor& destination, MoveFunction<void()> work) override;
  bool congested() const override { return congested_.load(std::memory_order_relaxed); }
  void WaitWhileCongested() override;
  bool hop_before_durable() const override { return true; }

  void Stop() override;
  void PauseSyncer() override;
  void ResumeSyncer() override;
  const SyncMetrics& metrics() const override { return metrics_; }

 private:
  using Clock = std::chrono::steady_clock;
  using Guard = std::unique_lock<std::mutex>;

  struct Request {
    Executor* destination;
    MoveFunction<void()> work;
  };

  void RunSyncer();
  // False: stopping, and nothing is left to do.
  bool WaitForWork(Guard& lock);
  bool SyncWanted() const;
  void SyncOnce(Guard& lock);
  void CountSync(uint64_t nanoseconds, uint64_t write_sets);
  void UpdateCongestion();

  WriteSink& sink_;
  const EmbeddedLogOptions options_;
  SyncMetrics metrics_;

  // Held over Write and the issue of its ticket, so tickets are in the order of the log. Taken
  // before mutex_.
  std::mutex write_mutex_;

  // Protects everything below. Held over Post too, so that nothing overtakes what is being
  // released; an executor's Post never runs the work.
  std::mutex mutex_;
  std::condition_variable wake_;      // the syncer waits here
  std::condition_variable idle_;      // PauseSyncer waits here
  std::condition_variable room_;      // runners wait here while congested
  std::atomic<uint64_t> newest_{0};   // written under mutex_
  std::atomic<uint64_t> durable_{0};  // written under mutex_
  std::atomic<bool> congested_{false};
  HeldWork held_;
  std::vector<Request> requests_;    // from SyncFromNow, for the next sync
  size_t unsynced_bytes_ = 0;        // those of a sync under way included
  size_t appended_bytes_ = 0;        // since the last sync began
  bool appended_ = false;            // whether something was appended since the last sync began
  Clock::time_point oldest_append_;  // when; valid if appended_
  bool syncing_ = false;
  bool paused_ = false;
  bool stopping_ = false;

  std::mutex stop_mutex_;  // one Stop at a time joins
  std::thread syncer_;     // last: everything it uses exists
};

}  // namespace perdure
