// SPDX-License-Identifier: Apache-2.0
//
// Identifiers and their string forms (service protocol 5). Values only: minting random ids is done
// at the door, deterministic ids are computed here so that every module gets the same bytes.
#pragma once

#include "perdure/base/bytes.h"
#include "perdure/base/result.h"

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace perdure {

// A number that cannot be mixed up with another kind of number.
template <typename Tag, typename Number = uint64_t>
struct StrongNumber {
  Number value = 0;
  friend auto operator<=>(const StrongNumber&, const StrongNumber&) = default;
};

// The position of a command in its partition; grows by one for every command applied.
using Position = StrongNumber<struct PositionTag>;
// The position at which an invocation was created; tells apart two lives of one id.
using Birth = Position;
// Unique per database: the start counter in the upper 24 bits, a sequence below.
using AttemptEpoch = StrongNumber<struct AttemptEpochTag>;
using PartitionId = StrongNumber<struct PartitionIdTag, uint16_t>;
using PartitionKey = StrongNumber<struct PartitionKeyTag>;
using JournalIndex = uint32_t;
using CompletionId = uint32_t;
// Milliseconds since 1970, wall clock.
using TimeMs = uint64_t;
using DurationMs = uint64_t;

// The partition of commands about deployments and services.
inline constexpr PartitionId kMetadataPartition{0xffff};

// 24 bytes: partition key, big-endian, then 16 bytes of uuid (service protocol 5.2).
struct InvocationId {
  PartitionKey partition_key;
  std::array<uint8_t, 16> uuid{};

  static constexpr size_t kBytes = 24;
  std::string ToBytes() const;
  static std::optional<InvocationId> FromBytes(BytesView bytes);
  // "inv_1" and 33 base62 characters.
  std::string ToString() const;
  // The message of the error is the reason part of ingress API 3.1 ("bad format", ...).
  static Result<InvocationId> Parse(std::string_view text);

  friend auto operator<=>(const InvocationId&, const InvocationId&) = default;
};

// Names a signal of an invocation to the outside: "sign_1" and the unpadded base64url of id and
// index (service protocol 3.8).
struct AwakeableId {
  InvocationId invocation;
  uint32_t signal = 0;

  std::string ToString() const;
  // Padding is accepted. The message of the error is the reason part of ingress API 3.1.
  static Result<AwakeableId> Parse(std::string_view text);
  // Whether it is an id of protocol 1 to 3, "prom_1…", which named a journal entry.
  static bool ParseOldForm(std::string_view text);
  friend bool operator==(const AwakeableId&, const AwakeableId&) = default;
};

struct DeploymentId {
  std::array<uint8_t, 16> ulid{};

  std::string ToString() const;  // "dp_1" and 22 base62 characters
  static Result<DeploymentId> Parse(std::string_view text);
  friend auto operator<=>(const DeploymentId&, const DeploymentId&) = default;
};

// Base62 of fixed width over the byte-swapped integer (service protocol 5.1).
std::string Base62Encode(BytesView big_endian_bytes);
std::optional<std::string> Base62Decode(std::string_view text, size_t byte_count);

// 48-bit millisecond timestamp and 80 bits taken from `entropy`.
std::array<uint8_t, 16> MakeUlid(TimeMs now, const std::array<uint8_t, 10>& entropy);

// What decides an invocation's id, apart from chance.
struct IdParts {
  std::string_view service;
  std::optional<std::string_view> key = std::nullopt;  // keyed targets only
  std::string_view handler;
  bool is_workflow_run = false;
  std::optional<std::string_view> idempotency_key = std::nullopt;
};

// The id of a target: deterministic for workflow runs and idempotent requests, else a ULID from
// `now` and `entropy`; the entropy also picks the bucket of an unkeyed target.
InvocationId MakeInvocationId(
    const IdParts& parts, TimeMs now, const std::array<uint8_t, 16>& entropy);

// XXH3-64 over key and 0xFF.
PartitionKey PartitionKeyOfObject(std::string_view key);

// Partition p of n owns [p * 2^64 / n, (p + 1) * 2^64 / n).
PartitionId PartitionOf(PartitionKey key, uint16_t partition_count);

}  // namespace perdure

template <>
struct std::hash<perdure::InvocationId> {
  size_t operator()(const perdure::InvocationId& id) const noexcept {
    uint64_t low = 0;
    for (size_t i = 8; i < 16; ++i) {
      low = (low << 8) | id.uuid[i];
    }
    return static_cast<size_t>((id.partition_key.value * 0x9e3779b97f4a7c15ULL) ^ low);
  }
};
