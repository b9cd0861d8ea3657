// SPDX-License-Identifier: Apache-2.0
//
// Which value of an option applies: the handler's, else the service's, else the server's; then the
// server's maxima (service protocol 1.3, admin API 16). Pure: the same input gives the same schema.
#include "perdure/protocol/manifest.h"

#include <algorithm>

namespace perdure {
namespace {

template <typename T>
T FirstOf(const std::optional<T>& first, const std::optional<T>& second, const T& fallback) {
  if (first.has_value()) {
    return *first;
  }
  return second.has_value() ? *second : fallback;
}

DurationMs Clamped(DurationMs value, const std::optional<DurationMs>& max) {
  return max.has_value() ? std::min(value, *max) : value;
}

// Field by field. A policy without an attempt is one with a single attempt; a factor below zero
// would make no delay at all.
RetryPolicy ResolveRetry(
    const HandlerOptions& handler, const HandlerOptions& service, const RetryPolicy& fallback) {
  RetryPolicy policy = fallback;
  policy.initial_interval = FirstOf(
      handler.retry_initial_interval, service.retry_initial_interval, fallback.initial_interval);
  policy.exponentiation_factor = std::max(
      0.0,
      FirstOf(
          handler.retry_exponentiation_factor,
          service.retry_exponentiation_factor,
          fallback.exponentiation_factor));
  policy.on_max_attempts = FirstOf(
      handler.retry_on_max_attempts, service.retry_on_max_attempts, fallback.on_max_attempts);
  if (handler.retry_max_interval.has_value() || service.retry_max_interval.has_value()) {
    policy.max_interval =
        FirstOf(handler.retry_max_interval, service.retry_max_interval, DurationMs{0});
  }
  if (handler.retry_max_attempts.has_value() || service.retry_max_attempts.has_value()) {
    policy.max_attempts =
        FirstOf(handler.retry_max_attempts, service.retry_max_attempts, uint32_t{1});
  }
  if (policy.max_attempts.has_value()) {
    policy.max_attempts = std::max<uint32_t>(1, *policy.max_attempts);
  }
  return policy;
}

// The resolved values are members of the same names in handlers and services.
template <typename Schema>
void Resolve(
    Schema& out,
    const HandlerOptions& handler,
    const HandlerOptions& service,
    const SchemaDefaults& defaults,
    bool bidirectional) {
  // Without two directions nobody can be asked to suspend (service protocol 4.4).
  out.inactivity_timeout =
      bidirectional
          ? FirstOf(
                handler.inactivity_timeout, service.inactivity_timeout, defaults.inactivity_timeout)
          : 0;
  out.abort_timeout = FirstOf(handler.abort_timeout, service.abort_timeout, defaults.abort_timeout);
  out.journal_retention = Clamped(
      FirstOf(handler.journal_retention, service.journal_retention, defaults.journal_retention),
      defaults.journal_retention_max);
  out.idempotency_retention = Clamped(
      FirstOf(
          handler.idempotency_retention,
          service.idempotency_retention,
          defaults.idempotency_retention),
      defaults.idempotency_retention_max);
  out.workflow_completion_retention = Clamped(
      FirstOf(
          handler.workflow_completion_retention,
          service.workflow_completion_retention,
          defaults.workflow_completion_retention),
      defaults.workflow_completion_retention_max);
  out.enable_lazy_state = FirstOf(handler.enable_lazy_state, service.enable_lazy_state, false);
  out.retry_policy = ResolveRetry(handler, service, defaults.retry_policy);
}

}  // namespace

DeploymentSchema ResolveOptions(
    const DeploymentSchema& deployment, const SchemaDefaults& defaults) {
  DeploymentSchema out = deployment;
  for (auto& [name, shared] : out.services) {
    ServiceSchema service = *shared;
    service.is_public = !service.options.ingress_private.value_or(false);
    Resolve(service, {}, service.options, defaults, out.bidirectional);
    for (auto& [handler_name, handler] : service.handlers) {
      handler.is_public =
          !FirstOf(handler.options.ingress_private, service.options.ingress_private, false);
      Resolve(handler, handler.options, service.options, defaults, out.bidirectional);
      if (handler.type == HandlerType::kWorkflow) {
        // A service shows the retention of its run handler (admin API 6).
        service.workflow_completion_retention = handler.workflow_completion_retention;
      }
    }
    shared = std::make_shared<const ServiceSchema>(std::move(service));
  }
  return out;
}

}  // namespace perdure
