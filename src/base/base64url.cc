// SPDX-License-Identifier: Apache-2.0
//
// OpenSSL's base64 with the two other letters put in their place.
#include "base/base64url.h"

#include "perdure/base/assert.h"

#include <openssl/evp.h>

#include <algorithm>

namespace perdure {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

unsigned char* Writable(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

const unsigned char* Readable(BytesView text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

std::string Base64UrlEncode(BytesView bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');  // with a zero at the end
  const int length =
      EVP_EncodeBlock(Writable(out), Readable(bytes), static_cast<int>(bytes.size()));
  PERDURE_ASSERT(length >= 0);
  out.resize(static_cast<size_t>(length));
  out.resize(out.find_last_not_of('=') + 1);
  std::replace(out.begin(), out.end(), '+', '-');
  std::replace(out.begin(), out.end(), '/', '_');
  return out;
}

std::optional<std::string> Base64UrlDecode(std::string_view text) {
  text = text.substr(0, text.find_last_not_of('=') + 1);
  if (text.size() % 4 == 1 || text.find_first_not_of(kAlphabet) != std::string_view::npos) {
    return std::nullopt;
  }
  std::string padded(text);
  std::replace(padded.begin(), padded.end(), '-', '+');
  std::replace(padded.begin(), padded.end(), '_', '/');
  padded.append((4 - text.size() % 4) % 4, '=');
  std::string out(3 * padded.size() / 4, '\0');
  const int length =
      EVP_DecodeBlock(Writable(out), Readable(padded), static_cast<int>(padded.size()));
  if (length < 0) {
    return std::nullopt;
  }
  out.resize(3 * text.size() / 4);
  return out;
}

}  // namespace perdure
