// SPDX-License-Identifier: Apache-2.0
//
// The units of durations: names in the friendly grammar, length, and the largest count accepted
// (ingress API 5.1). A table only; the grammar is in durations.cc.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

namespace perdure::duration_units {

// From large to small, so that "larger" is a smaller number.
enum class Unit : size_t {
  kYear,
  kMonth,
  kWeek,
  kDay,
  kHour,
  kMinute,
  kSecond,
  kMillisecond,
  kMicrosecond,
  kNanosecond,
};

struct UnitInfo {
  std::string_view singular;
  std::string_view plural;
  uint64_t ns;   // 0: no fixed length
  uint64_t max;  // bounds about 20 000 years, so that sums cannot overflow
};

inline constexpr uint64_t kNsPerMs = 1'000'000;
inline constexpr uint64_t kNsPerSecond = 1'000'000'000;
inline constexpr auto kInt64Max = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());

inline constexpr std::array<UnitInfo, 10> kUnits = {{
    {"year", "years", 0, 19'998},
    {"month", "months", 0, 239'976},
    {"week", "weeks", 604'800 * kNsPerSecond, 1'043'497},
    {"day", "days", 86'400 * kNsPerSecond, 7'304'484},
    {"hour", "hours", 3'600 * kNsPerSecond, 175'307'616},
    {"minute", "minutes", 60 * kNsPerSecond, 10'518'456'960},
    {"second", "seconds", kNsPerSecond, 631'107'417'600},
    {"millisecond", "milliseconds", kNsPerMs, 631'107'417'600'000},
    {"microsecond", "microseconds", 1'000, 631'107'417'600'000'000},
    {"nanosecond", "nanoseconds", 1, kInt64Max},
}};

inline const UnitInfo& InfoOf(Unit unit) {
  return kUnits[static_cast<size_t>(unit)];
}

struct UnitName {
  std::string_view name;
  Unit unit;
};

// A longer name comes before its prefixes: the first match is the longest.
inline constexpr UnitName kFriendlyNames[] = {
    {"years", Unit::kYear},
    {"year", Unit::kYear},
    {"yrs", Unit::kYear},
    {"yr", Unit::kYear},
    {"y", Unit::kYear},
    {"months", Unit::kMonth},
    {"month", Unit::kMonth},
    {"mos", Unit::kMonth},
    {"mo", Unit::kMonth},
    {"weeks", Unit::kWeek},
    {"week", Unit::kWeek},
    {"wks", Unit::kWeek},
    {"wk", Unit::kWeek},
    {"w", Unit::kWeek},
    {"days", Unit::kDay},
    {"day", Unit::kDay},
    {"d", Unit::kDay},
    {"hours", Unit::kHour},
    {"hour", Unit::kHour},
    {"hrs", Unit::kHour},
    {"hr", Unit::kHour},
    {"h", Unit::kHour},
    {"milliseconds", Unit::kMillisecond},
    {"millisecond", Unit::kMillisecond},
    {"millis", Unit::kMillisecond},
    {"milli", Unit::kMillisecond},
    {"msecs", Unit::kMillisecond},
    {"msec", Unit::kMillisecond},
    {"ms", Unit::kMillisecond},
    {"microseconds", Unit::kMicrosecond},
    {"microsecond", Unit::kMicrosecond},
    {"micros", Unit::kMicrosecond},
    {"micro", Unit::kMicrosecond},
    {"usecs", Unit::kMicrosecond},
    {"usec", Unit::kMicrosecond},
    {"us", Unit::kMicrosecond},
    {"\xc2\xb5secs", Unit::kMicrosecond},  // with the micro sign
    {"\xc2\xb5sec", Unit::kMicrosecond},
    {"\xc2\xb5s", Unit::kMicrosecond},
    {"nanoseconds", Unit::kNanosecond},
    {"nanosecond", Unit::kNanosecond},
    {"nanos", Unit::kNanosecond},
    {"nano", Unit::kNanosecond},
    {"nsecs", Unit::kNanosecond},
    {"nsec", Unit::kNanosecond},
    {"ns", Unit::kNanosecond},
    {"minutes", Unit::kMinute},
    {"minute", Unit::kMinute},
    {"mins", Unit::kMinute},
    {"min", Unit::kMinute},
    {"m", Unit::kMinute},
    {"seconds", Unit::kSecond},
    {"second", Unit::kSecond},
    {"secs", Unit::kSecond},
    {"sec", Unit::kSecond},
    {"s", Unit::kSecond},
};

}  // namespace perdure::duration_units
