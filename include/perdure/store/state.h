// SPDX-License-Identifier: Apache-2.0
//
// Ordered key-value state, as the machine sees it. The store does not know what keys or values
// mean; which table lies in which family is decided in core (src/core/FORMAT.md).
#pragma once

#include "perdure/base/bytes.h"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>

namespace perdure {

// Families by access pattern. ON DISK: append only, DO NOT RENUMBER.
enum class Family : uint8_t {
  kMeta = 0,     // few rows: format, counters, deployments
  kStatus = 1,   // one small row per invocation, never a body
  kJournal = 2,  // entries and results: written once, deleted by known key
  kState = 3,    // object state: point reads and prefix scans
  kQueue = 4,    // ready, inbox, timers, outbox, expiry: many tombstones
  kIndex = 5,    // notification index, locks, listeners
};
inline constexpr size_t kFamilyCount = 6;

// Walks keys in [lower, upper) in ascending byte order. Views are valid until the next call.
class StateIterator {
 public:
  virtual ~StateIterator() = default;
  virtual bool Valid() const = 0;
  virtual void Next() = 0;
  virtual BytesView key() const = 0;
  virtual BytesView value() const = 0;
};

// Thread: one at a time. A read error (I/O, checksum) ends the process: see design, failure policy.
class StateReader {
 public:
  virtual ~StateReader() = default;
  virtual std::optional<std::string> Get(Family family, BytesView key) const = 0;
  // An empty `upper` means: to the end of the family. The iterator must not outlive the reader, and
  // does not see writes made after its creation.
  virtual std::unique_ptr<StateIterator> Scan(
      Family family, BytesView lower, BytesView upper) const = 0;
};

// The write set of one turn. Reads see the committed state with this write set on top.
class StateTxn : public StateReader {
 public:
  virtual void Put(Family family, BytesView key, BytesView value) = 0;
  // The value is the concatenation of `parts`; saves building it first.
  virtual void Put(Family family, BytesView key, std::initializer_list<BytesView> parts) = 0;
  virtual void Delete(Family family, BytesView key) = 0;
  // For keys that were put exactly once since they last did not exist.
  virtual void DeleteOnce(Family family, BytesView key) = 0;
  virtual size_t byte_size() const = 0;
  virtual bool empty() const = 0;
};

// Committed state. Thread: any; `Begin` gives a transaction that belongs to one thread.
class StateStore {
 public:
  virtual ~StateStore() = default;
  virtual std::unique_ptr<StateTxn> Begin() = 0;
  // A consistent view for readers outside the partitions. Promise 1: such a reader takes its view
  // first, then waits for CommitLog::SyncFromNow before it shows anything.
  virtual std::unique_ptr<StateReader> Snapshot() = 0;
  // The newest committed value if it is found without waiting for the disk. Nothing means nothing:
  // the row may exist all the same. Promise 1 is the caller's.
  virtual std::optional<std::string> FindInMemory(Family family, BytesView key) const = 0;
};

}  // namespace perdure
