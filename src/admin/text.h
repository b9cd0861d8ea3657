// SPDX-License-Identifier: Apache-2.0
//
// Small text work of URLs: percent-decoding, query strings. Pure functions; no opinion about
// which parameters exist.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace perdure::admin {

// Decodes %XX; a '%' that is not followed by two hex digits stays as it is.
std::string PercentDecode(std::string_view text);

// The last value of `name` in "a=1&b=2", decoded ('+' is a space). A name without '=' has an empty
// value.
std::optional<std::string> QueryParameter(std::string_view query, std::string_view name);

}  // namespace perdure::admin
