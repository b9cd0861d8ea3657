// SPDX-License-Identifier: Apache-2.0
//
// The tail says what the head is. Whoever reads has been given the bytes by RocksDB, which checked
// them; a tail that makes no sense is therefore reported and not repaired.
#include "store/packed_value.h"

#include <lz4.h>

#include <climits>
#include <cstdint>
#include <utility>

namespace perdure {
namespace {

constexpr char kPlain = 0;
constexpr char kLz4 = 1;
constexpr size_t kLengthBytes = 4;
// Less saved than an eighth does not pay for the reader's work.
constexpr size_t kLeastShare = 8;

bool Compress(const std::string& plain, std::string& out) {
  const size_t most = plain.size() - plain.size() / kLeastShare;
  out.resize(most + kLengthBytes + 1);
  const int written = LZ4_compress_default(
      plain.data(), out.data(), static_cast<int>(plain.size()), static_cast<int>(most));
  if (written <= 0) return false;  // it does not fit: not worth it
  out.resize(static_cast<size_t>(written));
  for (size_t shift = 8 * kLengthBytes; shift > 0; shift -= 8) {
    out.push_back(static_cast<char>((plain.size() >> (shift - 8)) & 0xff));
  }
  out.push_back(kLz4);
  return true;
}

}  // namespace

void PackValue(std::initializer_list<BytesView> parts, std::string& out) {
  out.clear();
  for (const BytesView part : parts) {
    out.append(part);
  }
  if (out.size() >= kPackFrom && out.size() <= LZ4_MAX_INPUT_SIZE) {
    std::string packed;
    if (Compress(out, packed)) {
      out.swap(packed);
      return;
    }
  }
  out.push_back(kPlain);
}

bool UnpackValue(std::string& value) {
  if (value.empty()) return false;
  const char kind = value.back();
  value.pop_back();
  if (kind == kPlain) return true;
  BytesView block = value;
  if (kind != kLz4 || block.size() <= kLengthBytes) return false;
  size_t length = 0;
  for (const char byte : block.substr(block.size() - kLengthBytes)) {
    length = (length << 8) | static_cast<uint8_t>(byte);
  }
  block.remove_suffix(kLengthBytes);
  if (length > LZ4_MAX_INPUT_SIZE || block.size() > INT_MAX) return false;
  std::string plain(length, '\0');
  const int read = LZ4_decompress_safe(
      block.data(), plain.data(), static_cast<int>(block.size()), static_cast<int>(length));
  value = std::move(plain);
  return read >= 0 && static_cast<size_t>(read) == length;
}

}  // namespace perdure
