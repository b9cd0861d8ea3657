// SPDX-License-Identifier: Apache-2.0
//
// Reads the log filter, a list of `level`, `target` and `target=level`. Only the parts that can
// have a meaning here are used: this server logs under one name.
#include "perdure/base/settings.h"

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace perdure {
namespace {

std::optional<LogLevel> LevelOf(std::string_view word) {
  struct Level {
    std::string_view name;
    LogLevel level;
  };
  static constexpr std::array<Level, 6> kLevels{{
      {"trace", LogLevel::kTrace},
      {"debug", LogLevel::kDebug},
      {"info", LogLevel::kInfo},
      {"warn", LogLevel::kWarn},
      {"error", LogLevel::kError},
      {"off", LogLevel::kOff},
  }};
  std::string lower(word);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') {
      c = static_cast<char>(c - 'A' + 'a');
    }
  }
  for (const Level& known : kLevels) {
    if (lower == known.name) {
      return known.level;
    }
  }
  return std::nullopt;
}

bool IsOurs(std::string_view target) {
  return target == "restate" || target == "perdure";
}

std::string_view NextDirective(std::string_view& rest) {
  const size_t comma = rest.find(',');
  std::string_view directive = rest.substr(0, comma);
  rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
  while (!directive.empty() && directive.front() == ' ') {
    directive.remove_prefix(1);
  }
  while (!directive.empty() && directive.back() == ' ') {
    directive.remove_suffix(1);
  }
  return directive;
}

}  // namespace

Result<LogLevel> ParseLogFilter(std::string_view filter) {
  std::optional<LogLevel> ours;
  LogLevel everything = LogLevel::kError;
  std::string_view rest = filter;
  while (!rest.empty()) {
    const std::string_view directive = NextDirective(rest);
    const size_t equals = directive.find('=');
    const std::string_view target = directive.substr(0, equals);
    if (equals == std::string_view::npos) {
      if (const std::optional<LogLevel> level = LevelOf(directive)) {
        everything = *level;
      } else if (IsOurs(target)) {
        ours = LogLevel::kTrace;  // a target alone means everything of it
      }
    } else if (IsOurs(target)) {
      ours = LevelOf(directive.substr(equals + 1));
      if (!ours) {
        return InvalidArgument(
            "invalid log filter directive \"" + std::string(directive) +
            "\", expected one of off, error, warn, info, debug, trace");
      }
    }
  }
  return ours.value_or(everything);
}

}  // namespace perdure
