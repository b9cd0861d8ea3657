// SPDX-License-Identifier: Apache-2.0
//
// StateStore on ordered maps, with a second image of what is durable. Maps are shared with
// snapshots and scans and copied when they change. It enforces what the real store only trusts:
// DeleteOnce is for keys that were put exactly once. No threads, no limits of its own.
#pragma once

#include "perdure/store/state.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace perdure {

struct MemoryRow {
  std::string value;
  uint32_t puts = 0;  // since the key last did not exist
};

using MemoryRows = std::map<std::string, MemoryRow, std::less<>>;
using MemoryImage = std::array<std::shared_ptr<MemoryRows>, kFamilyCount>;

struct MemoryWrite {
  enum class Kind { kPut, kDelete, kDeleteOnce };
  Kind kind;
  Family family;
  std::string key;
  std::string value;  // kPut only
};

// One write set as it was appended, in the order of the calls.
struct MemoryWriteSet {
  std::vector<MemoryWrite> writes;
  size_t bytes = 0;
};

class MemoryStore final : public StateStore {
 public:
  MemoryStore();

  std::unique_ptr<StateTxn> Begin() override;
  std::unique_ptr<StateReader> Snapshot() override;
  std::optional<std::string> FindInMemory(Family family, BytesView key) const override;

  // Makes the write set visible; the transaction is spent. REQUIRES: begun here since the last
  // crash.
  void Apply(StateTxn& txn);
  size_t unsynced() const { return unsynced_.size(); }
  // The oldest `count` unsynced write sets become durable; returns their bytes.
  size_t MakeDurable(size_t count);
  // The visible state is the durable one again.
  void Crash();

  const MemoryImage& image() const { return visible_; }
  uint64_t life() const { return life_; }

 private:
  MemoryImage visible_;
  MemoryImage durable_;
  std::deque<MemoryWriteSet> unsynced_;
  uint64_t life_ = 1;  // grows with every crash
};

}  // namespace perdure
