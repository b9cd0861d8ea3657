// SPDX-License-Identifier: Apache-2.0
//
// Whether a JSON schema in a manifest is one the server can publish (admin API 5.2 step 6): its
// keywords have the forms of draft 2020-12, and it refers to nothing outside of itself. Bodies are
// never checked against schemas here; the SDK does that.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <optional>
#include <string>

namespace perdure {

// What is wrong with `schema`; nothing if it is fine.
std::optional<std::string> CheckJsonSchema(const nlohmann::json& schema);

}  // namespace perdure
