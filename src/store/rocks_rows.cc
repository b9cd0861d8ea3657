// SPDX-License-Identifier: Apache-2.0
//
// A scan merges the rows of the database with a copy of the pending ones: a copy, because the write
// set moves in memory when it grows, and a scan must not see writes made after it began.
#include "store/rocks_rows.h"

#include "perdure/base/assert.h"
#include "perdure/base/log.h"
#include "perdure/base/progress.h"
#include "store/packed_value.h"

#include <cstdlib>
#include <utility>

namespace perdure {
namespace {

class MergedIterator final : public StateIterator {
 public:
  MergedIterator(const RocksTables& tables, const rocksdb::Snapshot* snapshot, ScanRange range)
      : upper_(range.upper),
        upper_slice_(upper_),
        family_(range.family),
        pending_(std::move(range.pending)) {
    const InStorage in_storage;
    rocksdb::ReadOptions options;
    options.snapshot = snapshot;
    if (!upper_.empty()) options.iterate_upper_bound = &upper_slice_;
    base_.reset(tables.db->NewIterator(options, tables.handle(range.family)));
    base_->Seek(ToSlice(range.lower));
    Settle();
  }

  bool Valid() const override { return on_pending_ || base_->Valid(); }

  void Next() override {
    PERDURE_ASSERT(Valid());
    const InStorage in_storage;
    if (on_pending_) {
      ++next_pending_;
    } else {
      base_->Next();
    }
    Settle();
  }

  BytesView key() const override {
    PERDURE_ASSERT(Valid());
    return on_pending_ ? BytesView(pending_[next_pending_].key) : ToView(base_->key());
  }

  BytesView value() const override {
    PERDURE_ASSERT(Valid());
    const BytesView stored =
        on_pending_ ? BytesView(*pending_[next_pending_].value) : ToView(base_->value());
    if (!IsPacked(family_)) return stored;
    plain_.assign(stored);
    MakePlain(family_, plain_);
    return plain_;
  }

 private:
  // Finds the smaller of both sides; a pending row hides the stored one with the same key.
  void Settle() {
    on_pending_ = false;
    while (next_pending_ < pending_.size()) {
      const PendingRow& row = pending_[next_pending_];
      if (base_->Valid()) {
        const int order = ToView(base_->key()).compare(row.key);
        if (order < 0) return;
        if (order == 0) base_->Next();
      }
      if (row.value.has_value()) {
        on_pending_ = true;
        break;
      }
      ++next_pending_;
    }
    if (!base_->Valid() && !base_->status().ok()) StorageFailed("scan", base_->status());
  }

  const std::string upper_;
  const rocksdb::Slice upper_slice_;
  const Family family_;
  mutable std::string plain_;  // of the row at hand
  std::vector<PendingRow> pending_;
  size_t next_pending_ = 0;
  bool on_pending_ = false;
  std::unique_ptr<rocksdb::Iterator> base_;
};

class EmptyIterator final : public StateIterator {
 public:
  bool Valid() const override { return false; }
  void Next() override { PERDURE_ASSERT(false); }
  BytesView key() const override { return {}; }
  BytesView value() const override { return {}; }
};

}  // namespace

void StorageFailed(std::string_view operation, const rocksdb::Status& status) {
  PERDURE_LOG(kError, "storage_failed", {{"operation", operation}, {"error", status.ToString()}});
  std::abort();
}

void MakePlain(Family family, std::string& value) {
  if (IsPacked(family) && !UnpackValue(value)) {
    StorageFailed("unpack", rocksdb::Status::Corruption("a packed value has no valid tail"));
  }
}

std::optional<std::string> FindRowInMemory(
    const RocksTables& tables, Family family, BytesView key) {
  // A Get without I/O says "found", with an empty value, for a table that is not open: only
  // KeyMayExist tells. For a body in a blob file it does not tell either, but the value is empty.
  std::string value;
  bool found = false;
  const bool may_exist = tables.db->KeyMayExist(
      rocksdb::ReadOptions(), tables.handle(family), ToSlice(key), &value, &found);
  if (!may_exist || !found || value.empty()) return std::nullopt;
  MakePlain(family, value);
  return value;
}

std::optional<std::string> ReadRow(
    const RocksTables& tables, const rocksdb::ReadOptions& options, Family family, BytesView key) {
  const InStorage in_storage;
  std::string value;
  const rocksdb::Status status =
      tables.db->Get(options, tables.handle(family), ToSlice(key), &value);
  if (status.ok()) {
    MakePlain(family, value);
    return value;
  }
  if (!status.IsNotFound()) StorageFailed("read", status);
  return std::nullopt;
}

std::unique_ptr<StateIterator> ScanRows(
    const RocksTables& tables, const rocksdb::Snapshot* snapshot, ScanRange range) {
  if (!range.upper.empty() && range.upper <= range.lower) return std::make_unique<EmptyIterator>();
  return std::make_unique<MergedIterator>(tables, snapshot, std::move(range));
}

}  // namespace perdure
