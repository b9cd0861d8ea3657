// SPDX-License-Identifier: Apache-2.0
//
// Puts and deletes go into the batch in the order of the calls; the index over it keeps the newest
// per key, which is what reads see.
#include "store/rocks_txn.h"

#include "perdure/base/assert.h"
#include "perdure/base/limits.h"
#include "store/packed_value.h"

#include <rocksdb/comparator.h>

#include <functional>
#include <utility>

namespace perdure {
namespace {

// One for each partition of a default node and some for readers' retries; a turn is at most 1 MiB,
// and a batch that held a large body is worth less than its memory.
constexpr size_t kIdleBatchesMax = 16;
constexpr size_t kKeptBytesMax = limits::kTurnBytesMax;

}  // namespace

std::unique_ptr<rocksdb::WriteBatchWithIndex> BatchPool::Take() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<rocksdb::WriteBatchWithIndex> batch = std::move(idle_.back());
      idle_.pop_back();
      return batch;
    }
  }
  return std::make_unique<rocksdb::WriteBatchWithIndex>(
      rocksdb::BytewiseComparator(), /*reserved_bytes=*/0, /*overwrite_key=*/true);
}

void BatchPool::Return(std::unique_ptr<rocksdb::WriteBatchWithIndex> batch, size_t bytes) {
  if (bytes > kKeptBytesMax) return;
  batch->Clear();
  const std::lock_guard<std::mutex> lock(mutex_);
  if (idle_.size() < kIdleBatchesMax) idle_.push_back(std::move(batch));
}

RocksTxn::RocksTxn(const RocksTables& tables, BatchPool& pool)
    : tables_(tables), pool_(pool), batch_(pool.Take()) {}

RocksTxn::~RocksTxn() {
  const size_t bytes = byte_size();
  pool_.Return(std::move(batch_), bytes);
}

std::optional<std::string> RocksTxn::Get(Family family, BytesView key) const {
  if (!touched_.test(TouchedBit(family, key))) {
    return ReadRow(tables_, read_options_, family, key);
  }
  std::string value;
  const rocksdb::Status status = batch_->GetFromBatchAndDB(
      tables_.db, read_options_, tables_.handle(family), ToSlice(key), &value);
  if (status.ok()) {
    MakePlain(family, value);
    return value;
  }
  if (!status.IsNotFound()) StorageFailed("read", status);
  return std::nullopt;
}

std::unique_ptr<StateIterator> RocksTxn::Scan(
    Family family, BytesView lower, BytesView upper) const {
  return ScanRows(
      tables_, nullptr, ScanRange{family, lower, upper, PendingRows(family, lower, upper)});
}

void RocksTxn::Put(Family family, BytesView key, BytesView value) {
  if (IsPacked(family)) {
    Put(family, key, {value});
  } else {
    PutStored(family, key, value);
  }
}

void RocksTxn::Put(Family family, BytesView key, std::initializer_list<BytesView> parts) {
  if (IsPacked(family)) {
    PackValue(parts, joined_);
  } else {
    joined_.clear();
    for (const BytesView part : parts)
      joined_.append(part);
  }
  PutStored(family, key, joined_);
  if (joined_.capacity() > kKeptBytesMax) std::string().swap(joined_);
}

void RocksTxn::PutStored(Family family, BytesView key, BytesView stored) {
  Wrote(family, key, batch_->Put(tables_.handle(family), ToSlice(key), ToSlice(stored)));
}

void RocksTxn::Delete(Family family, BytesView key) {
  Wrote(family, key, batch_->Delete(tables_.handle(family), ToSlice(key)));
  ++delete_count_;
}

// A single delete vanishes together with its put at the first compaction that sees both; a plain
// one is carried down to the last level. Only the journal is large enough for this to matter, and
// only there the machine never overwrites a row.
void RocksTxn::DeleteOnce(Family family, BytesView key) {
  if (family != Family::kJournal) {
    Delete(family, key);
    return;
  }
  Wrote(family, key, batch_->SingleDelete(tables_.handle(family), ToSlice(key)));
  ++delete_count_;
}

size_t RocksTxn::byte_size() const {
  return write_count_ == 0 ? 0 : batch_->GetWriteBatch()->GetDataSize();
}

rocksdb::WriteBatch* RocksTxn::Spend(const RocksTables& tables) {
  PERDURE_INVARIANT(&tables == &tables_, "the transaction is of another database");
  PERDURE_INVARIANT(!spent_, "the transaction was written already");
  spent_ = true;
  return batch_->GetWriteBatch();
}

size_t RocksTxn::TouchedBit(Family family, BytesView key) {
  return (std::hash<BytesView>()(key) + static_cast<size_t>(family)) % kTouchedBits;
}

void RocksTxn::Wrote(Family family, BytesView key, const rocksdb::Status& status) {
  PERDURE_INVARIANT(!spent_, "write to a spent transaction");
  if (!status.ok()) StorageFailed("build write set", status);
  touched_.set(TouchedBit(family, key));
  ++writes_by_family_[static_cast<size_t>(family)];
  ++write_count_;
}

std::vector<PendingRow> RocksTxn::PendingRows(
    Family family, BytesView lower, BytesView upper) const {
  std::vector<PendingRow> rows;
  if (writes_by_family_[static_cast<size_t>(family)] == 0) return rows;
  const std::unique_ptr<rocksdb::WBWIIterator> at(batch_->NewIterator(tables_.handle(family)));
  for (at->Seek(ToSlice(lower)); at->Valid(); at->Next()) {
    const rocksdb::WriteEntry entry = at->Entry();
    const BytesView key = ToView(entry.key);
    if (!upper.empty() && key >= upper) break;
    PendingRow row{std::string(key), std::nullopt};
    if (entry.type == rocksdb::kPutRecord) row.value = std::string(ToView(entry.value));
    rows.push_back(std::move(row));
  }
  if (!at->status().ok()) StorageFailed("scan write set", at->status());
  return rows;
}

RocksSnapshot::RocksSnapshot(const RocksTables& tables)
    : tables_(tables), snapshot_(tables.db->GetSnapshot()) {
  PERDURE_ASSERT(snapshot_ != nullptr);
}

RocksSnapshot::~RocksSnapshot() {
  tables_.db->ReleaseSnapshot(snapshot_);
}

std::optional<std::string> RocksSnapshot::Get(Family family, BytesView key) const {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot_;
  return ReadRow(tables_, options, family, key);
}

std::unique_ptr<StateIterator> RocksSnapshot::Scan(
    Family family, BytesView lower, BytesView upper) const {
  return ScanRows(tables_, snapshot_, ScanRange{family, lower, upper, {}});
}

}  // namespace perdure
