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
#include <vector>

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

std::string TheInvocation(const InvocationId& id) {
  return "The invocation '" + id.ToString() + "' ";
}

HttpResponse AnswerMismatch(const InvocationId& id, const VersionMismatch& mismatch) {
  return ErrorResponse(
      400,
      TheInvocation(id) + "is running on protocol version '" + std::to_string(mismatch.pinned) +
          "', while the chosen deployment '" + mismatch.deployment.ToString() +
          "' supports the range " + std::to_string(mismatch.min) +
          "..=" + std::to_string(mismatch.max) + ".");
}

HttpResponse AnswerUnknownDeployment(std::string_view verb, const InvocationId& id) {
  return ErrorResponse(
      400,
      "The given deployment was not found when trying to " + std::string(verb) +
          " the invocation '" + id.ToString() + "'.");
}

HttpResponse AnswerControl(bool resume, const ControlOutcome& outcome) {
  const std::string invocation = TheInvocation(outcome.id);
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
    case ControlResult::kDeploymentFixed:
      return ErrorResponse(
          409,
          invocation +
              "is still running or the deployment id is not pinned yet, deployment id "
              "cannot be changed.");
    case ControlResult::kDeploymentUnknown:
      return AnswerUnknownDeployment("resume", outcome.id);
    case ControlResult::kVersionUnsupported:
      return AnswerMismatch(outcome.id, outcome.mismatch);
  }
  return EmptyResponse(500);
}

HttpResponse AnswerRestart(const RestartOutcome& outcome) {
  const std::string invocation = TheInvocation(outcome.id);
  switch (outcome.result) {
    case RestartResult::kRestarted:
      return JsonResponse(200, R"({"new_invocation_id":")" + outcome.new_id.ToString() + R"("})");
    case RestartResult::kNotFound:
      return NotFound(outcome.id);
    case RestartResult::kNotStarted:
      return ErrorResponse(425, invocation + "cannot be restarted because it's not running yet.");
    case RestartResult::kNotCompleted:
      return ErrorResponse(409, invocation + "is still running.");
    case RestartResult::kUnsupported:
      return ErrorResponse(
          422,
          "Restarting the invocation '" + outcome.id.ToString() +
              "' is not supported. Restarting workflows is not supported, and restarting "
              "invocations created using the old service protocol.");
    case RestartResult::kInputGone:
      return ErrorResponse(
          410,
          invocation +
              "cannot be restarted because the input is not available. This indicates "
              "that the journal was already purged, or not retained at all.");
    case RestartResult::kDeploymentUnknown:
      return AnswerUnknownDeployment("restart as new", outcome.id);
    case RestartResult::kVersionUnsupported:
      return AnswerMismatch(outcome.id, outcome.mismatch);
    case RestartResult::kOutOfRange:
      return ErrorResponse(
          400,
          "The given index is out of range of currently stored journal for invocation '" +
              outcome.id.ToString() + "'.");
    case RestartResult::kIncompletePrefix:
      return ErrorResponse(
          400,
          "The prefix of the journal '" + outcome.id.ToString() +
              "' up to 'from' (included) contains some Commands without respective Completions.");
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

HttpResponse BadQuery(std::string_view name, std::string_view reason) {
  return ErrorResponse(
      400,
      "The query parameter '" + std::string(name) + "' is invalid. Reason: " + std::string(reason));
}

HttpResponse BadQueryString(std::string_view name, std::string_view reason) {
  return TextResponse(
      400, "Failed to deserialize query string: " + std::string(name) + std::string(reason));
}

// The value of a parameter that may be given once.
std::variant<std::optional<std::string>, HttpResponse> SingleParameter(
    std::string_view query, std::string_view name) {
  std::vector<std::string> values = QueryParameters(query, name);
  if (values.size() > 1) {
    return BadQueryString("duplicate field `" + std::string(name) + "`", "");
  }
  return values.empty() ? std::nullopt : std::optional<std::string>(std::move(values.front()));
}

// Which deployment to go on with (admin API 8.4).
std::variant<DeploymentChoice, HttpResponse> ParseDeployment(
    const std::optional<std::string>& value, DeploymentChoice::Kind fallback) {
  if (!value) {
    return DeploymentChoice{fallback, {}};
  }
  if (*value == "keep" || *value == "Keep") {
    return DeploymentChoice{DeploymentChoice::Kind::kKeep, {}};
  }
  if (*value == "latest" || *value == "Latest") {
    return DeploymentChoice{DeploymentChoice::Kind::kLatest, {}};
  }
  if (value->empty()) {
    return BadQuery("deployment", "bad length");  // only here; elsewhere an empty id is malformed
  }
  const Result<DeploymentId> id = DeploymentId::Parse(*value);
  if (!id.ok()) {
    return BadQuery("deployment", id.error().message);
  }
  return DeploymentChoice{DeploymentChoice::Kind::kNamed, id.value()};
}

std::variant<JournalIndex, HttpResponse> ParseFrom(const std::optional<std::string>& value) {
  JournalIndex from = 0;
  if (!value) {
    return from;
  }
  if (value->empty()) {
    return BadQueryString("from", ": cannot parse integer from empty string");
  }
  const char* end = value->data() + value->size();
  const auto [stop, error] = std::from_chars(value->data(), end, from);
  if (stop != end || error == std::errc::invalid_argument) {
    return BadQueryString("from", ": invalid digit found in string");
  }
  if (error != std::errc()) {
    return BadQueryString("from", ": number too large to fit in target type");
  }
  return from;
}

// What `query` says, or nothing after a 400. The query string is read before the id, as the
// reference does.
template <typename Value>
std::optional<Value> ValueOrRespond(AdminCall& call, std::variant<Value, HttpResponse> parsed) {
  if (auto* refused = std::get_if<HttpResponse>(&parsed)) {
    call.Respond(std::move(*refused));
    return std::nullopt;
  }
  return std::get<Value>(std::move(parsed));
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
    case ErrorCode::kLimit:
    case ErrorCode::kInternal:
      return ErrorResponse(500, error.message);
  }
  return EmptyResponse(500);
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
  const auto text = ValueOrRespond(call, SingleParameter(call.query, "deployment"));
  if (!text.has_value()) {
    return;
  }
  const auto id = ParseIdOrRespond(call);
  if (!id.has_value()) {
    return;
  }
  const auto deployment =
      ValueOrRespond(call, ParseDeployment(*text, DeploymentChoice::Kind::kKeep));
  if (deployment.has_value()) {
    Control(context, std::move(call), *id, Resume{*id, *deployment});
  }
}

void RestartInvocationRoute(const AdminContext& context, AdminCall call) {
  const auto from_text = ValueOrRespond(call, SingleParameter(call.query, "from"));
  if (!from_text.has_value()) {
    return;
  }
  const auto from = ValueOrRespond(call, ParseFrom(*from_text));
  if (!from.has_value()) {
    return;
  }
  const auto text = ValueOrRespond(call, SingleParameter(call.query, "deployment"));
  if (!text.has_value()) {
    return;
  }
  const auto id = ParseIdOrRespond(call);
  if (!id.has_value()) {
    return;
  }
  const auto deployment =
      ValueOrRespond(call, ParseDeployment(*text, DeploymentChoice::Kind::kLatest));
  if (!deployment.has_value()) {
    return;
  }
  SubmitAndRespond(
      context,
      std::move(call),
      context.gateway.PartitionFor(*id),
      RestartAsNew{*id, *from, *deployment},
      [](Reply reply) {
        const auto* outcome = std::get_if<RestartOutcome>(&reply);
        PERDURE_INVARIANT(outcome != nullptr, "a restart was answered with something else");
        return AnswerRestart(*outcome);
      },
      Source::kNewWork);
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
