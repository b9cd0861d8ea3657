// SPDX-License-Identifier: Apache-2.0
//
// Walks the fields of one protobuf message without copying: length-delimited fields come out as
// views into the input. The first thing that does not make sense breaks the reader for good; the
// caller asks ok() once, after the last field. Unknown fields are skipped, as proto3 wants.
#pragma once

#include "perdure/base/bytes.h"

#include <google/protobuf/io/coded_stream.h>

#include <cstdint>
#include <string>
#include <vector>

namespace perdure {

class WireReader {
 public:
  // `message` outlives the reader. REQUIRES: less than 2 GiB.
  explicit WireReader(BytesView message);

  // Goes to the next field; false at the end and once broken.
  bool Next();
  uint32_t field() const { return tag_ >> 3; }
  bool ok() const { return !broken_; }
  void Break() { broken_ = true; }

  // The value of the current field; a neutral value if its wire type is another one.
  uint64_t Varint();
  uint32_t Uint32() { return static_cast<uint32_t>(Varint()); }
  bool Bool() { return Varint() != 0; }
  BytesView Bytes();
  std::string Text();  // must be UTF-8
  // A repeated uint32, packed or not: appends.
  void Uint32s(std::vector<uint32_t>& out);
  void Skip();

 private:
  BytesView message_;
  google::protobuf::io::CodedInputStream input_;
  uint32_t tag_ = 0;
  bool broken_ = false;
};

}  // namespace perdure
