// SPDX-License-Identifier: Apache-2.0
//
// How values of the journal family lie in the database: as they are, or compressed if they are
// large and shrink. Done before the write set is logged, so that log, memtable, blob file and every
// checksum carry the smaller bytes; the family's own compression would come after all of them.
// The machine sees plain values only.
//
//   value | 0x00                       as it is
//   LZ4 block | length (4) | 0x01      compressed; length of the plain value, big-endian
#pragma once

#include "perdure/base/bytes.h"
#include "perdure/store/state.h"

#include <initializer_list>
#include <string>

namespace perdure {

inline constexpr size_t kPackFrom = 4096;  // bytes; below, the saving is not worth the call

// Whether values of this family are packed.
constexpr bool IsPacked(Family family) {
  return family == Family::kJournal;
}

// Packs the concatenation of `parts` into `out`, which is overwritten.
void PackValue(std::initializer_list<BytesView> parts, std::string& out);

// Makes a packed value plain again, in place. False: these bytes were not made by PackValue.
[[nodiscard]] bool UnpackValue(std::string& value);

}  // namespace perdure
