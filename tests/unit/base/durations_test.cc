// SPDX-License-Identifier: Apache-2.0
//
// The duration and timestamp forms of ingress API 5.1 and admin API 3, by table.
#include "perdure/base/durations.h"

#include "base/utf8.h"

#include <gtest/gtest.h>

namespace perdure {
namespace {

constexpr DurationMs kSecond = 1000;
constexpr DurationMs kMinute = 60 * kSecond;
constexpr DurationMs kHour = 60 * kMinute;
constexpr DurationMs kDay = 24 * kHour;

struct AcceptedDuration {
  std::string_view text;
  DurationMs expected;
};
const AcceptedDuration kAccepted[] = {
    {"10s", 10 * kSecond},
    {"500ms", 500},
    {"60 sec", kMinute},
    {"90 seconds", 90 * kSecond},
    {"10 min", 10 * kMinute},
    {"1h30m", 90 * kMinute},
    {"1h 30m", 90 * kMinute},
    {"1h  30m", 90 * kMinute},
    {"1h, 30m", 90 * kMinute},
    {"1 day 2h", 26 * kHour},
    {"1 day1h", 25 * kHour},
    {"1d2h3m4s5ms", kDay + 2 * kHour + 3 * kMinute + 4 * kSecond + 5},
    {"1 hours 2 minutes 3 seconds 4 milliseconds 5 microseconds 6 nanoseconds",
     kHour + 2 * kMinute + 3 * kSecond + 4},
    {"1.5s", 1500},
    {"1,5s", 1500},
    {"1.5h", 90 * kMinute},
    {"1.5 hours", 90 * kMinute},
    {"1d 0.5h", kDay + 30 * kMinute},
    {"0.5m", 30 * kSecond},
    {"1.123456789s", 1123},
    {"1,000ms", 1},  // a comma inside a number is a decimal point
    {"1234,000ms", 1234},
    {"PT0.5S", 500},
    {"PT1,5S", 1500},
    {"PT1.5H", 90 * kMinute},
    {"PT1H1.5M", 61 * kMinute + 30 * kSecond},
    {"PT10S", 10 * kSecond},
    {"P1D", kDay},
    {"P1DT2H", 26 * kHour},
    {"P1DT24H", 2 * kDay},
    {"P1W", 7 * kDay},
    {"P1W1D", 8 * kDay},
    {"pt5s", 5 * kSecond},
    {"Pt5s", 5 * kSecond},
    {"+PT5S", 5 * kSecond},
    {"1w", 7 * kDay},
    {"2 wks", 14 * kDay},
    {"1 weeks 2 days", 9 * kDay},
    {"+5s", 5 * kSecond},
    {"5s ", 5 * kSecond},
    {"00:00:10", 10 * kSecond},
    {"00:00:10.5", 10 * kSecond + 500},
    {"1:2:3", kHour + 2 * kMinute + 3 * kSecond},
    {"100:00:60", 100 * kHour + kMinute},
    {"1 day 00:00:10", kDay + 10 * kSecond},
    {"1 day, 00:00:10", kDay + 10 * kSecond},
    {"1d 25h", 49 * kHour},
    {"10us", 0},
    {"10\xc2\xb5s", 0},
    {"2500us", 2},
    {"1ns", 0},
    {"0", 0},
    {"0s", 0},
    {"0d", 0},
    {"0y", 0},
    {"P0Y", 0},
    {"-0s", 0},
    {"0s ago", 0},
    {"-PT0S", 0},
    {"7304484d", 7'304'484 * kDay},
    {"PT631107417600S", 631'107'417'600 * kSecond},
};

TEST(Durations, Accepted) {
  for (const auto& c : kAccepted) {
    const Result<DurationMs> duration = ParseDuration(c.text);
    ASSERT_TRUE(duration.ok()) << c.text << ": " << duration.error().message;
    EXPECT_EQ(*duration, c.expected) << c.text;
  }
}

TEST(Durations, EveryUnitName) {
  static const struct {
    std::string_view names;
    DurationMs expected;
  } kCases[] = {
      {"week weeks wk wks w", 7 * kDay},
      {"day days d", kDay},
      {"hour hours hr hrs h", kHour},
      {"minute minutes min mins m", kMinute},
      {"second seconds sec secs s", kSecond},
      {"millisecond milliseconds milli millis msec msecs ms", 1},
      {"microsecond microseconds micro micros usec usecs us nanosecond nanoseconds nano nanos nsec "
       "nsecs ns",
       0},
  };
  for (const auto& c : kCases) {
    std::string name;
    for (const char letter : std::string(c.names) + " ") {
      if (letter != ' ') {
        name += letter;
        continue;
      }
      const Result<DurationMs> duration = ParseDuration("1 " + name);
      ASSERT_TRUE(duration.ok()) << name << ": " << duration.error().message;
      EXPECT_EQ(*duration, c.expected) << name;
      name.clear();
    }
  }
}

const std::string kFriendly = "failed to parse input in the \"friendly\" duration format: ";
const std::string kNoUnit =
    "expected to find unit designator suffix (e.g., `years` or `secs`) after parsing integer";
const std::string kNoNumber =
    "expected duration to start with a unit value (a decimal integer) after an optional sign, "
    "but no integer was found";
const std::string kNegative =
    "negative signed durations cannot be converted to an unsigned duration";
const std::string kCalendar = "please use units of days or smaller";
const std::string kNoTime =
    "found a time designator (`T` or `t`) in an ISO 8601 duration string, but did not find any "
    "time units";
struct RefusedDuration {
  std::string_view text;
  std::string reason;
};
const RefusedDuration kRefused[] = {
    {"",
     "an empty string is not a valid duration in either the ISO 8601 format or Jiff's "
     "\"friendly\" format"},
    {"-",
     "found nothing after sign `-`, which is not a valid duration in either the ISO 8601 format "
     "or Jiff's \"friendly\" format"},
    {"abc", kFriendly + kNoNumber},
    {" 5s", kFriendly + kNoNumber},
    {".5s", kFriendly + kNoNumber},
    {"- 5s", kFriendly + kNoNumber},
    {"10", kFriendly + kNoUnit},
    {"10S", kFriendly + kNoUnit},
    {"1H", kFriendly + kNoUnit},
    {"1_000ms", kFriendly + kNoUnit},
    {"1.1234567891s", kFriendly + kNoUnit},
    {"1h 2", kFriendly + kNoUnit},
    {"10\xce\xbcs", kFriendly + kNoUnit},  // Greek mu is not the micro sign
    {"-PT10S", kNegative},
    {"-1s", kNegative},
    {"5s ago", kNegative},
    {"5s  ago", kNegative},
    {"00:00:10 ago", kNegative},
    {"P1M", kCalendar},
    {"P1Y2M", kCalendar},
    {"1y", kCalendar},
    {"5 months", kCalendar},
    {"1mo", kCalendar},
    {"PT", kNoTime},
    {"P1DT", kNoTime},
    {"PT.5S", kNoTime},
    {"P", "no parsed duration components"},
    {"P-1D", "no parsed duration components"},
    {"1h,30m", kFriendly + "expected whitespace after comma, but found `3`"},
    {"1h,", kFriendly + "expected whitespace after comma, but found end of input"},
    {"1h, ",
     kFriendly + "found comma at the end of duration, but a comma indicates at least one more unit "
                 "follows"},
    {"30m 1h",
     kFriendly +
         "found value with unit hour after unit minute, but units must be written from largest "
         "to smallest (and they can't be repeated)"},
    {"1s 1s",
     kFriendly +
         "found value with unit second after unit second, but units must be written from largest "
         "to smallest (and they can't be repeated)"},
    {"PT1M1H",
     "found value with unit hour after unit minute, but units must be written from largest to "
     "smallest (and they can't be repeated)"},
    {"1.5h 3m", kFriendly + "unparsed input \"3m\" remains (expected no unparsed input)"},
    {"5sago", kFriendly + "unparsed input \"ago\" remains (expected no unparsed input)"},
    {"5m ago now", kFriendly + "unparsed input \" now\" remains (expected no unparsed input)"},
    {"1h-30m", kFriendly + "unparsed input \"-30m\" remains (expected no unparsed input)"},
    {"1 day 00:00:10 1s", kFriendly + "unparsed input \"1s\" remains (expected no unparsed input)"},
    {"P1D ", "unparsed input \" \" remains (expected no unparsed input)"},
    {"1.5d", kFriendly + "fractional days are not supported"},
    {"0.5w", kFriendly + "fractional weeks are not supported"},
    {"1.5ns", kFriendly + "fractional nanoseconds are not supported"},
    {"1.s",
     kFriendly +
         "found decimal after seconds component, but did not find any digits after decimal"},
    {"-5s ago",
     kFriendly +
         "expected to find either a prefix sign (+/-) or a suffix sign (`ago`), but found both"},
    {"00:10",
     kFriendly + "when parsing the `HH:MM:SS` format, expected to parse `:` following minute"},
    {"1h 00:00:10",
     kFriendly +
         "found `HH:MM:SS` after unit hour, but `HH:MM:SS` can only appear after years, months, "
         "weeks or days"},
    {"99999999999w",
     kFriendly +
         "failed to set value for week unit on span: parameter 'weeks' is not in the required "
         "range of -1043497..=1043497"},
    {"999999999999999999999s", kFriendly + "number too big to parse into 64-bit integer"},
    {"PT999999999999999999999S", "number too big to parse into 64-bit integer"},
    {"P1.5D",
     "expected to find date unit designator suffix (`Y`, `M`, `W` or `D`), but found `.` "
     "instead"},
    {"P5",
     "expected to find date unit designator suffix (`Y`, `M`, `W` or `D`), but found end of "
     "input"},
    {"PT5",
     "expected to find time unit designator suffix (`H`, `M` or `S`), but found end of "
     "input"},
    {"PT1W",
     "expected to find time unit designator suffix (`H`, `M` or `S`), but found `W` "
     "instead"},
};

TEST(Durations, RefusedWithAReason) {
  for (const auto& c : kRefused) {
    const Result<DurationMs> duration = ParseDuration(c.text);
    ASSERT_FALSE(duration.ok()) << c.text << " = " << *duration;
    EXPECT_EQ(duration.error().message, c.reason) << c.text;
  }
}

TEST(Durations, Friendly) {
  EXPECT_EQ(FormatDurationFriendly(0), "0s");
  EXPECT_EQ(FormatDurationFriendly(500), "500ms");
  EXPECT_EQ(FormatDurationFriendly(90 * kSecond), "1m 30s");
  EXPECT_EQ(FormatDurationFriendly(2 * kHour), "2h");
  EXPECT_EQ(FormatDurationFriendly(27 * kHour), "1d 3h");
  EXPECT_EQ(FormatDurationFriendly(kDay), "1d");
  EXPECT_EQ(FormatDurationFriendly(10 * kDay + 1), "10d 1ms");
}

TEST(Durations, Iso) {
  EXPECT_EQ(FormatDurationIso(0), "P0D");
  EXPECT_EQ(FormatDurationIso(kDay), "PT86400S");
  EXPECT_EQ(FormatDurationIso(500), "PT0.5S");
  EXPECT_EQ(FormatDurationIso(1005), "PT1.005S");
  EXPECT_EQ(FormatDurationIso(60'250), "PT60.25S");
}

TEST(Timestamps, Forms) {
  constexpr TimeMs kTime = 1795485360468;  // 2026-11-24T01:56:00.468Z
  EXPECT_EQ(FormatRfc3339Nanos(kTime), "2026-11-24T01:56:00.468000000Z");
  EXPECT_EQ(FormatRfc3339Millis(kTime), "2026-11-24T01:56:00.468Z");
  EXPECT_EQ(FormatExpires(kTime), "2026-11-24T01:56:00.468+00:00");
  EXPECT_EQ(FormatExpires(kTime - 468), "2026-11-24T01:56:00+00:00");
}

TEST(Timestamps, Calendar) {
  EXPECT_EQ(FormatRfc3339Millis(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(FormatRfc3339Millis(951'782'400'000), "2000-02-29T00:00:00.000Z");
  EXPECT_EQ(FormatRfc3339Millis(951'868'800'000 - 1), "2000-02-29T23:59:59.999Z");
  EXPECT_EQ(FormatRfc3339Millis(951'868'800'000), "2000-03-01T00:00:00.000Z");
  EXPECT_EQ(FormatRfc3339Millis(4'107'542'400'000), "2100-03-01T00:00:00.000Z");
  EXPECT_EQ(FormatRfc3339Millis(4'107'542'400'000 - 1), "2100-02-28T23:59:59.999Z");
  EXPECT_EQ(FormatRfc3339Millis(1'735'689'599'999), "2024-12-31T23:59:59.999Z");
  EXPECT_EQ(FormatRfc3339Millis(253'402'300'800'000), "10000-01-01T00:00:00.000Z");
}

TEST(Utf8, Table) {
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8("plain"));
  EXPECT_TRUE(IsUtf8("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"));
  EXPECT_TRUE(IsUtf8("\xf4\x8f\xbf\xbf\xed\x9f\xbf\xee\x80\x80"));
  for (const std::string_view bad :
       {"\xff",
        "\x80",
        "\xc3",
        "\xc0\x80",
        "\xc1\xbf",
        "\xe0\x80\x80",
        "\xed\xa0\x80",
        "\xf0\x80\x80\x80",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xe2\x82",
        "\xe2\x28\xa1"}) {
    EXPECT_FALSE(IsUtf8(bad)) << testing::PrintToString(bad);
  }
}

TEST(Utf8, ExcerptNeverHalvesACharacter) {
  EXPECT_EQ(Excerpt("caf\xc3\xa9s", 4), "caf");
  EXPECT_EQ(Excerpt("caf\xc3\xa9s", 5), "caf\xc3\xa9");
  EXPECT_EQ(Excerpt("short", 100), "short");
  EXPECT_EQ(Excerpt("a\xff\x80z", 100), "a??z");
}

}  // namespace
}  // namespace perdure
