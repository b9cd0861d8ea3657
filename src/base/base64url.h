// SPDX-License-Identifier: Apache-2.0
//
// The URL-safe alphabet of RFC 4648 without padding, as awakeable ids use it.
#pragma once

#include "perdure/base/bytes.h"

#include <optional>
#include <string>
#include <string_view>

namespace perdure {

std::string Base64UrlEncode(BytesView bytes);
// Padding may be there. Nothing: a character or a length that cannot be.
std::optional<std::string> Base64UrlDecode(std::string_view text);

}  // namespace perdure
