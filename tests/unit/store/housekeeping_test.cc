// SPDX-License-Identifier: Apache-2.0
//
// Disk comes back after deletes although nothing more is written, nothing is flushed for nothing,
// and a disk that fills up is noticed, once at each edge.
#include "perdure/store/housekeeping.h"

#include "perdure/base/log.h"
#include "store/housekeeper.h"
#include "store/posix_file.h"
#include "tests/unit/store/store_test_support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <random>
#include <string>
#include <vector>

namespace perdure {
namespace {

using limits::kKiB;
using limits::kMiB;
using ::testing::HasSubstr;

class ManualClock final : public Clock {
 public:
  TimeMs WallMs() const override { return 0; }
  uint64_t MonotonicNs() const override { return now_ms * 1'000'000; }
  uint64_t now_ms = 1000;
};

constexpr DurationMs kAfterMs = limits::kDeletesFlushedAfterMs;
constexpr int kRows = 4000;

HousekeepingOptions Watching(const std::string& folder) {
  HousekeepingOptions options;
  options.folder = folder;
  return options;
}

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
        housekeeper_(*database_, clock_, Watching(folder_ / "node")) {}

  // Bodies that do not compress and are large enough for blob files, and a small row beside each.
  void WriteBodies() {
    std::mt19937 random(1);
    for (int row = 0; row < kRows; ++row) {
      std::string body(8 * kKiB, '\0');
      for (char& byte : body) {
        byte = static_cast<char>(random());
      }
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
  for (int step = 0; step < 5; ++step) {
    StepLater(kAfterMs);
  }
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
  for (int step = 0; step < 5; ++step) {
    StepLater(kAfterMs);
  }
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
  HousekeepingOptions options = Watching(folder_ / "node");
  options.every_ms = 1;
  options.flush_deletes_after_ms = 1;
  const std::unique_ptr<Housekeeping> housekeeping =
      Housekeeping::Start(*database_, SystemClock(), options);
  const std::vector<std::string> logs = Logs();
  const std::unique_ptr<StateTxn> txn = database_->Begin();
  txn->Delete(Family::kStatus, "a");
  MustWrite(*database_, *txn);
  while (Logs() == logs) {
    std::this_thread::yield();
  }
  housekeeping->Stop();
  housekeeping->Stop();
}

// A disk whose free space the test decides.
struct FakeDisk {
  Result<uint64_t> free = uint64_t{0};
  HousekeepingOptions Options() {
    HousekeepingOptions options;
    options.folder = "/data";
    options.reserve_bytes = 100;
    options.reserve_regained_bytes = 125;
    options.test_free_bytes = [this] { return free; };
    return options;
  }
};

// What the steps log while the disk has each of these numbers of free bytes, and whether it is
// nearly full after each.
struct Watched {
  std::vector<bool> nearly_full;
  std::string log;
};
Watched Watch(Database& database, const std::vector<Result<uint64_t>>& looks) {
  FakeDisk disk;
  const ManualClock clock;
  Housekeeper housekeeper(database, clock, disk.Options());
  Watched out;
  testing::internal::CaptureStderr();
  InitLogging({.format = LogFormat::kCompact, .level = LogLevel::kInfo, .ansi_colors = false});
  for (const Result<uint64_t>& look : looks) {
    disk.free = look;
    housekeeper.Step();
    out.nearly_full.push_back(housekeeper.nearly_full());
  }
  out.log = testing::internal::GetCapturedStderr();
  return out;
}

size_t Count(const std::string& text, const std::string& word) {
  size_t count = 0;
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    ++count;
  }
  return count;
}

TEST_F(HousekeepingTest, NoticesAFullDiskAndItsEndOnce) {
  const Watched watched = Watch(
      *database_,
      {uint64_t{100}, uint64_t{99}, uint64_t{0}, uint64_t{124}, uint64_t{125}, uint64_t{100}});
  EXPECT_EQ(watched.nearly_full, (std::vector<bool>{false, true, true, true, false, false}));
  EXPECT_EQ(Count(watched.log, "disk_nearly_full"), 1U) << watched.log;
  EXPECT_THAT(watched.log, HasSubstr("folder=/data free_bytes=99 reserve_bytes=100"));
  EXPECT_EQ(Count(watched.log, "disk_has_space_again"), 1U) << watched.log;
}

TEST_F(HousekeepingTest, ADiskThatDoesNotTellChangesNothing) {
  const Error error{ErrorCode::kUnavailable, "no answer"};
  const Watched watched =
      Watch(*database_, {error, error, uint64_t{1}, error, error, uint64_t{500}});
  EXPECT_EQ(watched.nearly_full, (std::vector<bool>{false, false, true, true, true, false}));
  EXPECT_EQ(Count(watched.log, "disk_space_unknown"), 2U) << watched.log;
}

TEST_F(HousekeepingTest, TheThreadLooksBeforeItStartsAndAgain) {
  std::mutex mutex;
  std::condition_variable changed;
  int looks = 0;
  FakeDisk disk;
  HousekeepingOptions options = disk.Options();
  options.every_ms = 1;
  options.test_free_bytes = [&]() -> Result<uint64_t> {
    const std::lock_guard<std::mutex> lock(mutex);
    ++looks;
    changed.notify_all();
    return looks < 10 ? uint64_t{1} : uint64_t{1000};
  };
  const std::unique_ptr<Housekeeping> housekeeping =
      Housekeeping::Start(*database_, SystemClock(), options);
  {
    std::unique_lock<std::mutex> lock(mutex);
    EXPECT_GE(looks, 1);
    // The eleventh look begins after what the tenth saw was noted.
    changed.wait(lock, [&] { return looks > 10; });
  }
  EXPECT_FALSE(housekeeping->nearly_full());
  housekeeping->Stop();
  const int at_stop = looks;
  housekeeping->Stop();
  EXPECT_EQ(looks, at_stop);
}

TEST_F(HousekeepingTest, IsFullFromTheFirstLook) {
  FakeDisk disk;
  const std::unique_ptr<Housekeeping> housekeeping =
      Housekeeping::Start(*database_, SystemClock(), disk.Options());
  EXPECT_TRUE(housekeeping->nearly_full());
}

TEST_F(HousekeepingTest, AsksTheFileSystem) {
  const Result<uint64_t> free = FreeBytes(folder_ / "node");
  ASSERT_TRUE(free.ok());
  EXPECT_GT(*free, 0U);
  const Result<uint64_t> none = FreeBytes(folder_ / "missing");
  ASSERT_FALSE(none.ok());
  EXPECT_THAT(none.error().message, HasSubstr("missing: No such file"));
}

}  // namespace
}  // namespace perdure
