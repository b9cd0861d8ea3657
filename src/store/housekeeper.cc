// SPDX-License-Identifier: Apache-2.0
//
// See housekeeper.h. The age of a delete counts from the step that noticed it, so that writing one
// needs no clock.
#include "store/housekeeper.h"

namespace perdure {

Housekeeper::Housekeeper(Database& database, const Clock& clock, const HousekeepingOptions& options)
    : database_(database), clock_(clock), options_(options) {}

void Housekeeper::Step() {
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
