// SPDX-License-Identifier: Apache-2.0
//
// Typed access to the JSON of a manifest. The first member that does not have its type is
// remembered as the reason; after that all reads give neutral values. Unknown members are ignored,
// null counts as absent for optional members (service protocol 1.3).
#pragma once

#include "perdure/base/ids.h"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace perdure {

class ManifestReader {
 public:
  using Json = nlohmann::json;

  bool ok() const { return reason_.empty(); }
  const std::string& reason() const { return reason_; }
  void Fail(std::string reason);

  bool IsObject(const Json& value, std::string_view what);
  std::optional<uint64_t> Integer(const Json& object, const char* name);
  std::optional<DurationMs> Duration(const Json& object, const char* name);
  std::optional<double> Number(const Json& object, const char* name);
  std::optional<bool> Flag(const Json& object, const char* name);
  std::optional<std::string> Text(const Json& object, const char* name);
  std::map<std::string, std::string> TextMap(const Json& object, const char* name);
  // One of `choices`, as its position; the absent value if absent.
  std::optional<size_t> Choice(
      const Json& object, const char* name, const std::vector<std::string_view>& choices);
  // Required members.
  std::string RequiredText(const Json& object, const char* name);
  uint64_t RequiredInteger(const Json& object, const char* name);
  const Json& RequiredArray(const Json& object, const char* name);
  // The member, or null.
  static const Json& Member(const Json& object, const char* name);

 private:
  void WrongType(const Json& value, const char* name, std::string_view expected);

  std::string reason_;
};

}  // namespace perdure
