// SPDX-License-Identifier: Apache-2.0
//
// Reads that never wait for the disk (StateStore::FindInMemory): the row, or nothing.
#include "tests/unit/store/store_test_support.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <string>

namespace perdure {
namespace {

TEST(FindInMemory, FindsWhatNeedsNoDisk) {
  TestFolder folder;
  {
    const auto database = MustOpen(OptionsFor(folder / "node"));
    EXPECT_EQ(database->FindInMemory(Family::kStatus, "a"), std::nullopt);
    PutRow(*database, Family::kStatus, "a", "1");
    PutRow(*database, Family::kJournal, "b", std::string(10'000, 'x'));
    EXPECT_EQ(database->FindInMemory(Family::kStatus, "a"), "1");
    EXPECT_EQ(database->FindInMemory(Family::kJournal, "b"), std::string(10'000, 'x'));
  }
  // Recovery flushed the rows: they are in files, and nobody has read them yet.
  const auto database = MustOpen(OptionsFor(folder / "node"));
  EXPECT_EQ(database->FindInMemory(Family::kStatus, "a"), std::nullopt);
  EXPECT_EQ(database->Begin()->Get(Family::kStatus, "a"), "1");
  EXPECT_EQ(database->FindInMemory(Family::kStatus, "a"), "1");
}

// Each opening makes a file per family out of what it recovered. Beyond some of them RocksDB does
// not open the tables at once; a row in one that is not open must not be taken for an empty one.
TEST(FindInMemory, FindsTheRowOrNothingWhateverLiesOnDisk) {
  TestFolder folder;
  std::mt19937 noise(1);
  std::string blob(10'000, '\0');
  std::generate(blob.begin(), blob.end(), [&noise] { return static_cast<char>(noise()); });
  constexpr int kOpenings = 24;
  for (int opening = 0; opening < kOpenings; ++opening) {
    const auto database = MustOpen(OptionsFor(folder / "node"));
    PutRow(*database, Family::kStatus, "small" + std::to_string(opening), "1");
    PutRow(*database, Family::kJournal, "packed" + std::to_string(opening), "2");
    PutRow(*database, Family::kJournal, "blob" + std::to_string(opening), blob);
  }
  const auto database = MustOpen(OptionsFor(folder / "node"));
  const auto expect_or_nothing = [&database](Family family, const std::string& key, BytesView row) {
    const std::optional<std::string> found = database->FindInMemory(family, key);
    EXPECT_TRUE(!found.has_value() || *found == row) << key << ": " << found->size() << " bytes";
  };
  for (int read = 0; read < 2; ++read) {  // the second time after the rows were read
    for (int opening = 0; opening < kOpenings; ++opening) {
      const std::string number = std::to_string(opening);
      expect_or_nothing(Family::kStatus, "small" + number, "1");
      expect_or_nothing(Family::kJournal, "packed" + number, "2");
      expect_or_nothing(Family::kJournal, "blob" + number, blob);
      EXPECT_EQ(database->Begin()->Get(Family::kJournal, "packed" + number), "2");
      EXPECT_EQ(database->Begin()->Get(Family::kJournal, "blob" + number), blob);
    }
  }
}

}  // namespace
}  // namespace perdure
