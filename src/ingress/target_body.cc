// SPDX-License-Identifier: Apache-2.0
//
// See target_body.h. The only file of the ingress that parses JSON. A body that makes no sense is
// the caller's fault: 400, where the reference answers 500 (ingress API 3.1 allows for it).
#include "ingress/target_body.h"

#include <nlohmann/json.hpp>

#include <array>
#include <optional>
#include <string>
#include <utility>

namespace perdure::ingress {
namespace {

using Json = nlohmann::json;

// A target is a few names; parsing megabytes of JSON here would be a gift to an attacker.
constexpr size_t kTargetBytesMax = size_t{64} * 1024;

ErrorReply BadBody(const std::string& reason) {
  return {400, "cannot read body: invalid request body: " + reason};
}

using Field = std::variant<std::string, ErrorReply>;

Field Required(const Json& target, const char* name) {
  const auto it = target.find(name);
  if (it == target.end()) {
    return BadBody("missing field `" + std::string(name) + "`");
  }
  if (!it->is_string()) {
    return BadBody("field `" + std::string(name) + "` must be a string");
  }
  return it->get<std::string>();
}

bool Given(const Json& target, const char* name) {
  const auto it = target.find(name);
  return it != target.end() && !it->is_null();
}

// The values of `names`, or the first complaint.
template <size_t N>
std::optional<ErrorReply> ReadAll(
    const Json& target,
    const std::array<const char*, N>& names,
    std::array<std::string, N>& values) {
  for (size_t i = 0; i < N; ++i) {
    Field field = Required(target, names[i]);
    if (ErrorReply* error = std::get_if<ErrorReply>(&field)) {
      return std::move(*error);
    }
    values[i] = std::get<std::string>(std::move(field));
  }
  return std::nullopt;
}

std::variant<InvocationId, ErrorReply> IdOfWorkflow(const Json& target) {
  std::array<std::string, 2> values;
  if (std::optional<ErrorReply> error =
          ReadAll<2>(target, {"workflowName", "workflowKey"}, values)) {
    return std::move(*error);
  }
  IdParts parts;
  parts.service = values[0];
  parts.key = values[1];
  parts.is_workflow_run = true;
  return MakeInvocationId(parts, 0, {});
}

std::variant<InvocationId, ErrorReply> IdOfIdempotent(const Json& target) {
  std::array<std::string, 3> values;
  if (std::optional<ErrorReply> error =
          ReadAll<3>(target, {"service", "handler", "idempotencyKey"}, values)) {
    return std::move(*error);
  }
  std::array<std::string, 1> key;
  const bool keyed = Given(target, "key");
  if (keyed) {
    if (std::optional<ErrorReply> error = ReadAll<1>(target, {"key"}, key)) {
      return std::move(*error);
    }
  }
  IdParts parts;
  parts.service = values[0];
  parts.handler = values[1];
  parts.idempotency_key = values[2];
  if (keyed) {
    parts.key = key[0];
  }
  return MakeInvocationId(parts, 0, {});
}

std::variant<InvocationId, ErrorReply> IdGiven(const Json& target) {
  std::array<std::string, 1> text;
  if (std::optional<ErrorReply> error = ReadAll<1>(target, {"invocationId"}, text)) {
    return std::move(*error);
  }
  const Result<InvocationId> id = InvocationId::Parse(text[0]);
  if (!id.ok()) {
    return ErrorReply{400, "bad invocation id '" + text[0] + "': " + id.error().message};
  }
  return *id;
}

}  // namespace

std::variant<InvocationId, ErrorReply> ParseTargetBody(
    std::string_view body, std::string_view route) {
  if (body.size() > kTargetBytesMax) {
    return BadBody("longer than " + std::to_string(kTargetBytesMax) + " bytes");
  }
  const Json target = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (target.is_discarded()) {
    return BadBody("not JSON");
  }
  if (!target.is_object()) {
    return BadBody("not an object");
  }
  Field kind = Required(target, "target");
  if (ErrorReply* error = std::get_if<ErrorReply>(&kind)) {
    return std::move(*error);
  }
  const std::string& name = std::get<std::string>(kind);
  if (name == "invocation") {
    return IdGiven(target);
  }
  if (name != "workflow" && name != "idempotentInvocation") {
    return BadBody(
        "unknown variant `" + name +
        "`, expected one of `workflow`, `idempotentInvocation`, `invocation`");
  }
  if (Given(target, "scope")) {
    return NotSupportedYet(std::string(route) + " with a scope");
  }
  return name == "workflow" ? IdOfWorkflow(target) : IdOfIdempotent(target);
}

}  // namespace perdure::ingress
