// SPDX-License-Identifier: Apache-2.0
//
// The proof that recovery found a prefix. RocksDB replays a newer log file over the lost tail of an
// older one if the tail was cut at a record boundary: later write sets would be there, earlier ones
// not. This filter stops the replay at the first record whose sequence does not follow its
// predecessor, and at a first record if an older log file has lost all of its own. It decides
// nothing about what the loss means: see DataFolder's mark.
#pragma once

#include <rocksdb/wal_filter.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace perdure {

class WalChain final : public rocksdb::WalFilter {
 public:
  // `emptied_logs`: the log files in the folder, before it is opened, that hold no record.
  explicit WalChain(std::vector<uint64_t> emptied_logs);

  // The sequence of the last entry of the chain; 0: no record was found.
  uint64_t end() const { return next_ == 0 ? 0 : next_ - 1; }
  // The log file in which the chain begins; 0: no record was found.
  uint64_t first_log() const { return first_log_; }
  // Log files with smaller numbers are in table files completely. So may be larger ones: RocksDB
  // skips them without telling.
  uint64_t log_needed() const { return log_needed_; }
  // Whether a log file that may be needed, not newer than `log_number`, has lost all its records.
  bool EmptiedUpTo(uint64_t log_number) const;

  const char* Name() const override { return "perdure.WalChain"; }
  void ColumnFamilyLogNumberMap(
      const std::map<uint32_t, uint64_t>& log_number_by_family,
      const std::map<std::string, uint32_t>& family_id_by_name) override;
  WalProcessingOption LogRecordFound(
      unsigned long long log_number,
      const std::string& log_file_name,
      const rocksdb::WriteBatch& batch,
      rocksdb::WriteBatch* new_batch,
      bool* batch_changed) override;

 private:
  const std::vector<uint64_t> emptied_logs_;
  uint64_t log_needed_ = 0;
  uint64_t first_log_ = 0;
  uint64_t next_ = 0;  // the sequence expected next; 0: nothing was seen yet
  bool broken_ = false;
};

}  // namespace perdure
