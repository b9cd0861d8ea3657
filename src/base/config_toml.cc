// SPDX-License-Identifier: Apache-2.0
//
// Flattens a TOML document; the only file that includes the TOML library (it is expensive). Tables
// become dotted keys, scalars become the text an environment variable would hold. Does not judge
// keys or values.
#include "base/config_toml.h"

#define TOML_EXCEPTIONS 0
#include <sstream>
#include <toml++/toml.h>

namespace perdure::config {
namespace {

std::optional<std::string> ScalarText(const toml::node& node) {
  if (const auto* text = node.as_string()) {
    return text->get();
  }
  if (const auto* truth = node.as_boolean()) {
    return truth->get() ? "true" : "false";
  }
  if (const auto* number = node.as_integer()) {
    return std::to_string(number->get());
  }
  if (node.is_array()) {
    return std::nullopt;
  }
  std::ostringstream out;  // floating point, dates
  out << toml::node_view<const toml::node>(node);
  return std::move(out).str();
}

// Depth is bounded by the library, which refuses deeply nested documents.
void Flatten(const toml::table& table, const std::string& prefix, std::vector<TomlEntry>& out) {
  for (const auto& item : table) {
    const std::string key = prefix + std::string(item.first.str());
    if (const toml::table* inner = item.second.as_table()) {
      Flatten(*inner, key + ".", out);
    } else {
      out.push_back({key, ScalarText(item.second)});
    }
  }
}

}  // namespace

Result<std::vector<TomlEntry>> ReadToml(std::string_view text) {
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    std::ostringstream out;
    out << "TOML parse error at line " << parsed.error().source().begin.line << ", column "
        << parsed.error().source().begin.column << ": " << parsed.error().description();
    return InvalidArgument(std::move(out).str());
  }
  std::vector<TomlEntry> entries;
  Flatten(parsed.table(), "", entries);
  return entries;
}

}  // namespace perdure::config
