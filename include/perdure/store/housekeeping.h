// SPDX-License-Identifier: Apache-2.0
//
// What a data folder needs now and then, on a thread of its own: deletes are written out of memory,
// so that disk comes back after expiry also on an idle server. It writes nothing itself, and costs
// next to nothing when nothing was deleted.
#pragma once

#include "perdure/base/clock.h"
#include "perdure/base/ids.h"
#include "perdure/base/limits.h"
#include "perdure/store/database.h"

#include <memory>

namespace perdure {

struct HousekeepingOptions {
  DurationMs every_ms = limits::kHousekeepingEveryMs;
  // How old the oldest delete in memory may become.
  DurationMs flush_deletes_after_ms = limits::kDeletesFlushedAfterMs;
};

class Housekeeping {
 public:
  virtual ~Housekeeping() = default;
  // `database` and `clock` outlive the result.
  static std::unique_ptr<Housekeeping> Start(
      Database& database, const Clock& clock, const HousekeepingOptions& options);

  // Ends the thread; the destructor calls it. Thread: any but its own, one at a time.
  virtual void Stop() = 0;
};

}  // namespace perdure
