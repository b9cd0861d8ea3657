// SPDX-License-Identifier: Apache-2.0
//
// Golden vectors of identifiers (service protocol 5): every byte and every string here was seen on
// the wire. A change that breaks one of them breaks data on disk.
#include "perdure/base/ids.h"

#include "base/hashes.h"

#include <gtest/gtest.h>

#include <set>

namespace perdure {
namespace {

std::string FromHex(std::string_view hex) {
  std::string out;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return out;
}

std::string ToHex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += kDigits[static_cast<uint8_t>(c) >> 4];
    out += kDigits[static_cast<uint8_t>(c) & 0xf];
  }
  return out;
}

std::string UuidHex(const InvocationId& id) {
  return ToHex(id.ToBytes().substr(8));
}

constexpr std::array<uint8_t, 16> kNoEntropy{};

TEST(Ids, InvocationIdVectors) {
  static const struct {
    std::string_view hex;
    std::string_view text;
  } kVectors[] = {
      {"69fde4df6e12235cad2da2db4a4a93d5073471fedb2acd65",
       "inv_17UrtexkMsT7365ZbfFZXRWIZCFH0nBpQF"},
      {"548ae3cba54055b374dd275f31a51bdcda682792704beb6d",
       "inv_1foAirY4KKzi3lpH0fAsgxJnqemCmuuRko"},
  };
  for (const auto& vector : kVectors) {
    const std::optional<InvocationId> id = InvocationId::FromBytes(FromHex(vector.hex));
    ASSERT_TRUE(id.has_value());
    EXPECT_EQ(id->ToString(), vector.text);
    const Result<InvocationId> parsed = InvocationId::Parse(vector.text);
    ASSERT_TRUE(parsed.ok()) << parsed.error().message;
    EXPECT_EQ(ToHex(parsed->ToBytes()), vector.hex);
  }
}

TEST(Ids, PartitionKeysOfObjects) {
  EXPECT_EQ(PartitionKeyOfObject("k1").value, 0x548ae3cba54055b3U);
  EXPECT_EQ(PartitionKeyOfObject("w1").value, 0x5164c775648d211bU);
  EXPECT_EQ(PartitionKeyOfObject("").value, 0xd6bcec3c6b29d72eU);
}

TEST(Ids, WorkflowRunHasOneId) {
  IdParts parts{.service = "H1Wf", .key = "w1", .handler = "run", .is_workflow_run = true};
  const InvocationId id = MakeInvocationId(parts, 1, kNoEntropy);
  EXPECT_EQ(UuidHex(id), "5e908b2915004006eff40855b7d5afbf");
  EXPECT_EQ(id.ToString(), "inv_12kpUQONmeFb5PHTfKTRThaBTz19oYy8we");
  parts.idempotency_key = "ignored";
  EXPECT_EQ(MakeInvocationId(parts, 2, kNoEntropy), id);
}

TEST(Ids, IdempotentRequestHasOneId) {
  const IdParts parts{.service = "H1Svc", .handler = "echo", .idempotency_key = "ik-q"};
  const InvocationId id = MakeInvocationId(parts, 1, kNoEntropy);
  EXPECT_EQ(UuidHex(id), "cbba27aaa058833b4062a49f5eaef952");
  EXPECT_EQ(Xxh3("ik-q\xff") % 512, 235U);
  EXPECT_EQ(id.partition_key.value, 0xfb7c00e59370236fU);
  EXPECT_EQ(id.ToString(), "inv_19xApxCJnLtx2wzttteQar5X4Ys5A4Rb5h");
}

TEST(Ids, IdempotencyKeyOfAnObjectCountsItsKey) {
  const IdParts one{.service = "O", .key = "a", .handler = "h", .idempotency_key = "i"};
  const IdParts two{.service = "O", .key = "b", .handler = "h", .idempotency_key = "i"};
  EXPECT_NE(MakeInvocationId(one, 1, kNoEntropy).uuid, MakeInvocationId(two, 1, kNoEntropy).uuid);
  EXPECT_EQ(MakeInvocationId(one, 1, kNoEntropy).partition_key, PartitionKeyOfObject("a"));
}

TEST(Ids, RandomIdIsAUlidInABucketOfTheService) {
  const IdParts parts{.service = "S", .handler = "h"};
  std::set<uint64_t> keys;
  for (int i = 0; i < 2000; ++i) {
    std::array<uint8_t, 16> entropy{};
    entropy[0] = 7;
    entropy[14] = static_cast<uint8_t>(i >> 8);
    entropy[15] = static_cast<uint8_t>(i);
    const InvocationId id = MakeInvocationId(parts, 0x0102030405060708, entropy);
    EXPECT_EQ(UuidHex(id), "03040506070807000000000000000000");
    keys.insert(id.partition_key.value);
  }
  EXPECT_EQ(keys.size(), 512U);
}

TEST(Ids, DeploymentVector) {
  const Result<DeploymentId> id = DeploymentId::Parse("dp_144H9wPwKlLvKYQxqQfwVrz");
  ASSERT_TRUE(id.ok());
  const std::string bytes(reinterpret_cast<const char*>(id->ulid.data()), id->ulid.size());
  EXPECT_EQ(ToHex(bytes), "01a20b4606bbb449ce0a841d2784ea85");
  EXPECT_EQ(id->ToString(), "dp_144H9wPwKlLvKYQxqQfwVrz");
  // Its first six bytes are the creation time, 2026-11-24T01:57:48.347Z.
  EXPECT_EQ(MakeUlid(1795485468347, {})[5], id->ulid[5]);
  EXPECT_EQ(ToHex(bytes.substr(0, 6)), "01a20b4606bb");
}

TEST(Ids, Base62Bounds) {
  EXPECT_EQ(Base62Encode(std::string(8, '\0')), "00000000000");
  EXPECT_EQ(Base62Encode(std::string(8, '\xff')), "lYGhA16ahyf");
  EXPECT_EQ(Base62Decode("lYGhA16ahyf", 8), std::string(8, '\xff'));
  EXPECT_EQ(Base62Encode(FromHex("548ae3cba54055b3")), "foAirY4KKzi");
  EXPECT_EQ(Base62Decode("lYGhA16ahyg", 8), std::nullopt);  // one more
  EXPECT_EQ(Base62Decode("ZZZZZZZZZZZ", 8), std::nullopt);
  EXPECT_EQ(Base62Decode("0000000000", 8), std::nullopt);
  EXPECT_EQ(Base62Decode("0000000000-", 8), std::nullopt);
  const std::string max = Base62Encode(std::string(16, '\xff'));
  EXPECT_EQ(max.size(), 22U);
  EXPECT_EQ(Base62Decode(max, 16), std::string(16, '\xff'));
  EXPECT_EQ(Base62Decode(std::string(22, 'Z'), 16), std::nullopt);
}

TEST(Ids, ParseSaysWhy) {
  static const struct {
    std::string_view text;
    std::string_view reason;
  } kCases[] = {
      {"foo", "bad format"},
      {"inv", "bad format"},
      {"", "bad format"},
      {"inv_bad", "unrecognized codec version"},
      {"inv_", "bad length"},
      {"inv_1", "bad length"},
      {"inv_1abc", "bad length"},
      {"inv_1_", "bad length"},
      {"inv_1foAirY4KKzi3lpH0fAsgxJnqemCmuuRk", "bad length"},
      {"inv_1foAirY4KKzi3lpH0fAsgxJnqemCmuuRko_x", "bad length"},
      {"dp_1", "id doesn't match the expected type"},
      {"dp_bad", "unrecognized codec version"},
      {"dp_144H9wPwKlLvKYQxqQfwVrz", "id doesn't match the expected type"},
      {"sign_1", "id doesn't match the expected type"},
      {"x_1", "unrecognized resource type: x"},
      {"_1", "unrecognized resource type: "},
      {"INV_1foAirY4KKzi3lpH0fAsgxJnqemCmuuRko", "unrecognized resource type: INV"},
      {"inv_2foAirY4KKzi3lpH0fAsgxJnqemCmuuRko", "unrecognized codec version"},
      {"inv_1foAirY4KKzi3lpH0fAsgxJnqemCmuuRk-", "base62 decode error"},
      {"inv_1ZZZZZZZZZZZ3lpH0fAsgxJnqemCmuuRko", "base62 decode error"},
  };
  for (const auto& c : kCases) {
    const Result<InvocationId> id = InvocationId::Parse(c.text);
    ASSERT_FALSE(id.ok()) << c.text;
    EXPECT_EQ(id.error().message, c.reason) << c.text;
  }
  EXPECT_EQ(
      DeploymentId::Parse("dp_144H9wPwKlLvKYQxqQfwVr-").error().message, "base62 decode error");
  EXPECT_EQ(InvocationId::FromBytes("short"), std::nullopt);
}

TEST(Ids, PartitionsAreRangesOfTheKeySpace) {
  for (const uint16_t count : std::initializer_list<uint16_t>{1, 2, 3, 7, 8, 24, 1000}) {
    EXPECT_EQ(PartitionOf(PartitionKey{0}, count).value, 0);
    EXPECT_EQ(PartitionOf(PartitionKey{~uint64_t{0}}, count).value, count - 1);
    uint16_t previous = 0;
    for (uint64_t step = 0; step < 1024; ++step) {
      const uint16_t partition = PartitionOf(PartitionKey{step << 54}, count).value;
      EXPECT_GE(partition, previous);
      previous = partition;
    }
  }
  // p * 2^64 / n begins partition p.
  EXPECT_EQ(PartitionOf(PartitionKey{uint64_t{1} << 61}, 8).value, 1);
  EXPECT_EQ(PartitionOf(PartitionKey{(uint64_t{1} << 61) - 1}, 8).value, 0);
  EXPECT_EQ(PartitionOf(PartitionKey{0x5555555555555555}, 3).value, 0);
  EXPECT_EQ(PartitionOf(PartitionKey{0x5555555555555556}, 3).value, 1);
}

TEST(AwakeableIds, HaveTheirString) {
  const AwakeableId id{
      *InvocationId::FromBytes(FromHex("3d978c6570779b54ee930177224be9ce4ec8046836d3822f")), 17};
  const std::string text = "sign_1PZeMZXB3m1TukwF3Ikvpzk7IBGg204IvAAAAEQ";
  EXPECT_EQ(id.ToString(), text);
  EXPECT_EQ(*AwakeableId::Parse(text), id);
  EXPECT_EQ(*AwakeableId::Parse(text + "=="), id);
  EXPECT_EQ(AwakeableId::Parse("foo").error().message, "bad format");
  for (const std::string& bad :
       {text.substr(0, text.size() - 1),
        text + "A",
        "sign_1" + std::string(38, '+'),
        "prom_1" + text.substr(6),
        std::string("inv_17UrtexkMsT7365ZbfFZXRWIZCFH0nBpQF")}) {
    EXPECT_EQ(AwakeableId::Parse(bad).error().message, "id doesn't match the expected type") << bad;
  }
  EXPECT_TRUE(AwakeableId::ParseOldForm("prom_1" + text.substr(6)));
  EXPECT_FALSE(AwakeableId::ParseOldForm(text));
}

}  // namespace
}  // namespace perdure
