// SPDX-License-Identifier: Apache-2.0
//
// The matrix of admin API 8.1, and the two lists. Decides nothing about invocations: outcomes come
// from the machine, filters are judged by the introspection.
#include "admin/invocation_routes.h"

#include "admin/responses.h"
#include "admin/text.h"

#include <charconv>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <variant>

namespace perdure::admin {
namespace {

// The id in the path, or nothing after a 400.
std::optional<InvocationId> ParseIdOrRespond(AdminCall& call) {
  const Result<InvocationId> id = InvocationId::Parse(call.params.at(0));
  if (!id.ok()) {
    call.Respond(ErrorResponse(
        400, "The request field 'invocation_id' is invalid. Reason: " + id.error().message));
    return std::nullopt;
  }
  return id.value();
}

HttpResponse NotFound(const InvocationId& id) {
  return ErrorResponse(404, "The requested invocation '" + id.ToString() + "' does not exist");
}

HttpResponse AnswerControl(bool resume, const ControlOutcome& outcome) {
  const std::string invocation = "The invocation '" + outcome.id.ToString() + "' ";
  switch (outcome.result) {
    case ControlResult::kDone:
      return EmptyResponse(200);
    case ControlResult::kRequested:
      return EmptyResponse(202);
    case ControlResult::kNotFound:
      return NotFound(outcome.id);
    case ControlResult::kAlreadyCompleted:
      return ErrorResponse(
          409,
          invocation + (resume ? "is completed, cannot be resumed." : "was already completed."));
    case ControlResult::kNotRunning:
      return ErrorResponse(409, invocation + "is not running, cannot be paused.");
    case ControlResult::kNotStarted:
      return ErrorResponse(425, invocation + "is either inboxed or scheduled, cannot be resumed.");
    case ControlResult::kNotCompleted:
      return ErrorResponse(409, invocation + "is not yet completed.");
  }
  return EmptyResponse(500);
}

void Control(const AdminContext& context, AdminCall call, const InvocationId& id, Command command) {
  const bool resume = std::holds_alternative<Resume>(command);
  SubmitAndRespond(
      context,
      std::move(call),
      context.gateway.PartitionFor(id),
      std::move(command),
      [resume](Reply reply) {
        const auto* outcome = std::get_if<ControlOutcome>(&reply);
        PERDURE_INVARIANT(outcome != nullptr, "a control command was answered with something else");
        return AnswerControl(resume, *outcome);
      });
}

// Admin API 8.4: which deployment a resumed invocation goes on with. Only "keep" is built.
std::optional<HttpResponse> CheckResumeDeployment(std::string_view query) {
  const std::optional<std::string> deployment = QueryParameter(query, "deployment");
  if (!deployment.has_value() || *deployment == "keep" || *deployment == "Keep") {
    return std::nullopt;
  }
  if (*deployment != "latest" && *deployment != "Latest") {
    const Result<DeploymentId> id = DeploymentId::Parse(*deployment);
    if (!id.ok()) {
      return ErrorResponse(
          400, "The query parameter 'deployment' is invalid. Reason: " + id.error().message);
    }
  }
  return ErrorResponse(
      501,
      "PATCH /invocations/{invocation_id}/resume with another deployment is not supported yet");
}

HttpResponse AnswerIntrospection(const Result<std::string>& result) {
  if (result.ok()) {
    return JsonResponse(200, result.value());
  }
  const Error& error = result.error();
  switch (error.code) {
    case ErrorCode::kInvalidArgument:
      return ErrorResponse(400, error.message);
    case ErrorCode::kNotFound:
      return ErrorResponse(404, error.message);
    case ErrorCode::kOverloaded:
      return OverloadedResponse();
    case ErrorCode::kUnavailable:
      return ErrorResponse(503, error.message);
    case ErrorCode::kConflict:
    case ErrorCode::kCorrupt:
    case ErrorCode::kInternal:
      return ErrorResponse(500, error.message);
  }
  return EmptyResponse(500);
}

HttpResponse BadQuery(std::string_view name, std::string_view reason) {
  return ErrorResponse(
      400,
      "The query parameter '" + std::string(name) + "' is invalid. Reason: " + std::string(reason));
}

std::variant<InvocationFilter, HttpResponse> ParseFilter(std::string_view query) {
  InvocationFilter out;
  out.status = QueryParameter(query, "status");
  out.service = QueryParameter(query, "service");
  if (const auto limit = QueryParameter(query, "limit")) {
    const char* end = limit->data() + limit->size();
    const auto [stop, error] = std::from_chars(limit->data(), end, out.limit);
    if (error != std::errc() || stop != end) {
      return BadQuery("limit", "not a number");
    }
  }
  if (const auto after = QueryParameter(query, "after")) {
    const Result<InvocationId> id = InvocationId::Parse(*after);
    if (!id.ok()) {
      return BadQuery("after", id.error().message);
    }
    out.after = id.value();
  }
  return out;
}

}  // namespace

void CancelInvocationRoute(const AdminContext& context, AdminCall call) {
  if (const auto id = ParseIdOrRespond(call)) {
    Control(context, std::move(call), *id, Cancel{*id});
  }
}

void KillInvocationRoute(const AdminContext& context, AdminCall call) {
  if (const auto id = ParseIdOrRespond(call)) {
    Control(context, std::move(call), *id, Kill{*id});
  }
}

void PauseInvocationRoute(const AdminContext& context, AdminCall call) {
  if (const auto id = ParseIdOrRespond(call)) {
    Control(context, std::move(call), *id, Pause{*id});
  }
}

void PurgeInvocationRoute(const AdminContext& context, AdminCall call) {
  if (const auto id = ParseIdOrRespond(call)) {
    Control(context, std::move(call), *id, Purge{*id, false});
  }
}

void PurgeJournalRoute(const AdminContext& context, AdminCall call) {
  if (const auto id = ParseIdOrRespond(call)) {
    Control(context, std::move(call), *id, Purge{*id, true});
  }
}

void ResumeInvocationRoute(const AdminContext& context, AdminCall call) {
  const auto id = ParseIdOrRespond(call);
  if (!id.has_value()) {
    return;
  }
  if (auto refused = CheckResumeDeployment(call.query)) {
    call.Respond(*std::move(refused));
    return;
  }
  Control(context, std::move(call), *id, Resume{*id});
}

void ListInvocationsRoute(const AdminContext& context, AdminCall call) {
  auto filter = ParseFilter(call.query);
  if (auto* refused = std::get_if<HttpResponse>(&filter)) {
    call.Respond(std::move(*refused));
    return;
  }
  Executor& executor = call.exchange->executor();
  context.introspection.List(
      std::get<InvocationFilter>(std::move(filter)),
      executor,
      [call = std::move(call)](const Result<std::string>& result) {
        call.Respond(AnswerIntrospection(result));
      });
}

void GetInvocationRoute(const AdminContext& context, AdminCall call) {
  const auto id = ParseIdOrRespond(call);
  if (!id.has_value()) {
    return;
  }
  Executor& executor = call.exchange->executor();
  const InvocationId wanted = *id;
  context.introspection.Get(
      wanted, executor, [call = std::move(call), wanted](const Result<std::string>& result) {
        if (!result.ok() && result.error().code == ErrorCode::kNotFound) {
          call.Respond(NotFound(wanted));
          return;
        }
        call.Respond(AnswerIntrospection(result));
      });
}

}  // namespace perdure::admin
