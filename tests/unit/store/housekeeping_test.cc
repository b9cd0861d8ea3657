// SPDX-License-Identifier: Apache-2.0
//
// Disk comes back after deletes although nothing more is written, and nothing is flushed for
// nothing.
#include "perdure/store/housekeeping.h"

#include "store/housekeeper.h"
#include "tests/unit/store/store_test_support.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace perdure {
namespace {

using limits::kKiB;
using limits::kMiB;

class ManualClock final : public Clock {
 public:
  TimeMs WallMs() const override { return 0; }
  uint64_t MonotonicNs() const override { return now_ms * 1'000'000; }
  uint64_t now_ms = 1000;
};

constexpr DurationMs kAfterMs = limits::kDeletesFlushedAfterMs;
constexpr int kRows = 4000;

uint64_t DiskUse(const std::string& folder) {
  uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) bytes += entry.file_size();
  }
  return bytes;
}

std::string Key(int row) {
  return "row " + std::to_string(1'000'000 + row);
}

class HousekeepingTest : public ::testing::Test {
 protected:
  HousekeepingTest()
      : database_(MustOpen(OptionsFor(folder_ / "node"))),
        housekeeper_(*database_, clock_, HousekeepingOptions{}) {}

  // Bodies that do not compress and are large enough for blob files, and a small row beside each.
  void WriteBodies() {
    std::mt19937 random(1);
    for (int row = 0; row < kRows; ++row) {
      std::string body(8 * kKiB, '\0');
      for (char& byte : body)
        byte = static_cast<char>(random());
      const std::unique_ptr<StateTxn> txn = database_->Begin();
      txn->Put(Family::kJournal, Key(row), body);
      txn->Put(Family::kStatus, Key(row), "completed");
      MustWrite(*database_, *txn);
    }
    MustSync(*database_);
  }

  void DeleteBodies() {
    for (int row = 0; row < kRows; ++row) {
      const std::unique_ptr<StateTxn> txn = database_->Begin();
      txn->DeleteOnce(Family::kJournal, Key(row));
      txn->Delete(Family::kStatus, Key(row));
      MustWrite(*database_, *txn);
    }
    MustSync(*database_);
  }

  void StepLater(DurationMs ms) {
    clock_.now_ms += ms;
    housekeeper_.Step();
    WaitForBackgroundWork(*database_);
  }

  std::vector<std::string> Logs() { return LogFileNames(folder_ / "node"); }

  TestFolder folder_;
  ManualClock clock_;
  std::unique_ptr<Database> database_;
  Housekeeper housekeeper_;
};

TEST_F(HousekeepingTest, DiskComesBackWithinMinutesOfTheDeletes) {
  WriteBodies();
  StepLater(kAfterMs);
  const uint64_t full = DiskUse(folder_ / "node");
  ASSERT_GT(full, kRows * 8 * kKiB);
  DeleteBodies();
  StepLater(0);
  StepLater(kAfterMs - 1);
  EXPECT_GT(DiskUse(folder_ / "node"), kRows * 8 * kKiB)
      << "nothing but housekeeping gives it back";

  StepLater(1);

  EXPECT_LT(DiskUse(folder_ / "node"), 1 * kMiB);
  EXPECT_EQ(database_->Begin()->Get(Family::kJournal, Key(7)), std::nullopt);
}

TEST_F(HousekeepingTest, WhatWasNotDeletedStays) {
  WriteBodies();
  PutRow(*database_, Family::kJournal, "kept", std::string(8 * kKiB, 'k'));
  DeleteBodies();
  StepLater(0);
  StepLater(kAfterMs);

  EXPECT_EQ(database_->Begin()->Get(Family::kJournal, "kept"), std::string(8 * kKiB, 'k'));
  database_.reset();
  database_ = MustOpen(OptionsFor(folder_ / "node"));
  EXPECT_EQ(database_->Begin()->Get(Family::kJournal, "kept"), std::string(8 * kKiB, 'k'));
}

TEST_F(HousekeepingTest, FlushesNothingIfNothingWasDeleted) {
  PutRow(*database_, Family::kJournal, "a", "1");
  const std::vector<std::string> logs = Logs();
  for (int step = 0; step < 5; ++step)
    StepLater(kAfterMs);
  EXPECT_EQ(Logs(), logs);
}

TEST_F(HousekeepingTest, FlushesOncePerDelete) {
  const auto delete_row = [this] {
    const std::unique_ptr<StateTxn> txn = database_->Begin();
    txn->Delete(Family::kStatus, "a");
    MustWrite(*database_, *txn);
  };
  delete_row();
  StepLater(0);
  StepLater(kAfterMs);
  const std::vector<std::string> logs = Logs();
  PutRow(*database_, Family::kStatus, "b", "1");
  for (int step = 0; step < 5; ++step)
    StepLater(kAfterMs);
  EXPECT_EQ(Logs(), logs) << "it was flushed already";

  delete_row();
  StepLater(0);
  StepLater(kAfterMs - 1);
  EXPECT_EQ(Logs(), logs) << "it is young";
  StepLater(1);
  EXPECT_NE(Logs(), logs);
}

TEST_F(HousekeepingTest, ASecondFlushWaitsForTheFirst) {
  PutRow(*database_, Family::kStatus, "a", "1");
  ASSERT_TRUE(Raw(*database_).PauseBackgroundWork().ok());
  EXPECT_TRUE(database_->StartFlush());
  PutRow(*database_, Family::kStatus, "b", "1");
  EXPECT_FALSE(database_->StartFlush());
  ASSERT_TRUE(Raw(*database_).ContinueBackgroundWork().ok());
  WaitForBackgroundWork(*database_);
  EXPECT_TRUE(database_->StartFlush());
}

TEST_F(HousekeepingTest, TheThreadFlushesByItself) {
  HousekeepingOptions options;
  options.every_ms = 1;
  options.flush_deletes_after_ms = 1;
  const std::unique_ptr<Housekeeping> housekeeping =
      Housekeeping::Start(*database_, SystemClock(), options);
  const std::vector<std::string> logs = Logs();
  const std::unique_ptr<StateTxn> txn = database_->Begin();
  txn->Delete(Family::kStatus, "a");
  MustWrite(*database_, *txn);
  while (Logs() == logs)
    std::this_thread::yield();
  housekeeping->Stop();
  housekeeping->Stop();
}

}  // namespace
}  // namespace perdure
