// SPDX-License-Identifier: Apache-2.0
//
// Where the state of one object lies. Always in the state table, except while the rows from before
// a clear are too many for one turn: then the state table holds its state before the clear's cursor
// only, and the table of fresh state holds the rest. So every read stays one read, a cleared object
// is empty at once, and what is set afterwards survives. Reads only; clearing is in apply_state.cc.
#pragma once

#include "perdure/base/bytes.h"
#include "perdure/base/ids.h"
#include "perdure/store/state.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace perdure {

// The newest clear of an object that is still being worked off.
struct Clearing {
  uint64_t sequence = 0;  // of its work row
  std::string cursor;     // state key: rows before it are done
};
// By the prefix of the object in the state table. What the work rows say, remembered.
using ClearingObjects = std::unordered_map<std::string, Clearing>;
ClearingObjects ReadClearing(const StateReader& reader, PartitionId partition);

class ObjectState {
 public:
  // All must outlive this.
  ObjectState(
      const ClearingObjects& clearing, std::string_view service, std::string_view object_key);

  // The key of the row that holds, or would hold, this state key.
  std::string RowOf(BytesView state_key) const;
  // Visits state keys and values in the order of the keys, until `visit` returns false.
  void Each(
      const StateReader& reader,
      const std::function<bool(BytesView state_key, BytesView value)>& visit) const;

 private:
  const std::string_view service_;
  const std::string_view object_key_;
  const Clearing* clearing_ = nullptr;
};

}  // namespace perdure
