// SPDX-License-Identifier: Apache-2.0
//
// Milliseconds since 1970 as UTC calendar text. Proleptic Gregorian calendar, no leap seconds, no
// locale, no C library time functions (they are slow and lock).
#include "perdure/base/durations.h"

namespace perdure {
namespace {

constexpr uint64_t kMsPerDay = 86'400'000;

struct CivilDate {
  uint64_t year = 1970;
  uint64_t month = 1;
  uint64_t day = 1;
};

// Days are counted from 1 March of year 0, so that the leap day is the last of its year; a cycle of
// 400 years has 146097 days, 719468 days lie between that date and 1970-01-01.
CivilDate DateOf(uint64_t days_since_epoch) {
  const uint64_t shifted = days_since_epoch + 719'468;
  const uint64_t era = shifted / 146'097;
  const uint64_t day_of_era = shifted % 146'097;
  const uint64_t year_of_era =
      (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const uint64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const uint64_t month_from_march = (5 * day_of_year + 2) / 153;
  CivilDate date;
  date.day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
  date.month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
  date.year = year_of_era + era * 400 + (date.month <= 2 ? 1 : 0);
  return date;
}

void AppendPadded(std::string& out, uint64_t value, size_t width) {
  const std::string digits = std::to_string(value);
  if (digits.size() < width) {
    out.append(width - digits.size(), '0');
  }
  out += digits;
}

// "2026-11-24T01:56:00"
std::string DateAndTime(TimeMs time) {
  const CivilDate date = DateOf(time / kMsPerDay);
  const uint64_t second_of_day = time % kMsPerDay / 1000;
  std::string out;
  AppendPadded(out, date.year, 4);
  out += '-';
  AppendPadded(out, date.month, 2);
  out += '-';
  AppendPadded(out, date.day, 2);
  out += 'T';
  AppendPadded(out, second_of_day / 3600, 2);
  out += ':';
  AppendPadded(out, second_of_day / 60 % 60, 2);
  out += ':';
  AppendPadded(out, second_of_day % 60, 2);
  return out;
}

}  // namespace

std::string FormatRfc3339Nanos(TimeMs time) {
  std::string out = DateAndTime(time);
  out += '.';
  AppendPadded(out, time % 1000, 3);
  out += "000000Z";
  return out;
}

std::string FormatRfc3339Millis(TimeMs time) {
  std::string out = DateAndTime(time);
  out += '.';
  AppendPadded(out, time % 1000, 3);
  out += 'Z';
  return out;
}

std::string FormatExpires(TimeMs time) {
  std::string out = DateAndTime(time);
  if (time % 1000 != 0) {
    out += '.';
    AppendPadded(out, time % 1000, 3);
  }
  out += "+00:00";
  return out;
}

}  // namespace perdure
