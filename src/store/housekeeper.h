// SPDX-License-Identifier: Apache-2.0
//
// The steps of housekeeping without a thread: each looks at the disk and at how old the deletes in
// memory are. Keeps only what it saw at earlier steps.
#pragma once

#include "perdure/store/housekeeping.h"

#include <atomic>
#include <cstdint>
#include <optional>

namespace perdure {

// Thread: one at a time, except for nearly_full.
class Housekeeper {
 public:
  Housekeeper(Database& database, const Clock& clock, const HousekeepingOptions& options);

  void Step();
  // Thread: any.
  bool nearly_full() const { return nearly_full_.load(std::memory_order_relaxed); }

 private:
  void LookAtDisk();
  void FlushOldDeletes();

  Database& database_;
  const Clock& clock_;
  const HousekeepingOptions options_;
  std::atomic<bool> nearly_full_{false};
  bool disk_unknown_ = false;                   // the last look failed
  uint64_t deletes_flushed_ = 0;                // of Database::deletes_written
  std::optional<uint64_t> deletes_seen_at_ns_;  // when the first ones beyond that were noticed
};

}  // namespace perdure
