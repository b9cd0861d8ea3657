// SPDX-License-Identifier: Apache-2.0
//
// Goal: the record of syncs that the crash test reads names every log file with the bytes a sync
// has covered, never more. Method: the record beside a real database.
#include "tests/unit/store/store_test_support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

namespace perdure {
namespace {

using ::testing::HasSubstr;

// The last line of each name: what the crash test reads.
std::map<std::string, uint64_t> RecordedSizes(const std::string& file) {
  std::map<std::string, uint64_t> sizes;
  std::ifstream lines(file);
  std::string name;
  for (uint64_t bytes = 0; lines >> name >> bytes;) {
    sizes[name] = bytes;
  }
  return sizes;
}

TEST(RecordSynced, TellsHowFarEachLogFileWasSynced) {
  TestFolder folder;
  DatabaseOptions options = OptionsFor(folder / "node");
  options.record_synced = true;
  const auto database = MustOpen(options);
  WriteTurns(*database, 0, 10);
  MustSync(*database);
  const std::string log = LogFileNames(options.folder).back();
  const uint64_t size = LengthWithoutZeros(options.folder, log);
  EXPECT_EQ(RecordedSizes(folder / "node/wal-synced")[log], size);

  WriteTurns(*database, 10, 20);
  EXPECT_EQ(RecordedSizes(folder / "node/wal-synced")[log], size) << "not synced yet";

  CopyFolder(options.folder, folder / "cut");
  CutLogFile(folder / "cut", log, size);
  const auto again = MustOpen(OptionsFor(folder / "cut"));
  EXPECT_EQ(CountTurns(*again, 0, 20), 10);
}

// RocksDB syncs a full log file before it flushes: rows of one family are then in a table, those of
// another only in that log file, and a test that took it away would tear a turn apart.
TEST(RecordSynced, IncludesSyncsThatRocksDbMakesItself) {
  TestFolder folder;
  DatabaseOptions options = OptionsFor(folder / "node");
  options.record_synced = true;
  const auto database = MustOpen(options);
  WriteTurns(*database, 0, 10);
  const std::string log = LogFileNames(options.folder).back();
  const uint64_t size = LengthWithoutZeros(options.folder, log);

  auto& own = dynamic_cast<RocksDatabase&>(*database);
  ASSERT_TRUE(own.raw()->Flush({}, own.tables().handle(Family::kState)).ok());

  EXPECT_EQ(RecordedSizes(folder / "node/wal-synced")[log], size);
}

TEST(RecordSynced, MakesTheFileBeforeAnythingIsSynced) {
  TestFolder folder;
  DatabaseOptions options = OptionsFor(folder / "node");
  options.record_synced = true;
  // The database cannot be opened, but the folder can.
  std::filesystem::create_directories(folder / "node");
  WriteText(folder / "node/format", std::to_string(kDatabaseFormat) + "\n");
  std::filesystem::create_directories(folder / "node/db/LOCK");

  EXPECT_THAT(RefusalOf(options), HasSubstr("cannot open the database"));
  EXPECT_TRUE(std::filesystem::exists(folder / "node/wal-synced"));
}

}  // namespace
}  // namespace perdure
