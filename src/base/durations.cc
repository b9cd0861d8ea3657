// SPDX-License-Identifier: Apache-2.0
//
// The two duration grammars of ingress API 5.1. Both are read into the same running total; the
// texts of the errors follow what clients of the reference see, because people search for them.
#include "perdure/base/durations.h"

#include "base/duration_units.h"

#include <cstdint>
#include <optional>

namespace perdure {
namespace {

using duration_units::InfoOf;
using duration_units::kFriendlyNames;
using duration_units::kInt64Max;
using duration_units::kNsPerMs;
using duration_units::kNsPerSecond;
using duration_units::Unit;
using duration_units::UnitInfo;
using duration_units::UnitName;

__extension__ using Uint128 = unsigned __int128;

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
bool IsSpace(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

// What remains to be read, and what was read so far.
class DurationReader {
 public:
  explicit DurationReader(std::string_view text) : rest_(text) {}

  // REQUIRES: called first. False if nothing but a sign was given.
  bool ReadSign();
  bool is_iso() const { return At('P') || At('p'); }
  // The rest of the text; a reason if it is not a duration.
  std::optional<std::string> ReadIso();
  std::optional<std::string> ReadFriendly();

  Uint128 total_ns() const { return total_ns_; }
  bool has_calendar_units() const { return has_calendar_units_; }
  bool negative() const { return negative_; }

 private:
  using Problem = std::optional<std::string>;

  bool At(char c) const { return !rest_.empty() && rest_.front() == c; }
  bool AtDigit() const { return !rest_.empty() && IsDigit(rest_.front()); }
  // Skips white space; true if there was some.
  bool SkipSpaces();
  std::string Found() const { return "found `" + std::string(rest_.substr(0, 1)) + "`"; }
  std::string IsoFound() const {
    return rest_.empty() ? "found end of input" : Found() + " instead";
  }

  Problem ReadInteger(uint64_t& value);
  // Digits after a decimal point or comma, as billionths; nothing if there is no point.
  Problem ReadFraction(std::string_view unit, std::optional<uint64_t>& billionths);
  Problem Add(Unit unit, uint64_t value, std::optional<uint64_t> billionths);
  Problem ReadIsoDate(size_t& components);
  Problem ReadIsoTime(size_t& components);
  Problem ReadFriendlyItem(bool& last);
  Problem ReadClock(uint64_t hours);
  Problem ReadAgo();
  Problem ExpectEnd() const;

  std::string_view rest_;
  Uint128 total_ns_ = 0;
  std::optional<Unit> previous_;
  bool has_calendar_units_ = false;
  bool negative_ = false;
  bool signed_ = false;
};

bool DurationReader::ReadSign() {
  signed_ = At('+') || At('-');
  negative_ = At('-');
  rest_.remove_prefix(signed_ ? 1 : 0);
  return !rest_.empty();
}

bool DurationReader::SkipSpaces() {
  const size_t before = rest_.size();
  while (!rest_.empty() && IsSpace(rest_.front())) {
    rest_.remove_prefix(1);
  }
  return rest_.size() != before;
}

DurationReader::Problem DurationReader::ReadInteger(uint64_t& value) {
  value = 0;
  while (AtDigit()) {
    const auto digit = static_cast<uint64_t>(rest_.front() - '0');
    if (value > (kInt64Max - digit) / 10) {
      return "number too big to parse into 64-bit integer";
    }
    value = value * 10 + digit;
    rest_.remove_prefix(1);
  }
  return std::nullopt;
}

DurationReader::Problem DurationReader::ReadFraction(
    std::string_view unit, std::optional<uint64_t>& billionths) {
  if (!At('.') && !At(',')) {
    return std::nullopt;
  }
  rest_.remove_prefix(1);
  if (!AtDigit()) {
    return "found decimal after " + std::string(unit) +
           " component, but did not find any digits after decimal";
  }
  uint64_t value = 0;
  size_t digits = 0;
  while (digits < 9 && AtDigit()) {
    value = value * 10 + static_cast<uint64_t>(rest_.front() - '0');
    rest_.remove_prefix(1);
    ++digits;
  }
  for (; digits < 9; ++digits) {
    value *= 10;
  }
  billionths = value;
  return std::nullopt;
}

DurationReader::Problem DurationReader::Add(
    Unit unit, uint64_t value, std::optional<uint64_t> billionths) {
  const UnitInfo& info = InfoOf(unit);
  if (previous_.has_value() && unit <= *previous_) {
    return "found value with unit " + std::string(info.singular) + " after unit " +
           std::string(InfoOf(*previous_).singular) +
           ", but units must be written from largest to smallest (and they can't be repeated)";
  }
  previous_ = unit;
  if (value > info.max) {
    const std::string max = std::to_string(info.max);
    return "failed to set value for " + std::string(info.singular) + " unit on span: parameter '" +
           std::string(info.plural) + "' is not in the required range of -" + max + "..=" + max;
  }
  if (billionths.has_value() && (unit < Unit::kHour || unit == Unit::kNanosecond)) {
    return "fractional " + std::string(info.plural) + " are not supported";
  }
  if (info.ns == 0) {
    has_calendar_units_ = has_calendar_units_ || value != 0;
    return std::nullopt;
  }
  total_ns_ += Uint128{value} * info.ns;
  if (billionths.has_value()) {
    total_ns_ += Uint128{*billionths} * info.ns / kNsPerSecond;
  }
  return std::nullopt;
}

DurationReader::Problem DurationReader::ExpectEnd() const {
  if (rest_.empty()) {
    return std::nullopt;
  }
  return "unparsed input \"" + std::string(rest_) + "\" remains (expected no unparsed input)";
}

DurationReader::Problem DurationReader::ReadIsoDate(size_t& components) {
  while (AtDigit()) {
    uint64_t value = 0;
    if (Problem problem = ReadInteger(value)) {
      return problem;
    }
    const char designator = rest_.empty() ? '\0' : static_cast<char>(rest_.front() | 0x20);
    Unit unit = Unit::kYear;
    if (designator == 'm') {
      unit = Unit::kMonth;
    } else if (designator == 'w') {
      unit = Unit::kWeek;
    } else if (designator == 'd') {
      unit = Unit::kDay;
    } else if (designator != 'y') {
      return "expected to find date unit designator suffix (`Y`, `M`, `W` or `D`), but " +
             IsoFound();
    }
    rest_.remove_prefix(1);
    if (Problem problem = Add(unit, value, std::nullopt)) {
      return problem;
    }
    ++components;
  }
  return std::nullopt;
}

DurationReader::Problem DurationReader::ReadIsoTime(size_t& components) {
  std::optional<uint64_t> billionths;
  while (AtDigit() && !billionths.has_value()) {
    uint64_t value = 0;
    if (Problem problem = ReadInteger(value)) {
      return problem;
    }
    if (Problem problem = ReadFraction("seconds", billionths)) {
      return problem;
    }
    const char designator = rest_.empty() ? '\0' : static_cast<char>(rest_.front() | 0x20);
    Unit unit = Unit::kHour;
    if (designator == 'm') {
      unit = Unit::kMinute;
    } else if (designator == 's') {
      unit = Unit::kSecond;
    } else if (designator != 'h') {
      return "expected to find time unit designator suffix (`H`, `M` or `S`), but " + IsoFound();
    }
    rest_.remove_prefix(1);
    if (Problem problem = Add(unit, value, billionths)) {
      return problem;
    }
    ++components;
  }
  return std::nullopt;
}

std::optional<std::string> DurationReader::ReadIso() {
  PERDURE_ASSERT(is_iso());
  rest_.remove_prefix(1);
  size_t components = 0;
  if (Problem problem = ReadIsoDate(components)) {
    return problem;
  }
  if (At('T') || At('t')) {
    rest_.remove_prefix(1);
    const size_t date_components = components;
    if (Problem problem = ReadIsoTime(components)) {
      return problem;
    }
    if (components == date_components) {
      return "found a time designator (`T` or `t`) in an ISO 8601 duration string, but did not "
             "find any time units";
    }
  }
  if (components == 0) {
    return "no parsed duration components";
  }
  return ExpectEnd();
}

// The rest of HH:MM:SS, after the hours.
DurationReader::Problem DurationReader::ReadClock(uint64_t hours) {
  if (previous_.has_value() && *previous_ > Unit::kDay) {
    return "found `HH:MM:SS` after unit " + std::string(InfoOf(*previous_).singular) +
           ", but `HH:MM:SS` can only appear after years, months, weeks or days";
  }
  uint64_t minutes = 0;
  uint64_t seconds = 0;
  std::optional<uint64_t> billionths;
  rest_.remove_prefix(1);
  if (!AtDigit()) {
    return "when parsing the `HH:MM:SS` format, expected to parse minute following `:`";
  }
  if (Problem problem = ReadInteger(minutes)) {
    return problem;
  }
  if (!At(':')) {
    return "when parsing the `HH:MM:SS` format, expected to parse `:` following minute";
  }
  rest_.remove_prefix(1);
  if (!AtDigit()) {
    return "when parsing the `HH:MM:SS` format, expected to parse second following `:`";
  }
  if (Problem problem = ReadInteger(seconds)) {
    return problem;
  }
  if (Problem problem = ReadFraction("seconds", billionths)) {
    return problem;
  }
  if (Problem problem = Add(Unit::kHour, hours, std::nullopt)) {
    return problem;
  }
  if (Problem problem = Add(Unit::kMinute, minutes, std::nullopt)) {
    return problem;
  }
  return Add(Unit::kSecond, seconds, billionths);
}

// One number with its unit and what separates it from the next one.
DurationReader::Problem DurationReader::ReadFriendlyItem(bool& last) {
  uint64_t value = 0;
  if (Problem problem = ReadInteger(value)) {
    return problem;
  }
  if (At(':')) {
    last = true;
    return ReadClock(value);
  }
  std::optional<uint64_t> billionths;
  if (Problem problem = ReadFraction("seconds", billionths)) {
    return problem;
  }
  SkipSpaces();
  const UnitName* match = nullptr;
  for (const UnitName& candidate : kFriendlyNames) {
    if (rest_.starts_with(candidate.name)) {
      match = &candidate;
      break;
    }
  }
  if (match == nullptr) {
    return "expected to find unit designator suffix (e.g., `years` or `secs`) after parsing "
           "integer";
  }
  rest_.remove_prefix(match->name.size());
  last = billionths.has_value();
  return Add(match->unit, value, billionths);
}

DurationReader::Problem DurationReader::ReadAgo() {
  if (!rest_.starts_with("ago")) {
    return std::nullopt;
  }
  if (signed_) {
    return "expected to find either a prefix sign (+/-) or a suffix sign (`ago`), but found both";
  }
  rest_.remove_prefix(3);
  negative_ = true;
  return std::nullopt;
}

std::optional<std::string> DurationReader::ReadFriendly() {
  if (!AtDigit()) {
    return "expected duration to start with a unit value (a decimal integer) after an optional "
           "sign, but no integer was found";
  }
  bool last = false;
  while (AtDigit() && !last) {
    if (Problem problem = ReadFriendlyItem(last)) {
      return problem;
    }
    const bool comma = At(',') && !last;
    if (comma) {
      rest_.remove_prefix(1);
      if (rest_.empty()) {
        return "expected whitespace after comma, but found end of input";
      }
      if (!IsSpace(rest_.front())) {
        return "expected whitespace after comma, but " + Found();
      }
    }
    const bool spaces = SkipSpaces();
    if (comma && !AtDigit()) {
      return "found comma at the end of duration, but a comma indicates at least one more unit "
             "follows";
    }
    if (spaces && !AtDigit()) {
      if (Problem problem = ReadAgo()) {
        return problem;
      }
      last = true;
    }
  }
  return ExpectEnd();
}

}  // namespace

Result<DurationMs> ParseDuration(std::string_view text) {
  if (text == "0") {
    return DurationMs{0};
  }
  if (text.empty()) {
    return InvalidArgument(
        "an empty string is not a valid duration in either the ISO 8601 format or Jiff's "
        "\"friendly\" format");
  }
  DurationReader reader(text);
  if (!reader.ReadSign()) {
    return InvalidArgument(
        "found nothing after sign `" + std::string(text) +
        "`, which is not a valid duration in either the ISO 8601 format or Jiff's \"friendly\" "
        "format");
  }
  if (reader.is_iso()) {
    if (std::optional<std::string> problem = reader.ReadIso()) {
      return InvalidArgument(*std::move(problem));
    }
  } else if (std::optional<std::string> problem = reader.ReadFriendly()) {
    return InvalidArgument(
        "failed to parse input in the \"friendly\" duration format: " + *problem);
  }
  if (reader.has_calendar_units()) {
    return InvalidArgument("please use units of days or smaller");
  }
  if (reader.negative() && reader.total_ns() != 0) {
    return InvalidArgument("negative signed durations cannot be converted to an unsigned duration");
  }
  return static_cast<DurationMs>(reader.total_ns() / kNsPerMs);
}

std::string FormatDurationFriendly(DurationMs duration) {
  struct Part {
    uint64_t ms;
    std::string_view suffix;
  };
  static constexpr Part kParts[] = {
      {86'400'000, "d"}, {3'600'000, "h"}, {60'000, "m"}, {1'000, "s"}, {1, "ms"}};
  std::string out;
  for (const Part& part : kParts) {
    const uint64_t count = duration / part.ms;
    duration %= part.ms;
    if (count != 0) {
      out += out.empty() ? "" : " ";
      out += std::to_string(count);
      out += part.suffix;
    }
  }
  return out.empty() ? "0s" : out;
}

std::string FormatDurationIso(DurationMs duration) {
  if (duration == 0) {
    return "P0D";
  }
  std::string out = "PT" + std::to_string(duration / 1000);
  if (duration % 1000 != 0) {
    std::string fraction = std::to_string(1000 + duration % 1000).substr(1);
    fraction.erase(fraction.find_last_not_of('0') + 1);
    out += "." + fraction;
  }
  return out + "S";
}

}  // namespace perdure
