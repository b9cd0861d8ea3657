// SPDX-License-Identifier: Apache-2.0
//
// Transactions keep their writes twice: in order, to be applied, and by key, to be read.
#include "log/memory_store.h"

#include "perdure/base/assert.h"

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <utility>

namespace perdure {
namespace {

using Pending = std::map<std::string, std::optional<std::string>, std::less<>>;

size_t IndexOf(Family family) {
  return static_cast<size_t>(family);
}

// Holds the rows it walks over, so later changes copy them first.
class MemoryIterator final : public StateIterator {
 public:
  MemoryIterator(
      std::shared_ptr<MemoryRows> rows, const Pending* pending, BytesView lower, BytesView upper)
      : upper_(upper), rows_(std::move(rows)), row_(rows_->lower_bound(lower)) {
    if (pending != nullptr) {
      for (auto at = pending->lower_bound(lower); at != pending->end() && Inside(at->first); ++at) {
        pending_.insert(pending_.end(), *at);
      }
    }
    write_ = pending_.begin();
    Settle();
  }

  bool Valid() const override { return on_write_ || HasRow(); }
  void Next() override {
    PERDURE_ASSERT(Valid());
    if (on_write_) {
      ++write_;
    } else {
      ++row_;
    }
    Settle();
  }
  BytesView key() const override {
    PERDURE_ASSERT(Valid());
    return on_write_ ? write_->first : row_->first;
  }
  BytesView value() const override {
    PERDURE_ASSERT(Valid());
    return on_write_ ? *write_->second : row_->second.value;
  }

 private:
  bool Inside(BytesView key) const { return upper_.empty() || key < upper_; }
  bool HasRow() const { return row_ != rows_->end() && Inside(row_->first); }

  void Settle() {
    on_write_ = false;
    while (write_ != pending_.end()) {
      if (HasRow()) {
        const int order = row_->first.compare(write_->first);
        if (order < 0) return;
        if (order == 0) ++row_;
      }
      if (write_->second.has_value()) {
        on_write_ = true;
        return;
      }
      ++write_;
    }
  }

  const std::string upper_;
  const std::shared_ptr<MemoryRows> rows_;
  MemoryRows::const_iterator row_;
  Pending pending_;
  Pending::const_iterator write_;
  bool on_write_ = false;
};

class MemorySnapshot final : public StateReader {
 public:
  explicit MemorySnapshot(MemoryImage image) : image_(std::move(image)) {}

  std::optional<std::string> Get(Family family, BytesView key) const override {
    const MemoryRows& rows = *image_[IndexOf(family)];
    const auto row = rows.find(key);
    if (row == rows.end()) return std::nullopt;
    return row->second.value;
  }
  std::unique_ptr<StateIterator> Scan(
      Family family, BytesView lower, BytesView upper) const override {
    return std::make_unique<MemoryIterator>(image_[IndexOf(family)], nullptr, lower, upper);
  }

 private:
  const MemoryImage image_;
};

class MemoryTxn final : public StateTxn {
 public:
  explicit MemoryTxn(const MemoryStore& store) : store_(store), life_(store.life()) {}

  std::optional<std::string> Get(Family family, BytesView key) const override {
    CheckAlive();
    const Pending& pending = pending_[IndexOf(family)];
    const auto write = pending.find(key);
    if (write != pending.end()) return write->second;
    const MemoryRows& rows = *store_.image()[IndexOf(family)];
    const auto row = rows.find(key);
    if (row == rows.end()) return std::nullopt;
    return row->second.value;
  }

  std::unique_ptr<StateIterator> Scan(
      Family family, BytesView lower, BytesView upper) const override {
    CheckAlive();
    const size_t index = IndexOf(family);
    return std::make_unique<MemoryIterator>(store_.image()[index], &pending_[index], lower, upper);
  }

  void Put(Family family, BytesView key, BytesView value) override {
    pending_[IndexOf(family)].insert_or_assign(std::string(key), std::string(value));
    Add(MemoryWrite{MemoryWrite::Kind::kPut, family, std::string(key), std::string(value)});
  }
  void Put(Family family, BytesView key, std::initializer_list<BytesView> parts) override {
    std::string value;
    for (const BytesView part : parts) {
      value.append(part);
    }
    Put(family, key, value);
  }
  void Delete(Family family, BytesView key) override {
    Erase(MemoryWrite::Kind::kDelete, family, key);
  }
  void DeleteOnce(Family family, BytesView key) override {
    Erase(MemoryWrite::Kind::kDeleteOnce, family, key);
  }
  size_t byte_size() const override { return writes_.bytes; }
  bool empty() const override { return writes_.writes.empty(); }

  bool BelongsTo(const MemoryStore& store) const { return &store == &store_; }
  MemoryWriteSet Spend() {
    CheckAlive();
    spent_ = true;
    return std::move(writes_);
  }

 private:
  void CheckAlive() const {
    PERDURE_INVARIANT(life_ == store_.life(), "the transaction is from before a crash");
    PERDURE_INVARIANT(!spent_, "the transaction was written already");
  }
  void Erase(MemoryWrite::Kind kind, Family family, BytesView key) {
    pending_[IndexOf(family)].insert_or_assign(std::string(key), std::nullopt);
    Add(MemoryWrite{kind, family, std::string(key), {}});
  }
  void Add(MemoryWrite write) {
    CheckAlive();
    writes_.bytes += write.key.size() + write.value.size();
    writes_.writes.push_back(std::move(write));
  }

  const MemoryStore& store_;
  const uint64_t life_;
  std::array<Pending, kFamilyCount> pending_;
  MemoryWriteSet writes_;
  bool spent_ = false;
};

void ApplyWrite(const MemoryWrite& write, MemoryRows& rows) {
  const auto row = rows.find(write.key);
  switch (write.kind) {
    case MemoryWrite::Kind::kPut:
      if (row == rows.end()) {
        rows.emplace(write.key, MemoryRow{write.value, 1});
      } else {
        row->second.value = write.value;
        ++row->second.puts;
      }
      return;
    case MemoryWrite::Kind::kDelete:
      if (row != rows.end()) rows.erase(row);
      return;
    case MemoryWrite::Kind::kDeleteOnce:
      PERDURE_INVARIANT(row != rows.end(), "DeleteOnce of a key that does not exist");
      PERDURE_INVARIANT(row->second.puts == 1, "DeleteOnce of a key that was put more than once");
      rows.erase(row);
      return;
  }
}

void ApplyAll(const MemoryWriteSet& set, MemoryImage& image) {
  for (const MemoryWrite& write : set.writes) {
    std::shared_ptr<MemoryRows>& rows = image[IndexOf(write.family)];
    if (rows.use_count() > 1) rows = std::make_shared<MemoryRows>(*rows);
    ApplyWrite(write, *rows);
  }
}

}  // namespace

MemoryStore::MemoryStore() {
  for (size_t i = 0; i < kFamilyCount; ++i) {
    visible_[i] = std::make_shared<MemoryRows>();
    durable_[i] = std::make_shared<MemoryRows>();
  }
}

std::unique_ptr<StateTxn> MemoryStore::Begin() {
  return std::make_unique<MemoryTxn>(*this);
}

std::unique_ptr<StateReader> MemoryStore::Snapshot() {
  return std::make_unique<MemorySnapshot>(visible_);
}

std::optional<std::string> MemoryStore::FindInMemory(Family family, BytesView key) const {
  const MemoryRows& rows = *visible_[IndexOf(family)];
  const auto row = rows.find(key);
  if (row == rows.end()) return std::nullopt;
  return row->second.value;
}

void MemoryStore::Apply(StateTxn& txn) {
  auto* own = dynamic_cast<MemoryTxn*>(&txn);
  PERDURE_INVARIANT(own != nullptr, "the transaction is not of this kind of store");
  PERDURE_INVARIANT(own->BelongsTo(*this), "the transaction is of another database");
  unsynced_.push_back(own->Spend());
  ApplyAll(unsynced_.back(), visible_);
}

size_t MemoryStore::MakeDurable(size_t count) {
  PERDURE_ASSERT(count <= unsynced_.size());
  size_t bytes = 0;
  for (; count > 0; --count) {
    ApplyAll(unsynced_.front(), durable_);
    bytes += unsynced_.front().bytes;
    unsynced_.pop_front();
  }
  return bytes;
}

void MemoryStore::Crash() {
  unsynced_.clear();
  visible_ = durable_;  // shared until one of them changes
  ++life_;
}

}  // namespace perdure
