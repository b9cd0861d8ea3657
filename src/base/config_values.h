// SPDX-License-Identifier: Apache-2.0
//
// How a kind of setting is read from text and printed as a TOML literal: sizes, counts, switches,
// addresses, words. One struct per kind with `Type`, `Parse` and `Print`; what `Print` gives,
// `Parse` reads back to the same value. Knows no key.
#pragma once

#include "perdure/base/ids.h"
#include "perdure/base/log.h"
#include "perdure/base/result.h"
#include "perdure/base/settings.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace perdure::config {

// A TOML basic string.
std::string Quote(std::string_view text);

struct TextKind {
  using Type = std::string;
  static Result<Type> Parse(std::string_view text) { return Type(text); }
  static std::string Print(const Type& value) { return Quote(value); }
};

// One component of a path: it names the folder of the data.
struct NodeNameKind : TextKind {
  static Result<Type> Parse(std::string_view text);
};

struct SwitchKind {
  using Type = bool;
  static Result<Type> Parse(std::string_view text);
  static std::string Print(Type value) { return value ? "true" : "false"; }
};

Result<uint64_t> ParseCount(std::string_view text, uint64_t min, uint64_t max);

template <typename Number, Number kMin = 0>
struct CountKind {
  using Type = Number;
  static Result<Type> Parse(std::string_view text) {
    Result<uint64_t> count = ParseCount(text, kMin, std::numeric_limits<Number>::max());
    if (!count.ok()) {
      return count.error();
    }
    return static_cast<Number>(*count);
  }
  static std::string Print(Type value) { return std::to_string(value); }
};

// "unlimited" or a count of at least one.
struct AttemptsKind {
  using Type = std::optional<uint32_t>;
  static Result<Type> Parse(std::string_view text);
  static std::string Print(const Type& value);
};

struct FactorKind {
  using Type = double;
  static Result<Type> Parse(std::string_view text);
  static std::string Print(Type value);
};

struct DurationKind {
  using Type = DurationMs;
  static Result<Type> Parse(std::string_view text);
  static std::string Print(Type value);
};

struct NonZeroDurationKind : DurationKind {
  static Result<Type> Parse(std::string_view text);
};

// "32.0 MiB", "32MB", "1000".
struct SizeKind {
  using Type = size_t;
  static Result<Type> Parse(std::string_view text);
  static std::string Print(Type value);
};

// A window of HTTP/2 has 31 bits, and must hold at least what HTTP/2 begins with.
struct WindowKind : SizeKind {
  static Result<Type> Parse(std::string_view text);
};

struct IpKind : TextKind {
  static Result<Type> Parse(std::string_view text);
};

// "ip:port", "[ipv6]:port" or "*:port"; empty means not given.
struct AddressKind : TextKind {
  static Result<Type> Parse(std::string_view text);
};

struct ListenModeKind {
  using Type = ListenMode;
  static Result<Type> Parse(std::string_view text);
  static std::string Print(Type value);
};

struct LogFormatKind {
  using Type = LogFormat;
  static Result<Type> Parse(std::string_view text);
  static std::string Print(Type value);
};

struct LogFilterKind : TextKind {
  static Result<Type> Parse(std::string_view text);
};

// true: pause, false: kill.
struct OnMaxAttemptsKind {
  using Type = bool;
  static Result<Type> Parse(std::string_view text);
  static std::string Print(Type value) { return value ? "\"pause\"" : "\"kill\""; }
};

}  // namespace perdure::config
