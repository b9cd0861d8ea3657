// SPDX-License-Identifier: Apache-2.0
//
// Query strings of URLs. No opinion about which parameters exist.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace perdure::admin {

// The last value of `name` in "a=1&b=2", decoded ('+' is a space). A name without '=' has an empty
// value.
std::optional<std::string> QueryParameter(std::string_view query, std::string_view name);
// All of them, in their order.
std::vector<std::string> QueryParameters(std::string_view query, std::string_view name);

}  // namespace perdure::admin
