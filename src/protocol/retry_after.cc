// SPDX-License-Identifier: Apache-2.0
//
// The Retry-After header: a number of seconds or a date. Dates: "Sun, 06 Nov 1994 08:49:37 GMT" and
// the RFC 2822 variants (weekday and seconds optional, numeric zone), "Sunday, 06-Nov-94 08:49:37
// GMT" and "Sun Nov  6 08:49:37 1994". Anything else counts as absent.
#include "protocol/response_head.h"

#include <array>
#include <charconv>
#include <vector>

namespace perdure {
namespace {

constexpr uint64_t kSecondsMax = 365ULL * 24 * 3600;  // a longer wait is a mistake of the service
constexpr std::array<std::string_view, 12> kMonths = {
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> kWeekdays = {
    "mon", "tue", "wed", "thu", "fri", "sat", "sun"};

struct Moment {
  int64_t year = 0;
  int64_t month = 0;  // 1..12
  int64_t day = 0;
  int64_t hour = 0;
  int64_t minute = 0;
  int64_t second = 0;
  int64_t zone_minutes = 0;
};

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

std::optional<int64_t> Number(std::string_view text) {
  int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || text.size() > 9 || error != std::errc() || stop != end || value < 0) {
    return std::nullopt;
  }
  return value;
}

std::vector<std::string> Split(std::string_view text, std::string_view separators) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (separators.find(c) == std::string_view::npos) {
      parts.back() += c;
    } else if (!parts.back().empty()) {
      parts.emplace_back();
    }
  }
  if (parts.back().empty()) {
    parts.pop_back();
  }
  return parts;
}

bool SetMonth(std::string_view name, Moment& out) {
  for (size_t i = 0; i < kMonths.size(); ++i) {
    if (kMonths[i] == name) {
      out.month = static_cast<int64_t>(i) + 1;
      return true;
    }
  }
  return false;
}

// "08:49:37" or "08:49"
bool SetClock(std::string_view text, Moment& out) {
  const std::vector<std::string> parts = Split(text, ":");
  if (parts.size() != 2 && parts.size() != 3) {
    return false;
  }
  const std::optional<int64_t> hour = Number(parts[0]);
  const std::optional<int64_t> minute = Number(parts[1]);
  const std::optional<int64_t> second = parts.size() == 3 ? Number(parts[2]) : 0;
  if (!hour.has_value() || !minute.has_value() || !second.has_value() || *hour > 23 ||
      *minute > 59 || *second > 60) {
    return false;
  }
  out.hour = *hour;
  out.minute = *minute;
  out.second = *second;
  return true;
}

bool SetDate(std::string_view day, std::string_view month, std::string_view year, Moment& out) {
  const std::optional<int64_t> day_number = Number(day);
  std::optional<int64_t> year_number = Number(year);
  if (!day_number.has_value() || !year_number.has_value() || !SetMonth(month, out)) {
    return false;
  }
  if (year.size() == 2) {  // RFC 2822: 00 to 49 are of this century
    *year_number += *year_number < 50 ? 2000 : 1900;
  }
  if (*day_number < 1 || *day_number > 31 || *year_number < 1970 || *year_number > 9999) {
    return false;
  }
  out.day = *day_number;
  out.year = *year_number;
  return true;
}

bool SetZone(std::string_view zone, Moment& out) {
  if (zone == "gmt" || zone == "utc" || zone == "ut" || zone == "z") {
    return true;
  }
  if (zone.size() != 5 || (zone[0] != '+' && zone[0] != '-')) {
    return false;
  }
  const std::optional<int64_t> digits = Number(zone.substr(1));
  if (!digits.has_value() || *digits % 100 > 59) {
    return false;
  }
  const int64_t minutes = *digits / 100 * 60 + *digits % 100;
  out.zone_minutes = zone[0] == '-' ? -minutes : minutes;
  return true;
}

bool IsWeekday(std::string_view text) {
  for (const std::string_view name : kWeekdays) {
    if (text.substr(0, 3) == name) {
      return true;
    }
  }
  return false;
}

std::optional<Moment> ParseDate(std::string_view text) {
  std::vector<std::string> parts = Split(Lower(text), ", \t");
  if (!parts.empty() && IsWeekday(parts.front())) {
    parts.erase(parts.begin());
  }
  Moment moment;
  if (parts.size() == 5) {  // 06 nov 1994 08:49:37 gmt
    if (SetDate(parts[0], parts[1], parts[2], moment) && SetClock(parts[3], moment) &&
        SetZone(parts[4], moment)) {
      return moment;
    }
  } else if (parts.size() == 4) {  // nov 6 08:49:37 1994
    if (SetDate(parts[1], parts[0], parts[3], moment) && SetClock(parts[2], moment)) {
      return moment;
    }
  } else if (parts.size() == 3) {  // 06-nov-94 08:49:37 gmt
    const std::vector<std::string> date = Split(parts[0], "-");
    if (date.size() == 3 && SetDate(date[0], date[1], date[2], moment) &&
        SetClock(parts[1], moment) && SetZone(parts[2], moment)) {
      return moment;
    }
  }
  return std::nullopt;
}

// Days since 1970-01-01, counted from the 1 March that begins the year of the leap day.
int64_t DaysOf(const Moment& moment) {
  const int64_t year = moment.month <= 2 ? moment.year - 1 : moment.year;
  const int64_t month_from_march = moment.month > 2 ? moment.month - 3 : moment.month + 9;
  const int64_t era = year / 400;
  const int64_t year_of_era = year % 400;
  const int64_t day_of_year = (153 * month_from_march + 2) / 5 + moment.day - 1;
  return era * 146'097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
         719'468;
}

int64_t MsOf(const Moment& moment) {
  const int64_t minutes =
      DaysOf(moment) * 1440 + moment.hour * 60 + moment.minute - moment.zone_minutes;
  return (minutes * 60 + moment.second) * 1000;
}

}  // namespace

std::optional<DurationMs> ParseRetryAfter(std::string_view value, TimeMs wall_now) {
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) {
    value.remove_prefix(1);
  }
  while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) {
    value.remove_suffix(1);
  }
  const bool digits_only =
      !value.empty() && value.find_first_not_of("0123456789") == std::string_view::npos;
  if (digits_only) {
    uint64_t seconds = 0;
    const auto [stop, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
    if (error != std::errc() || seconds > kSecondsMax) {
      seconds = kSecondsMax;
    }
    return seconds * 1000;
  }
  const std::optional<Moment> moment = ParseDate(value);
  if (!moment.has_value()) {
    return std::nullopt;
  }
  const int64_t at = MsOf(*moment);
  if (at <= static_cast<int64_t>(wall_now)) {
    return std::nullopt;
  }
  const DurationMs wait = static_cast<DurationMs>(at) - wall_now;
  return wait < kSecondsMax * 1000 ? wait : kSecondsMax * 1000;
}

}  // namespace perdure
