// SPDX-License-Identifier: Apache-2.0
//
// The commit log of a single node: the log is the one of the database itself (WriteSink), written
// by whoever appends and synced by one thread of its own. It does not know what a write set means,
// and never lets held work go before the sync that covers it has returned.
#pragma once

#include "perdure/base/ids.h"
#include "perdure/base/limits.h"
#include "perdure/log/commit_log.h"
#include "perdure/log/write_sink.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace perdure {

struct EmbeddedLogOptions {
  // A write set that nobody waits for is synced this long after it was appended, at the latest.
  DurationMs sync_delay_ms = 20;
  size_t unsynced_bytes_max = limits::kUnsyncedBytesMax;
  size_t held_effects_max = limits::kHeldEffectsMax;
  // Negative control of the crash test: calls durable what never was. Loses acknowledged data.
  bool no_sync = false;
};

// Counters since the start. Thread: any; each is exact, together they are not a consistent view.
struct SyncMetrics {
  std::atomic<uint64_t> appends{0};
  std::atomic<uint64_t> appended_bytes{0};
  std::atomic<uint64_t> syncs{0};
  std::atomic<uint64_t> sync_ns{0};            // sum over all syncs
  std::atomic<uint64_t> sync_ns_max{0};        // the slowest one
  std::atomic<uint64_t> synced_write_sets{0};  // divided by syncs: the mean batch
  std::atomic<uint64_t> batch_write_sets_max{0};
  std::atomic<uint64_t> released{0};     // held work and sync requests posted
  std::atomic<uint64_t> congestions{0};  // how often a limit was reached
};

class EmbeddedLog : public CommitLog {
 public:
  // Starts the syncer. `sink` outlives the log.
  static std::unique_ptr<EmbeddedLog> Start(WriteSink& sink, const EmbeddedLogOptions& options);

  // Syncs and releases what was appended so far, ends the syncer, and lets go whoever waits for
  // congestion to end. What is appended afterwards is written, but what is held is never released.
  // Thread: any but a destination's; the second call does nothing. The destructor calls it.
  virtual void Stop() = 0;

  // Test hooks: after PauseSyncer has returned nothing becomes durable until ResumeSyncer or Stop.
  virtual void PauseSyncer() = 0;
  virtual void ResumeSyncer() = 0;

  virtual const SyncMetrics& metrics() const = 0;
};

}  // namespace perdure
