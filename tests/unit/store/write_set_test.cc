// SPDX-License-Identifier: Apache-2.0
//
// Goal: a write set tells the newest write of each key, whatever the sizes, and its rows in order.
// Method: the index against the batch it points into; a spent set against a new one.
#include "store/write_set.h"

#include "tests/unit/store/store_test_support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace perdure {
namespace {

using ::testing::ElementsAre;

class WriteSetTest : public ::testing::Test {
 protected:
  void Put(BytesView key, BytesView value, Family family = Family::kState) {
    set_.Put(Handle(family), family, key, value);
  }
  rocksdb::ColumnFamilyHandle* Handle(Family family) {
    return dynamic_cast<RocksDatabase&>(*database_).tables().handle(family);
  }
  std::string Value(BytesView key, Family family = Family::kState) {
    const auto found = set_.Find(family, key);
    if (!found.has_value()) return "nothing";
    return found->deleted ? "deleted" : std::string(found->value);
  }
  std::vector<std::string> Keys(BytesView lower, BytesView upper) {
    std::vector<std::string> keys;
    for (const PendingRow& row : set_.Rows(Family::kState, lower, upper)) {
      keys.push_back(row.value.has_value() ? row.key : row.key + " deleted");
    }
    return keys;
  }

  TestFolder folder_;
  std::unique_ptr<Database> database_ = MustOpen(OptionsFor(folder_ / "node"));
  WriteSet set_;
};

TEST_F(WriteSetTest, TellsTheNewestWriteOfAKey) {
  EXPECT_EQ(Value("a"), "nothing");
  Put("a", "1");
  Put("a", "2");
  Put("b", "");
  EXPECT_EQ(Value("a"), "2");
  EXPECT_EQ(Value("b"), "");
  set_.Delete(Handle(Family::kState), Family::kState, "a");
  EXPECT_EQ(Value("a"), "deleted");
  Put("a", "3");
  EXPECT_EQ(Value("a"), "3");
}

TEST_F(WriteSetTest, TellsFamiliesApart) {
  Put("a", "state");
  Put("a", "queue", Family::kQueue);
  set_.SingleDelete(Handle(Family::kJournal), Family::kJournal, "a");
  EXPECT_EQ(Value("a"), "state");
  EXPECT_EQ(Value("a", Family::kQueue), "queue");
  EXPECT_EQ(Value("a", Family::kJournal), "deleted");
  EXPECT_EQ(Value("a", Family::kStatus), "nothing");
}

// The length in front of a value takes one byte more at each of these sizes.
TEST_F(WriteSetTest, FindsValuesOfAnySize) {
  const std::vector<size_t> sizes = {0, 1, 127, 128, 16383, 16384, 2097151, 2097152};
  for (const size_t size : sizes) {
    Put("k" + std::to_string(size), std::string(size, 'x'));
    Put(std::string(size + 1, 'k'), "long key");
  }
  for (const size_t size : sizes) {
    EXPECT_EQ(Value("k" + std::to_string(size)), std::string(size, 'x')) << size;
    EXPECT_EQ(Value(std::string(size + 1, 'k')), "long key") << size;
  }
}

TEST_F(WriteSetTest, HoldsMoreKeysThanItHasSlots) {
  constexpr int kKeys = 5000;
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < kKeys; ++i) {
      Put("k" + std::to_string(i), std::to_string(i + round));
    }
  }
  for (int i = 0; i < kKeys; ++i) {
    ASSERT_EQ(Value("k" + std::to_string(i)), std::to_string(i + 1));
  }
  EXPECT_EQ(set_.Rows(Family::kState, "", "").size(), static_cast<size_t>(kKeys));
}

TEST_F(WriteSetTest, RowsAreInOrderAndOncePerKey) {
  Put("c", "1");
  Put("a", "1");
  Put("b", "1");
  Put("a", "2");
  set_.Delete(Handle(Family::kState), Family::kState, "b");
  Put("q", "1", Family::kQueue);
  EXPECT_THAT(Keys("", ""), ElementsAre("a", "b deleted", "c"));
  EXPECT_THAT(Keys("b", "c"), ElementsAre("b deleted"));
  EXPECT_THAT(Keys("aa", ""), ElementsAre("b deleted", "c"));
}

TEST_F(WriteSetTest, IsEmptyWhenItIsUsedAgain) {
  WriteSetPool pool;
  std::unique_ptr<WriteSet> set = pool.Take();
  set->Put(Handle(Family::kState), Family::kState, "a", "1");
  WriteSet* const place = set.get();
  pool.Return(std::move(set));

  set = pool.Take();

  EXPECT_EQ(set.get(), place);
  EXPECT_TRUE(set->empty());
  EXPECT_EQ(set->byte_size(), 0U);
  EXPECT_FALSE(set->Find(Family::kState, "a").has_value());
  EXPECT_TRUE(set->Rows(Family::kState, "", "").empty());
  EXPECT_EQ(set->batch().Count(), 0U);
}

}  // namespace
}  // namespace perdure
