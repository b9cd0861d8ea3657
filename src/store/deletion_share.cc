// SPDX-License-Identifier: Apache-2.0
//
// One counter pair per file that is being written.
#include "store/deletion_share.h"

#include <rocksdb/slice.h>
#include <rocksdb/status.h>

#include <cstdint>

namespace perdure {
namespace {

// Three of four. A busy server whose rows expire as fast as new ones come writes files that are
// half deletions; those are left to the usual compactions, four files at once.
constexpr uint64_t kDeletions = 3;
constexpr uint64_t kEntries = 4;

class DeletionShare final : public rocksdb::TablePropertiesCollector {
 public:
  const char* Name() const override { return "DeletionShare"; }

  rocksdb::Status AddUserKey(
      const rocksdb::Slice& /*key*/,
      const rocksdb::Slice& /*value*/,
      rocksdb::EntryType type,
      rocksdb::SequenceNumber /*sequence*/,
      uint64_t /*file_size*/) override {
    ++entries_;
    if (type == rocksdb::kEntryDelete || type == rocksdb::kEntrySingleDelete) ++deletions_;
    return rocksdb::Status::OK();
  }

  rocksdb::Status Finish(rocksdb::UserCollectedProperties* /*properties*/) override {
    return rocksdb::Status::OK();
  }
  rocksdb::UserCollectedProperties GetReadableProperties() const override { return {}; }

  bool NeedCompact() const override {
    return deletions_ > 0 && deletions_ * kEntries >= entries_ * kDeletions;
  }

 private:
  uint64_t entries_ = 0;
  uint64_t deletions_ = 0;
};

class DeletionShareFactory final : public rocksdb::TablePropertiesCollectorFactory {
 public:
  const char* Name() const override { return "DeletionShare"; }
  // The caller owns the result.
  rocksdb::TablePropertiesCollector* CreateTablePropertiesCollector(
      rocksdb::TablePropertiesCollectorFactory::Context /*context*/) override {
    return new DeletionShare();
  }
};

}  // namespace

std::shared_ptr<rocksdb::TablePropertiesCollectorFactory> CompactFilesOfDeletions() {
  return std::make_shared<DeletionShareFactory>();
}

}  // namespace perdure
