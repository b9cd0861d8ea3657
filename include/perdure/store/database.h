// SPDX-License-Identifier: Apache-2.0
//
// The database of one node: a folder that belongs to one process, six families of ordered keys, a
// write-ahead log. Opening proves that what was recovered is a prefix of what was written and not
// shorter than what was ever synced; if it cannot, it refuses and says why. It does not know what
// keys or values mean, and it is written through the commit log only.
#pragma once

#include "perdure/base/bytes.h"
#include "perdure/base/limits.h"
#include "perdure/base/result.h"
#include "perdure/log/write_sink.h"
#include "perdure/store/state.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace perdure {

// The layout of keys and values in a folder. Grows with every change that an older version cannot
// read. Other numbers are refused (older ones until 1.0, then they are migrated).
inline constexpr uint32_t kDatabaseFormat = 5;

struct DatabaseOptions {
  // Inside: `format`, `lock`, `wal-mark` and the database itself in `db/`. Other files may lie
  // here.
  std::string folder;
  bool create_if_missing = true;

  // Memory: memtables of all families together, and the cache that also holds index and filter
  // blocks. The sum with a flush under way stays below 64 + 32 + 32 MiB.
  size_t write_buffers_bytes = limits::kWriteBuffersBytes;
  size_t block_cache_bytes = 32 * limits::kMiB;

  // Crash test: the file `wal-synced` in `folder` is made before the database is opened; after
  // every sync of a log file, and before anything that waits for it goes on, one line "<file name>
  // <bytes>" is appended to it. The last line of a name counts; a file without one has no synced
  // bytes.
  bool record_synced = false;

  // Unit tests only. A std::shared_ptr<rocksdb::FileSystem> as void; empty: the system's.
  std::shared_ptr<void> test_file_system;
  // Unit tests only: recover without the proof of the prefix, to show what it is good for.
  bool test_skip_prefix_proof = false;
};

// Thread: StateStore: any. WriteSink: see there. Transactions, readers and iterators end before the
// database does. A failed read ends the process.
class Database : public StateStore, public WriteSink {
 public:
  // Creates the folder if it is missing, recovers, makes what was recovered durable, and counts the
  // start. The message of an error is for the operator.
  static Result<std::unique_ptr<Database>> Open(const DatabaseOptions& options);

  // How often this folder was opened, this time included: durable, so no two starts share a number.
  virtual uint64_t start_counter() const = 0;
  // True if this call of Open made the database.
  virtual bool created() const = 0;

  // Housekeeping. How many deletes were written since the database was opened. Thread: any.
  virtual uint64_t deletes_written() const = 0;
  // Starts to write out everything that is in memory: the log files that held it go, and so do,
  // with the compactions that follow many deletions, the deleted rows. Does not wait for the flush.
  // False: one is under way, ask again later. A failure ends the process, as that of a write does.
  // Thread: any.
  virtual bool StartFlush() = 0;

  // A few rows beside the families for what is fixed when a folder is made. Thread: the one that
  // opened, before a commit log is started. WriteMeta is durable when it returns.
  virtual std::optional<std::string> ReadMeta(BytesView key) const = 0;
  virtual Status WriteMeta(BytesView key, BytesView value) = 0;
};

}  // namespace perdure
