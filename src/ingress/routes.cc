// SPDX-License-Identifier: Apache-2.0
//
// See routes.h. Which error wins when several apply is part of the interface (ingress API 2.1), so
// the order of the checks below is deliberate.
#include "ingress/routes.h"

#include "base/percent.h"
#include "ingress/text.h"

#include <optional>
#include <span>
#include <utility>

namespace perdure::ingress {
namespace {

using Segments = std::span<const std::string_view>;

constexpr std::string_view kBadLegacyPath =
    "bad path, expected either /:service-name/:handler or /:object-name/:object-key/:handler";
constexpr std::string_view kBadRestatePath =
    "bad path, expected /restate/call/:service/:handler, /restate/send/:service/:handler, "
    "/restate/scope/:scope/call/:service/:handler, /restate/attach/:invocation_id, "
    "/restate/output/:invocation_id, or /restate/lookup";
constexpr std::string_view kBadInvocationPath =
    "bad path, expected either /restate/invocation/:invocation_id/output or "
    "/restate/invocation/:invocation_id/attach or "
    "/restate/invocation/:invocation_target/:idempotency_key/output or "
    "/restate/invocation/:invocation_target/:idempotency_key/attach";
constexpr std::string_view kBadWorkflowPath =
    "bad path, expected either /restate/workflow/:workflow_name/:workflow_key/output or "
    "/restate/workflow/:workflow_name/:workflow_key/attach";
constexpr std::string_view kBadAwakeablePath =
    "bad path, expected either /restate/awakeables/:id/resolve or /restate/awakeables/:id/reject";

ErrorReply BadPath(std::string_view message) {
  return {400, std::string(message)};
}
ErrorReply NotFound() {
  return {404, "not found"};
}
ErrorReply MethodNotAllowed() {
  return {405, "method not allowed"};
}

ErrorReply ServiceNotFound(std::string_view service) {
  std::string message = "service '";
  message += service;
  message += "' not found, make sure to register the service before calling it.";
  return {404, std::move(message)};
}

ErrorReply HandlerNotFound(std::string_view service, std::string_view handler) {
  std::string message = "the service '";
  message += service;
  message += "' exists, but the handler '";
  message += handler;
  message +=
      "' was not found, check that the handler exists in the latest registered service "
      "version.";
  return {404, std::move(message)};
}

std::string DescribeUtf8Error(std::string_view bytes, const Utf8Error& error) {
  std::string out = "bad path, cannot decode key: FromUtf8Error { bytes: [";
  std::string_view separator;
  for (const char c : bytes) {
    out += separator;
    out += std::to_string(static_cast<uint8_t>(c));
    separator = ", ";
  }
  out += "], error: Utf8Error { valid_up_to: " + std::to_string(error.valid_up_to);
  out += ", error_len: ";
  out += error.length.has_value() ? "Some(" + std::to_string(*error.length) + ")" : "None";
  out += " } }";
  return out;
}

// A key or scope segment, or why it is none.
std::variant<std::string, ErrorReply> DecodeKey(std::string_view segment) {
  std::string key = PercentDecode(segment);
  const std::optional<Utf8Error> error = FindInvalidUtf8(key);
  if (error.has_value()) {
    return ErrorReply{400, DescribeUtf8Error(key, *error)};
  }
  return key;
}

enum class PathForm : uint8_t {
  kLegacyPath,  // "/service/handler", "/service/handler/send"
  kCall,        // what follows "/restate/call"
  kSend,        // what follows "/restate/send"
};

Route ParseInvoke(Segments segments, PathForm form, const SchemaView& schema) {
  const bool legacy = form == PathForm::kLegacyPath;
  const std::string_view bad_path = legacy ? kBadLegacyPath : kBadRestatePath;
  if (segments.empty()) {
    return BadPath(bad_path);
  }
  InvokeRoute route;
  route.send = form == PathForm::kSend;
  route.service = schema.FindService(segments[0]);
  if (route.service == nullptr) {
    return ServiceNotFound(segments[0]);
  }
  segments = segments.subspan(1);
  if (route.service->type != ServiceType::kService) {
    if (segments.empty()) {
      return BadPath(bad_path);
    }
    std::variant<std::string, ErrorReply> key = DecodeKey(segments[0]);
    if (ErrorReply* error = std::get_if<ErrorReply>(&key)) {
      return std::move(*error);
    }
    route.key = std::get<std::string>(std::move(key));
    segments = segments.subspan(1);
  }
  if (segments.empty()) {
    return BadPath(bad_path);
  }
  const std::string_view handler = segments[0];
  segments = segments.subspan(1);
  if (legacy && segments.size() == 1 && segments[0] == "send") {
    route.send = true;
    segments = segments.subspan(1);
  }
  if (!segments.empty()) {
    return BadPath(bad_path);
  }
  route.handler = route.service->FindHandler(handler);
  if (route.handler == nullptr) {
    return HandlerNotFound(route.service->name, handler);
  }
  if (!route.service->is_public || !route.handler->is_public) {
    return ErrorReply{400, "the invoked service is not public"};
  }
  return route;
}

// Scoped invocations need a feature that this server does not have; a wrong path is still wrong.
Route ParseScope(Segments segments, const SchemaView& schema) {
  if (segments.size() < 2 || (segments[1] != "call" && segments[1] != "send")) {
    return BadPath(kBadRestatePath);
  }
  std::variant<std::string, ErrorReply> scope = DecodeKey(segments[0]);
  if (ErrorReply* error = std::get_if<ErrorReply>(&scope)) {
    return std::move(*error);
  }
  const bool send = segments[1] == "send";
  Route route = ParseInvoke(segments.subspan(2), send ? PathForm::kSend : PathForm::kCall, schema);
  if (std::holds_alternative<ErrorReply>(route)) {
    return route;
  }
  return NotSupportedYet(
      send ? "/restate/scope/{scope}/send/{service}/{handler}"
           : "/restate/scope/{scope}/call/{service}/{handler}");
}

std::optional<bool> WaitOf(std::string_view verb) {
  if (verb == "attach") {
    return true;
  }
  if (verb == "output") {
    return false;
  }
  return std::nullopt;
}

Route ResultById(std::string_view text, bool wait, std::string_view method) {
  const Result<InvocationId> id = InvocationId::Parse(text);
  if (!id.ok()) {
    std::string message = "bad invocation id '";
    message += text;
    message += "': " + id.error().message;
    return ErrorReply{400, std::move(message)};
  }
  if (method != "GET") {
    return MethodNotAllowed();
  }
  return ResultRoute{wait, *id};
}

// What follows "/restate/attach", "/restate/output" or "/restate/lookup".
Route ParseTargetVerb(TargetVerb verb, Segments segments, std::string_view method) {
  if (segments.empty()) {
    if (method != "POST") {
      return MethodNotAllowed();
    }
    return TargetBodyRoute{verb};
  }
  if (segments.size() > 1 || verb == TargetVerb::kLookup) {
    return BadPath(kBadRestatePath);
  }
  return ResultById(segments[0], verb == TargetVerb::kAttach, method);
}

// "{service}[/{key}]/{handler}/{idempotency key}/{verb}"; what comes after is ignored.
Route ParseIdempotentTarget(Segments segments, std::string_view method, const SchemaView& schema) {
  const ServiceSchema* service = schema.FindService(segments[0]);
  if (service == nullptr) {
    return ServiceNotFound(segments[0]);
  }
  segments = segments.subspan(1);
  std::optional<std::string> key;
  if (service->type != ServiceType::kService) {
    std::variant<std::string, ErrorReply> decoded = DecodeKey(segments[0]);
    if (ErrorReply* error = std::get_if<ErrorReply>(&decoded)) {
      return std::move(*error);
    }
    key = std::get<std::string>(std::move(decoded));
    segments = segments.subspan(1);
  }
  if (segments.size() < 3) {
    return BadPath(kBadInvocationPath);
  }
  const std::optional<bool> wait = WaitOf(segments[2]);
  if (!wait.has_value()) {
    return NotFound();
  }
  if (method != "GET") {
    return MethodNotAllowed();
  }
  IdParts parts;
  parts.service = service->name;
  parts.key = key;
  parts.handler = segments[0];
  parts.idempotency_key = segments[1];
  return ResultRoute{*wait, MakeInvocationId(parts, 0, {})};
}

Route ParseInvocation(Segments segments, std::string_view method, const SchemaView& schema) {
  if (segments.size() < 2) {
    return BadPath(kBadInvocationPath);
  }
  if (segments.size() > 2) {
    return ParseIdempotentTarget(segments, method, schema);
  }
  const std::optional<bool> wait = WaitOf(segments[1]);
  return wait.has_value() ? ResultById(segments[0], *wait, method) : Route(NotFound());
}

// Does not ask whether such a workflow is registered: unknown ids answer for themselves.
Route ParseWorkflow(Segments segments, std::string_view method) {
  if (segments.size() < 3) {
    return BadPath(kBadWorkflowPath);
  }
  const std::variant<std::string, ErrorReply> key = DecodeKey(segments[1]);
  if (const ErrorReply* error = std::get_if<ErrorReply>(&key)) {
    return *error;
  }
  const std::optional<bool> wait = WaitOf(segments[2]);
  if (!wait.has_value()) {
    return NotFound();
  }
  if (method != "GET") {
    return MethodNotAllowed();
  }
  IdParts parts;
  parts.service = segments[0];
  parts.key = std::get<std::string>(key);
  parts.is_workflow_run = true;
  return ResultRoute{*wait, MakeInvocationId(parts, 0, {})};
}

Route ParseAwakeable(Segments segments, std::string_view method) {
  if (segments.size() < 2) {
    return BadPath(kBadAwakeablePath);
  }
  if (segments[1] != "resolve" && segments[1] != "reject") {
    return NotFound();
  }
  if (method != "POST") {
    return MethodNotAllowed();
  }
  std::variant<std::string, ErrorReply> text = DecodeKey(segments[0]);
  if (const ErrorReply* error = std::get_if<ErrorReply>(&text)) {
    return *error;
  }
  const std::string& id = std::get<std::string>(text);
  AwakeableRoute route{segments[1] == "resolve", std::nullopt};
  if (AwakeableId::ParseOldForm(id)) {
    return route;
  }
  const Result<AwakeableId> parsed = AwakeableId::Parse(id);
  if (!parsed.ok()) {
    return ErrorReply{400, "bad awakeable id '" + id + "': " + parsed.error().message};
  }
  route.id = *parsed;
  return route;
}

Route ParseRestate(
    std::string_view verb, Segments segments, std::string_view method, const SchemaView& schema) {
  if (verb == "call") {
    return ParseInvoke(segments, PathForm::kCall, schema);
  }
  if (verb == "send") {
    return ParseInvoke(segments, PathForm::kSend, schema);
  }
  if (verb == "attach") {
    return ParseTargetVerb(TargetVerb::kAttach, segments, method);
  }
  if (verb == "output") {
    return ParseTargetVerb(TargetVerb::kOutput, segments, method);
  }
  if (verb == "lookup") {
    return ParseTargetVerb(TargetVerb::kLookup, segments, method);
  }
  if (verb == "invocation") {
    return ParseInvocation(segments, method, schema);
  }
  if (verb == "workflow") {
    return ParseWorkflow(segments, method);
  }
  if (verb == "awakeables" || verb == "a") {
    return ParseAwakeable(segments, method);
  }
  if (verb == "scope") {
    return ParseScope(segments, schema);
  }
  if (verb == "health") {
    return method == "GET" ? Route(HealthRoute{}) : Route(MethodNotAllowed());
  }
  return NotFound();
}

}  // namespace

Route ParseRoute(const RequestPath& path, std::string_view method, const SchemaView& schema) {
  if (!path.acceptable) {
    return ErrorReply{400, "bad path: " + std::string(path.path)};
  }
  const Segments segments = path.segments();
  if (segments[0] == "restate") {
    return ParseRestate(segments[1], segments.subspan(2), method, schema);
  }
  if (segments[0] == "openapi") {
    return NotFound();
  }
  return ParseInvoke(segments, PathForm::kLegacyPath, schema);
}

ErrorReply NotSupportedYet(std::string_view route) {
  return {501, std::string(route) + " is not supported yet"};
}

}  // namespace perdure::ingress
