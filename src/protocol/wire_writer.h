// SPDX-License-Identifier: Apache-2.0
//
// Writes protobuf fields into a string. It writes what it is told, also zeros and empty values: the
// caller leaves out what proto3 leaves out, and keeps the members of a oneof (service
// protocol 2.5).
#pragma once

#include "perdure/base/bytes.h"

#include <cstdint>
#include <string>
#include <utility>

namespace perdure {

class WireWriter {
 public:
  void Varint(uint32_t field, uint64_t value) {
    AppendVarint(uint64_t{field} << 3);
    AppendVarint(value);
  }
  void Bytes(uint32_t field, BytesView value) {
    AppendVarint((uint64_t{field} << 3) | kLengthDelimited);
    AppendVarint(value.size());
    out_.append(value);
  }
  // The forms for fields with implicit presence.
  void VarintIfSet(uint32_t field, uint64_t value) {
    if (value != 0) {
      Varint(field, value);
    }
  }
  void BytesIfSet(uint32_t field, BytesView value) {
    if (!value.empty()) {
      Bytes(field, value);
    }
  }
  void Reserve(size_t bytes) { out_.reserve(bytes); }

  std::string Take() { return std::move(out_); }
  BytesView view() const { return out_; }

 private:
  static constexpr uint64_t kLengthDelimited = 2;

  void AppendVarint(uint64_t value) {
    while (value >= 0x80) {
      out_ += static_cast<char>(static_cast<uint8_t>(value | 0x80));
      value >>= 7;
    }
    out_ += static_cast<char>(static_cast<uint8_t>(value));
  }

  std::string out_;
};

}  // namespace perdure
