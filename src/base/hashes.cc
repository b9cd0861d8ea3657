// SPDX-License-Identifier: Apache-2.0
//
// XXH3 (compiled in here, its code is header-only) and SHA-256 from OpenSSL. The output is part of
// every invocation id, hence of the data on disk: neither seed nor length may change.
#include "base/hashes.h"

#include "perdure/base/assert.h"

#include <openssl/sha.h>

#include <cstring>

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wcast-align"
#endif
#define XXH_INLINE_ALL
#include <xxhash.h>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

namespace perdure {

uint64_t Xxh3(std::string_view bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

std::array<uint8_t, 16> Sha256Prefix16(std::string_view bytes) {
  std::array<uint8_t, SHA256_DIGEST_LENGTH> digest{};
  std::array<uint8_t, 16> out{};
  const std::string_view input = bytes;
  const auto* data = reinterpret_cast<const unsigned char*>(input.data());
  PERDURE_ASSERT(SHA256(data, input.size(), digest.data()) != nullptr);
  std::memcpy(out.data(), digest.data(), out.size());
  return out;
}

}  // namespace perdure
