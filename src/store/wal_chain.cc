// SPDX-License-Identifier: Apache-2.0
//
// Walks the chain of sequence numbers. A record covers as many numbers as it has puts and deletes.
#include "store/wal_chain.h"

#include "perdure/base/assert.h"
#include "perdure/base/log.h"

#include <rocksdb/write_batch.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>

namespace perdure {
namespace {

// A record begins with its sequence, fixed 64 bits, little-endian.
uint64_t SequenceOf(const rocksdb::WriteBatch& batch) {
  constexpr size_t kSequenceBytes = 8;
  const std::string& bytes = batch.Data();
  PERDURE_ASSERT(bytes.size() >= kSequenceBytes);
  uint64_t sequence = 0;
  for (size_t i = kSequenceBytes; i-- > 0;) {
    sequence = (sequence << 8) | static_cast<uint8_t>(bytes[i]);
  }
  return sequence;
}

}  // namespace

WalChain::WalChain(std::vector<uint64_t> emptied_logs) : emptied_logs_(std::move(emptied_logs)) {}

// A family that is empty keeps an old number in the manifest, so this is a lower bound.
void WalChain::ColumnFamilyLogNumberMap(
    const std::map<uint32_t, uint64_t>& log_number_by_family,
    const std::map<std::string, uint32_t>& /*family_id_by_name*/) {
  uint64_t smallest = std::numeric_limits<uint64_t>::max();
  for (const auto& family : log_number_by_family) {
    smallest = std::min(smallest, family.second);
  }
  log_needed_ = log_number_by_family.empty() ? 0 : smallest;
}

rocksdb::WalFilter::WalProcessingOption WalChain::LogRecordFound(
    unsigned long long log_number,
    const std::string& log_file_name,
    const rocksdb::WriteBatch& batch,
    rocksdb::WriteBatch* /*new_batch*/,
    bool* /*batch_changed*/) {
  if (broken_) return WalProcessingOption::kStopReplay;
  // After a recovery that lost something RocksDB puts an empty record first; it covers no number.
  if (batch.Count() == 0) return WalProcessingOption::kContinueProcessing;
  const uint64_t sequence = SequenceOf(batch);
  const bool follows = next_ == 0 ? !EmptiedUpTo(log_number) : sequence == next_;
  if (!follows) {
    PERDURE_LOG(
        kWarn,
        "log_replay_stopped",
        {{"file", log_file_name}, {"found", sequence}, {"expected", next_}});
    broken_ = true;
    return WalProcessingOption::kStopReplay;
  }
  if (next_ == 0) first_log_ = log_number;
  next_ = sequence + batch.Count();
  return WalProcessingOption::kContinueProcessing;
}

// A process begins a new log file only when the present one has records, and recovery raises the
// number needed above all files it found. So a file without records that is needed and not the
// newest has lost them, and what comes later has no predecessor.
bool WalChain::EmptiedUpTo(uint64_t log_number) const {
  return std::any_of(emptied_logs_.begin(), emptied_logs_.end(), [&](uint64_t emptied) {
    return emptied >= log_needed_ && emptied <= log_number;
  });
}

}  // namespace perdure
