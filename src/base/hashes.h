// SPDX-License-Identifier: Apache-2.0
//
// The two hashes that ids are made of (service protocol 5.2). Kept apart from ids.cc so that their
// libraries are included in one file only.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace perdure {

// XXH3-64 with seed 0.
uint64_t Xxh3(std::string_view bytes);

// The first 16 bytes of SHA-256.
std::array<uint8_t, 16> Sha256Prefix16(std::string_view bytes);

}  // namespace perdure
