// SPDX-License-Identifier: Apache-2.0
//
// See input_rules.h. The rules are tried in order; the complaint is that of the last one. Types are
// compared with regard to case and without their parameters.
#include "ingress/input_rules.h"

namespace perdure::ingress {
namespace {

constexpr std::string_view kAnyType = "*/*";
constexpr std::string_view kJson = "application/json";

// "text/plain ; charset=utf-8" -> "text/plain"
std::string_view Essence(std::string_view content_type) {
  std::string_view out = content_type.substr(0, content_type.find(';'));
  while (!out.empty() && (out.front() == ' ' || out.front() == '\t')) {
    out.remove_prefix(1);
  }
  while (!out.empty() && (out.back() == ' ' || out.back() == '\t')) {
    out.remove_suffix(1);
  }
  return out;
}

bool Matches(std::string_view given, std::string_view wanted) {
  const std::string_view type = Essence(given);
  const std::string_view rule = Essence(wanted);
  if (rule == kAnyType || type == rule) {
    return true;
  }
  // "text/*" takes whatever begins with "text/".
  return rule.size() >= 2 && rule.substr(rule.size() - 2) == "/*" &&
         type.substr(0, rule.size() - 1) == rule.substr(0, rule.size() - 1);
}

std::string Quoted(std::optional<std::string_view> content_type) {
  if (!content_type.has_value()) {
    return "None";
  }
  std::string out = "Some(\"";
  for (const char c : *content_type) {
    if (c == '"' || c == '\\') {
      out += '\\';
    }
    out += c;
  }
  out += "\")";
  return out;
}

}  // namespace

std::optional<std::string> CheckInput(
    const InputSchema& input, std::optional<std::string_view> content_type, bool body_empty) {
  const bool none_only = input.declared && !input.required && !input.content_type.has_value() &&
                         !input.json_schema.has_value();
  const bool none_allowed = !input.declared || !input.required;
  if (none_allowed && body_empty && !content_type.has_value()) {
    return std::nullopt;
  }
  if (none_only) {
    return "Expected body and content-type to be empty, but wasn't with content-type '" +
           Quoted(content_type) + "'";
  }
  if (!content_type.has_value()) {
    return "Empty content-type";
  }
  const bool json = input.declared && input.json_schema.has_value();
  std::string_view wanted = json ? kJson : kAnyType;
  if (input.declared && input.content_type.has_value()) {
    wanted = *input.content_type;
  }
  if (!Matches(*content_type, wanted)) {
    std::string out = "Content-type '";
    out += *content_type;
    out += "' does not match '";
    out += wanted;
    out += "'";
    return out;
  }
  if (json && body_empty) {
    return "Empty body not allowed";
  }
  return std::nullopt;
}

}  // namespace perdure::ingress
