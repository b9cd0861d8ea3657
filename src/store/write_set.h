// SPDX-License-Identifier: Apache-2.0
//
// The writes of one turn: RocksDB's batch and an index over it by key, so that the turn reads what
// it wrote. The index is a hash table of places in the batch: nothing is stored twice, and most
// questions, about keys that were not written, end at an empty slot. It does not read the database.
#pragma once

#include "perdure/base/bytes.h"
#include "perdure/store/state.h"
#include "store/rocks_rows.h"

#include <rocksdb/write_batch.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace perdure {

// Thread: one. Views into it are valid until the next write.
class WriteSet {
 public:
  struct Found {
    bool deleted = false;
    BytesView value;
  };

  WriteSet();

  void Put(rocksdb::ColumnFamilyHandle* handle, Family family, BytesView key, BytesView value);
  void Delete(rocksdb::ColumnFamilyHandle* handle, Family family, BytesView key);
  void SingleDelete(rocksdb::ColumnFamilyHandle* handle, Family family, BytesView key);

  // The newest write of the key; nothing: it was not written.
  std::optional<Found> Find(Family family, BytesView key) const;
  // The newest writes of all keys in [lower, upper), in their order; empty `upper`: to the end.
  std::vector<PendingRow> Rows(Family family, BytesView lower, BytesView upper) const;

  bool empty() const { return entries_.empty(); }
  size_t byte_size() const { return empty() ? 0 : batch_.GetDataSize(); }
  rocksdb::WriteBatch& batch() { return batch_; }

  void Clear();

 private:
  static constexpr size_t kSlots = 1024;  // a power of two; a full turn has some 800 writes
  static constexpr uint32_t kNone = UINT32_MAX;

  struct Entry {
    Family family;
    bool deleted;
    uint32_t older;  // in the same slot
    uint32_t key_size;
    uint32_t value_size;
    size_t key_at;
    size_t value_at;
  };

  static size_t SlotOf(Family family, BytesView key);
  const Entry* Newest(Family family, BytesView key) const;
  BytesView KeyOf(const Entry& entry) const;
  BytesView ValueOf(const Entry& entry) const;
  void Wrote(Family family, BytesView key, std::optional<size_t> value_size);

  rocksdb::WriteBatch batch_;
  std::vector<Entry> entries_;
  std::array<uint32_t, kSlots> slots_{};  // filled by the constructor
  std::array<uint32_t, kFamilyCount> writes_by_family_{};
};

// Keeps the buffers of spent write sets. Thread: any.
class WriteSetPool {
 public:
  std::unique_ptr<WriteSet> Take();
  void Return(std::unique_ptr<WriteSet> set);

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<WriteSet>> idle_;
};

}  // namespace perdure
