// SPDX-License-Identifier: Apache-2.0
//
// Point reads and scans on the database, for transactions and snapshots alike. A read that fails
// (I/O, checksum) ends the process: what was decided on half the rows would be wrong for ever, a
// restart is not (failure policy). Nothing here writes.
#pragma once

#include "perdure/base/bytes.h"
#include "perdure/store/state.h"

#include <rocksdb/db.h>

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace perdure {

// The open database, shared by everything that reads it; owned by RocksDatabase.
struct RocksTables {
  rocksdb::DB* db = nullptr;
  std::array<rocksdb::ColumnFamilyHandle*, kFamilyCount> families{};

  rocksdb::ColumnFamilyHandle* handle(Family family) const {
    return families[static_cast<size_t>(family)];
  }
};

// A row of a write set that is not in the database yet.
struct PendingRow {
  std::string key;
  std::optional<std::string> value;  // nothing: the row is deleted
};

// An empty view may have no address; RocksDB asserts that every slice has one.
inline rocksdb::Slice ToSlice(BytesView bytes) {
  return bytes.empty() ? rocksdb::Slice() : rocksdb::Slice(bytes.data(), bytes.size());
}
inline BytesView ToView(const rocksdb::Slice& slice) {
  return BytesView(slice.data(), slice.size());
}

[[noreturn]] void StorageFailed(std::string_view operation, const rocksdb::Status& status);

// Turns what lies in the database into what a reader gets (packed_value.h).
void MakePlain(Family family, std::string& value);

// Nothing also if the row could only be read from the disk.
std::optional<std::string> FindRowInMemory(const RocksTables& tables, Family family, BytesView key);
std::optional<std::string> ReadRow(
    const RocksTables& tables, const rocksdb::ReadOptions& options, Family family, BytesView key);

// What a scan covers, and with what on top.
struct ScanRange {
  Family family;
  BytesView lower;
  BytesView upper;                  // empty: to the end
  std::vector<PendingRow> pending;  // ascending, all inside the range
};

// `snapshot` may be null: the state at this moment. It outlives the iterator.
std::unique_ptr<StateIterator> ScanRows(
    const RocksTables& tables, const rocksdb::Snapshot* snapshot, ScanRange range);

}  // namespace perdure
