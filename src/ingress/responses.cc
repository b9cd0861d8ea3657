// SPDX-License-Identifier: Apache-2.0
//
// See responses.h. JSON is written by hand, field by field: the order on the wire is part of the
// interface, and the answer to a send is on the hot path.
#include "ingress/responses.h"

#include "ingress/text.h"
#include "perdure/base/assert.h"
#include "perdure/base/durations.h"
#include "perdure/base/overloaded.h"

#include <map>
#include <string_view>
#include <utility>

namespace perdure::ingress {
namespace {

constexpr std::string_view kJson = "application/json";
constexpr const char* kErrorSource = "x-restate-error-source";

void AddCors(HttpHeaders& headers, const Origin& origin) {
  headers.Add("vary", "origin, access-control-request-method, access-control-request-headers");
  headers.Add("access-control-allow-credentials", "true");
  if (origin.has_value()) {
    headers.Add("access-control-allow-origin", *origin);
  }
}

HttpResponse JsonResponse(int status, std::string body, const Origin& origin) {
  HttpResponse response;
  response.status = status;
  response.headers.Add("content-type", std::string(kJson));
  AddCors(response.headers, origin);
  response.body = SharedBytes(std::move(body));
  return response;
}

std::string ErrorHead(uint32_t code, std::string_view message) {
  std::string body = "{\"code\":" + std::to_string(code) + ",\"message\":";
  AppendJsonString(body, message);
  return body;
}

// A header list with room for everything an answer of an invocation may carry.
HttpResponse Begin(int status, const InvocationId& id) {
  HttpResponse response;
  response.status = status;
  response.headers.items().reserve(8);
  response.headers.Add("x-restate-id", id.ToString());
  return response;
}

// 200..999 as it is. Below 200 HTTP has interim answers, which would never end the request; other
// numbers are no status at all (ingress API 9).
int StatusOfFailure(uint32_t code) {
  return code >= 200 && code <= 999 ? static_cast<int>(code) : 500;
}

bool HasNoBody(int status) {
  return status == 204 || status == 304;
}

std::string FailureBody(const Failure& failure, const std::string& stacktrace) {
  std::string body = ErrorHead(failure.code, failure.message);
  if (!stacktrace.empty()) {
    body += ",\"stacktrace\":";
    AppendJsonString(body, stacktrace);
  }
  if (!failure.metadata.empty()) {
    // By name, the later of two equal names: as clients of the reference see it.
    std::map<std::string_view, std::string_view> sorted;
    for (const std::pair<std::string, std::string>& item : failure.metadata) {
      sorted[item.first] = item.second;
    }
    body += ",\"metadata\":";
    char separator = '{';
    for (const auto& [name, value] : sorted) {
      body += separator;
      AppendJsonString(body, name);
      body += ':';
      AppendJsonString(body, value);
      separator = ',';
    }
    body += '}';
  }
  body += ",\"source\":\"invocation\"}";
  return body;
}

HttpResponse FailureResponse(
    const InvocationId& id,
    const Failure& failure,
    const std::string& stacktrace,
    const std::optional<TimeMs>& expires_at,
    const Origin& origin) {
  HttpResponse response = Begin(StatusOfFailure(failure.code), id);
  if (expires_at.has_value()) {
    response.headers.Add("idempotency-expires", FormatExpires(*expires_at));
  }
  response.headers.Add(kErrorSource, "invocation");
  response.headers.Add("content-type", std::string(kJson));
  AddCors(response.headers, origin);
  if (!HasNoBody(response.status)) {
    response.body = SharedBytes(FailureBody(failure, stacktrace));
  }
  return response;
}

// Ingress API 4.1; absent: no content-type header.
std::optional<std::string_view> ContentTypeOf(const OutputSchema& output, bool body_empty) {
  if (!output.declared) {
    return body_empty ? std::nullopt : std::optional<std::string_view>(kJson);
  }
  if (!output.content_type.has_value() || (body_empty && !output.set_content_type_if_empty)) {
    return std::nullopt;
  }
  return std::string_view(*output.content_type);
}

HttpResponse ResultResponse(
    InvocationResult result, const SchemaView& schema, const Origin& origin) {
  if (const Failure* failure = std::get_if<Failure>(&result.result)) {
    return FailureResponse(result.id, *failure, result.stacktrace, result.expires_at, origin);
  }
  const ServiceSchema* service = schema.FindService(result.service);
  const HandlerSchema* handler =
      service == nullptr ? nullptr : service->FindHandler(result.handler);
  if (handler == nullptr) {
    return ErrorResponse({404, "not found"}, origin);
  }
  HttpResponse response = Begin(200, result.id);
  if (result.expires_at.has_value()) {
    response.headers.Add("idempotency-expires", FormatExpires(*result.expires_at));
  }
  response.body = std::get<SharedBytes>(std::move(result.result));
  const std::optional<std::string_view> content_type =
      ContentTypeOf(handler->output, response.body.empty());
  if (content_type.has_value()) {
    response.headers.Add("content-type", std::string(*content_type));
  }
  AddCors(response.headers, origin);
  return response;
}

HttpResponse AcceptedResponse(const InvocationAccepted& accepted, const Origin& origin) {
  HttpResponse response = Begin(202, accepted.id);
  // Ids and times hold nothing that JSON would have to escape.
  std::string body = "{\"invocationId\":\"" + response.headers.items().front().value + "\"";
  if (accepted.execution_time.has_value()) {
    body += ",\"executionTime\":\"" + FormatRfc3339Nanos(*accepted.execution_time) + "\"";
  }
  body += accepted.previously ? ",\"status\":\"PreviouslyAccepted\"}" : ",\"status\":\"Accepted\"}";
  response.headers.Add("content-type", std::string(kJson));
  AddCors(response.headers, origin);
  response.body = SharedBytes(std::move(body));
  return response;
}

HttpResponse UnknownResponse(const InvocationUnknown& unknown, bool wait, const Origin& origin) {
  if (!wait) {
    return ErrorResponse({404, "invocation not found"}, origin);
  }
  // Attach tells of the result of an invocation, also if the result is that there is none.
  return FailureResponse(unknown.id, Failure{404, "not found", {}}, {}, std::nullopt, origin);
}

}  // namespace

HttpResponse ErrorResponse(const ErrorReply& error, const Origin& origin) {
  HttpResponse response;
  response.status = error.status;
  response.headers.Add(kErrorSource, "ingress");
  response.headers.Add("content-type", std::string(kJson));
  AddCors(response.headers, origin);
  std::string body = ErrorHead(static_cast<uint32_t>(error.status), error.message);
  body += ",\"source\":\"ingress\"}";
  response.body = SharedBytes(std::move(body));
  return response;
}

HttpResponse OverloadedResponse(const Origin& origin) {
  return RefusedResponse(RequestRefused{RequestRefused::Reason::kOverloaded}, origin);
}

HttpResponse RefusedResponse(const RequestRefused& refused, const Origin& origin) {
  const auto message = [&]() -> const char* {
    switch (refused.reason) {
      case RequestRefused::Reason::kOverloaded:
        return "the server is overloaded, retry later";
      case RequestRefused::Reason::kDiskNearlyFull:
        return "the disk of the data folder is nearly full, free some space";
    }
    return "";
  };
  HttpResponse response = ErrorResponse({503, message()}, origin);
  response.headers.Add("retry-after", "1");
  return response;
}

HttpResponse DeclaredTooLargeResponse() {
  HttpResponse response;
  response.status = 413;
  response.headers.Add("content-type", "text/plain; charset=utf-8");
  response.body = SharedBytes(std::string("length limit exceeded"));
  return response;
}

HttpResponse PreflightResponse(const HttpHeaders& request) {
  HttpResponse response;
  Origin origin;
  if (const std::optional<std::string_view> given = request.Get("origin")) {
    origin = *given;
  }
  AddCors(response.headers, origin);
  if (const auto method = request.Get("access-control-request-method")) {
    response.headers.Add("access-control-allow-methods", std::string(*method));
  }
  if (const auto headers = request.Get("access-control-request-headers")) {
    response.headers.Add("access-control-allow-headers", std::string(*headers));
  }
  return response;
}

HttpResponse HealthResponse(const SchemaView& schema, const Origin& origin) {
  std::string body = "{\"services\":[";
  std::string_view separator;
  for (const auto& [name, service] : schema.services) {
    body += separator;
    AppendJsonString(body, name);
    separator = ",";
  }
  body += "]}";
  return JsonResponse(200, std::move(body), origin);
}

HttpResponse SignalAcceptedResponse(const Origin& origin) {
  HttpResponse response;
  response.status = 202;
  AddCors(response.headers, origin);
  return response;
}

HttpResponse LookupResponse(const InvocationId& id, const Origin& origin) {
  return JsonResponse(200, "{\"invocationId\":\"" + id.ToString() + "\"}", origin);
}

HttpResponse ResponseFor(Reply reply, bool wait, const SchemaView& schema, const Origin& origin) {
  return std::visit(
      Overloaded{
          [&](const InvocationAccepted& accepted) { return AcceptedResponse(accepted, origin); },
          [&](InvocationResult& result) {
            return ResultResponse(std::move(result), schema, origin);
          },
          [&](const InvocationNotReady&) {
            return ErrorResponse({470, "the invocation exists but has not completed yet"}, origin);
          },
          [&](const InvocationUnknown& unknown) { return UnknownResponse(unknown, wait, origin); },
          [&](const SignalAccepted&) { return SignalAcceptedResponse(origin); },
          [&](const RequestRefused& refused) { return RefusedResponse(refused, origin); },
          [](const RestartOutcome&) -> HttpResponse {
            PERDURE_INVARIANT(false, "a restart was answered to a call");
            return {};
          },
          [](const ControlOutcome&) -> HttpResponse {
            PERDURE_INVARIANT(false, "an answer for the admin came to the ingress");
            return {};
          },
          [](const RegistrationOutcome&) -> HttpResponse {
            PERDURE_INVARIANT(false, "an answer for the admin came to the ingress");
            return {};
          }},
      reply);
}

}  // namespace perdure::ingress
