// SPDX-License-Identifier: Apache-2.0
//
// What a data folder needs now and then, on a thread of its own: deletes are written out of memory,
// so that disk comes back after expiry also on an idle server, and free space is watched. It writes
// nothing itself, and costs next to nothing when nothing was deleted.
#pragma once

#include "perdure/base/clock.h"
#include "perdure/base/ids.h"
#include "perdure/base/limits.h"
#include "perdure/base/result.h"
#include "perdure/store/database.h"
#include "perdure/store/disk_space.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace perdure {

struct HousekeepingOptions {
  std::string folder;  // whose disk is watched
  DurationMs every_ms = limits::kHousekeepingEveryMs;
  // How old the oldest delete in memory may become.
  DurationMs flush_deletes_after_ms = limits::kDeletesFlushedAfterMs;
  // Nearly full below the first, no longer so from the second.
  uint64_t reserve_bytes = limits::kDiskReserve;
  uint64_t reserve_regained_bytes = limits::kDiskReserveRegained;

  // Unit tests only: asked for the free bytes in place of the file system of `folder`.
  std::function<Result<uint64_t>()> test_free_bytes;
};

class Housekeeping : public DiskSpace {
 public:
  // Has looked at the disk once when it returns. `database` and `clock` outlive the result.
  static std::unique_ptr<Housekeeping> Start(
      Database& database, const Clock& clock, const HousekeepingOptions& options);

  // Ends the thread; the destructor calls it. Thread: any but its own, one at a time.
  virtual void Stop() = 0;
};

}  // namespace perdure
