// SPDX-License-Identifier: Apache-2.0
//
// See call_request.h. The order of the checks is that of ingress API 2.1: clients see which error
// wins. Nothing is taken out of the request before the last check that needs it.
#include "ingress/call_request.h"

#include "ingress/entropy.h"
#include "ingress/input_rules.h"
#include "ingress/text.h"
#include "perdure/base/durations.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace perdure::ingress {
namespace {

constexpr std::string_view kLimitKeyHeader = "x-restate-limit-key";
constexpr size_t kLimitKeyPartMax = 36;
constexpr size_t kLimitKeyPartsMax = 2;

ErrorReply BadHeader(std::string_view name) {
  return {400, "bad header " + std::string(name) + ": ToStrError { _priv: () }"};
}

std::optional<ErrorReply> CheckIdempotencyKey(
    std::optional<std::string_view> key, const InvokeRoute& route) {
  if (!key.has_value()) {
    return std::nullopt;
  }
  if (!IsVisibleAscii(*key)) {
    return BadHeader("idempotency-key");
  }
  if (route.handler->type == HandlerType::kWorkflow) {
    return ErrorReply{
        400,
        "cannot use the idempotency key with workflow handlers. The handler invocation will "
        "already be idempotent by the workflow key itself."};
  }
  return std::nullopt;
}

std::optional<ErrorReply> CheckBody(const HttpRequest& request, const InvokeRoute& route) {
  if (request.body_state != BodyState::kComplete) {
    return ErrorReply{413, "cannot read body: LengthLimitError"};
  }
  const std::optional<std::string_view> content_type = request.headers.Get("content-type");
  if (content_type.has_value() && !IsVisibleAscii(*content_type)) {
    return BadHeader("content-type");
  }
  const std::optional<std::string> complaint =
      CheckInput(route.handler->input, content_type, request.body.empty());
  if (complaint.has_value()) {
    return ErrorReply{400, "input validation error: " + *complaint};
  }
  return std::nullopt;
}

// Digits alone are milliseconds, as one client sends them (ingress API 5.1); no unit, so the
// duration grammar refuses them. Too many digits are left to that refusal.
Result<DurationMs> ParseDelay(std::string_view text) {
  const bool digits =
      !text.empty() && text.size() <= 15 &&
      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits) {
    return ParseDuration(text);
  }
  DurationMs out = 0;
  for (const char c : text) {
    out = out * 10 + static_cast<DurationMs>(c - '0');
  }
  return out;
}

// Why a part of a limit key is unusable, or empty.
std::string LimitKeyPartError(std::string_view part) {
  if (part.empty()) {
    return "value cannot be empty";
  }
  if (part.size() > kLimitKeyPartMax) {
    return "value too long: " + std::to_string(part.size()) + " bytes (max " +
           std::to_string(kLimitKeyPartMax) + ")";
  }
  const bool allowed = std::all_of(part.begin(), part.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
  });
  return allowed ? "" : "value contains characters outside the allowed set [a-zA-Z0-9_.-]";
}

// Scopes are not supported, so a limit key is only ever refused (ingress API 11): a malformed one
// for what it is, a good one for the missing scope.
std::optional<ErrorReply> CheckLimitKey(const HttpRequest& request, const RequestPath& path) {
  std::string value;
  if (const std::optional<std::string_view> header = request.headers.Get(kLimitKeyHeader)) {
    if (!IsVisibleAscii(*header)) {
      return BadHeader(kLimitKeyHeader);
    }
    value = *header;
  } else {
    value = path.QueryParameter("limit-key").value_or("");
  }
  if (value.empty()) {
    return std::nullopt;
  }
  std::string_view left = value;
  if (left.back() == '/') {
    left.remove_suffix(1);
  }
  for (size_t parts = 1;; ++parts) {
    if (parts > kLimitKeyPartsMax) {
      return ErrorReply{
          400, "invalid limit-key: too many path components in the given limit-key (max 2)"};
    }
    const size_t slash = left.find('/');
    const std::string error = LimitKeyPartError(left.substr(0, slash));
    if (!error.empty()) {
      return ErrorReply{400, "invalid limit-key: invalid limit-key component: " + error};
    }
    if (slash == std::string_view::npos) {
      return ErrorReply{400, "limit-key requires a scope to be set"};
    }
    left.remove_prefix(slash + 1);
  }
}

bool KeptFromHandler(std::string_view name) {
  return name == "connection" || name == "host" || name == "idempotency-key" ||
         name == "idempotency-expires";
}

// The handler's headers (ingress API 4.3), moved out of `headers`.
std::variant<std::vector<Header>, ErrorReply> TakeHeaders(
    HttpHeaders& headers, std::string path_and_query) {
  std::vector<Header> out;
  out.reserve(headers.items().size() + 1);
  out.push_back({"x-restate-ingress-path", std::move(path_and_query)});
  for (HttpHeader& header : headers.items()) {
    if (KeptFromHandler(header.name)) {
      continue;
    }
    // Few headers: a scan is cheaper than a set.
    const bool repeated = std::any_of(
        out.begin(), out.end(), [&header](const Header& seen) { return seen.key == header.name; });
    if (repeated) {
      continue;
    }
    if (!IsVisibleAscii(header.value)) {
      return BadHeader(header.name);
    }
    out.push_back({std::move(header.name), std::move(header.value)});
  }
  return out;
}

InvocationSpec MakeSpec(
    const InvokeRoute& route, std::optional<std::string> idempotency_key, TimeMs now) {
  InvocationSpec spec;
  spec.target.service = route.service->name;
  spec.target.key = route.key;
  spec.target.handler = route.handler->name;
  spec.target.service_type = route.service->type;
  spec.target.handler_type = route.handler->type;
  spec.idempotency_key = std::move(idempotency_key);
  IdParts parts;
  parts.service = spec.target.service;
  if (spec.target.keyed()) {
    parts.key = spec.target.key;
  }
  parts.handler = spec.target.handler;
  parts.is_workflow_run = spec.target.workflow_run();
  parts.idempotency_key = spec.idempotency_key;
  spec.id = MakeInvocationId(parts, now, RandomId());
  spec.retention = RetentionOf(*route.handler, spec.idempotency_key.has_value());
  spec.random_seed = RandomNumber();
  return spec;
}

}  // namespace

std::variant<Invoke, ErrorReply> BuildInvoke(
    HttpRequest& request, const RequestPath& path, const InvokeRoute& route, TimeMs now) {
  std::optional<std::string> idempotency_key;
  if (const std::optional<std::string_view> given = request.headers.Get("idempotency-key")) {
    idempotency_key = *given;
  }
  if (std::optional<ErrorReply> error = CheckIdempotencyKey(idempotency_key, route)) {
    return std::move(*error);
  }
  if (request.method != "GET" && request.method != "POST") {
    return ErrorReply{405, "method not allowed"};
  }
  if (std::optional<ErrorReply> error = CheckBody(request, route)) {
    return std::move(*error);
  }
  std::optional<DurationMs> delay;
  if (const std::optional<std::string> given = path.QueryParameter("delay")) {
    const Result<DurationMs> parsed = ParseDelay(*given);
    if (!parsed.ok()) {
      return ErrorReply{
          400, "bad delay query parameter, must be a ISO8601 duration: " + parsed.error().message};
    }
    delay = *parsed;
  }
  if (std::optional<ErrorReply> error = CheckLimitKey(request, path)) {
    return std::move(*error);
  }
  std::variant<std::vector<Header>, ErrorReply> headers =
      TakeHeaders(request.headers, path.PathAndQuery());
  if (ErrorReply* error = std::get_if<ErrorReply>(&headers)) {
    return std::move(*error);
  }
  if (delay.has_value() && !route.send) {
    return ErrorReply{
        400,
        "cannot use the delay query parameter with calls. The delay is supported only with sends"};
  }
  Invoke invoke;
  invoke.wait = !route.send;
  invoke.spec = MakeSpec(route, std::move(idempotency_key), now);
  invoke.spec.headers = std::get<std::vector<Header>>(std::move(headers));
  invoke.spec.body = std::move(request.body);
  invoke.spec.start_at = delay.has_value() ? now + *delay : 0;
  return invoke;
}

}  // namespace perdure::ingress
