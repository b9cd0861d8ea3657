// SPDX-License-Identifier: Apache-2.0
//
// See housekeeper.h. The age of a delete counts from the step that noticed it, so that writing one
// needs no clock.
#include "store/housekeeper.h"

#include "perdure/base/log.h"
#include "store/posix_file.h"

namespace perdure {

Housekeeper::Housekeeper(Database& database, const Clock& clock, const HousekeepingOptions& options)
    : database_(database), clock_(clock), options_(options) {}

void Housekeeper::Step() {
  LookAtDisk();
  FlushOldDeletes();
}

void Housekeeper::LookAtDisk() {
  const Result<uint64_t> free =
      options_.test_free_bytes ? options_.test_free_bytes() : FreeBytes(options_.folder);
  if (!free.ok()) {
    // What was known last stays; a disk that never tells is never called full.
    if (!disk_unknown_) PERDURE_LOG(kWarn, "disk_space_unknown", {{"error", free.error().message}});
    disk_unknown_ = true;
    return;
  }
  disk_unknown_ = false;
  if (!nearly_full() && *free < options_.reserve_bytes) {
    nearly_full_.store(true, std::memory_order_relaxed);
    PERDURE_LOG(
        kError,
        "disk_nearly_full",
        {{"folder", options_.folder},
         {"free_bytes", *free},
         {"reserve_bytes", options_.reserve_bytes},
         {"new_work", "refused until space is freed"}});
  } else if (nearly_full() && *free >= options_.reserve_regained_bytes) {
    nearly_full_.store(false, std::memory_order_relaxed);
    PERDURE_LOG(
        kInfo,
        "disk_has_space_again",
        {{"folder", options_.folder}, {"free_bytes", *free}, {"new_work", "accepted"}});
  }
}

void Housekeeper::FlushOldDeletes() {
  const uint64_t written = database_.deletes_written();
  if (written == deletes_flushed_) return;
  const uint64_t now = clock_.MonotonicNs();
  if (!deletes_seen_at_ns_) deletes_seen_at_ns_ = now;
  if (now - *deletes_seen_at_ns_ < options_.flush_deletes_after_ms * 1'000'000) return;
  if (!database_.StartFlush()) return;
  deletes_flushed_ = written;
  deletes_seen_at_ns_.reset();
}

}  // namespace perdure
