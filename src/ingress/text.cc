// SPDX-License-Identifier: Apache-2.0
//
// See text.h. Sequences are judged byte by byte as in the Unicode standard's table of well-formed
// UTF-8, because where text breaks is told to clients. Allocates only what it gives back.
#include "ingress/text.h"

#include <algorithm>
#include <cstdint>

namespace perdure::ingress {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

struct Utf8Lead {
  size_t length = 0;  // 0: no sequence starts so
  // The second byte's range shuts out overlong forms, surrogates and what is above U+10FFFF.
  uint8_t second_min = 0x80;
  uint8_t second_max = 0xbf;
};

Utf8Lead LeadOf(uint8_t byte) {
  if (byte < 0x80) {
    return {1};
  }
  if (byte >= 0xc2 && byte <= 0xdf) {
    return {2};
  }
  if (byte >= 0xe0 && byte <= 0xef) {
    return {
        3,
        static_cast<uint8_t>(byte == 0xe0 ? 0xa0 : 0x80),
        static_cast<uint8_t>(byte == 0xed ? 0x9f : 0xbf)};
  }
  if (byte >= 0xf0 && byte <= 0xf4) {
    return {
        4,
        static_cast<uint8_t>(byte == 0xf0 ? 0x90 : 0x80),
        static_cast<uint8_t>(byte == 0xf4 ? 0x8f : 0xbf)};
  }
  return {0};
}

char LowerAscii(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

void AppendEscaped(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    default:
      break;
  }
  const auto byte = static_cast<uint8_t>(c);
  if (byte >= 0x20) {
    out += c;
    return;
  }
  out += "\\u00";
  out += kHexDigits[byte >> 4];
  out += kHexDigits[byte & 15];
}

}  // namespace

std::optional<Utf8Error> FindInvalidUtf8(std::string_view text) {
  size_t i = 0;
  while (i < text.size()) {
    const Utf8Lead lead = LeadOf(static_cast<uint8_t>(text[i]));
    if (lead.length == 0) {
      return Utf8Error{i, 1};
    }
    for (size_t k = 1; k < lead.length; ++k) {
      if (i + k >= text.size()) {
        return Utf8Error{i, std::nullopt};
      }
      const auto byte = static_cast<uint8_t>(text[i + k]);
      const uint8_t low = k == 1 ? lead.second_min : 0x80;
      const uint8_t high = k == 1 ? lead.second_max : 0xbf;
      if (byte < low || byte > high) {
        return Utf8Error{i, k};
      }
    }
    i += lead.length;
  }
  return std::nullopt;
}

bool IsVisibleAscii(std::string_view text) {
  return std::all_of(
      text.begin(), text.end(), [](char c) { return (c >= 0x20 && c <= 0x7e) || c == '\t'; });
}

bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return LowerAscii(x) == LowerAscii(y);
  });
}

void AppendJsonString(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const std::optional<Utf8Error> broken = FindInvalidUtf8(text);
    const size_t valid = broken.has_value() ? broken->valid_up_to : text.size();
    for (const char c : text.substr(0, valid)) {
      AppendEscaped(out, c);
    }
    text.remove_prefix(valid);
    if (broken.has_value()) {
      out += "\xef\xbf\xbd";
      text.remove_prefix(broken->length.value_or(text.size()));
    }
  }
  out += '"';
}

}  // namespace perdure::ingress
