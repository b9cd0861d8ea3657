// SPDX-License-Identifier: Apache-2.0
//
// What a turn reads and writes: its write set on top of the database. It does not write the
// database.
#pragma once

#include "perdure/store/state.h"
#include "store/rocks_rows.h"
#include "store/write_set.h"

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>

namespace perdure {

class RocksTxn final : public StateTxn {
 public:
  // Both outlive the transaction.
  RocksTxn(const RocksTables& tables, WriteSetPool& pool);
  ~RocksTxn() override;
  RocksTxn(const RocksTxn&) = delete;
  RocksTxn& operator=(const RocksTxn&) = delete;

  std::optional<std::string> Get(Family family, BytesView key) const override;
  std::unique_ptr<StateIterator> Scan(
      Family family, BytesView lower, BytesView upper) const override;

  void Put(Family family, BytesView key, BytesView value) override;
  void Put(Family family, BytesView key, std::initializer_list<BytesView> parts) override;
  void Delete(Family family, BytesView key) override;
  void DeleteOnce(Family family, BytesView key) override;
  size_t byte_size() const override { return writes_->byte_size(); }
  bool empty() const override { return writes_->empty(); }

  size_t delete_count() const { return delete_count_; }

  // The batch to write. The transaction is spent: it takes no more writes.
  // REQUIRES: begun on `tables`, not spent.
  rocksdb::WriteBatch* Spend(const RocksTables& tables);

 private:
  void PutStored(Family family, BytesView key, BytesView stored);

  const RocksTables& tables_;
  WriteSetPool& pool_;
  std::unique_ptr<WriteSet> writes_;
  const rocksdb::ReadOptions read_options_;
  size_t delete_count_ = 0;
  std::string joined_;  // scratch
  bool spent_ = false;
};

// A consistent view of the committed state.
class RocksSnapshot final : public StateReader {
 public:
  explicit RocksSnapshot(const RocksTables& tables);
  ~RocksSnapshot() override;
  RocksSnapshot(const RocksSnapshot&) = delete;
  RocksSnapshot& operator=(const RocksSnapshot&) = delete;

  std::optional<std::string> Get(Family family, BytesView key) const override;
  std::unique_ptr<StateIterator> Scan(
      Family family, BytesView lower, BytesView upper) const override;

 private:
  const RocksTables& tables_;
  const rocksdb::Snapshot* const snapshot_;
};

}  // namespace perdure
