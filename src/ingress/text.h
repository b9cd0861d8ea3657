// SPDX-License-Identifier: Apache-2.0
//
// Small text work of the ingress: UTF-8 checks, JSON strings. Works on bytes that
// strangers sent, so every function takes anything; none of them knows a route or a header name.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace perdure::ingress {

// Where text stops being UTF-8.
struct Utf8Error {
  size_t valid_up_to = 0;
  // Bytes of the broken sequence; absent if the text ends in the middle of one.
  std::optional<size_t> length;
};
std::optional<Utf8Error> FindInvalidUtf8(std::string_view text);

// Space to '~', and the tab: what a header value may hold (ingress API 4.3).
bool IsVisibleAscii(std::string_view text);
bool EqualsIgnoreCase(std::string_view a, std::string_view b);

// Appends `text` with its quotes; invalid UTF-8 becomes U+FFFD.
void AppendJsonString(std::string& out, std::string_view text);

}  // namespace perdure::ingress
