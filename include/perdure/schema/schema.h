// SPDX-License-Identifier: Apache-2.0
//
// What is registered: deployments, services, handlers, with every option resolved (handler before
// service before server default; service protocol 1.3). Immutable once published; a turn and a
// request each use one view from start to end.
#pragma once

#include "perdure/base/ids.h"
#include "perdure/http/client.h"
#include "perdure/http/message.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace perdure {

enum class ServiceType : uint8_t { kService = 1, kVirtualObject = 2, kWorkflow = 3 };  // ON DISK
enum class HandlerType : uint8_t {                                                     // ON DISK
  kUnkeyed = 0,  // handler of a plain service
  kExclusive = 1,
  kShared = 2,
  kWorkflow = 3,
};
enum class OnMaxAttempts : uint8_t { kPause = 0, kKill = 1 };

struct RetryPolicy {
  DurationMs initial_interval = 500;
  double exponentiation_factor = 2.0;
  std::optional<DurationMs> max_interval = 60'000;
  std::optional<uint32_t> max_attempts = 70;  // counts the first; absent: unlimited
  OnMaxAttempts on_max_attempts = OnMaxAttempts::kPause;
  friend bool operator==(const RetryPolicy&, const RetryPolicy&) = default;
};

// The options of a manifest, as given; absent means inherited.
struct HandlerOptions {
  std::optional<DurationMs> inactivity_timeout;
  std::optional<DurationMs> abort_timeout;
  std::optional<DurationMs> journal_retention;
  std::optional<DurationMs> idempotency_retention;
  std::optional<DurationMs> workflow_completion_retention;
  std::optional<bool> enable_lazy_state;
  std::optional<bool> ingress_private;
  std::optional<DurationMs> retry_initial_interval;
  std::optional<DurationMs> retry_max_interval;
  std::optional<uint32_t> retry_max_attempts;
  std::optional<double> retry_exponentiation_factor;
  std::optional<OnMaxAttempts> retry_on_max_attempts;
};

// What applies when neither handler nor service says otherwise (settings).
struct SchemaDefaults {
  DurationMs inactivity_timeout = 60'000;
  DurationMs abort_timeout = 600'000;
  DurationMs journal_retention = 86'400'000;
  DurationMs idempotency_retention = 86'400'000;
  DurationMs workflow_completion_retention = 86'400'000;
  std::optional<DurationMs> journal_retention_max;
  std::optional<DurationMs> idempotency_retention_max;
  std::optional<DurationMs> workflow_completion_retention_max;
  RetryPolicy retry_policy;
};

// Ingress input rules (ingress API 4.2).
struct InputSchema {
  bool declared = false;  // the manifest had an `input` object
  bool required = false;
  std::optional<std::string> content_type;  // may hold wildcards
  std::optional<std::string> json_schema;   // JSON text
};
struct OutputSchema {
  bool declared = false;  // absent: "application/json", not set if empty
  bool set_content_type_if_empty = false;
  std::optional<std::string> content_type;
  std::optional<std::string> json_schema;
};

struct HandlerSchema {
  std::string name;
  HandlerType type = HandlerType::kUnkeyed;
  bool is_public = true;
  InputSchema input;
  OutputSchema output;
  std::optional<std::string> documentation;
  std::map<std::string, std::string> metadata;
  HandlerOptions options;  // as given, for display
  // Resolved:
  DurationMs inactivity_timeout = 0;
  DurationMs abort_timeout = 0;
  DurationMs journal_retention = 0;
  DurationMs idempotency_retention = 0;
  DurationMs workflow_completion_retention = 0;
  bool enable_lazy_state = false;
  RetryPolicy retry_policy;
};

struct ServiceSchema {
  std::string name;
  ServiceType type = ServiceType::kService;
  uint32_t revision = 1;
  DeploymentId deployment_id;
  bool is_public = true;
  std::optional<std::string> documentation;
  std::map<std::string, std::string> metadata;
  HandlerOptions options;  // as given, for display
  // Resolved service-level values, for display (admin API 6):
  DurationMs inactivity_timeout = 0;
  DurationMs abort_timeout = 0;
  DurationMs journal_retention = 0;
  DurationMs idempotency_retention = 0;
  DurationMs workflow_completion_retention = 0;
  bool enable_lazy_state = false;
  RetryPolicy retry_policy;
  std::map<std::string, HandlerSchema, std::less<>> handlers;

  const HandlerSchema* FindHandler(std::string_view handler) const {
    const auto it = handlers.find(handler);
    return it == handlers.end() ? nullptr : &it->second;
  }
};

struct DeploymentSchema {
  DeploymentId id;
  std::string uri;  // as shown
  HttpEndpoint endpoint;
  std::string path_prefix;  // without trailing '/', may be empty
  std::string query;        // of the URI, with '?', may be empty
  HttpHeaders additional_headers;
  std::map<std::string, std::string> metadata;
  TimeMs created_at = 0;
  int min_protocol_version = 0;
  int max_protocol_version = 0;
  bool bidirectional = true;
  std::optional<std::string> sdk_version;
  std::map<std::string, std::shared_ptr<const ServiceSchema>, std::less<>> services;

  const ServiceSchema* FindService(std::string_view service) const {
    const auto it = services.find(service);
    return it == services.end() ? nullptr : it->second.get();
  }
};

class SchemaView {
 public:
  // The active revision of a service.
  const ServiceSchema* FindService(std::string_view service) const {
    const auto it = services.find(service);
    return it == services.end() ? nullptr : it->second.get();
  }
  const DeploymentSchema* FindDeployment(const DeploymentId& id) const {
    const auto it = deployments.find(id);
    return it == deployments.end() ? nullptr : it->second.get();
  }
  std::shared_ptr<const DeploymentSchema> ShareDeployment(const DeploymentId& id) const {
    const auto it = deployments.find(id);
    return it == deployments.end() ? nullptr : it->second;
  }

  std::map<std::string, std::shared_ptr<const ServiceSchema>, std::less<>> services;
  std::map<DeploymentId, std::shared_ptr<const DeploymentSchema>> deployments;
};

}  // namespace perdure
