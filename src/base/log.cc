// SPDX-License-Identifier: Apache-2.0
//
// The logging facade over spdlog, which is compiled in this file only (it is expensive to include).
// Everything goes to standard error, one line per event, so that standard output stays free for
// answers such as --dump-config. Control characters in values are escaped: one event, one line.
#include "perdure/base/log.h"

#include <spdlog/sinks/ansicolor_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <memory>
#include <mutex>

namespace perdure {
namespace {

std::atomic<int> g_level{static_cast<int>(LogLevel::kWarn)};
std::atomic<LogFormat> g_format{LogFormat::kCompact};

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kTrace:
      return spdlog::level::trace;
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kOff:
      return spdlog::level::off;
  }
  return spdlog::level::off;
}

std::string_view UpperName(LogLevel level) {
  switch (level) {
    case LogLevel::kTrace:
      return "TRACE";
    case LogLevel::kDebug:
      return "DEBUG";
    case LogLevel::kInfo:
      return "INFO";
    case LogLevel::kWarn:
      return "WARN";
    case LogLevel::kError:
      return "ERROR";
    case LogLevel::kOff:
      return "OFF";
  }
  return "OFF";
}

// The logger in use; replaced once by InitLogging, before other threads log.
std::shared_ptr<spdlog::logger>& Logger() {
  static std::shared_ptr<spdlog::logger> logger = [] {
    auto made = std::make_shared<spdlog::logger>(
        "perdure", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
    made->set_level(spdlog::level::trace);
    return made;
  }();
  return logger;
}

void AppendEscaped(std::string& out, std::string_view text, bool json) {
  static constexpr char kHex[] = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += json ? "\\u00" : "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 0xf];
    } else {
      out += c;
    }
  }
}

bool NeedsQuotes(std::string_view value) {
  if (value.empty()) {
    return true;
  }
  for (const char c : value) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == '"' || c == '=' || c == '\\' || c == 0x7f) {
      return true;
    }
  }
  return false;
}

std::string RenderText(std::string_view event, std::initializer_list<LogField> fields) {
  std::string line;
  AppendEscaped(line, event, false);
  for (const LogField& field : fields) {
    line += ' ';
    line += field.name;
    line += '=';
    if (NeedsQuotes(field.value)) {
      line += '"';
      AppendEscaped(line, field.value, false);
      line += '"';
    } else {
      line += field.value;
    }
  }
  return line;
}

std::string RenderJson(
    LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  std::string line = "\"level\":\"";
  line += UpperName(level);
  line += "\",\"message\":\"";
  AppendEscaped(line, event, true);
  line += '"';
  for (const LogField& field : fields) {
    line += ",\"";
    AppendEscaped(line, field.name, true);
    line += "\":\"";
    AppendEscaped(line, field.value, true);
    line += '"';
  }
  return line;
}

std::string PatternOf(LogFormat format) {
  switch (format) {
    case LogFormat::kPretty:
      return "%Y-%m-%dT%H:%M:%S.%eZ %^%-7l%$ %v";
    case LogFormat::kCompact:
      return "%Y-%m-%dT%H:%M:%S.%eZ %l %v";
    case LogFormat::kJson:
      return "{\"timestamp\":\"%Y-%m-%dT%H:%M:%S.%fZ\",%v}";
  }
  return "%v";
}

}  // namespace

void InitLogging(const LogOptions& options) {
  std::shared_ptr<spdlog::sinks::sink> sink;
  if (options.ansi_colors && options.format != LogFormat::kJson) {
    sink = std::make_shared<spdlog::sinks::ansicolor_stderr_sink_mt>(spdlog::color_mode::automatic);
  } else {
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  }
  auto logger = std::make_shared<spdlog::logger>("perdure", std::move(sink));
  logger->set_pattern(PatternOf(options.format), spdlog::pattern_time_type::utc);
  logger->set_level(spdlog::level::trace);
  Logger() = std::move(logger);
  g_format.store(options.format, std::memory_order_relaxed);
  g_level.store(static_cast<int>(options.level), std::memory_order_release);
}

bool LogEnabled(LogLevel level) {
  return level != LogLevel::kOff &&
         static_cast<int>(level) >= g_level.load(std::memory_order_acquire);
}

void Log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  if (!LogEnabled(level)) {
    return;
  }
  const bool json = g_format.load(std::memory_order_relaxed) == LogFormat::kJson;
  const std::string line = json ? RenderJson(level, event, fields) : RenderText(event, fields);
  Logger()->log(ToSpdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace perdure
