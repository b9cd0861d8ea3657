// SPDX-License-Identifier: Apache-2.0
//
// A TOML document as a flat list of dotted keys. The TOML library is behind it, in one source file.
#pragma once

#include "perdure/base/result.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace perdure::config {

struct TomlEntry {
  std::string key;                    // "worker.invoker.abort-timeout"
  std::optional<std::string> scalar;  // absent for arrays
};

Result<std::vector<TomlEntry>> ReadToml(std::string_view text);

}  // namespace perdure::config
