// SPDX-License-Identifier: Apache-2.0
//
// The router and its threads, for real: submissions wake a sleeping thread, timers fire without
// any, what was submitted before the start waits. The machine writes nothing, so the log in memory
// (which is for one thread) is used by the partition thread alone.
#include "perdure/partition/partitions.h"

#include "tests/unit/partition/partition_test_support.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <vector>

namespace perdure::test {
namespace {

// What the machines of a test did, in order. Thread: any.
class Journal {
 public:
  struct Line {
    PartitionId partition;
    std::string what;
  };
  void Add(PartitionId partition, std::string what) {
    const std::lock_guard<std::mutex> lock(mutex_);
    lines_.push_back({partition, std::move(what)});
    changed_.notify_all();
  }
  // Waits until there are `count` lines (the test run's time limit is the only other end).
  std::vector<Line> WaitFor(size_t count) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return lines_.size() >= count; });
    return lines_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Line> lines_;
};

class ListeningMachine final : public Machine {
 public:
  ListeningMachine(PartitionId partition, Journal& journal)
      : partition_(partition), journal_(journal) {}

  void Open(StateTxn& /*txn*/, const Stamp& /*stamp*/, Effects& /*effects*/) override {
    journal_.Add(partition_, "open");
  }
  void Apply(
      Command command,
      ReplyTo /*reply_to*/,
      const Stamp& stamp,
      StateTxn& /*txn*/,
      Effects& /*effects*/) override {
    if (std::holds_alternative<Attach>(command)) {
      journal_.Add(partition_, std::to_string(NumberOf(command)));
    } else if (std::holds_alternative<Cancel>(command)) {
      timer_ = stamp.now + 30;
    } else if (std::holds_alternative<TimersDue>(command)) {
      timer_.reset();
      journal_.Add(partition_, "timer");
    }
  }
  size_t PullStarts(size_t, const Stamp&, StateTxn&, Effects&) override { return 0; }
  size_t ready_count() const override { return 0; }
  void EndTurn(StateTxn& /*txn*/) override {}
  std::optional<TimeMs> next_timer() const override { return timer_; }
  std::optional<TimeMs> next_retention() const override { return std::nullopt; }

 private:
  const PartitionId partition_;
  Journal& journal_;
  std::optional<TimeMs> timer_;
};

struct FakeDisk final : DiskSpace {
  bool nearly_full() const override { return full; }
  std::atomic<bool> full{false};
};

struct Running {
  std::unique_ptr<MemoryDatabase> db = MemoryDatabase::Create();
  FakeDisk disk;
  SchemaPublisher publisher;
  FakeTarget target{1};
  FakeSlots slots;
  Journal journal;
  std::unique_ptr<Partitions> partitions;

  explicit Running(uint16_t count) {
    PartitionsOptions options;
    options.partition_count = count;
    partitions = MakePartitions(
        options,
        PartitionsParts{db->store(), db->log(), disk, SystemClock(), publisher, target},
        [this](PartitionId partition) {
          return std::make_unique<ListeningMachine>(partition, journal);
        });
    partitions->SetSlots(slots);
  }
  ~Running() { partitions->Stop(); }
  Submitted Submit(uint16_t partition, uint16_t number) {
    return partitions->Submit(PartitionId{partition}, Source::kControl, Numbered(number));
  }
};

TEST(Partitions, OpenTheMetadataPartitionFirst) {
  Running running(2);
  running.partitions->Start();
  const std::vector<Journal::Line> lines = running.journal.WaitFor(3);
  EXPECT_EQ(lines[0].partition, kMetadataPartition);
  EXPECT_EQ(lines[1].partition, PartitionId{0});
  EXPECT_EQ(lines[2].partition, PartitionId{1});
}

TEST(Partitions, WhatComesBeforeTheStartWaits) {
  Running running(1);
  EXPECT_EQ(running.Submit(0, 5), Submitted::kAccepted);
  EXPECT_EQ(running.Submit(kMetadataPartition.value, 6), Submitted::kAccepted);
  running.partitions->Start();
  const std::vector<Journal::Line> lines = running.journal.WaitFor(4);
  EXPECT_EQ(lines[1].what, "open");  // both are open before anything is applied
  for (const Journal::Line& line : lines) {
    if (line.what != "open") {
      EXPECT_EQ(line.what, line.partition == kMetadataPartition ? "6" : "5");
    }
  }
}

TEST(Partitions, ASubmissionWakesTheThread) {
  Running running(1);
  running.partitions->Start();
  // A thread that is not woken sleeps for a second: one lost wake-up in twenty would show.
  const auto begun = std::chrono::steady_clock::now();
  for (uint16_t i = 0; i < 200; ++i) {
    running.Submit(0, i);
    running.journal.WaitFor(2U + i + 1U);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(10));
}

TEST(Partitions, ATimerFiresInASleepingThread) {
  Running running(1);
  running.partitions->Start();
  const auto begun = std::chrono::steady_clock::now();
  for (size_t i = 0; i < 3; ++i) {
    running.partitions->Submit(PartitionId{0}, Source::kControl, Cancel{});
    EXPECT_EQ(running.journal.WaitFor(2 + i + 1).back().what, "timer");
  }
  EXPECT_GE(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(3 * 28));
}

TEST(Partitions, AFullWindowIsRefused) {
  Running running(1);
  for (size_t i = 0; i < limits::kMailboxControl; ++i) {
    ASSERT_EQ(running.Submit(0, 1), Submitted::kAccepted);
  }
  EXPECT_EQ(running.Submit(0, 1), Submitted::kOverloaded);
  EXPECT_EQ(
      running.partitions->Submit(PartitionId{0}, Source::kPeer, Numbered(2)), Submitted::kAccepted);
  running.partitions->Start();
  running.journal.WaitFor(2 + limits::kMailboxControl + 1);
  EXPECT_EQ(running.Submit(0, 1), Submitted::kAccepted);
}

TEST(Partitions, NewWorkIsRefusedWhileTheLogIsCongested) {
  MemoryDatabaseOptions options;
  options.unsynced_bytes_max = 10;
  Running running(1);
  running.db = MemoryDatabase::Create(options);
  running.partitions = MakePartitions(
      PartitionsOptions{.partition_count = 1},
      PartitionsParts{
          running.db->store(),
          running.db->log(),
          running.disk,
          SystemClock(),
          running.publisher,
          running.target},
      [&](PartitionId partition) {
        return std::make_unique<ListeningMachine>(partition, running.journal);
      });
  const auto txn = running.db->store().Begin();
  txn->Put(Family::kMeta, "key", "longer than ten bytes");
  running.db->log().Append(PartitionId{0}, 1, *txn);
  EXPECT_EQ(
      running.partitions->Submit(PartitionId{0}, Source::kNewWork, Numbered(1)),
      Submitted::kOverloaded);
  EXPECT_EQ(running.Submit(0, 2), Submitted::kAccepted);
  running.db->Sync();
  EXPECT_EQ(
      running.partitions->Submit(PartitionId{0}, Source::kNewWork, Numbered(3)),
      Submitted::kAccepted);
}

TEST(Partitions, OnlyNewWorkIsRefusedWhileTheDiskIsNearlyFull) {
  Running running(1);
  const auto submit = [&](Source source) {
    return running.partitions->Submit(PartitionId{0}, source, Numbered(1));
  };
  running.disk.full = true;
  EXPECT_EQ(submit(Source::kNewWork), Submitted::kDiskNearlyFull);
  for (const Source source :
       {Source::kRead, Source::kControl, Source::kStream, Source::kPeer, Source::kSelf}) {
    EXPECT_EQ(submit(source), Submitted::kAccepted) << static_cast<int>(source);
  }
  running.disk.full = false;
  EXPECT_EQ(submit(Source::kNewWork), Submitted::kAccepted);
  running.partitions->Start();
  EXPECT_EQ(running.journal.WaitFor(2 + 6).size(), 8U);
}

TEST(Partitions, StopEndsASleepAndAppliesNothingAfterwards) {
  Running running(4);
  running.partitions->Start();
  running.journal.WaitFor(5);
  const auto begun = std::chrono::steady_clock::now();
  running.partitions->Stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(900));
  running.Submit(0, 1);
  EXPECT_EQ(running.journal.WaitFor(5).size(), 5U);
}

}  // namespace
}  // namespace perdure::test
