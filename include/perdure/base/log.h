// SPDX-License-Identifier: Apache-2.0
//
// Logging facade: one event name and fields. Levels by who must act: error = a person, warn =
// degraded, info = lifecycle, debug = per request. Never payloads; keys only at debug. spdlog sits
// behind it in one source file.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace perdure {

enum class LogLevel : int { kTrace = 0, kDebug, kInfo, kWarn, kError, kOff };

struct LogField {
  LogField(std::string_view n, std::string_view v) : name(n), value(v) {}
  LogField(std::string_view n, const char* v) : name(n), value(v) {}
  LogField(std::string_view n, bool v) : name(n), value(v ? "true" : "false") {}
  template <std::integral T>
  requires(!std::same_as<T, bool>) LogField(std::string_view n, T v)
      : name(n), value(std::to_string(v)) {}

  std::string_view name;
  std::string value;
};

enum class LogFormat { kPretty, kCompact, kJson };

struct LogOptions {
  LogFormat format = LogFormat::kPretty;
  LogLevel level = LogLevel::kInfo;
  bool ansi_colors = true;
};

// Thread: main, once, before other threads log. Without it, warnings and errors go to standard
// error.
void InitLogging(const LogOptions& options);
bool LogEnabled(LogLevel level);
// Thread: any.
void Log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields = {});

}  // namespace perdure

// Builds the fields only if the level is on.
#define PERDURE_LOG(level, ...)                                \
  do {                                                         \
    if (::perdure::LogEnabled(::perdure::LogLevel::level)) {   \
      ::perdure::Log(::perdure::LogLevel::level, __VA_ARGS__); \
    }                                                          \
  } while (false)
