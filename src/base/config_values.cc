// SPDX-License-Identifier: Apache-2.0
//
// Readers and printers of the kinds of settings. A reader's error is the reason only ("expected
// ..."): the loader adds the key and the source.
#include "base/config_values.h"

#include "perdure/base/durations.h"

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <cmath>
#include <system_error>

namespace perdure::config {
namespace {

constexpr size_t kSizeMax = size_t{1} << 56;

Error Found(std::string_view text, std::string_view expected) {
  return InvalidArgument(
      "invalid value: found " + Quote(text) + ", expected " + std::string(expected));
}

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') {
      c = static_cast<char>(c - 'A' + 'a');
    }
  }
  return out;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') {
    text.remove_prefix(1);
  }
  while (!text.empty() && text.back() == ' ') {
    text.remove_suffix(1);
  }
  return text;
}

std::optional<double> UnitOf(std::string_view unit) {
  struct Unit {
    std::string_view name;
    double bytes;
  };
  static constexpr std::array<Unit, 20> kUnits{{
      {"", 1},         {"b", 1},       {"k", 1e3},      {"kb", 1e3},     {"ki", 0x1p10},
      {"kib", 0x1p10}, {"m", 1e6},     {"mb", 1e6},     {"mi", 0x1p20},  {"mib", 0x1p20},
      {"g", 1e9},      {"gb", 1e9},    {"gi", 0x1p30},  {"gib", 0x1p30}, {"t", 1e12},
      {"tb", 1e12},    {"ti", 0x1p40}, {"tib", 0x1p40}, {"byte", 1},     {"bytes", 1},
  }};
  const std::string lower = Lower(unit);
  for (const Unit& known : kUnits) {
    if (lower == known.name) {
      return known.bytes;
    }
  }
  return std::nullopt;
}

bool IsIpAddress(const std::string& text) {
  std::array<unsigned char, 16> parsed{};
  return inet_pton(AF_INET, text.c_str(), parsed.data()) == 1 ||
         inet_pton(AF_INET6, text.c_str(), parsed.data()) == 1;
}

}  // namespace

std::string Quote(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 0xf];
    } else {
      out += c;
    }
  }
  out += '"';
  return out;
}

Result<std::string> NodeNameKind::Parse(std::string_view text) {
  const bool usable = !text.empty() && text != "." && text != ".." &&
                      text.find('/') == std::string_view::npos &&
                      text.find('\0') == std::string_view::npos && text.size() <= 255;
  if (!usable) {
    return Found(text, "a name that can be the name of a folder");
  }
  return std::string(text);
}

Result<bool> SwitchKind::Parse(std::string_view text) {
  if (text == "true") {
    return true;
  }
  if (text == "false") {
    return false;
  }
  return Found(text, "a boolean");
}

Result<uint64_t> ParseCount(std::string_view text, uint64_t min, uint64_t max) {
  uint64_t value = 0;
  const char* end = text.data() + text.size();
  const std::from_chars_result read = std::from_chars(text.data(), end, value);
  if (text.empty() || read.ec != std::errc{} || read.ptr != end || value < min || value > max) {
    return Found(text, "an integer from " + std::to_string(min) + " to " + std::to_string(max));
  }
  return value;
}

Result<std::optional<uint32_t>> AttemptsKind::Parse(std::string_view text) {
  if (text == "unlimited") {
    return std::optional<uint32_t>();
  }
  const Result<uint64_t> count = ParseCount(text, 1, std::numeric_limits<uint32_t>::max());
  if (!count.ok()) {
    return Error{count.error().code, count.error().message + " or \"unlimited\""};
  }
  return std::optional<uint32_t>(static_cast<uint32_t>(*count));
}

std::string AttemptsKind::Print(const Type& value) {
  return value ? std::to_string(*value) : "\"unlimited\"";
}

Result<double> FactorKind::Parse(std::string_view text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const std::from_chars_result read = std::from_chars(text.data(), end, value);
  const bool readable = !text.empty() && read.ec == std::errc{} && read.ptr == end;
  if (!readable || !std::isfinite(value) || value < 0) {
    return Found(text, "a number that is not negative");
  }
  return value;
}

std::string FactorKind::Print(double value) {
  std::array<char, 64> buffer{};
  const std::to_chars_result written =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  PERDURE_ASSERT(written.ec == std::errc{});
  std::string out(buffer.data(), written.ptr);
  // A TOML float has a point or an exponent.
  if (out.find_first_of(".e") == std::string::npos) {
    out += ".0";
  }
  return out;
}

Result<DurationMs> DurationKind::Parse(std::string_view text) {
  return ParseDuration(text);
}

std::string DurationKind::Print(DurationMs value) {
  return Quote(FormatDurationFriendly(value));
}

Result<DurationMs> NonZeroDurationKind::Parse(std::string_view text) {
  Result<DurationMs> value = ParseDuration(text);
  if (value.ok() && *value == 0) {
    return InvalidArgument("duration cannot be zero");
  }
  return value;
}

Result<size_t> SizeKind::Parse(std::string_view text) {
  static constexpr std::string_view kExpected = "a human-readable byte count string";
  const std::string_view trimmed = Trim(text);
  const size_t digits = std::min(trimmed.find_first_not_of("0123456789."), trimmed.size());
  const std::string_view number = trimmed.substr(0, digits);
  const std::optional<double> unit = UnitOf(Trim(trimmed.substr(digits)));
  double value = 0;
  const char* end = number.data() + number.size();
  const std::from_chars_result read = std::from_chars(number.data(), end, value);
  if (number.empty() || read.ec != std::errc{} || read.ptr != end || !unit) {
    return Found(text, kExpected);
  }
  const double bytes = value * *unit;
  if (bytes > static_cast<double>(kSizeMax)) {
    return Found(text, kExpected);
  }
  return static_cast<size_t>(bytes);
}

std::string SizeKind::Print(size_t value) {
  struct Unit {
    size_t bytes;
    std::string_view name;
  };
  static constexpr std::array<Unit, 4> kUnits{{
      {size_t{1} << 40, "TiB"},
      {size_t{1} << 30, "GiB"},
      {size_t{1} << 20, "MiB"},
      {size_t{1} << 10, "KiB"},
  }};
  PERDURE_ASSERT(value <= kSizeMax);
  // One decimal, but only if it says exactly this value: the dump is loaded again.
  for (const Unit& unit : kUnits) {
    const size_t tenths = value * 10;
    if (value >= unit.bytes && tenths % unit.bytes == 0) {
      const size_t shown = tenths / unit.bytes;
      return Quote(
          std::to_string(shown / 10) + "." + std::to_string(shown % 10) + " " +
          std::string(unit.name));
    }
  }
  return Quote(std::to_string(value) + " B");
}

Result<size_t> WindowKind::Parse(std::string_view text) {
  Result<size_t> size = SizeKind::Parse(text);
  if (size.ok() && (*size < 65535 || *size > 0x7fff'ffff)) {
    return Found(text, "a window from 65535 bytes to 2 GiB");
  }
  return size;
}

Result<std::string> IpKind::Parse(std::string_view text) {
  const std::string ip(text);
  if (!IsIpAddress(ip)) {
    return InvalidArgument("invalid IP address syntax: found " + Quote(text));
  }
  return ip;
}

Result<std::string> AddressKind::Parse(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || !ParseCount(text.substr(colon + 1), 0, 65535).ok()) {
    return Found(text, "an address such as 127.0.0.1:8080, [::1]:8080 or *:8080");
  }
  std::string host(text.substr(0, colon));
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) {
    host = host.substr(1, host.size() - 2);
  }
  const bool is_ipv6 = host.find(':') != std::string::npos;
  if (host != "*" && (!IsIpAddress(host) || is_ipv6 != bracketed)) {
    return InvalidArgument("invalid IP address syntax: found " + Quote(text));
  }
  return std::string(text);
}

Result<ListenMode> ListenModeKind::Parse(std::string_view text) {
  if (text == "all") {
    return ListenMode::kAll;
  }
  if (text == "unix") {
    return ListenMode::kUnix;
  }
  if (text == "tcp") {
    return ListenMode::kTcp;
  }
  return Found(text, "one of `unix`, `tcp`, `all`");
}

std::string ListenModeKind::Print(ListenMode value) {
  switch (value) {
    case ListenMode::kAll:
      return "\"all\"";
    case ListenMode::kUnix:
      return "\"unix\"";
    case ListenMode::kTcp:
      return "\"tcp\"";
  }
  return "\"all\"";
}

Result<LogFormat> LogFormatKind::Parse(std::string_view text) {
  if (text == "pretty") {
    return LogFormat::kPretty;
  }
  if (text == "compact") {
    return LogFormat::kCompact;
  }
  if (text == "json") {
    return LogFormat::kJson;
  }
  return Found(text, "one of `pretty`, `compact`, `json`");
}

std::string LogFormatKind::Print(LogFormat value) {
  switch (value) {
    case LogFormat::kPretty:
      return "\"pretty\"";
    case LogFormat::kCompact:
      return "\"compact\"";
    case LogFormat::kJson:
      return "\"json\"";
  }
  return "\"pretty\"";
}

Result<std::string> LogFilterKind::Parse(std::string_view text) {
  const Result<LogLevel> level = ParseLogFilter(text);
  if (!level.ok()) {
    return level.error();
  }
  return std::string(text);
}

Result<bool> OnMaxAttemptsKind::Parse(std::string_view text) {
  if (text == "pause") {
    return true;
  }
  if (text == "kill") {
    return false;
  }
  return Found(text, "`pause` or `kill`");
}

}  // namespace perdure::config
