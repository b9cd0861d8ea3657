// SPDX-License-Identifier: Apache-2.0
//
// The table of all keys: name, whether the value has an effect in this version, how it is set and
// printed. Everything else about settings (sources, messages, dump) is driven by it.
#pragma once

#include "perdure/base/settings.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace perdure::config {

struct SettingRow {
  std::string_view key;
  // False: read, checked and printed, but nothing depends on it yet; giving it is warned about.
  bool in_effect;
  Status (*set)(Settings& settings, std::string_view value);
  // The TOML literal; absent if unset.
  std::optional<std::string> (*print)(const Settings& settings);
};

// In the order of the dump: keys without a table first, then one table after the other.
std::span<const SettingRow> SettingRows();
const SettingRow* FindSetting(std::string_view key);

enum class OtherKey : uint8_t {
  kUnknown,
  kIgnored,  // has no meaning in this server
  kNotYet,   // has a meaning, but this version does not perform it
};
OtherKey ClassifyOther(std::string_view key);

}  // namespace perdure::config
