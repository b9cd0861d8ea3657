// SPDX-License-Identifier: Apache-2.0
//
// A UTF-8 check that looks at each byte once, and excerpts for error texts. Decodes nothing.
#include "base/utf8.h"

#include <cstddef>
#include <cstdint>

namespace perdure {
namespace {

// The length of the sequence that begins with `lead`, and the range of its second byte, which rules
// out overlong forms, surrogates and what lies above U+10FFFF. Length 0: not a lead byte.
struct Sequence {
  size_t length = 0;
  uint8_t second_min = 0x80;
  uint8_t second_max = 0xbf;
};

Sequence SequenceOf(uint8_t lead) {
  if (lead >= 0xc2 && lead <= 0xdf) {
    return {2, 0x80, 0xbf};
  }
  if (lead >= 0xe0 && lead <= 0xef) {
    const uint8_t second_min = lead == 0xe0 ? 0xa0 : 0x80;
    const uint8_t second_max = lead == 0xed ? 0x9f : 0xbf;
    return {3, second_min, second_max};
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const uint8_t second_min = lead == 0xf0 ? 0x90 : 0x80;
    const uint8_t second_max = lead == 0xf4 ? 0x8f : 0xbf;
    return {4, second_min, second_max};
  }
  return {};
}

// The length of the character at the beginning; 0: there is none.
size_t CharacterLength(std::string_view bytes) {
  const auto lead = static_cast<uint8_t>(bytes[0]);
  if (lead < 0x80) {
    return 1;
  }
  const Sequence sequence = SequenceOf(lead);
  if (sequence.length == 0 || bytes.size() < sequence.length) {
    return 0;
  }
  const auto second = static_cast<uint8_t>(bytes[1]);
  if (second < sequence.second_min || second > sequence.second_max) {
    return 0;
  }
  for (size_t k = 2; k < sequence.length; ++k) {
    if ((static_cast<uint8_t>(bytes[k]) & 0xc0) != 0x80) {
      return 0;
    }
  }
  return sequence.length;
}

}  // namespace

bool IsUtf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t length = CharacterLength(bytes);
    if (length == 0) {
      return false;
    }
    bytes.remove_prefix(length);
  }
  return true;
}

std::string ReplaceNonUtf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    const size_t length = CharacterLength(bytes);
    out += length == 0 ? std::string_view("\xef\xbf\xbd") : bytes.substr(0, length);
    bytes.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

std::string Excerpt(std::string_view bytes, size_t bytes_max) {
  size_t length = bytes.size() < bytes_max ? bytes.size() : bytes_max;
  while (length > 0 && length < bytes.size() &&
         (static_cast<uint8_t>(bytes[length]) & 0xc0) == 0x80) {
    --length;
  }
  std::string out(bytes.substr(0, length));
  if (!IsUtf8(out)) {
    for (char& c : out) {
      c = static_cast<uint8_t>(c) < 0x80 ? c : '?';
    }
  }
  return out;
}

}  // namespace perdure
