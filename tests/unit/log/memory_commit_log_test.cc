// SPDX-License-Identifier: Apache-2.0
//
// The database in memory: transactions, scans, snapshots, what a sync covers and what a crash
// leaves.
#include "perdure/log/memory.h"
#include "tests/unit/log/log_test_support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace perdure {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

void Put(MemoryDatabase& database, const std::string& key, const std::string& value) {
  const auto txn = database.store().Begin();
  txn->Put(Family::kState, key, value);
  database.log().Append(kPartition, database.start_counter(), *txn);
}

std::optional<std::string> Get(MemoryDatabase& database, const std::string& key) {
  return database.store().Begin()->Get(Family::kState, key);
}

std::vector<std::string> Keys(const StateReader& reader, BytesView lower, BytesView upper) {
  std::vector<std::string> keys;
  for (auto at = reader.Scan(Family::kState, lower, upper); at->Valid(); at->Next()) {
    keys.push_back(std::string(at->key()) + "=" + std::string(at->value()));
  }
  return keys;
}

TEST(MemoryDatabase, ScanMergesTheWriteSetWithTheState) {
  const auto database = MemoryDatabase::Create();
  for (const char* key : {"a", "b", "c", "d"}) {
    Put(*database, key, "old");
  }
  const auto txn = database->store().Begin();
  txn->Put(Family::kState, "b", "new");
  txn->Delete(Family::kState, "c");
  txn->Put(Family::kState, "bb", {"n", "e", "w"});
  txn->Put(Family::kState, "e", "new");

  EXPECT_THAT(Keys(*txn, "a", ""), ElementsAre("a=old", "b=new", "bb=new", "d=old", "e=new"));
  EXPECT_THAT(Keys(*txn, "b", "d"), ElementsAre("b=new", "bb=new"));
  EXPECT_THAT(Keys(*txn, "x", ""), IsEmpty());
}

TEST(MemoryDatabase, ScanDoesNotSeeLaterWrites) {
  const auto database = MemoryDatabase::Create();
  for (const char* key : {"a", "b", "c"}) {
    Put(*database, key, "old");
  }
  const auto txn = database->store().Begin();
  const auto at = txn->Scan(Family::kState, "a", "");

  txn->Put(Family::kState, "aa", "new");
  txn->Delete(Family::kState, "b");
  Put(*database, "d", "new");

  std::vector<std::string> keys;
  for (; at->Valid(); at->Next()) {
    keys.emplace_back(at->key());
  }
  EXPECT_THAT(keys, ElementsAre("a", "b", "c"));
}

TEST(MemoryDatabase, ASnapshotDoesNotChange) {
  const auto database = MemoryDatabase::Create();
  Put(*database, "a", "1");
  const auto snapshot = database->store().Snapshot();

  Put(*database, "a", "2");
  Put(*database, "b", "2");

  EXPECT_EQ(snapshot->Get(Family::kState, "a"), "1");
  EXPECT_THAT(Keys(*snapshot, "", ""), ElementsAre("a=1"));
  EXPECT_EQ(Get(*database, "a"), "2");
}

TEST(MemoryDatabase, ASyncCoversWhatWasAppendedBeforeItBegan) {
  const auto database = MemoryDatabase::Create();
  ManualExecutor executor;
  std::vector<std::string> notes;
  Put(*database, "a", "1");
  database->log().Hold(Ticket{1}, executor, Note(notes, "first"));
  database->BeginSync();
  Put(*database, "b", "1");
  database->log().Hold(Ticket{2}, executor, Note(notes, "second"));
  database->log().SyncFromNow(executor, Note(notes, "reader"));

  database->FinishSync();
  executor.RunAll();
  EXPECT_THAT(notes, ElementsAre("first"));
  EXPECT_EQ(database->log().durable(), Ticket{1});
  EXPECT_EQ(database->unsynced_write_sets(), 1U);

  database->Sync();
  executor.RunAll();
  EXPECT_THAT(notes, ElementsAre("first", "second", "reader"));
  EXPECT_FALSE(database->sync_wanted());
}

TEST(MemoryDatabase, ACrashDropsTheUnsyncedTailAndWhatWaitedForIt) {
  const auto database = MemoryDatabase::Create();
  ManualExecutor executor;
  std::vector<std::string> notes;
  Put(*database, "a", "1");
  database->Sync();
  Put(*database, "a", "2");
  Put(*database, "b", "2");
  database->log().Hold(database->log().newest(), executor, Note(notes, "held"));
  database->BeginSync();

  database->CrashAndRecover();

  EXPECT_EQ(Get(*database, "a"), "1");
  EXPECT_EQ(Get(*database, "b"), std::nullopt);
  EXPECT_EQ(database->log().newest(), Ticket{0});
  EXPECT_EQ(database->start_counter(), 2U);
  EXPECT_EQ(database->held(), 0U);
  EXPECT_FALSE(database->syncing());
  database->Sync();
  executor.RunAll();
  EXPECT_THAT(notes, IsEmpty());
}

TEST(MemoryDatabase, ACrashCanLeaveAPartOfTheTail) {
  const auto database = MemoryDatabase::Create();
  for (const char* key : {"a", "b", "c"}) {
    Put(*database, key, "1");
  }

  database->CrashAndRecover(2);
  Put(*database, "d", "1");
  database->CrashAndRecover();

  EXPECT_THAT(Keys(*database->store().Snapshot(), "", ""), ElementsAre("a=1", "b=1"));
}

TEST(MemoryDatabase, CongestionEndsWithASync) {
  MemoryDatabaseOptions options;
  options.unsynced_bytes_max = 4;
  const auto database = MemoryDatabase::Create(options);

  Put(*database, "a", "12");
  EXPECT_FALSE(database->log().congested());
  Put(*database, "b", "12");
  EXPECT_TRUE(database->log().congested());
  EXPECT_TRUE(database->sync_wanted());

  database->log().WaitWhileCongested();
  EXPECT_FALSE(database->log().congested());
  EXPECT_EQ(database->log().durable(), Ticket{2});
}

TEST(MemoryDatabase, AKeyLivesAgainAfterDeleteOnce) {
  const auto database = MemoryDatabase::Create();
  for (int life = 0; life < 2; ++life) {
    Put(*database, "a", "1");
    const auto txn = database->store().Begin();
    txn->DeleteOnce(Family::kState, "a");
    database->log().Append(kPartition, 1, *txn);
    EXPECT_EQ(Get(*database, "a"), std::nullopt);
  }
}

TEST(MemoryDatabaseDeathTest, DeleteOnceOfARowPutTwiceIsABrokenInvariant) {
  const auto database = MemoryDatabase::Create();
  Put(*database, "a", "1");
  Put(*database, "a", "2");
  const auto txn = database->store().Begin();
  txn->DeleteOnce(Family::kState, "a");

  EXPECT_DEATH(database->log().Append(kPartition, 1, *txn), "put more than once");
}

TEST(MemoryDatabaseDeathTest, ATransactionDoesNotOutliveACrash) {
  const auto database = MemoryDatabase::Create();
  const auto txn = database->store().Begin();
  txn->Put(Family::kState, "a", "1");
  database->CrashAndRecover();

  EXPECT_DEATH(database->log().Append(kPartition, 1, *txn), "before a crash");
}

}  // namespace
}  // namespace perdure
