// SPDX-License-Identifier: Apache-2.0
//
// A batch is the record of the log (RocksDB's format, fixed): each write ends with its key, or with
// its key, the length of its value as a varint, and its value. So the places of a write are counted
// back from the end of the batch.
#include "store/write_set.h"

#include "perdure/base/assert.h"
#include "perdure/base/limits.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <string>
#include <utility>

namespace perdure {
namespace {

// One for each partition of a default node and some for readers' retries; a turn is at most 1 MiB,
// and a batch that held a large body is worth less than its memory.
constexpr size_t kIdleSetsMax = 16;
constexpr size_t kKeptBytesMax = limits::kTurnBytesMax;

size_t VarintBytes(size_t number) {
  size_t bytes = 1;
  for (; number >= 0x80; number >>= 7) {
    ++bytes;
  }
  return bytes;
}

void Check(const rocksdb::Status& status) {
  if (!status.ok()) StorageFailed("build write set", status);
}

}  // namespace

WriteSet::WriteSet() {
  slots_.fill(kNone);
}

void WriteSet::Put(
    rocksdb::ColumnFamilyHandle* handle, Family family, BytesView key, BytesView value) {
  Check(batch_.Put(handle, ToSlice(key), ToSlice(value)));
  Wrote(family, key, value.size());
}

void WriteSet::Delete(rocksdb::ColumnFamilyHandle* handle, Family family, BytesView key) {
  Check(batch_.Delete(handle, ToSlice(key)));
  Wrote(family, key, std::nullopt);
}

void WriteSet::SingleDelete(rocksdb::ColumnFamilyHandle* handle, Family family, BytesView key) {
  Check(batch_.SingleDelete(handle, ToSlice(key)));
  Wrote(family, key, std::nullopt);
}

std::optional<WriteSet::Found> WriteSet::Find(Family family, BytesView key) const {
  const Entry* entry = Newest(family, key);
  if (entry == nullptr) return std::nullopt;
  return Found{entry->deleted, entry->deleted ? BytesView() : ValueOf(*entry)};
}

std::vector<PendingRow> WriteSet::Rows(Family family, BytesView lower, BytesView upper) const {
  std::vector<PendingRow> rows;
  if (writes_by_family_[static_cast<size_t>(family)] == 0) return rows;
  for (const Entry& entry : entries_) {
    if (entry.family != family) continue;
    const BytesView key = KeyOf(entry);
    if (key < lower || (!upper.empty() && key >= upper)) continue;
    if (Newest(family, key) != &entry) continue;
    PendingRow row{std::string(key), std::nullopt};
    if (!entry.deleted) row.value = std::string(ValueOf(entry));
    rows.push_back(std::move(row));
  }
  std::sort(rows.begin(), rows.end(), [](const PendingRow& a, const PendingRow& b) {
    return a.key < b.key;
  });
  return rows;
}

void WriteSet::Clear() {
  batch_.Clear();
  entries_.clear();
  slots_.fill(kNone);
  writes_by_family_ = {};
}

size_t WriteSet::SlotOf(Family family, BytesView key) {
  return (std::hash<BytesView>()(key) + static_cast<size_t>(family)) % kSlots;
}

const WriteSet::Entry* WriteSet::Newest(Family family, BytesView key) const {
  for (uint32_t at = slots_[SlotOf(family, key)]; at != kNone; at = entries_[at].older) {
    const Entry& entry = entries_[at];
    if (entry.family == family && KeyOf(entry) == key) return &entry;
  }
  return nullptr;
}

BytesView WriteSet::KeyOf(const Entry& entry) const {
  return BytesView(batch_.Data()).substr(entry.key_at, entry.key_size);
}

BytesView WriteSet::ValueOf(const Entry& entry) const {
  return BytesView(batch_.Data()).substr(entry.value_at, entry.value_size);
}

void WriteSet::Wrote(Family family, BytesView key, std::optional<size_t> value_size) {
  constexpr size_t kSizeMax = std::numeric_limits<uint32_t>::max();
  const size_t end = batch_.Data().size();
  const size_t value_bytes = value_size.value_or(0);
  PERDURE_INVARIANT(
      key.size() <= kSizeMax && value_bytes <= kSizeMax && entries_.size() < kNone,
      "a write is larger than the batch can hold");
  Entry entry{};
  entry.family = family;
  entry.deleted = !value_size.has_value();
  entry.key_size = static_cast<uint32_t>(key.size());
  entry.value_size = static_cast<uint32_t>(value_bytes);
  entry.value_at = end - value_bytes;
  entry.key_at = entry.value_at - (value_size ? VarintBytes(value_bytes) : 0) - key.size();
  PERDURE_INVARIANT(KeyOf(entry) == key, "the batch does not end with what was written");
  uint32_t& slot = slots_[SlotOf(family, key)];
  entry.older = std::exchange(slot, static_cast<uint32_t>(entries_.size()));
  entries_.push_back(entry);
  ++writes_by_family_[static_cast<size_t>(family)];
}

std::unique_ptr<WriteSet> WriteSetPool::Take() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<WriteSet> set = std::move(idle_.back());
      idle_.pop_back();
      return set;
    }
  }
  return std::make_unique<WriteSet>();
}

void WriteSetPool::Return(std::unique_ptr<WriteSet> set) {
  if (set->byte_size() > kKeptBytesMax) return;
  set->Clear();
  const std::lock_guard<std::mutex> lock(mutex_);
  if (idle_.size() < kIdleSetsMax) idle_.push_back(std::move(set));
}

}  // namespace perdure
