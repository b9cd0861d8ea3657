// SPDX-License-Identifier: Apache-2.0
//
// A read asks the write set first, then the database.
#include "store/rocks_txn.h"

#include "perdure/base/assert.h"
#include "perdure/base/limits.h"
#include "store/packed_value.h"

#include <utility>

namespace perdure {
namespace {

constexpr size_t kKeptBytesMax = limits::kTurnBytesMax;

}  // namespace

RocksTxn::RocksTxn(const RocksTables& tables, WriteSetPool& pool)
    : tables_(tables), pool_(pool), writes_(pool.Take()) {}

RocksTxn::~RocksTxn() {
  pool_.Return(std::move(writes_));
}

std::optional<std::string> RocksTxn::Get(Family family, BytesView key) const {
  const std::optional<WriteSet::Found> own = writes_->Find(family, key);
  if (!own.has_value()) return ReadRow(tables_, read_options_, family, key);
  if (own->deleted) return std::nullopt;
  std::string value(own->value);
  MakePlain(family, value);
  return value;
}

std::unique_ptr<StateIterator> RocksTxn::Scan(
    Family family, BytesView lower, BytesView upper) const {
  return ScanRows(
      tables_, nullptr, ScanRange{family, lower, upper, writes_->Rows(family, lower, upper)});
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
    for (const BytesView part : parts) {
      joined_.append(part);
    }
  }
  PutStored(family, key, joined_);
  if (joined_.capacity() > kKeptBytesMax) std::string().swap(joined_);
}

void RocksTxn::PutStored(Family family, BytesView key, BytesView stored) {
  PERDURE_INVARIANT(!spent_, "write to a spent transaction");
  writes_->Put(tables_.handle(family), family, key, stored);
}

void RocksTxn::Delete(Family family, BytesView key) {
  PERDURE_INVARIANT(!spent_, "write to a spent transaction");
  writes_->Delete(tables_.handle(family), family, key);
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
  PERDURE_INVARIANT(!spent_, "write to a spent transaction");
  writes_->SingleDelete(tables_.handle(family), family, key);
  ++delete_count_;
}

rocksdb::WriteBatch* RocksTxn::Spend(const RocksTables& tables) {
  PERDURE_INVARIANT(&tables == &tables_, "the transaction is of another database");
  PERDURE_INVARIANT(!spent_, "the transaction was written already");
  spent_ = true;
  return &writes_->batch();
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
