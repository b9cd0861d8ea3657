// SPDX-License-Identifier: Apache-2.0
//
// Packed values: the bytes on disk, what is compressed and what is not, and bytes nobody packed.
#include "store/packed_value.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace perdure {
namespace {

std::string Packed(std::string_view plain) {
  std::string out;
  PackValue({plain}, out);
  return out;
}

std::string Unpacked(std::string value) {
  EXPECT_TRUE(UnpackValue(value));
  return value;
}

bool CanUnpack(std::string value) {
  return UnpackValue(value);
}

std::string Noise(size_t size) {
  std::mt19937 chance(7);
  std::string bytes;
  for (size_t i = 0; i < size; ++i) {
    bytes.push_back(static_cast<char>(chance() & 0xff));
  }
  return bytes;
}

TEST(PackedValue, BytesOnDisk) {
  EXPECT_EQ(Packed(""), std::string("\0", 1));
  EXPECT_EQ(Packed("hi"), std::string("hi\0", 3));
  const std::string packed = Packed(std::string(4096, 'x'));
  // One literal, then a match that goes back by one, then the last five literals.
  EXPECT_EQ(packed.substr(0, 4), std::string("\x1fx\x01\x00", 4));
  EXPECT_EQ(packed.substr(packed.size() - 5), std::string("\x00\x00\x10\x00\x01", 5));
}

TEST(PackedValue, ComesBackAsItWas) {
  for (const size_t size : {0U, 1U, 4095U, 4096U, 4097U, 65'538U, 3'000'000U}) {
    for (const std::string& plain : {std::string(size, 'x'), Noise(size)}) {
      std::string packed;
      const std::string_view view = plain;
      PackValue({view.substr(0, size / 3), view.substr(size / 3)}, packed);
      EXPECT_EQ(Unpacked(packed), plain) << size;
    }
  }
}

TEST(PackedValue, OnlyWhatShrinksIsCompressed) {
  EXPECT_LT(Packed(std::string(65'536, 'x')).size(), 1000U);
  EXPECT_EQ(Packed(std::string(4095, 'x')).size(), 4096U);
  EXPECT_EQ(Packed(Noise(65'536)).size(), 65'537U);
}

TEST(PackedValue, OtherBytesAreRefused) {
  EXPECT_FALSE(CanUnpack(""));
  EXPECT_FALSE(CanUnpack("value\x02"));
  EXPECT_FALSE(CanUnpack("\x01"));
  std::string packed = Packed(std::string(5000, 'x'));
  packed[0] = '\x7f';
  EXPECT_FALSE(CanUnpack(packed));
  packed = Packed(std::string(5000, 'x'));
  ++packed[packed.size() - 2];
  EXPECT_FALSE(CanUnpack(packed)) << "not the length it says";
}

}  // namespace
}  // namespace perdure
