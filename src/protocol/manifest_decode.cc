// SPDX-License-Identifier: Apache-2.0
//
// Typed reads from JSON with one remembered reason. Reasons name the member, since a manifest is
// written by an SDK and read by a person who wonders why registration failed.
#include "protocol/manifest_decode.h"

#include "base/utf8.h"

#include <nlohmann/json.hpp>

namespace perdure {
namespace {

using Json = nlohmann::json;

// Longer times overflow what comes after them; 20 000 years are enough.
constexpr uint64_t kDurationMsMax = 631'107'417'600'000;

const Json& Null() {
  static const Json kNull;
  return kNull;
}
const Json& EmptyArray() {
  static const Json kEmptyArray = Json::array();
  return kEmptyArray;
}

}  // namespace

void ManifestReader::Fail(std::string reason) {
  if (reason_.empty()) {
    reason_ = std::move(reason);
  }
}

void ManifestReader::WrongType(const Json& value, const char* name, std::string_view expected) {
  constexpr size_t kShownMax = 100;
  const std::string shown =
      Excerpt(value.dump(-1, ' ', false, Json::error_handler_t::replace), kShownMax);
  Fail(
      "invalid value for `" + std::string(name) + "`: " + shown + ", expected " +
      std::string(expected));
}

const Json& ManifestReader::Member(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() ? Null() : *found;
}

bool ManifestReader::IsObject(const Json& value, std::string_view what) {
  if (!value.is_object()) {
    Fail(std::string(what) + " is not an object");
  }
  return value.is_object();
}

std::optional<uint64_t> ManifestReader::Integer(const Json& object, const char* name) {
  const Json& value = Member(object, name);
  if (value.is_null()) {
    return std::nullopt;
  }
  if (!value.is_number_unsigned()) {
    WrongType(value, name, "a non-negative integer");
    return std::nullopt;
  }
  return value.get<uint64_t>();
}

std::optional<DurationMs> ManifestReader::Duration(const Json& object, const char* name) {
  const std::optional<uint64_t> value = Integer(object, name);
  if (value.has_value() && *value > kDurationMsMax) {
    WrongType(Member(object, name), name, "at most 631107417600000 milliseconds");
    return std::nullopt;
  }
  return value;
}

std::optional<double> ManifestReader::Number(const Json& object, const char* name) {
  const Json& value = Member(object, name);
  if (value.is_null()) {
    return std::nullopt;
  }
  if (!value.is_number()) {
    WrongType(value, name, "a number");
    return std::nullopt;
  }
  return value.get<double>();
}

std::optional<bool> ManifestReader::Flag(const Json& object, const char* name) {
  const Json& value = Member(object, name);
  if (value.is_null()) {
    return std::nullopt;
  }
  if (!value.is_boolean()) {
    WrongType(value, name, "true or false");
    return std::nullopt;
  }
  return value.get<bool>();
}

std::optional<std::string> ManifestReader::Text(const Json& object, const char* name) {
  const Json& value = Member(object, name);
  if (value.is_null()) {
    return std::nullopt;
  }
  if (!value.is_string()) {
    WrongType(value, name, "a string");
    return std::nullopt;
  }
  return value.get<std::string>();
}

std::map<std::string, std::string> ManifestReader::TextMap(const Json& object, const char* name) {
  std::map<std::string, std::string> out;
  const Json& value = Member(object, name);
  if (value.is_null()) {
    return out;
  }
  if (!value.is_object()) {
    WrongType(value, name, "an object with strings");
    return out;
  }
  for (auto item = value.begin(); item != value.end(); ++item) {
    if (item->is_string()) {
      out.emplace(item.key(), item->get<std::string>());
    } else {
      WrongType(*item, name, "strings as values");
    }
  }
  return out;
}

std::optional<size_t> ManifestReader::Choice(
    const Json& object, const char* name, const std::vector<std::string_view>& choices) {
  const std::optional<std::string> text = Text(object, name);
  if (!text.has_value()) {
    return std::nullopt;
  }
  std::string expected;
  for (size_t i = 0; i < choices.size(); ++i) {
    if (*text == choices[i]) {
      return i;
    }
    expected += i == 0 ? "" : ", ";
    expected += "`" + std::string(choices[i]) + "`";
  }
  Fail("unknown variant `" + Excerpt(*text, 100) + "`, expected one of " + expected);
  return std::nullopt;
}

std::string ManifestReader::RequiredText(const Json& object, const char* name) {
  std::optional<std::string> text = Text(object, name);
  if (!text.has_value()) {
    Fail("missing field `" + std::string(name) + "`");
    return {};
  }
  return *std::move(text);
}

uint64_t ManifestReader::RequiredInteger(const Json& object, const char* name) {
  const std::optional<uint64_t> value = Integer(object, name);
  if (!value.has_value()) {
    Fail("missing field `" + std::string(name) + "`");
  }
  return value.value_or(0);
}

const Json& ManifestReader::RequiredArray(const Json& object, const char* name) {
  const Json& value = Member(object, name);
  if (value.is_null()) {
    Fail("missing field `" + std::string(name) + "`");
    return EmptyArray();
  }
  if (!value.is_array()) {
    WrongType(value, name, "an array");
    return EmptyArray();
  }
  return value;
}

}  // namespace perdure
