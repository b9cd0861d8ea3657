// SPDX-License-Identifier: Apache-2.0
//
// The write set of one turn, on a WriteBatchWithIndex, and the pool that keeps the buffers of spent
// ones. It checks first whether the write set can hold a key at all, because most reads of a turn
// are for keys it has not written. It does not write the database.
#pragma once

#include "perdure/store/state.h"
#include "store/rocks_rows.h"

#include <rocksdb/utilities/write_batch_with_index.h>

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace perdure {

// Thread: any.
class BatchPool {
 public:
  std::unique_ptr<rocksdb::WriteBatchWithIndex> Take();
  // `bytes`: how large it was; large buffers are not kept.
  void Return(std::unique_ptr<rocksdb::WriteBatchWithIndex> batch, size_t bytes);

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<rocksdb::WriteBatchWithIndex>> idle_;
};

class RocksTxn final : public StateTxn {
 public:
  // Both outlive the transaction.
  RocksTxn(const RocksTables& tables, BatchPool& pool);
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
  size_t byte_size() const override;
  bool empty() const override { return write_count_ == 0; }

  size_t delete_count() const { return delete_count_; }

  // The batch to write. The transaction is spent: it takes no more writes.
  // REQUIRES: begun on `tables`, not spent.
  rocksdb::WriteBatch* Spend(const RocksTables& tables);

 private:
  static constexpr size_t kTouchedBits = 4096;

  static size_t TouchedBit(Family family, BytesView key);
  void PutStored(Family family, BytesView key, BytesView stored);
  // Called once for every write, with its result.
  void Wrote(Family family, BytesView key, const rocksdb::Status& status);
  std::vector<PendingRow> PendingRows(Family family, BytesView lower, BytesView upper) const;

  const RocksTables& tables_;
  BatchPool& pool_;
  std::unique_ptr<rocksdb::WriteBatchWithIndex> batch_;
  const rocksdb::ReadOptions read_options_;
  std::bitset<kTouchedBits> touched_;  // a bloom filter with one hash over the keys written
  std::array<uint32_t, kFamilyCount> writes_by_family_{};
  size_t write_count_ = 0;
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
