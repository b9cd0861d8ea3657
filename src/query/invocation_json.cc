// SPDX-License-Identifier: Apache-2.0
//
// Rows to JSON. Bodies never appear: a result is only a success or the text of its failure.
#include "query/invocation_json.h"

#include "perdure/base/durations.h"
#include "perdure/protocol/message_type.h"
#include "perdure/protocol/notifications.h"
#include "query/wait_set_json.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <iterator>
#include <utility>
#include <variant>

namespace perdure::query {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kStatusNames[] = {
    "scheduled", "pending", "ready", "running", "backing-off", "suspended", "paused", "completed"};

std::string_view ServiceTypeName(ServiceType type) {
  switch (type) {
    case ServiceType::kService:
      return "service";
    case ServiceType::kVirtualObject:
      return "virtual_object";
    case ServiceType::kWorkflow:
      return "workflow";
  }
  return "";
}

// The name an error code has in texts for people; empty if it has none.
std::string_view CodeName(uint32_t code) {
  switch (code) {
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 409:
      return "Conflict";
    case 415:
      return "Unsupported Media Type";
    case 500:
      return "Internal";
    case 503:
      return "Service Unavailable";
    case 570:
      return "Journal Mismatch";
    case 571:
      return "Protocol Violation";
    case 573:
      return "Unsupported Feature";
    default:
      return "";
  }
}

void AddTime(const char* name, TimeMs time, Json* out) {
  if (time != 0) {
    (*out)[name] = FormatRfc3339Millis(time);
  }
}

void AddTarget(const Target& target, Json* out) {
  (*out)["target"] = target.ToString();
  (*out)["target_service_name"] = target.service;
  if (target.keyed()) {
    (*out)["target_service_key"] = target.key;
  }
  (*out)["target_handler_name"] = target.handler;
  (*out)["target_service_ty"] = ServiceTypeName(target.service_type);
}

void AddOrigin(const InvocationStatus& status, Json* out) {
  if (status.idempotency_key.has_value()) {
    (*out)["idempotency_key"] = *status.idempotency_key;
  }
  if (status.restarted_from.has_value()) {
    (*out)["invoked_by"] = "restart_as_new";
    (*out)["restarted_from"] = status.restarted_from->ToString();
    return;
  }
  if (!status.caller.has_value()) {
    (*out)["invoked_by"] = "ingress";
    return;
  }
  (*out)["invoked_by"] = "service";
  (*out)["invoked_by_service_name"] = status.caller->target.service;
  (*out)["invoked_by_id"] = status.caller->id.ToString();
  (*out)["invoked_by_target"] = status.caller->target.ToString();
}

void AddTimes(const InvocationStatus& status, Json* out) {
  AddTime("created_at", status.created_at, out);
  AddTime("modified_at", status.modified_at, out);
  AddTime("inboxed_at", status.inboxed_at, out);
  if (status.scheduled_start_at != 0) {
    AddTime("scheduled_at", status.created_at, out);
    AddTime("scheduled_start_at", status.scheduled_start_at, out);
  }
  AddTime("running_at", status.running_at, out);
  AddTime("completed_at", status.completed_at, out);
  (*out)["completion_retention"] = FormatDurationIso(status.retention.completion);
  (*out)["journal_retention"] = FormatDurationIso(status.retention.journal);
}

// What a suspended invocation waits for. The lists are those of the root of the tree.
void AddWaitSet(const WaitSet& wait_set, Json* out) {
  const WaitNode& root = wait_set.nodes.front();
  (*out)["suspended_waiting_for_completions"] = root.completions;
  (*out)["suspended_waiting_for_signals"] = root.signals;
  (*out)["suspended_waiting_future_json"] = WaitSetJson(wait_set);
}

void AddAttempts(const InvocationStatus& status, const AttemptHost::LiveAttempt* live, Json* out) {
  if (status.state == InvocationState::kInvoked) {
    if (status.attempts_started != 0) {
      (*out)["retry_count"] = status.attempts_started;
    }
    AddTime("last_start_at", live != nullptr ? live->started_at : status.last_start_at, out);
    if (live == nullptr) {
      AddTime("next_retry_at", status.next_retry_at, out);
    }
  }
  if (live != nullptr) {
    (*out)["last_attempt_deployment_id"] = live->deployment.ToString();
    if (!live->server.empty()) {
      (*out)["last_attempt_server"] = live->server;
    }
    if (!live->awaiting_on.empty()) {
      (*out)["last_awaiting_on_future_json"] = WaitSetJson(live->awaiting_on);
    }
  } else if (status.state == InvocationState::kInvoked && status.pinned_deployment.has_value()) {
    (*out)["last_attempt_deployment_id"] = status.pinned_deployment->ToString();
  }
}

void AddLastFailure(const LastFailure& failure, Json* out) {
  const AttemptError& error = failure.error;
  const std::string_view name = CodeName(error.code);
  std::string text = "[" + std::to_string(error.code);
  text += name.empty() ? "" : " ";
  text += name;
  text += "] " + error.message;
  if (!error.stacktrace.empty()) {
    text += "\n" + error.stacktrace;
  }
  (*out)["last_failure"] = std::move(text);
  if (!failure.doc_code.empty()) {
    (*out)["last_failure_error_code"] = failure.doc_code;
  }
  if (error.related_command_index.has_value()) {
    (*out)["last_failure_related_command_index"] = *error.related_command_index;
  }
  if (error.related_command_name.has_value()) {
    (*out)["last_failure_related_command_name"] = *error.related_command_name;
  }
  if (error.related_command_type.has_value()) {
    const std::string_view type = EntryName(static_cast<MessageType>(*error.related_command_type));
    if (!type.empty()) {
      (*out)["last_failure_related_command_type"] = type;
    }
  }
}

void AddEventFailure(const LastFailure& failure, Json* out) {
  const AttemptError& error = failure.error;
  (*out)["error_code"] = error.code;
  (*out)["error_message"] = error.message;
  if (!error.stacktrace.empty()) {
    (*out)["error_stacktrace"] = error.stacktrace;
  }
  if (!failure.doc_code.empty()) {
    (*out)["restate_doc_error_code"] = failure.doc_code;
  }
  if (error.related_command_index) {
    (*out)["related_command_index"] = *error.related_command_index;
  }
  if (error.related_command_name && !error.related_command_name->empty()) {
    (*out)["related_command_name"] = *error.related_command_name;
  }
  if (error.related_command_type) {
    const std::string_view type = EntryName(static_cast<MessageType>(*error.related_command_type));
    if (!type.empty()) {
      (*out)["related_command_type"] = type;
    }
  }
}

void AddResult(const std::optional<ValueOrFailure>& result, Json* out) {
  if (!result.has_value()) {
    return;
  }
  const auto* failure = std::get_if<Failure>(&*result);
  (*out)["completion_result"] = failure == nullptr ? "success" : "failure";
  if (failure != nullptr) {
    (*out)["completion_failure"] = "[" + std::to_string(failure->code) + "] " + failure->message;
  }
}

}  // namespace

std::string_view StatusName(const InvocationStatus& status, bool in_flight) {
  switch (status.state) {
    case InvocationState::kScheduled:
      return "scheduled";
    case InvocationState::kInboxed:
      return "pending";
    case InvocationState::kInvoked:
      break;
    case InvocationState::kSuspended:
      return "suspended";
    case InvocationState::kPaused:
      return "paused";
    case InvocationState::kCompleted:
      return "completed";
  }
  if (in_flight) {
    return "running";
  }
  return status.next_retry_at != 0 || status.failed_attempts != 0 ? "backing-off" : "ready";
}

bool IsStatusName(std::string_view name) {
  return std::find(std::begin(kStatusNames), std::end(kStatusNames), name) !=
         std::end(kStatusNames);
}

std::string StatusNames() {
  std::string out;
  for (const std::string_view name : kStatusNames) {
    out += out.empty() ? "" : ", ";
    out += name;
  }
  return out;
}

nlohmann::ordered_json InvocationJson(
    const StatusRow& row,
    const AttemptHost::LiveAttempt* live,
    const std::optional<ValueOrFailure>& result) {
  const InvocationStatus& status = row.status;
  if (status.state != InvocationState::kInvoked) {
    live = nullptr;  // the attempt is on its way out
  }
  Json out = Json::object();
  out["id"] = row.id.ToString();
  AddTarget(status.target, &out);
  AddOrigin(status, &out);
  if (status.pinned_deployment.has_value()) {
    out["pinned_deployment_id"] = status.pinned_deployment->ToString();
    out["pinned_service_protocol_version"] = status.pinned_protocol_version;
  }
  out["journal_size"] = status.journal_length;
  out["journal_commands_size"] = status.command_count;
  AddTimes(status, &out);
  if (status.state == InvocationState::kSuspended) {
    AddWaitSet(status.wait_set, &out);
  }
  AddAttempts(status, live, &out);
  if (status.last_failure.has_value() && status.state != InvocationState::kCompleted) {
    AddLastFailure(*status.last_failure, &out);
  }
  out["status"] = StatusName(status, live != nullptr);
  if (status.state == InvocationState::kCompleted) {
    AddResult(result, &out);
  }
  return out;
}

nlohmann::ordered_json JournalEntryJson(const JournalEntry& entry) {
  Json out = Json::object();
  out["index"] = entry.index;
  const bool command = IsCommand(entry.type);
  out["entry_type"] =
      (command ? "Command: " : "Notification: ") + std::string(EntryName(entry.type));
  if (command) {
    out["name"] = DecodeCommandName(entry.payload.view());
  }
  AddTime("appended_at", entry.appended_at, &out);
  return out;
}

nlohmann::ordered_json JournalEventJson(const JournalEvent& event) {
  const bool paused = event.kind == EventKind::kPaused;
  Json what = Json::object();
  what["ty"] = paused ? "Paused" : "TransientError";
  if (event.failure) {
    Json failure = Json::object();
    AddEventFailure(*event.failure, &failure);
    if (paused) {
      what["last_failure"] = std::move(failure);
    } else {
      what.update(failure);
    }
  }
  Json out = Json::object();
  out["after_journal_entry_index"] = event.after_entry;
  AddTime("appended_at", event.at, &out);
  out["event_type"] = what["ty"];
  out["event_json"] = DumpJson(what);
  return out;
}

std::string DumpJson(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace perdure::query
