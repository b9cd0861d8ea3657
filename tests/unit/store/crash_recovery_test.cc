// SPDX-License-Identifier: Apache-2.0
//
// Goal: after a power cut the database holds a prefix of what was written, and everything that was
// synced; if the disk lost more, it is refused. Method: a file system that knows what was synced,
// and copies of the live folder with log files cut to that, or below it.
#include "tests/unit/store/store_test_support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace perdure {
namespace {

using ::testing::HasSubstr;

class CrashRecoveryTest : public ::testing::Test {
 protected:
  CrashRecoveryTest() {
    options_ = OptionsFor(folder_ / "node");
    options_.test_file_system = files_;
    options_.write_buffers_bytes = 512 * limits::kMiB;  // no switch that the test did not ask for
    database_ = MustOpen(options_);
  }

  // The folder as a power cut leaves it. Table files and the manifest are synced before they count.
  DatabaseOptions PowerCut() {
    CopyFolder(options_.folder, folder_ / "cut");
    for (const std::string& name : LogFileNames(folder_ / "cut")) {
      CutLogFile(folder_ / "cut", name, files_->SyncedBytes(options_.folder + "/db/" + name));
    }
    return OptionsFor(folder_ / "cut");
  }

  // Another log file begins; the memtables that were full are not flushed.
  void SwitchLogFile() {
    auto& own = dynamic_cast<RocksDatabase&>(*database_);
    ASSERT_TRUE(own.raw()->PauseBackgroundWork().ok());
    rocksdb::FlushOptions flush;
    flush.wait = false;
    flush.allow_write_stall = true;
    ASSERT_TRUE(own.raw()->Flush(flush, own.tables().handle(Family::kState)).ok());
    paused_ = true;
  }

  void TearDown() override {
    if (paused_) {
      EXPECT_TRUE(Raw(*database_).ContinueBackgroundWork().ok());
    }
  }

  TestFolder folder_;
  std::shared_ptr<SyncTrackingFileSystem> files_ = std::make_shared<SyncTrackingFileSystem>();
  DatabaseOptions options_;
  std::unique_ptr<Database> database_;
  bool paused_ = false;
};

TEST_F(CrashRecoveryTest, AKilledProcessLosesNothing) {
  WriteTurns(*database_, 0, 20);

  CopyFolder(options_.folder, folder_ / "cut");
  const auto again = MustOpen(OptionsFor(folder_ / "cut"));

  EXPECT_EQ(CountTurns(*again, 0, 20), 20);
}

TEST_F(CrashRecoveryTest, APowerCutLosesTheUnsyncedTailOnly) {
  WriteTurns(*database_, 0, 10);
  MustSync(*database_);
  WriteTurns(*database_, 10, 20);

  const auto again = MustOpen(PowerCut());

  EXPECT_EQ(CountTurns(*again, 0, 10), 10);
  EXPECT_EQ(CountTurns(*again, 10, 20), 0);
}

TEST_F(CrashRecoveryTest, EveryCutInsideTheTailLeavesAPrefix) {
  WriteTurns(*database_, 0, 3);
  MustSync(*database_);
  const std::string log = LogFileNames(options_.folder).back();
  const uint64_t synced = files_->SyncedBytes(options_.folder + "/db/" + log);
  WriteTurns(*database_, 3, 6);
  const uint64_t written = files_->WrittenBytes(options_.folder + "/db/" + log);
  ASSERT_GT(written, synced);

  for (uint64_t bytes = synced; bytes <= written; bytes += 13) {
    CopyFolder(options_.folder, folder_ / "cut");
    CutLogFile(folder_ / "cut", log, bytes);
    const auto again = MustOpen(OptionsFor(folder_ / "cut"));
    const int turns = CountTurns(*again, 0, 6);
    ASSERT_GE(turns, 3) << bytes;
    ASSERT_EQ(CountTurns(*again, 0, turns), turns) << bytes;
  }
}

// The length of a log file is synced before its bytes are, so a power cut leaves zeros too.
TEST_F(CrashRecoveryTest, EveryCutMayLeaveZerosBehindIt) {
  WriteTurns(*database_, 0, 3);
  MustSync(*database_);
  const std::string log = LogFileNames(options_.folder).back();
  const uint64_t synced = files_->SyncedBytes(options_.folder + "/db/" + log);
  WriteTurns(*database_, 3, 6);
  const uint64_t written = files_->WrittenBytes(options_.folder + "/db/" + log);

  for (uint64_t bytes = synced; bytes <= written; bytes += 13) {
    CopyFolder(options_.folder, folder_ / "cut");
    ZeroLogFile(folder_ / "cut", log, bytes, written - bytes);
    const auto again = MustOpen(OptionsFor(folder_ / "cut"));
    const int turns = CountTurns(*again, 0, 6);
    ASSERT_GE(turns, 3) << bytes;
    ASSERT_EQ(CountTurns(*again, 0, turns), turns) << bytes;
  }
}

// Pages reach the disk in any order.
TEST_F(CrashRecoveryTest, ALostPageInsideTheTailEndsTheReplay) {
  WriteTurns(*database_, 0, 10);
  MustSync(*database_);
  const std::string log = LogFileNames(options_.folder).back();
  WriteTurns(*database_, 10, 3000);
  constexpr uint64_t kPage = 4096;
  constexpr uint64_t kBlock = 32 * 1024;
  ASSERT_GT(files_->WrittenBytes(options_.folder + "/db/" + log), 4 * kBlock);

  for (uint64_t page = kPage; page < 3 * kBlock; page += kPage) {
    CopyFolder(options_.folder, folder_ / "cut");
    ZeroLogFile(folder_ / "cut", log, page, kPage);
    const auto again = MustOpen(OptionsFor(folder_ / "cut"));
    int turns = 0;
    while (Has(*again, turns)) {
      ++turns;
    }
    ASSERT_GE(turns, 10) << page;
    ASSERT_LT(turns, 3000) << page;
    ASSERT_EQ(CountTurns(*again, turns, 3000), 0) << page;
  }
}

TEST_F(CrashRecoveryTest, ALogFileIsLongerThanWhatIsWrittenUntilItIsClosed) {
  WriteTurns(*database_, 0, 10);
  const std::string log = LogFileNames(options_.folder).back();
  const std::string path = options_.folder + "/db/" + log;
  const uint64_t length = std::filesystem::file_size(path);
  EXPECT_GT(length, files_->WrittenBytes(path));
  EXPECT_EQ(LengthWithoutZeros(options_.folder, log), files_->WrittenBytes(path));

  WriteTurns(*database_, 10, 20);
  EXPECT_EQ(std::filesystem::file_size(path), length) << "no growth, no new size to sync";
  database_.reset();
  EXPECT_EQ(std::filesystem::file_size(path), files_->WrittenBytes(path));
}

TEST_F(CrashRecoveryTest, WhatWasRecoveredIsDurableBeforeItIsUsed) {
  WriteTurns(*database_, 0, 10);  // never synced, but found after a kill
  CopyFolder(options_.folder, folder_ / "killed");
  auto files = std::make_shared<SyncTrackingFileSystem>();
  DatabaseOptions options = OptionsFor(folder_ / "killed");
  options.test_file_system = files;
  const auto again = MustOpen(options);
  ASSERT_EQ(CountTurns(*again, 0, 10), 10);

  CopyFolder(options.folder, folder_ / "cut");
  for (const std::string& name : LogFileNames(folder_ / "cut")) {
    CutLogFile(folder_ / "cut", name, files->SyncedBytes(options.folder + "/db/" + name));
  }
  const auto third = MustOpen(OptionsFor(folder_ / "cut"));

  EXPECT_EQ(CountTurns(*third, 0, 10), 10);
  EXPECT_EQ(third->start_counter(), again->start_counter() + 1);
}

// Two live log files, the tail of the older one lost at a record boundary, the newer one intact.
TEST_F(CrashRecoveryTest, ALostTailOfAnOlderLogFileEndsTheReplay) {
  WriteTurns(*database_, 0, 10);
  MustSync(*database_);
  const std::string older = LogFileNames(options_.folder).back();
  const uint64_t synced = files_->SyncedBytes(options_.folder + "/db/" + older);
  WriteTurns(*database_, 10, 20);
  SwitchLogFile();
  WriteTurns(*database_, 20, 30);
  ASSERT_EQ(LogFileNames(options_.folder).size(), 2U);
  CopyFolder(options_.folder, folder_ / "cut");
  CutLogFile(folder_ / "cut", older, synced);

  {
    const auto again = MustOpen(OptionsFor(folder_ / "cut"));
    EXPECT_EQ(CountTurns(*again, 0, 10), 10);
    EXPECT_EQ(CountTurns(*again, 10, 30), 0);
    WriteTurns(*again, 40, 50);
    MustSync(*again);
  }
  // Numbers go on from the end of the prefix: the next recovery sees one chain.
  const auto third = MustOpen(OptionsFor(folder_ / "cut"));
  EXPECT_EQ(CountTurns(*third, 0, 10), 10);
  EXPECT_EQ(CountTurns(*third, 10, 40), 0);
  EXPECT_EQ(CountTurns(*third, 40, 50), 10);
}

TEST_F(CrashRecoveryTest, WithoutTheProofTheReplayWouldHaveAHole) {
  WriteTurns(*database_, 0, 10);
  MustSync(*database_);
  const std::string older = LogFileNames(options_.folder).back();
  const uint64_t synced = files_->SyncedBytes(options_.folder + "/db/" + older);
  WriteTurns(*database_, 10, 20);
  SwitchLogFile();
  WriteTurns(*database_, 20, 30);
  CopyFolder(options_.folder, folder_ / "cut");
  CutLogFile(folder_ / "cut", older, synced);
  DatabaseOptions options = OptionsFor(folder_ / "cut");
  options.test_skip_prefix_proof = true;

  const auto again = MustOpen(options);

  EXPECT_EQ(CountTurns(*again, 10, 20), 0);
  EXPECT_EQ(CountTurns(*again, 20, 30), 10) << "if this fails, RocksDB no longer needs the filter";
}

TEST_F(CrashRecoveryTest, AnOlderLogFileThatLostEverythingEndsTheReplay) {
  std::filesystem::remove(options_.folder + "/wal-mark");  // nothing is known to be synced
  WriteTurns(*database_, 0, 10);
  const std::string older = LogFileNames(options_.folder).back();
  SwitchLogFile();
  WriteTurns(*database_, 10, 20);
  CopyFolder(options_.folder, folder_ / "cut");
  CutLogFile(folder_ / "cut", older, 0);

  const auto again = MustOpen(OptionsFor(folder_ / "cut"));

  EXPECT_EQ(CountTurns(*again, 0, 20), 0);
}

TEST_F(CrashRecoveryTest, ALossOfSyncedWritesIsRefusedUntilTheOperatorDecides) {
  WriteTurns(*database_, 0, 10);
  MustSync(*database_);
  const std::string log = LogFileNames(options_.folder).back();
  const uint64_t first = files_->SyncedBytes(options_.folder + "/db/" + log);
  WriteTurns(*database_, 10, 20);
  MustSync(*database_);
  CopyFolder(options_.folder, folder_ / "cut");
  CutLogFile(folder_ / "cut", log, first);
  const DatabaseOptions options = OptionsFor(folder_ / "cut");

  EXPECT_THAT(RefusalOf(options), HasSubstr("has lost writes that were already durable"));
  EXPECT_THAT(RefusalOf(options), HasSubstr("delete the file " + (folder_ / "cut/wal-mark")))
      << "the second start must not take the rest for the whole";

  std::filesystem::remove(folder_ / "cut/wal-mark");
  const auto again = MustOpen(options);
  EXPECT_EQ(CountTurns(*again, 0, 10), 10);
  EXPECT_EQ(CountTurns(*again, 10, 20), 0);
}

TEST_F(CrashRecoveryTest, AnEmptiedLogFileIsRefused) {
  WriteTurns(*database_, 0, 10);
  MustSync(*database_);
  CopyFolder(options_.folder, folder_ / "cut");
  CutLogFile(folder_ / "cut", LogFileNames(options_.folder).back(), 0);

  EXPECT_THAT(RefusalOf(OptionsFor(folder_ / "cut")), HasSubstr("has lost writes"));
}

TEST_F(CrashRecoveryTest, AMissingLogFileIsRefused) {
  WriteTurns(*database_, 0, 10);
  MustSync(*database_);
  CopyFolder(options_.folder, folder_ / "cut");
  std::filesystem::remove(folder_ / "cut/db/" + LogFileNames(options_.folder).back());

  EXPECT_THAT(RefusalOf(OptionsFor(folder_ / "cut")), HasSubstr("has lost writes"));
}

// The marked write is in table files and its log file is gone: nothing is lost.
TEST_F(CrashRecoveryTest, FlushedWritesAreNotTakenForLost) {
  WriteTurns(*database_, 0, 10);
  MustSync(*database_);
  auto& own = dynamic_cast<RocksDatabase&>(*database_);
  std::vector<rocksdb::ColumnFamilyHandle*> all(
      own.tables().families.begin(), own.tables().families.end());
  all.push_back(own.raw()->DefaultColumnFamily());
  ASSERT_TRUE(own.raw()->Flush({}, all).ok());

  const auto again = MustOpen(PowerCut());

  EXPECT_EQ(CountTurns(*again, 0, 10), 10);
}

// Housekeeping begins a log file outside of any write.
TEST_F(CrashRecoveryTest, AStartedFlushKeepsTheUnsyncedTailAndTheProof) {
  WriteTurns(*database_, 0, 10);
  MustSync(*database_);
  WriteTurns(*database_, 10, 20);
  ASSERT_TRUE(database_->StartFlush());
  WaitForBackgroundWork(*database_);
  EXPECT_EQ(CountTurns(*MustOpen(PowerCut()), 0, 20), 20) << "it is in tables, synced or not";

  MustSync(*database_);
  EXPECT_EQ(CountTurns(*MustOpen(PowerCut()), 0, 20), 20) << "nothing new was written";
  WriteTurns(*database_, 20, 30);
  MustSync(*database_);
  WriteTurns(*database_, 30, 40);

  const auto again = MustOpen(PowerCut());
  EXPECT_EQ(CountTurns(*again, 0, 30), 30);
  EXPECT_EQ(CountTurns(*again, 30, 40), 0);
}

// The last write of a round decides which log file the mark names; a wrong one would refuse the
// folder.
TEST_F(CrashRecoveryTest, FlushesMayBeStartedBetweenAnyTwoWrites) {
  constexpr int kRounds = 8;
  constexpr int kTurns = 40;
  for (int round = 0; round < kRounds; ++round) {
    std::atomic<bool> done{false};
    std::thread writer([&] {
      for (int turn = round * kTurns; turn < (round + 1) * kTurns; ++turn) {
        WriteTurns(*database_, turn, turn + 1);
        MustSync(*database_);
      }
      done = true;
    });
    while (!done) {
      static_cast<void>(database_->StartFlush());
    }
    writer.join();
    WaitForBackgroundWork(*database_);
    const int turns = (round + 1) * kTurns;
    EXPECT_EQ(CountTurns(*MustOpen(PowerCut()), 0, turns), turns);
  }
}

// Calls back when the size of a log file is asked for, which the database does in one place: when
// it notes in which file a write has ended.
class AskedForLogSize final : public rocksdb::FileSystemWrapper {
 public:
  AskedForLogSize() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "AskedForLogSize"; }
  rocksdb::IOStatus GetFileSize(
      const std::string& name,
      const rocksdb::IOOptions& options,
      uint64_t* size,
      rocksdb::IODebugContext* debug) override {
    if (on_ask && name.ends_with(".log")) std::exchange(on_ask, {})();
    return FileSystemWrapper::GetFileSize(name, options, size, debug);
  }
  std::function<void()> on_ask;
};

TEST(StartFlush, BeginsNoLogFileBetweenAWriteAndTheNoteWhereItEnded) {
  TestFolder folder;
  const auto files = std::make_shared<AskedForLogSize>();
  DatabaseOptions options = OptionsFor(folder / "node");
  options.test_file_system = files;
  const auto database = MustOpen(options);
  PutRow(*database, Family::kState, "a", "1");
  ASSERT_TRUE(database->StartFlush());
  WaitForBackgroundWork(*database);

  std::future<bool> flush;
  std::thread housekeeper;
  bool asked = false;
  files->on_ask = [&] {
    asked = true;
    std::packaged_task<bool()> task([&] { return database->StartFlush(); });
    flush = task.get_future();
    housekeeper = std::thread(std::move(task));
    // Long enough for a flush that nothing holds back.
    EXPECT_EQ(flush.wait_for(std::chrono::milliseconds(200)), std::future_status::timeout);
  };
  PutRow(*database, Family::kState, "b", "2");  // the first in a new log file: the note has to ask
  ASSERT_TRUE(asked);
  EXPECT_TRUE(flush.get());
  housekeeper.join();
}

TEST_F(CrashRecoveryTest, TheMarkFollowsTheLogFile) {
  WriteTurns(*database_, 0, 10);
  MustSync(*database_);
  SwitchLogFile();
  WriteTurns(*database_, 10, 20);
  MustSync(*database_);
  const std::vector<std::string> logs = LogFileNames(options_.folder);
  ASSERT_EQ(logs.size(), 2U);

  EXPECT_EQ(CountTurns(*MustOpen(PowerCut()), 0, 20), 20);

  CopyFolder(options_.folder, folder_ / "cut");
  CutLogFile(folder_ / "cut", logs.back(), 0);
  const std::string file = "(log file " + std::to_string(std::stoull(logs.back())) + ")";
  EXPECT_THAT(RefusalOf(OptionsFor(folder_ / "cut")), HasSubstr(file));
}

TEST_F(CrashRecoveryTest, AnUnreadableMarkIsNoReasonToRefuse) {
  WriteTurns(*database_, 0, 10);
  CopyFolder(options_.folder, folder_ / "cut");
  WriteText(folder_ / "cut/wal-mark", std::string(44, '\0'));

  EXPECT_EQ(CountTurns(*MustOpen(OptionsFor(folder_ / "cut")), 0, 10), 10);
}

}  // namespace
}  // namespace perdure
