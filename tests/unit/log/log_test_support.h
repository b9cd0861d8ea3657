// SPDX-License-Identifier: Apache-2.0
//
// Test doubles for the commit logs: an executor that runs only when it is told to, and a sink whose
// syncs pass a gate. No sleeps: tests wait for events and fail by the time limit of the test run.
#pragma once

#include "log/memory_store.h"
#include "perdure/base/executor.h"
#include "perdure/log/write_sink.h"

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace perdure {

// Thread: any.
class ManualExecutor final : public Executor {
 public:
  void Post(MoveFunction<void()> work) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    queue_.push_back(std::move(work));
    ++posts_;
    changed_.notify_all();
  }
  TimerId StartTimer(DurationMs /*delay*/, MoveFunction<void()> /*work*/) override { return 1; }
  void CancelTimer(TimerId /*timer*/) override {}

  // Runs what is there.
  void RunAll() {
    for (;;) {
      MoveFunction<void()> work;
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (queue_.empty()) return;
        work = std::move(queue_.front());
        queue_.pop_front();
      }
      work();
    }
  }
  void WaitForPosts(size_t count) {
    std::unique_lock<std::mutex> lock(mutex_);
    while (posts_ < count) {
      changed_.wait(lock);
    }
  }
  size_t posts() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return posts_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<MoveFunction<void()>> queue_;
  size_t posts_ = 0;
};

// A sink in memory. While the gate is closed, Sync waits inside.
class GatedSink final : public WriteSink {
 public:
  MemoryStore& store() { return store_; }

  Status Write(StateTxn& txn) override {
    if (fail_writes) return Error{ErrorCode::kUnavailable, "disk on fire"};
    const std::lock_guard<std::mutex> lock(mutex_);
    store_.Apply(txn);
    return OkStatus();
  }
  Status Sync() override {
    if (fail_syncs) return Error{ErrorCode::kUnavailable, "disk gone"};
    std::unique_lock<std::mutex> lock(mutex_);
    ++begun_;
    changed_.notify_all();
    while (!open_ && allowed_ == 0) {
      changed_.wait(lock);
    }
    if (!open_) --allowed_;
    ++finished_;
    changed_.notify_all();
    return OkStatus();
  }

  void CloseGate() { SetGate(false); }
  void OpenGate() { SetGate(true); }
  // Lets one sync through a closed gate.
  void AllowOne() {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++allowed_;
    changed_.notify_all();
  }
  void WaitForBegun(size_t count) {
    std::unique_lock<std::mutex> lock(mutex_);
    while (begun_ < count) {
      changed_.wait(lock);
    }
  }
  void WaitForFinished(size_t count) {
    std::unique_lock<std::mutex> lock(mutex_);
    while (finished_ < count) {
      changed_.wait(lock);
    }
  }
  size_t begun() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return begun_;
  }

  bool fail_writes = false;
  bool fail_syncs = false;

 private:
  void SetGate(bool open) {
    const std::lock_guard<std::mutex> lock(mutex_);
    open_ = open;
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  MemoryStore store_;
  bool open_ = true;
  size_t allowed_ = 0;
  size_t begun_ = 0;
  size_t finished_ = 0;
};

inline constexpr PartitionId kPartition{3};

// Appends one row of `value_bytes`.
inline Ticket AppendRow(
    CommitLog& log, StateStore& store, const std::string& key, size_t value_bytes = 1) {
  const std::unique_ptr<StateTxn> txn = store.Begin();
  txn->Put(Family::kState, key, std::string(value_bytes, 'x'));
  return log.Append(kPartition, 1, *txn);
}

// Work that notes its name.
inline MoveFunction<void()> Note(std::vector<std::string>& notes, std::string name) {
  return [&notes, name = std::move(name)] { notes.push_back(name); };
}

}  // namespace perdure
