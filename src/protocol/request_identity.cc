// SPDX-License-Identifier: Apache-2.0
//
// Tokens are compact JWS with EdDSA; field order and spelling follow the reference, so that equal
// input gives equal bytes. Reads no file and no clock.
#include "perdure/protocol/request_identity.h"

#include "perdure/base/assert.h"

#include <nlohmann/json.hpp>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

namespace perdure {
namespace {

constexpr size_t kPublicKeyBytes = 32;
constexpr size_t kSignatureBytes = 64;
constexpr uint64_t kMsPerSecond = 1000;

struct Deleter {
  void operator()(BIO* p) const { BIO_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(EVP_MD_CTX* p) const { EVP_MD_CTX_free(p); }
};
using Bio = std::unique_ptr<BIO, Deleter>;
using Key = std::unique_ptr<EVP_PKEY, Deleter>;
using Digest = std::unique_ptr<EVP_MD_CTX, Deleter>;

// Without padding (RFC 4648 5).
std::string Base64Url(std::string_view bytes) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  uint32_t held = 0;
  int bits = 0;
  for (const char c : bytes) {
    held = (held << 8) | static_cast<unsigned char>(c);
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      out += kDigits[(held >> bits) & 0x3f];
    }
  }
  if (bits > 0) {
    out += kDigits[(held << (6 - bits)) & 0x3f];
  }
  return out;
}

// Bitcoin's alphabet: the number in base 58, a '1' for each leading zero byte.
std::string Base58(const std::array<uint8_t, kPublicKeyBytes>& bytes) {
  static constexpr std::string_view kDigits =
      "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
  std::vector<uint8_t> digits;  // the last one first
  for (const uint8_t byte : bytes) {
    uint32_t carry = byte;
    for (uint8_t& digit : digits) {
      carry += static_cast<uint32_t>(digit) << 8;
      digit = static_cast<uint8_t>(carry % 58);
      carry /= 58;
    }
    for (; carry > 0; carry /= 58) {
      digits.push_back(static_cast<uint8_t>(carry % 58));
    }
  }
  const auto zeros = std::find_if(bytes.begin(), bytes.end(), [](uint8_t b) { return b != 0; });
  std::string out(static_cast<size_t>(zeros - bytes.begin()), '1');
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit) {
    out += kDigits[*digit];
  }
  return out;
}

std::string ToText(const nlohmann::json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// A password would be asked for at the terminal.
int NoPassword(char*, int, int, void*) {
  return -1;
}

class Ed25519Identity final : public RequestIdentity {
 public:
  Ed25519Identity(Key key, uint64_t validity_seconds)
      : key_(std::move(key)), validity_seconds_(validity_seconds) {
    std::array<uint8_t, kPublicKeyBytes> bytes{};
    size_t size = bytes.size();
    PERDURE_ASSERT(EVP_PKEY_get_raw_public_key(key_.get(), bytes.data(), &size) == 1);
    PERDURE_ASSERT(size == bytes.size());
    public_key_ = "publickeyv1_" + Base58(bytes);
    head_ = Base64Url(R"({"typ":"JWT","alg":"EdDSA","kid":")" + public_key_ + R"("})");
  }

  const std::string& public_key() const override { return public_key_; }

  void Sign(std::string_view path, std::string_view key, TimeMs now, HttpHeaders* headers)
      const override {
    const uint64_t seconds = now / kMsPerSecond;
    nlohmann::json claims = {
        {"aud", path},
        {"exp", seconds + validity_seconds_},
        {"iat", seconds},
        {"nbf", seconds - std::min(seconds, validity_seconds_)}};
    if (!key.empty()) {
      claims["sub"] = key;
    }
    std::string token = head_ + "." + Base64Url(ToText(claims));
    token += "." + Base64Url(Signature(token));
    headers->Add("x-restate-signature-scheme", "v1");
    headers->Add("x-restate-jwt-v1", std::move(token));
  }

 private:
  std::string Signature(std::string_view text) const {
    const std::vector<uint8_t> input(text.begin(), text.end());
    const Digest digest(EVP_MD_CTX_new());
    std::array<uint8_t, kSignatureBytes> out{};
    size_t size = out.size();
    const bool made =
        digest != nullptr &&
        EVP_DigestSignInit(digest.get(), nullptr, nullptr, nullptr, key_.get()) == 1 &&
        EVP_DigestSign(digest.get(), out.data(), &size, input.data(), input.size()) == 1;
    PERDURE_ASSERT(made && size == out.size());
    return {out.begin(), out.end()};
  }

  Key key_;
  uint64_t validity_seconds_;
  std::string public_key_;
  std::string head_;
};

}  // namespace

Result<std::shared_ptr<const RequestIdentity>> MakeRequestIdentity(
    std::string_view pem, DurationMs validity) {
  PERDURE_ASSERT(validity >= kMsPerSecond);
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  PERDURE_ASSERT(bio != nullptr);
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassword, nullptr));
  const Key second(
      key == nullptr ? nullptr : PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassword, nullptr));
  ERR_clear_error();
  if (key == nullptr) {
    return InvalidArgument("no private key in PEM format without a password was found");
  }
  if (second != nullptr) {
    return InvalidArgument("only one private key in PEM format is expected");
  }
  if (EVP_PKEY_get_id(key.get()) != EVP_PKEY_ED25519) {
    return InvalidArgument("the private key is not an Ed25519 key");
  }
  return std::shared_ptr<const RequestIdentity>(
      std::make_shared<const Ed25519Identity>(std::move(key), validity / kMsPerSecond));
}

}  // namespace perdure
