// SPDX-License-Identifier: Apache-2.0
//
// Goal: tokens are those of the reference, byte by byte (service protocol 6), and a file that holds
// no usable key is refused. The keys here are throw-away ones.
#include "perdure/protocol/request_identity.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace perdure {
namespace {

// PKCS#8 of the seed f0b29285...8598e.
constexpr const char* kPem =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIPCykoWBAhF5HOHD8RQFSh/evv4H4jKNO26E9aVzOFmO\n"
    "-----END PRIVATE KEY-----\n";
constexpr const char* kX25519Pem =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VuBCIEIPCykoWBAhF5HOHD8RQFSh/evv4H4jKNO26E9aVzOFmO\n"
    "-----END PRIVATE KEY-----\n";
constexpr TimeMs kNow = 1795486693'999;

std::shared_ptr<const RequestIdentity> Identity(DurationMs validity = 60'000) {
  const auto made = MakeRequestIdentity(kPem, validity);
  EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().message);
  return made.ok() ? made.value() : nullptr;
}

std::string Token(std::string_view path, std::string_view key, DurationMs validity = 60'000) {
  HttpHeaders headers;
  Identity(validity)->Sign(path, key, kNow, &headers);
  EXPECT_EQ(headers.Get("x-restate-signature-scheme"), "v1");
  return std::string(headers.Get("x-restate-jwt-v1").value_or(""));
}

// The claims, decoded.
std::string Claims(const std::string& token) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const size_t first = token.find('.') + 1;
  std::string out;
  uint32_t held = 0;
  int bits = 0;
  for (const char c : token.substr(first, token.find('.', first) - first)) {
    held = (held << 6) | static_cast<uint32_t>(kDigits.find(c));
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out += static_cast<char>((held >> bits) & 0xff);
    }
  }
  return out;
}

TEST(RequestIdentity, PublicKeyIsWhatUsersWriteDown) {
  EXPECT_EQ(Identity()->public_key(), "publickeyv1_DyCMiXQf81v6fVaeg5sH7D3NExhsK7BBf3gjXSPXtWLh");
}

TEST(RequestIdentity, TokenIsTheOneOfTheReference) {
  EXPECT_EQ(
      Token("/discover", ""),
      "eyJ0eXAiOiJKV1QiLCJhbGciOiJFZERTQSIsImtpZCI6InB1YmxpY2tleXYxX0R5Q01pWFFmODF2NmZWYWVnNXNIN0Qz"
      "TkV4aHNLN0JCZjNnalhTUFh0V0xoIn0."
      "eyJhdWQiOiIvZGlzY292ZXIiLCJleHAiOjE3OTU0ODY3NTMsImlhdCI6MTc5N"
      "TQ4NjY5MywibmJmIjoxNzk1NDg2NjMzfQ.UUw6xssthKq4hVM1I2wdoZWqxqzxTNEpGgSB2Vz6uIh4U-"
      "36e8NK9qOVAV6"
      "cXilQdb0J0OPBnMIMiGfURJQ_Ag");
}

TEST(RequestIdentity, KeyedRequestsNameTheirKey) {
  EXPECT_EQ(
      Claims(Token("/invoke/Svc/run", "a\"\xc3\xbc", 1999)),
      "{\"aud\":\"/invoke/Svc/run\",\"exp\":1795486694,\"iat\":1795486693,\"nbf\":1795486692,"
      "\"sub\":\"a\\\"\xc3\xbc\"}");
}

TEST(RequestIdentity, KeyThatIsNoTextDoesNotStopTheRequest) {
  EXPECT_NE(Claims(Token("/invoke/Svc/run", "\xff")).find("\"sub\""), std::string::npos);
}

TEST(RequestIdentity, RefusesWhatIsNoUsableKey) {
  const auto reason = [](const std::string& pem) {
    const auto made = MakeRequestIdentity(pem, 60'000);
    return made.ok() ? "" : made.error().message;
  };
  const char* const none = "no private key in PEM format without a password was found";
  EXPECT_EQ(reason(""), none);
  EXPECT_EQ(reason("no key"), none);
  EXPECT_EQ(reason(std::string(kPem).substr(0, 60)), none);
  EXPECT_EQ(reason(std::string(kPem) + kPem), "only one private key in PEM format is expected");
  EXPECT_EQ(reason(kX25519Pem), "the private key is not an Ed25519 key");
}

}  // namespace
}  // namespace perdure
