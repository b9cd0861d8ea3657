// SPDX-License-Identifier: Apache-2.0
//
// What opening a folder promises: it is made, locked, counted, and refused with a reason if it is
// of another format or incomplete.
#include "tests/unit/store/store_test_support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace perdure {
namespace {

using ::testing::HasSubstr;

TEST(Open, MakesTheFolderAndItsParents) {
  TestFolder folder;
  const auto database = MustOpen(OptionsFor(folder / "a/b/node"));

  EXPECT_TRUE(database->created());
  EXPECT_EQ(ReadText(folder / "a/b/node/format"), std::to_string(kDatabaseFormat) + "\n");
}

TEST(Open, RefusesAMissingFolderIfItMustNotMakeIt) {
  TestFolder folder;
  DatabaseOptions options = OptionsFor(folder / "node");
  options.create_if_missing = false;

  EXPECT_THAT(RefusalOf(options), HasSubstr("does not exist"));
  EXPECT_FALSE(std::filesystem::exists(folder / "node"));
}

TEST(Open, RefusesAFileInPlaceOfTheFolder) {
  TestFolder folder;
  WriteText(folder / "node", "text");

  EXPECT_THAT(RefusalOf(OptionsFor(folder / "node")), HasSubstr("not a folder"));
}

TEST(Open, CountsStarts) {
  TestFolder folder;
  for (uint64_t start = 1; start <= 3; ++start) {
    const auto database = MustOpen(OptionsFor(folder / "node"));
    EXPECT_EQ(database->start_counter(), start);
    EXPECT_EQ(database->created(), start == 1);
  }
}

TEST(Open, FindsWhatWasWritten) {
  TestFolder folder;
  {
    const auto database = MustOpen(OptionsFor(folder / "node"));
    PutRow(*database, Family::kState, "a", "1");
  }
  const auto database = MustOpen(OptionsFor(folder / "node"));

  EXPECT_EQ(database->Begin()->Get(Family::kState, "a"), "1");
}

TEST(Open, MetaRowsSurviveAndAreNotInTheFamilies) {
  TestFolder folder;
  {
    const auto database = MustOpen(OptionsFor(folder / "node"));
    EXPECT_EQ(database->ReadMeta("partitions"), std::nullopt);
    ASSERT_TRUE(database->WriteMeta("partitions", "8").ok());
    ASSERT_TRUE(database->WriteMeta("start_counter", "not a number").ok());
  }
  const auto database = MustOpen(OptionsFor(folder / "node"));

  EXPECT_EQ(database->ReadMeta("partitions"), "8");
  EXPECT_EQ(database->start_counter(), 2U);
  EXPECT_FALSE(database->Begin()->Scan(Family::kMeta, "", "")->Valid());
}

TEST(Open, RefusesAFolderThatIsInUse) {
  TestFolder folder;
  const auto database = MustOpen(OptionsFor(folder / "node"));

  EXPECT_EQ(
      RefusalOf(OptionsFor(folder / "node")),
      "the data folder " + (folder / "node") + " is in use by another process");
}

TEST(Open, IsFreeAgainAfterClose) {
  TestFolder folder;
  MustOpen(OptionsFor(folder / "node")).reset();

  EXPECT_EQ(RefusalOf(OptionsFor(folder / "node")), "");
}

TEST(Open, RefusesANewerFormat) {
  TestFolder folder;
  MustOpen(OptionsFor(folder / "node")).reset();
  const std::string own = std::to_string(kDatabaseFormat);
  const std::string newer = std::to_string(kDatabaseFormat + 1);
  WriteText(folder / "node/format", newer + "\n");

  EXPECT_THAT(
      RefusalOf(OptionsFor(folder / "node")),
      HasSubstr(
          "has format " + newer + ", this version reads format " + own +
          ": it was written by a newer version"));
}

TEST(Open, RefusesAnOlderFormat) {
  TestFolder folder;
  MustOpen(OptionsFor(folder / "node")).reset();
  WriteText(folder / "node/format", "1\n");

  EXPECT_THAT(RefusalOf(OptionsFor(folder / "node")), HasSubstr("has format 1"));
}

TEST(Open, RefusesAnUnreadableFormat) {
  TestFolder folder;
  MustOpen(OptionsFor(folder / "node")).reset();
  WriteText(folder / "node/format", "one");

  EXPECT_THAT(RefusalOf(OptionsFor(folder / "node")), HasSubstr("does not hold a format number"));
}

TEST(Open, RefusesADatabaseWithoutFormat) {
  TestFolder folder;
  MustOpen(OptionsFor(folder / "node")).reset();
  std::filesystem::remove(folder / "node/format");

  EXPECT_THAT(RefusalOf(OptionsFor(folder / "node")), HasSubstr("has no file named format"));
}

TEST(Open, RefusesAFolderWhoseDatabaseIsGone) {
  TestFolder folder;
  MustOpen(OptionsFor(folder / "node")).reset();
  std::filesystem::remove_all(folder / "node/db");

  EXPECT_THAT(RefusalOf(OptionsFor(folder / "node")), HasSubstr("the database itself is missing"));
}

TEST(Open, LeavesOtherFilesAlone) {
  TestFolder folder;
  std::filesystem::create_directories(folder / "node/lost+found");
  WriteText(folder / "node/notes", "mine");

  const auto database = MustOpen(OptionsFor(folder / "node"));

  EXPECT_EQ(ReadText(folder / "node/notes"), "mine");
}

}  // namespace
}  // namespace perdure
