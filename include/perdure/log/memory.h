// SPDX-License-Identifier: Apache-2.0
//
// Store and commit log in memory, for tests and simulation: one thread, no clock, no I/O, the same
// calls give the same order. The caller decides when a sync begins, when it ends and when the
// machine crashes; nothing becomes durable by itself. It is stricter than the real store: a
// DeleteOnce of a key that was not put exactly once is a broken invariant here.
#pragma once

#include "perdure/base/limits.h"
#include "perdure/log/commit_log.h"
#include "perdure/store/state.h"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace perdure {

struct MemoryDatabaseOptions {
  size_t unsynced_bytes_max = limits::kUnsyncedBytesMax;
  size_t held_effects_max = limits::kHeldEffectsMax;
  bool hop_before_durable = true;
};

// Thread: one.
class MemoryDatabase {
 public:
  static std::unique_ptr<MemoryDatabase> Create(const MemoryDatabaseOptions& options = {});
  virtual ~MemoryDatabase() = default;

  // Both live as long as this object, also across crashes.
  virtual StateStore& store() = 0;
  // WaitWhileCongested cannot block the only thread there is: it syncs instead.
  virtual CommitLog& log() = 0;

  // Starts at 1, grows by one with every crash: what the real database counts at open.
  virtual uint64_t start_counter() const = 0;

  // Whether the real syncer would run now: held work or a reader waits, or a limit is reached.
  virtual bool sync_wanted() const = 0;
  virtual size_t unsynced_write_sets() const = 0;
  virtual size_t held() const = 0;

  // A sync in two steps. What is appended between them stays unsynced. Posts what it releases, one
  // piece of work per destination. REQUIRES: steps alternate.
  virtual void BeginSync() = 0;
  virtual void FinishSync() = 0;
  // Both steps.
  virtual void Sync() = 0;
  virtual bool syncing() const = 0;

  // Power loss and restart: of the unsynced write sets the oldest `survivors` are found again (they
  // are durable from then on), the others, held work and a sync under way are gone, tickets start
  // again at 0. Transactions and snapshots from before must not be used any more.
  virtual void CrashAndRecover(size_t survivors = 0) = 0;
};

}  // namespace perdure
