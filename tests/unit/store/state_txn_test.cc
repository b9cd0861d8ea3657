// SPDX-License-Identifier: Apache-2.0
//
// Reading and writing through transactions and snapshots on a real database: what a turn sees of
// its own writes, of the state below, and what others see.
#include "tests/unit/store/store_test_support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace perdure {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Family kAllFamilies[] = {
    Family::kMeta,
    Family::kStatus,
    Family::kJournal,
    Family::kState,
    Family::kQueue,
    Family::kIndex};

std::vector<std::string> Rows(
    const StateReader& reader, Family family, BytesView lower = {}, BytesView upper = {}) {
  std::vector<std::string> rows;
  for (auto at = reader.Scan(family, lower, upper); at->Valid(); at->Next()) {
    rows.push_back(std::string(at->key()) + "=" + std::string(at->value()));
  }
  return rows;
}

class StateTxnTest : public ::testing::Test {
 protected:
  TestFolder folder_;
  std::unique_ptr<Database> database_ = MustOpen(OptionsFor(folder_ / "node"));
};

TEST_F(StateTxnTest, FamiliesAreSeparate) {
  const auto txn = database_->Begin();
  for (const Family family : kAllFamilies) {
    txn->Put(family, "key", std::to_string(static_cast<int>(family)));
  }
  MustWrite(*database_, *txn);

  const auto reader = database_->Begin();
  for (const Family family : kAllFamilies) {
    EXPECT_EQ(reader->Get(family, "key"), std::to_string(static_cast<int>(family)));
  }
}

TEST_F(StateTxnTest, ReadsItsOwnWrites) {
  PutRow(*database_, Family::kState, "a", "old");
  const auto txn = database_->Begin();
  EXPECT_EQ(txn->Get(Family::kState, "a"), "old");

  txn->Put(Family::kState, "a", "new");
  txn->Put(Family::kState, "b", {"one", "", "two"});
  EXPECT_EQ(txn->Get(Family::kState, "a"), "new");
  EXPECT_EQ(txn->Get(Family::kState, "b"), "onetwo");

  txn->Delete(Family::kState, "a");
  EXPECT_EQ(txn->Get(Family::kState, "a"), std::nullopt);
  EXPECT_EQ(database_->Begin()->Get(Family::kState, "a"), "old") << "not written yet";
}

TEST_F(StateTxnTest, KeysAndValuesAreAnyBytes) {
  const std::string key("\0\xff\0k", 4);
  const std::string value("\0\0\xff", 3);
  const auto txn = database_->Begin();
  txn->Put(Family::kStatus, key, value);
  txn->Put(Family::kStatus, "empty", "");
  MustWrite(*database_, *txn);

  EXPECT_EQ(database_->Begin()->Get(Family::kStatus, key), value);
  EXPECT_EQ(database_->Begin()->Get(Family::kStatus, "empty"), "");
}

TEST_F(StateTxnTest, LargeJournalValuesComeBackAsTheyWere) {
  const std::string large(100'000, 'x');
  const auto txn = database_->Begin();
  txn->Put(Family::kJournal, "a", large);
  txn->Put(Family::kJournal, "b", {"head", large});
  EXPECT_LT(txn->byte_size(), 10'000U) << "logged in its compressed form";
  EXPECT_EQ(txn->Get(Family::kJournal, "a"), large);
  EXPECT_EQ(Rows(*txn, Family::kJournal)[1], "b=head" + large);
  MustWrite(*database_, *txn);

  EXPECT_EQ(database_->Begin()->Get(Family::kJournal, "b"), "head" + large);
  EXPECT_EQ(Rows(*database_->Snapshot(), Family::kJournal)[0], "a=" + large);
}

TEST_F(StateTxnTest, CountsItsBytes) {
  const auto txn = database_->Begin();
  EXPECT_TRUE(txn->empty());
  EXPECT_EQ(txn->byte_size(), 0U);

  txn->Put(Family::kState, "a", std::string(1000, 'x'));
  EXPECT_FALSE(txn->empty());
  EXPECT_GE(txn->byte_size(), 1000U);
}

TEST_F(StateTxnTest, ASpentBufferIsNotSeenByTheNextTransaction) {
  {
    const auto txn = database_->Begin();
    txn->Put(Family::kState, "dropped", "1");
  }
  const auto txn = database_->Begin();
  EXPECT_TRUE(txn->empty());
  EXPECT_EQ(txn->Get(Family::kState, "dropped"), std::nullopt);
  txn->Put(Family::kState, "kept", "1");
  MustWrite(*database_, *txn);

  EXPECT_THAT(Rows(*database_->Begin(), Family::kState), ElementsAre("kept=1"));
}

TEST_F(StateTxnTest, ScanMergesTheWriteSetWithTheState) {
  for (const char* key : {"a", "b", "c", "d"}) {
    PutRow(*database_, Family::kQueue, key, "old");
  }
  const auto txn = database_->Begin();
  txn->Put(Family::kQueue, "0", "new");
  txn->Put(Family::kQueue, "b", "new");
  txn->Delete(Family::kQueue, "c");
  txn->Put(Family::kQueue, "bb", "new");
  txn->Put(Family::kQueue, "e", "new");
  txn->Delete(Family::kQueue, "f");
  txn->Put(Family::kState, "bbb", "other family");

  EXPECT_THAT(
      Rows(*txn, Family::kQueue),
      ElementsAre("0=new", "a=old", "b=new", "bb=new", "d=old", "e=new"));
  EXPECT_THAT(Rows(*txn, Family::kQueue, "b", "d"), ElementsAre("b=new", "bb=new"));
  EXPECT_THAT(Rows(*txn, Family::kQueue, "c", "d"), IsEmpty());
  EXPECT_THAT(Rows(*txn, Family::kQueue, "d", "b"), IsEmpty());
}

TEST_F(StateTxnTest, ScanDoesNotSeeLaterWrites) {
  for (const char* key : {"a", "b", "c"}) {
    PutRow(*database_, Family::kQueue, key, "old");
  }
  const auto txn = database_->Begin();
  txn->Put(Family::kQueue, "bb", "mine");
  const auto at = txn->Scan(Family::kQueue, "a", "");

  txn->Put(Family::kQueue, "aa", "new");
  txn->Put(Family::kQueue, "z", std::string(100'000, 'x'));  // moves the write set in memory
  txn->Delete(Family::kQueue, "b");
  PutRow(*database_, Family::kQueue, "d", "new");

  std::vector<std::string> keys;
  for (; at->Valid(); at->Next()) {
    keys.emplace_back(at->key());
  }
  EXPECT_THAT(keys, ElementsAre("a", "b", "bb", "c"));
}

TEST_F(StateTxnTest, ASnapshotDoesNotChange) {
  PutRow(*database_, Family::kState, "a", "1");
  PutRow(*database_, Family::kState, "b", "1");
  const auto snapshot = database_->Snapshot();

  PutRow(*database_, Family::kState, "a", "2");
  PutRow(*database_, Family::kState, "c", "2");
  const auto txn = database_->Begin();
  txn->Delete(Family::kState, "b");
  MustWrite(*database_, *txn);

  EXPECT_EQ(snapshot->Get(Family::kState, "a"), "1");
  EXPECT_EQ(snapshot->Get(Family::kState, "c"), std::nullopt);
  EXPECT_THAT(Rows(*snapshot, Family::kState), ElementsAre("a=1", "b=1"));
  EXPECT_THAT(Rows(*database_->Begin(), Family::kState), ElementsAre("a=2", "c=2"));
}

TEST_F(StateTxnTest, AJournalRowLivesAgainAfterDeleteOnce) {
  const auto flush = [&] {
    auto& own = dynamic_cast<RocksDatabase&>(*database_);
    ASSERT_TRUE(own.raw()->Flush({}, own.tables().handle(Family::kJournal)).ok());
  };
  for (int life = 0; life < 3; ++life) {
    const std::string value = std::to_string(life);
    PutRow(*database_, Family::kJournal, "entry", value);
    flush();
    EXPECT_EQ(database_->Begin()->Get(Family::kJournal, "entry"), value);
    const auto txn = database_->Begin();
    txn->DeleteOnce(Family::kJournal, "entry");
    EXPECT_EQ(txn->Get(Family::kJournal, "entry"), std::nullopt);
    MustWrite(*database_, *txn);
    EXPECT_EQ(database_->Begin()->Get(Family::kJournal, "entry"), std::nullopt);
  }
}

TEST_F(StateTxnTest, OneWriteSetMayDeleteAndPutAgain) {
  PutRow(*database_, Family::kJournal, "entry", "first");
  const auto txn = database_->Begin();
  txn->DeleteOnce(Family::kJournal, "entry");
  txn->Put(Family::kJournal, "entry", "second");
  EXPECT_EQ(txn->Get(Family::kJournal, "entry"), "second");
  MustWrite(*database_, *txn);

  EXPECT_EQ(database_->Begin()->Get(Family::kJournal, "entry"), "second");
}

// Goal: reads agree with a plain map, whatever the write set, the memtables and the tables hold.
TEST_F(StateTxnTest, AgreesWithAModelUnderRandomWrites) {
  constexpr uint32_t kSeed = 20240611;
  std::mt19937 random(kSeed);
  const auto pick = [&](uint32_t below) { return static_cast<uint32_t>(random() % below); };
  std::map<std::string, std::string> model;
  for (int turn = 0; turn < 60; ++turn) {
    const auto txn = database_->Begin();
    for (uint32_t i = pick(20); i > 0; --i) {
      const std::string key = "k" + std::to_string(pick(50));
      if (pick(3) == 0) {
        txn->Delete(Family::kIndex, key);
        model.erase(key);
      } else {
        const std::string value = std::to_string(random());
        txn->Put(Family::kIndex, key, value);
        model[key] = value;
      }
      const std::string probe = "k" + std::to_string(pick(50));
      const auto expected = model.find(probe);
      const std::optional<std::string> found = txn->Get(Family::kIndex, probe);
      ASSERT_EQ(found.has_value(), expected != model.end()) << "seed " << kSeed;
      if (found) {
        ASSERT_EQ(*found, expected->second) << "seed " << kSeed;
      }
    }
    std::vector<std::string> expected;
    for (const auto& row : model) {
      expected.push_back(row.first + "=" + row.second);
    }
    ASSERT_EQ(Rows(*txn, Family::kIndex), expected) << "seed " << kSeed << " turn " << turn;
    if (!txn->empty()) MustWrite(*database_, *txn);
    ASSERT_EQ(Rows(*database_->Begin(), Family::kIndex), expected) << "seed " << kSeed;
    if (turn % 10 == 9) {
      auto& own = dynamic_cast<RocksDatabase&>(*database_);
      ASSERT_TRUE(own.raw()->Flush({}, own.tables().handle(Family::kIndex)).ok());
    }
  }
}

TEST_F(StateTxnTest, AWrittenTransactionIsSpent) {
  const auto txn = database_->Begin();
  txn->Put(Family::kState, "a", "1");
  MustWrite(*database_, *txn);

  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(txn->Put(Family::kState, "b", "1"), "spent");
}

}  // namespace
}  // namespace perdure
