// SPDX-License-Identifier: Apache-2.0
//
// Database on RocksDB: opening with its proofs, closing, and the two halves of WriteSink. What a
// row means is decided elsewhere; when to sync is decided by the commit log.
#pragma once

#include "perdure/store/database.h"
#include "store/data_folder.h"
#include "store/rocks_rows.h"
#include "store/rocks_txn.h"
#include "store/wal_chain.h"

#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace perdure {

class RocksDatabase final : public Database {
 public:
  static Result<std::unique_ptr<Database>> Open(const DatabaseOptions& options);
  ~RocksDatabase() override;
  RocksDatabase(const RocksDatabase&) = delete;
  RocksDatabase& operator=(const RocksDatabase&) = delete;

  std::unique_ptr<StateTxn> Begin() override;
  std::unique_ptr<StateReader> Snapshot() override;
  std::optional<std::string> FindInMemory(Family family, BytesView key) const override;

  Status Write(StateTxn& txn) override;
  Status Sync() override;

  uint64_t start_counter() const override { return start_counter_; }
  bool created() const override { return created_; }
  uint64_t deletes_written() const override {
    return deletes_written_.load(std::memory_order_acquire);
  }
  bool StartFlush() override;
  std::optional<std::string> ReadMeta(BytesView key) const override;
  Status WriteMeta(BytesView key, BytesView value) override;

  // Unit tests only: starts a memtable switch or a flush at a chosen moment.
  rocksdb::DB* raw() const { return tables_.db; }
  const RocksTables& tables() const { return tables_; }

 private:
  // Where the newest write lies in the log.
  struct LogEnd {
    uint64_t sequence = 0;
    uint64_t log_number = 0;
  };

  RocksDatabase() = default;

  Status OpenRocks(const DatabaseOptions& options);
  Result<rocksdb::Env*> ChooseEnv(const DatabaseOptions& options);
  // Whether recovery found everything that was ever synced.
  Status CheckMark();
  bool MarkIsRecovered(const SyncMark& mark) const;
  Error LossError(const std::string& found) const;
  Status CountStart();

  Status WriteBatch(rocksdb::WriteBatch* batch);
  // REQUIRES: write_mutex_ is held.
  Status NoteLogEnd();

  bool created_ = false;
  uint64_t start_counter_ = 0;

  // Declared in the order in which they are needed; destroyed in reverse.
  std::unique_ptr<DataFolder> folder_;
  std::unique_ptr<rocksdb::Env> own_env_;  // if a test hook needs one
  std::vector<LogFile> found_logs_;        // before the database was opened
  std::unique_ptr<WalChain> chain_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;  // the default one, then by Family
  RocksTables tables_;
  WriteSetPool pool_;
  std::shared_ptr<std::atomic<bool>> log_switched_;  // set by the listener

  std::atomic<uint64_t> deletes_written_{0};

  // Held over a write and the note where it ended, and over the switch of the log file that
  // StartFlush makes: in between, the note would name a file that does not hold the write.
  std::mutex write_mutex_;
  uint64_t current_log_ = 0;  // protected by write_mutex_

  // Used by the writer and the syncer.
  std::mutex log_end_mutex_;
  LogEnd log_end_;

  // Used by the syncer only.
  uint64_t synced_sequence_ = 0;
};

}  // namespace perdure
