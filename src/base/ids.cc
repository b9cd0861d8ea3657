// SPDX-License-Identifier: Apache-2.0
//
// Identifiers and their string forms (service protocol 5, ingress API 14). The bytes computed here
// are on disk and in users' hands: they never change. Takes chance as an argument, has none itself.
#include "perdure/base/ids.h"

#include "base/base64url.h"
#include "base/hashes.h"

#include <cstring>
#include <limits>

namespace perdure {
namespace {

constexpr std::string_view kAlphabet =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr char kSchemeVersion = '1';
constexpr char kSeparator = '\xff';
// Prefixes of all resources, so that an id of another kind is told apart from garbage.
constexpr std::string_view kPrefixes[] = {"inv", "dp", "sub", "sign", "prom", "mut", "snap", "vq"};
// Invocations of an unkeyed service are spread over this many hash values.
constexpr uint64_t kServiceBuckets = 512;

__extension__ using Uint128 = unsigned __int128;

// Digits needed for `byte_count` bytes: 8 -> 11, 16 -> 22.
size_t Base62Width(size_t byte_count) {
  PERDURE_ASSERT(byte_count == 8 || byte_count == 16);
  return byte_count == 8 ? 11 : 22;
}

int DigitValue(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'z') {
    return c - 'a' + 10;
  }
  if (c >= 'A' && c <= 'Z') {
    return c - 'A' + 36;
  }
  return -1;
}

std::string BigEndian64(uint64_t value) {
  std::string out(8, '\0');
  for (size_t i = 0; i < 8; ++i) {
    out[i] = static_cast<char>(static_cast<uint8_t>(value >> (56 - 8 * i)));
  }
  return out;
}

uint64_t FromBigEndian64(BytesView bytes) {
  PERDURE_ASSERT(bytes.size() == 8);
  uint64_t value = 0;
  for (const char c : bytes) {
    value = (value << 8) | static_cast<uint8_t>(c);
  }
  return value;
}

BytesView AsBytes(const std::array<uint8_t, 16>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// The part after "<prefix>_1", or the reason why there is none (ingress API 3.1).
Result<std::string_view> BodyOf(
    std::string_view text, std::string_view prefix, size_t body_length) {
  const size_t underscore = text.find('_');
  if (underscore == std::string_view::npos) {
    return InvalidArgument("bad format");
  }
  const std::string_view given = text.substr(0, underscore);
  bool known = false;
  for (const std::string_view candidate : kPrefixes) {
    known = known || candidate == given;
  }
  if (!known) {
    return InvalidArgument("unrecognized resource type: " + std::string(given));
  }
  std::string_view rest = text.substr(underscore + 1);
  if (rest.empty()) {
    return InvalidArgument("bad length");
  }
  if (rest.front() != kSchemeVersion) {
    return InvalidArgument("unrecognized codec version");
  }
  if (given != prefix) {
    return InvalidArgument("id doesn't match the expected type");
  }
  rest.remove_prefix(1);
  if (rest.size() != body_length) {
    return InvalidArgument("bad length");
  }
  return rest;
}

// Id and index behind the prefix; nothing: it is not of that kind.
std::optional<std::string> AwakeableBytes(std::string_view text, std::string_view prefix) {
  if (!text.starts_with(prefix)) {
    return std::nullopt;
  }
  std::optional<std::string> bytes = Base64UrlDecode(text.substr(prefix.size()));
  return bytes.has_value() && bytes->size() == InvocationId::kBytes + 4 ? bytes : std::nullopt;
}

PartitionKey PartitionKeyOfService(std::string_view service, uint64_t bucket) {
  PERDURE_ASSERT(bucket < kServiceBuckets);
  std::string bytes(service);
  bytes += kSeparator;
  bytes += "unscoped/service";
  bytes += kSeparator;
  for (size_t i = 0; i < 8; ++i) {
    bytes += static_cast<char>(static_cast<uint8_t>(bucket >> (8 * i)));
  }
  return PartitionKey{Xxh3(bytes)};
}

uint64_t HashWithSeparator(std::string_view text) {
  std::string bytes(text);
  bytes += kSeparator;
  return Xxh3(bytes);
}

std::array<uint8_t, 16> UuidOfWorkflow(const IdParts& parts) {
  PERDURE_ASSERT(parts.key.has_value());
  std::string text = "wf,";
  text += parts.service;
  text += ',';
  text += *parts.key;
  return Sha256Prefix16(text);
}

std::array<uint8_t, 16> UuidOfIdempotent(const IdParts& parts) {
  PERDURE_ASSERT(parts.idempotency_key.has_value());
  std::string text = "ik,";
  text += parts.service;
  if (parts.key.has_value()) {
    text += ',';
    text += *parts.key;
  }
  text += ',';
  text += parts.handler;
  text += ',';
  text += *parts.idempotency_key;
  return Sha256Prefix16(text);
}

}  // namespace

std::string Base62Encode(BytesView big_endian_bytes) {
  std::string out(Base62Width(big_endian_bytes.size()), '0');
  Uint128 value = 0;
  for (size_t i = big_endian_bytes.size(); i-- > 0;) {
    value = (value << 8) | static_cast<uint8_t>(big_endian_bytes[i]);
  }
  for (size_t i = out.size(); i-- > 0 && value != 0;) {
    out[i] = kAlphabet[static_cast<size_t>(value % 62)];
    value /= 62;
  }
  PERDURE_ASSERT(value == 0);
  return out;
}

std::optional<std::string> Base62Decode(std::string_view text, size_t byte_count) {
  if (text.size() != Base62Width(byte_count)) {
    return std::nullopt;
  }
  const Uint128 max = byte_count == 8 ? Uint128{std::numeric_limits<uint64_t>::max()} : ~Uint128{0};
  Uint128 value = 0;
  for (const char c : text) {
    const int digit = DigitValue(c);
    if (digit < 0) {
      return std::nullopt;
    }
    const auto add = static_cast<Uint128>(digit);
    if (value > (max - add) / 62) {
      return std::nullopt;
    }
    value = value * 62 + add;
  }
  std::string out(byte_count, '\0');
  for (size_t i = 0; i < byte_count; ++i) {
    out[i] = static_cast<char>(static_cast<uint8_t>(value));
    value >>= 8;
  }
  return out;
}

std::string InvocationId::ToBytes() const {
  std::string out = BigEndian64(partition_key.value);
  out += AsBytes(uuid);
  return out;
}

std::optional<InvocationId> InvocationId::FromBytes(BytesView bytes) {
  if (bytes.size() != kBytes) {
    return std::nullopt;
  }
  InvocationId id;
  id.partition_key.value = FromBigEndian64(bytes.substr(0, 8));
  std::memcpy(id.uuid.data(), bytes.data() + 8, id.uuid.size());
  return id;
}

std::string InvocationId::ToString() const {
  std::string out = "inv_1";
  out += Base62Encode(BigEndian64(partition_key.value));
  out += Base62Encode(AsBytes(uuid));
  return out;
}

Result<InvocationId> InvocationId::Parse(std::string_view text) {
  const Result<std::string_view> body = BodyOf(text, "inv", 33);
  if (!body.ok()) {
    return body.error();
  }
  const std::optional<std::string> key = Base62Decode(body->substr(0, 11), 8);
  const std::optional<std::string> uuid = Base62Decode(body->substr(11), 16);
  if (!key.has_value() || !uuid.has_value()) {
    return InvalidArgument("base62 decode error");
  }
  const std::optional<InvocationId> id = FromBytes(*key + *uuid);
  PERDURE_ASSERT(id.has_value());
  return *id;
}

std::string AwakeableId::ToString() const {
  std::string bytes = invocation.ToBytes();
  for (int shift = 24; shift >= 0; shift -= 8) {
    bytes += static_cast<char>(static_cast<uint8_t>(signal >> shift));
  }
  return "sign_1" + Base64UrlEncode(bytes);
}

Result<AwakeableId> AwakeableId::Parse(std::string_view text) {
  if (text.find('_') == std::string_view::npos) {
    return InvalidArgument("bad format");
  }
  const std::optional<std::string> bytes = AwakeableBytes(text, "sign_1");
  if (!bytes.has_value()) {
    return InvalidArgument("id doesn't match the expected type");
  }
  AwakeableId id;
  const std::optional<InvocationId> invocation =
      InvocationId::FromBytes(BytesView(*bytes).substr(0, InvocationId::kBytes));
  PERDURE_ASSERT(invocation.has_value());
  id.invocation = *invocation;
  for (size_t i = InvocationId::kBytes; i < bytes->size(); ++i) {
    id.signal = (id.signal << 8) | static_cast<uint8_t>((*bytes)[i]);
  }
  return id;
}

bool AwakeableId::ParseOldForm(std::string_view text) {
  return AwakeableBytes(text, "prom_1").has_value();
}

std::string DeploymentId::ToString() const {
  return "dp_1" + Base62Encode(AsBytes(ulid));
}

Result<DeploymentId> DeploymentId::Parse(std::string_view text) {
  const Result<std::string_view> body = BodyOf(text, "dp", 22);
  if (!body.ok()) {
    return body.error();
  }
  const std::optional<std::string> bytes = Base62Decode(*body, 16);
  if (!bytes.has_value()) {
    return InvalidArgument("base62 decode error");
  }
  DeploymentId id;
  std::memcpy(id.ulid.data(), bytes->data(), id.ulid.size());
  return id;
}

std::array<uint8_t, 16> MakeUlid(TimeMs now, const std::array<uint8_t, 10>& entropy) {
  std::array<uint8_t, 16> ulid{};
  for (size_t i = 0; i < 6; ++i) {
    ulid[i] = static_cast<uint8_t>(now >> (40 - 8 * i));
  }
  std::memcpy(ulid.data() + 6, entropy.data(), entropy.size());
  return ulid;
}

InvocationId MakeInvocationId(
    const IdParts& parts, TimeMs now, const std::array<uint8_t, 16>& entropy) {
  InvocationId id;
  if (parts.is_workflow_run) {
    id.uuid = UuidOfWorkflow(parts);
  } else if (parts.idempotency_key.has_value()) {
    id.uuid = UuidOfIdempotent(parts);
  } else {
    std::array<uint8_t, 10> tail{};
    std::memcpy(tail.data(), entropy.data(), tail.size());
    id.uuid = MakeUlid(now, tail);
  }
  if (parts.key.has_value()) {
    id.partition_key = PartitionKeyOfObject(*parts.key);
  } else if (parts.idempotency_key.has_value()) {
    const uint64_t bucket = HashWithSeparator(*parts.idempotency_key) % kServiceBuckets;
    id.partition_key = PartitionKeyOfService(parts.service, bucket);
  } else {
    // Bytes that are not in the ULID, so that the bucket cannot be told from the id's tail.
    const uint64_t bucket = ((uint64_t{entropy[14]} << 8) | entropy[15]) % kServiceBuckets;
    id.partition_key = PartitionKeyOfService(parts.service, bucket);
  }
  return id;
}

PartitionKey PartitionKeyOfObject(std::string_view key) {
  return PartitionKey{HashWithSeparator(key)};
}

PartitionId PartitionOf(PartitionKey key, uint16_t partition_count) {
  PERDURE_ASSERT(partition_count > 0);
  // floor(key * n / 2^64) is the p with ceil(p * 2^64 / n) <= key < ceil((p + 1) * 2^64 / n).
  const Uint128 product = Uint128{key.value} * partition_count;
  return PartitionId{static_cast<uint16_t>(product >> 64)};
}

}  // namespace perdure
