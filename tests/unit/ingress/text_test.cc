// SPDX-License-Identifier: Apache-2.0
//
// Decoding, UTF-8 and JSON strings, with bytes that nobody should send. Positions and lengths of
// broken UTF-8 are what clients of the reference are told.
#include "ingress/text.h"

#include "base/percent.h"
#include "ingress/entropy.h"

#include <gtest/gtest.h>

namespace perdure::ingress {
namespace {

struct Utf8Row {
  std::string bytes;
  size_t valid_up_to;
  std::optional<size_t> length;
};

TEST(IngressText, FindsWhereUtf8Ends) {
  for (const char* text :
       {"", "abc", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xef\xbf\xbf"}) {
    EXPECT_FALSE(FindInvalidUtf8(text).has_value()) << text;
  }
  const std::vector<Utf8Row> rows = {
      {"\xff", 0, 1},
      {"a\xff", 1, 1},
      {"\x80", 0, 1},
      {"\xc1\x80", 0, 1},
      {"\xc3", 0, std::nullopt},
      {"a\xe2\x82", 1, std::nullopt},
      {"\xe2\x82(", 0, 2},
      {"\xed\xa0\x80", 0, 1},
      {"\xf0\x80\x80\x80", 0, 1},
      {"\xf0\x9f\x98(", 0, 3},
      {"\xf4\x90\x80\x80", 0, 1},
      {"\xf5\x80\x80\x80", 0, 1},
      {"\xe0\x9f\xbf", 0, 1}};
  for (const Utf8Row& row : rows) {
    const std::optional<Utf8Error> error = FindInvalidUtf8(row.bytes);
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->valid_up_to, row.valid_up_to);
    EXPECT_EQ(error->length, row.length);
  }
}

TEST(IngressText, DecodesOnlyWholeEscapes) {
  EXPECT_EQ(PercentDecode("a%2Fb%2f%zz%4%"), "a/b/%zz%4%");
  EXPECT_EQ(PercentDecode("%%41+"), "%A+");
  EXPECT_EQ(PercentDecode("%00"), std::string(1, '\0'));
  EXPECT_EQ(PercentDecode("a+b%2B", true), "a b+");
}

TEST(IngressText, WritesJsonStrings) {
  std::string out;
  AppendJsonString(out, std::string_view("\"\\\n\r\t\b\f\x01\x1f/\x7f\0\xc3\xa9", 14));
  EXPECT_EQ(out, "\"\\\"\\\\\\n\\r\\t\\b\\f\\u0001\\u001f/\x7f\\u0000\xc3\xa9\"");
  out.clear();
  AppendJsonString(out, "a\xff\xe2\x82z\xc3");
  EXPECT_EQ(out, "\"a\xef\xbf\xbd\xef\xbf\xbdz\xef\xbf\xbd\"");
}

TEST(IngressText, KnowsVisibleAscii) {
  EXPECT_TRUE(IsVisibleAscii("az ~\t"));
  EXPECT_FALSE(IsVisibleAscii("\x7f"));
  EXPECT_FALSE(IsVisibleAscii("\x1f"));
  EXPECT_FALSE(IsVisibleAscii("\xc3\xa9"));
  EXPECT_TRUE(EqualsIgnoreCase("DeLay", "delay"));
  EXPECT_FALSE(EqualsIgnoreCase("delays", "delay"));
}

TEST(IngressEntropy, DoesNotRepeat) {
  std::array<uint8_t, 16> last{};
  for (int i = 0; i < 2000; ++i) {  // several refills
    const std::array<uint8_t, 16> next = RandomId();
    ASSERT_NE(next, last);
    last = next;
  }
  EXPECT_NE(RandomNumber(), RandomNumber());
}

}  // namespace
}  // namespace perdure::ingress
