// SPDX-License-Identifier: Apache-2.0
//
// Writes schema values as JSON. What a client must find is always there, what is inherited or empty
// is left out; the retry policy's max_attempts is written as null instead (admin API 19). Texts of
// a manifest that are not UTF-8 are repaired.
#include "admin/schema_json.h"

#include "perdure/base/durations.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

namespace perdure::admin {
namespace {

using Json = nlohmann::ordered_json;

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string_view ServiceTypeName(ServiceType type) {
  switch (type) {
    case ServiceType::kService:
      return "Service";
    case ServiceType::kVirtualObject:
      return "VirtualObject";
    case ServiceType::kWorkflow:
      return "Workflow";
  }
  return "";
}

// Empty for handlers of plain services, which show no type.
std::string_view HandlerTypeName(HandlerType type) {
  switch (type) {
    case HandlerType::kUnkeyed:
      return "";
    case HandlerType::kExclusive:
      return "Exclusive";
    case HandlerType::kShared:
      return "Shared";
    case HandlerType::kWorkflow:
      return "Workflow";
  }
  return "";
}

std::string_view OnMaxAttemptsName(OnMaxAttempts value) {
  return value == OnMaxAttempts::kKill ? "Kill" : "Pause";
}

Json Info(std::string_view code, std::string message) {
  return Json{{"code", code}, {"message", std::move(message)}};
}

// What was configured and does not apply: RT0021 and RT0022 (admin API 2.1).
struct InfoSource {
  std::string_view what;  // "service" or "handler"
  bool bidirectional = true;
  const HandlerOptions& options;
  DurationMs journal_retention = 0;
  DurationMs idempotency_retention = 0;
  DurationMs workflow_completion_retention = 0;
};

void AddInfos(const InfoSource& source, Json* out) {
  Json infos = Json::array();
  if (!source.bidirectional && source.options.inactivity_timeout.has_value()) {
    infos.push_back(Info(
        "RT0021",
        "The configured inactivity_timeout " +
            FormatDurationFriendly(*source.options.inactivity_timeout) +
            " will not be applied because the " + std::string(source.what) +
            " is exposed in Request/Response mode."));
  }
  const auto clamped =
      [&infos](
          std::string_view name, const std::optional<DurationMs>& given, DurationMs effective) {
        if (given.has_value() && *given > effective) {
          infos.push_back(Info(
              "RT0022",
              "The configured " + std::string(name) + " " + FormatDurationFriendly(*given) +
                  " was clamped to " + FormatDurationFriendly(effective) +
                  ", the maximum of this server."));
        }
      };
  clamped("journal_retention", source.options.journal_retention, source.journal_retention);
  clamped(
      "idempotency_retention", source.options.idempotency_retention, source.idempotency_retention);
  clamped(
      "workflow_completion_retention",
      source.options.workflow_completion_retention,
      source.workflow_completion_retention);
  if (!infos.empty()) {
    (*out)["info"] = std::move(infos);
  }
}

// "JSON 'Title'", "JSON object"; nothing if the schema says neither.
std::optional<std::string> DescribeSchema(const std::optional<std::string>& text) {
  if (!text.has_value()) {
    return std::nullopt;
  }
  const Json schema = Json::parse(*text, nullptr, false);
  if (!schema.is_object()) {
    return std::nullopt;
  }
  const auto title = schema.find("title");
  if (title != schema.end() && title->is_string()) {
    return "JSON '" + title->get<std::string>() + "'";
  }
  const auto type = schema.find("type");
  if (type != schema.end() && type->is_string()) {
    return "JSON " + type->get<std::string>();
  }
  return std::nullopt;
}

std::string DescribeInput(const InputSchema& input) {
  if (!input.declared) {
    return "*/*";
  }
  if (!input.content_type.has_value()) {
    return input.required ? "<invalid rules>" : "none";
  }
  return DescribeSchema(input.json_schema).value_or(*input.content_type);
}

std::string DescribeOutput(const OutputSchema& output) {
  if (!output.declared) {
    return "application/json";
  }
  if (!output.content_type.has_value()) {
    return "none";
  }
  if (const auto schema = DescribeSchema(output.json_schema)) {
    return *schema;
  }
  return (output.set_content_type_if_empty ? "optional " : "") + *output.content_type;
}

void AddTexts(
    const std::optional<std::string>& documentation,
    const std::map<std::string, std::string>& metadata,
    Json* out) {
  if (documentation.has_value()) {
    (*out)["documentation"] = *documentation;
  }
  if (!metadata.empty()) {
    (*out)["metadata"] = metadata;
  }
}

void AddJsonSchema(const char* name, const std::optional<std::string>& text, Json* out) {
  if (text.has_value()) {
    (*out)[name] = Json::parse(*text, nullptr, false);
  }
}

// What the handler itself says; the rest is inherited.
Json HandlerRetryPolicy(const HandlerOptions& options) {
  Json out = Json::object();
  if (options.retry_initial_interval.has_value()) {
    out["initial_interval"] = FormatDurationFriendly(*options.retry_initial_interval);
  }
  if (options.retry_exponentiation_factor.has_value()) {
    out["exponentiation_factor"] = *options.retry_exponentiation_factor;
  }
  out["max_attempts"] = nullptr;
  if (options.retry_max_attempts.has_value()) {
    out["max_attempts"] = std::max(*options.retry_max_attempts, 1U);
  }
  if (options.retry_max_interval.has_value()) {
    out["max_interval"] = FormatDurationFriendly(*options.retry_max_interval);
  }
  if (options.retry_on_max_attempts.has_value()) {
    out["on_max_attempts"] = OnMaxAttemptsName(*options.retry_on_max_attempts);
  }
  return out;
}

Json ServiceRetryPolicy(const RetryPolicy& policy) {
  Json out = Json::object();
  out["initial_interval"] = FormatDurationFriendly(policy.initial_interval);
  out["exponentiation_factor"] = policy.exponentiation_factor;
  out["max_attempts"] = nullptr;
  if (policy.max_attempts.has_value()) {
    out["max_attempts"] = *policy.max_attempts;
  }
  if (policy.max_interval.has_value()) {
    out["max_interval"] = FormatDurationFriendly(*policy.max_interval);
  }
  out["on_max_attempts"] = OnMaxAttemptsName(policy.on_max_attempts);
  return out;
}

Json Handler(const HandlerSchema& handler, bool bidirectional) {
  const HandlerOptions& options = handler.options;
  Json out = Json::object();
  out["name"] = handler.name;
  if (!HandlerTypeName(handler.type).empty()) {
    out["ty"] = HandlerTypeName(handler.type);
  }
  AddTexts(handler.documentation, handler.metadata, &out);
  if (options.idempotency_retention.has_value()) {
    out["idempotency_retention"] = FormatDurationFriendly(handler.idempotency_retention);
  }
  if (options.journal_retention.has_value()) {
    out["journal_retention"] = FormatDurationFriendly(handler.journal_retention);
  }
  if (options.inactivity_timeout.has_value() && bidirectional) {
    out["inactivity_timeout"] = FormatDurationFriendly(*options.inactivity_timeout);
  }
  if (options.abort_timeout.has_value()) {
    out["abort_timeout"] = FormatDurationFriendly(*options.abort_timeout);
  }
  if (options.enable_lazy_state.has_value()) {
    out["enable_lazy_state"] = *options.enable_lazy_state;
  }
  out["public"] = handler.is_public;
  out["input_description"] = DescribeInput(handler.input);
  out["output_description"] = DescribeOutput(handler.output);
  AddJsonSchema(
      "input_json_schema",
      handler.input.content_type.has_value() ? handler.input.json_schema : std::nullopt,
      &out);
  AddJsonSchema(
      "output_json_schema",
      handler.output.content_type.has_value() ? handler.output.json_schema : std::nullopt,
      &out);
  out["retry_policy"] = HandlerRetryPolicy(options);
  AddInfos(
      {"handler",
       bidirectional,
       options,
       handler.journal_retention,
       handler.idempotency_retention,
       handler.workflow_completion_retention},
      &out);
  return out;
}

Json Handlers(const ServiceSchema& service, bool bidirectional) {
  Json out = Json::array();
  for (const auto& handler : service.handlers) {
    out.push_back(Handler(handler.second, bidirectional));
  }
  return out;
}

// The value of the run handler if it has one, else the service's (admin API 6).
DurationMs WorkflowRetention(const ServiceSchema& service) {
  for (const auto& handler : service.handlers) {
    if (handler.second.type == HandlerType::kWorkflow &&
        handler.second.options.workflow_completion_retention.has_value()) {
      return handler.second.workflow_completion_retention;
    }
  }
  return service.workflow_completion_retention;
}

Json Service(const ServiceSchema& service, bool bidirectional) {
  Json out = Json::object();
  out["name"] = service.name;
  out["ty"] = ServiceTypeName(service.type);
  out["handlers"] = Handlers(service, bidirectional);
  AddTexts(service.documentation, service.metadata, &out);
  out["deployment_id"] = service.deployment_id.ToString();
  out["revision"] = service.revision;
  out["public"] = service.is_public;
  out["idempotency_retention"] = FormatDurationFriendly(service.idempotency_retention);
  if (service.type == ServiceType::kWorkflow) {
    out["workflow_completion_retention"] = FormatDurationFriendly(WorkflowRetention(service));
  }
  out["journal_retention"] = FormatDurationFriendly(service.journal_retention);
  out["inactivity_timeout"] =
      FormatDurationFriendly(bidirectional ? service.inactivity_timeout : 0);
  out["abort_timeout"] = FormatDurationFriendly(service.abort_timeout);
  out["enable_lazy_state"] = service.enable_lazy_state;
  out["retry_policy"] = ServiceRetryPolicy(service.retry_policy);
  AddInfos(
      {"service",
       bidirectional,
       service.options,
       service.journal_retention,
       service.idempotency_retention,
       service.workflow_completion_retention},
      &out);
  return out;
}

Json Services(const DeploymentSchema& deployment) {
  Json out = Json::array();
  for (const auto& service : deployment.services) {
    out.push_back(Service(*service.second, deployment.bidirectional));
  }
  return out;
}

Json ServiceNames(const DeploymentSchema& deployment) {
  Json out = Json::array();
  for (const auto& service : deployment.services) {
    out.push_back(Json{{"name", service.first}, {"revision", service.second->revision}});
  }
  return out;
}

Json Deployment(const DeploymentSchema& deployment, Json services) {
  Json out = Json::object();
  out["id"] = deployment.id.ToString();
  out["uri"] = deployment.uri;
  out["protocol_type"] = deployment.bidirectional ? "BidiStream" : "RequestResponse";
  out["http_version"] = deployment.endpoint.http11 ? "HTTP/1.1" : "HTTP/2.0";
  if (!deployment.additional_headers.items().empty()) {
    Json headers = Json::object();
    for (const HttpHeader& header : deployment.additional_headers.items()) {
      headers[header.name] = header.value;
    }
    out["additional_headers"] = std::move(headers);
  }
  if (!deployment.metadata.empty()) {
    out["metadata"] = deployment.metadata;
  }
  out["created_at"] = FormatRfc3339Nanos(deployment.created_at);
  out["min_protocol_version"] = deployment.min_protocol_version;
  out["max_protocol_version"] = deployment.max_protocol_version;
  if (deployment.sdk_version.has_value()) {
    out["sdk_version"] = *deployment.sdk_version;
  }
  out["services"] = std::move(services);
  return out;
}

bool IsBidirectional(const SchemaView& view, const ServiceSchema& service) {
  const DeploymentSchema* deployment = view.FindDeployment(service.deployment_id);
  PERDURE_ASSERT(deployment != nullptr);
  return deployment->bidirectional;
}

}  // namespace

std::string RegistrationJson(const DeploymentSchema& deployment) {
  Json out = Json::object();
  out["id"] = deployment.id.ToString();
  out["services"] = Services(deployment);
  out["min_protocol_version"] = deployment.min_protocol_version;
  out["max_protocol_version"] = deployment.max_protocol_version;
  if (deployment.sdk_version.has_value()) {
    out["sdk_version"] = *deployment.sdk_version;
  }
  return Dump(out);
}

std::string DeploymentListJson(const SchemaView& view) {
  Json list = Json::array();
  for (const auto& deployment : view.deployments) {
    list.push_back(Deployment(*deployment.second, ServiceNames(*deployment.second)));
  }
  return Dump(Json{{"deployments", std::move(list)}});
}

std::string DeploymentJson(const DeploymentSchema& deployment) {
  return Dump(Deployment(deployment, Services(deployment)));
}

std::string ServiceListJson(const SchemaView& view) {
  Json list = Json::array();
  for (const auto& service : view.services) {
    list.push_back(Service(*service.second, IsBidirectional(view, *service.second)));
  }
  return Dump(Json{{"services", std::move(list)}});
}

std::string ServiceJson(const SchemaView& view, const ServiceSchema& service) {
  return Dump(Service(service, IsBidirectional(view, service)));
}

std::string HandlerListJson(const SchemaView& view, const ServiceSchema& service) {
  return Dump(Json{{"handlers", Handlers(service, IsBidirectional(view, service))}});
}

std::string HandlerJson(
    const SchemaView& view, const ServiceSchema& service, const HandlerSchema& handler) {
  return Dump(Handler(handler, IsBidirectional(view, service)));
}

}  // namespace perdure::admin
