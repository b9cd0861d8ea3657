// SPDX-License-Identifier: Apache-2.0
//
// Whether bytes are UTF-8. Texts on the wire must be (service protocol 2.5, ingress API 3.1), and
// what is quoted in an error text must be, since that text becomes JSON.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace perdure {

// Strict: no surrogates, no overlong forms, nothing above U+10FFFF.
bool IsUtf8(std::string_view bytes);

// At most `bytes_max` bytes of `bytes`, for an error text: never half a character, and '?' for what
// is not UTF-8.
std::string Excerpt(std::string_view bytes, size_t bytes_max);

// The bytes as UTF-8: what is not becomes U+FFFD.
std::string ReplaceNonUtf8(std::string_view bytes);

}  // namespace perdure
