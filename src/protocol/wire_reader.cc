// SPDX-License-Identifier: Apache-2.0
//
// Field walking over protobuf's CodedInputStream, which knows varints, tags and unknown fields.
// What is added here: views instead of copies, UTF-8 checks, and one sticky error.
#include "protocol/wire_reader.h"

#include "base/utf8.h"
#include "perdure/base/assert.h"

#include <google/protobuf/wire_format_lite.h>

#include <limits>

namespace perdure {
namespace {

using google::protobuf::internal::WireFormatLite;

// ReadTag takes longer ones and forgets their upper bits; to protobuf's own parser they are errors.
constexpr int kTagBytesMax = 5;

int CheckedSize(BytesView message) {
  PERDURE_ASSERT(message.size() <= static_cast<size_t>(std::numeric_limits<int>::max()));
  return static_cast<int>(message.size());
}

}  // namespace

WireReader::WireReader(BytesView message)
    : message_(message),
      input_(reinterpret_cast<const uint8_t*>(message.data()), CheckedSize(message)) {}

bool WireReader::Next() {
  if (broken_) {
    return false;
  }
  const int begin = input_.CurrentPosition();
  tag_ = input_.ReadTag();
  if (tag_ == 0) {
    broken_ = !input_.ConsumedEntireMessage();
    return false;
  }
  // A group end has no group start here: groups are skipped whole.
  broken_ = field() == 0 || input_.CurrentPosition() - begin > kTagBytesMax ||
            WireFormatLite::GetTagWireType(tag_) == WireFormatLite::WIRETYPE_END_GROUP;
  return !broken_;
}

uint64_t WireReader::Varint() {
  uint64_t value = 0;
  if (WireFormatLite::GetTagWireType(tag_) != WireFormatLite::WIRETYPE_VARINT ||
      !input_.ReadVarint64(&value)) {
    broken_ = true;
    return 0;
  }
  return value;
}

BytesView WireReader::Bytes() {
  uint32_t length = 0;
  if (WireFormatLite::GetTagWireType(tag_) != WireFormatLite::WIRETYPE_LENGTH_DELIMITED ||
      !input_.ReadVarint32(&length)) {
    broken_ = true;
    return {};
  }
  const auto position = static_cast<size_t>(input_.CurrentPosition());
  PERDURE_ASSERT(position <= message_.size());
  if (length > message_.size() - position || !input_.Skip(static_cast<int>(length))) {
    broken_ = true;
    return {};
  }
  return message_.substr(position, length);
}

std::string WireReader::Text() {
  const BytesView bytes = Bytes();
  if (!IsUtf8(bytes)) {
    broken_ = true;
    return {};
  }
  return std::string(bytes);
}

void WireReader::Uint32s(std::vector<uint32_t>& out) {
  if (WireFormatLite::GetTagWireType(tag_) == WireFormatLite::WIRETYPE_VARINT) {
    out.push_back(Uint32());
    return;
  }
  const BytesView packed = Bytes();
  google::protobuf::io::CodedInputStream numbers(
      reinterpret_cast<const uint8_t*>(packed.data()), CheckedSize(packed));
  while (numbers.CurrentPosition() < CheckedSize(packed)) {
    uint64_t value = 0;
    if (!numbers.ReadVarint64(&value)) {
      broken_ = true;
      return;
    }
    out.push_back(static_cast<uint32_t>(value));
  }
}

void WireReader::Skip() {
  if (!broken_ && !WireFormatLite::SkipField(&input_, tag_)) {
    broken_ = true;
  }
}

}  // namespace perdure
