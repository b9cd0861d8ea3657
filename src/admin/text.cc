// SPDX-License-Identifier: Apache-2.0
//
// See text.h.
#include "admin/text.h"

#include "base/percent.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace perdure::admin {

std::optional<std::string> QueryParameter(std::string_view query, std::string_view name) {
  std::vector<std::string> values = QueryParameters(query, name);
  return values.empty() ? std::nullopt : std::optional<std::string>(std::move(values.back()));
}

std::vector<std::string> QueryParameters(std::string_view query, std::string_view name) {
  std::vector<std::string> out;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const size_t equals = std::min(pair.find('='), pair.size());
    if (PercentDecode(pair.substr(0, equals), true) == name) {
      out.push_back(PercentDecode(pair.substr(std::min(pair.size(), equals + 1)), true));
    }
  }
  return out;
}

}  // namespace perdure::admin
