// SPDX-License-Identifier: Apache-2.0
//
// See services.h.
#include "tests/sim/services.h"

#include "perdure/protocol/message_type.h"

#include <utility>

namespace perdure::sim {
namespace {

struct HandlerName {
  const char* name;
  HandlerType type;
};

std::shared_ptr<const ServiceSchema> MakeService(
    const char* name,
    ServiceType type,
    std::initializer_list<HandlerName> handlers,
    const HandlerOptions& options) {
  auto service = std::make_shared<ServiceSchema>();
  service->name = name;
  service->type = type;
  service->options = options;
  for (const HandlerName& handler : handlers) {
    HandlerSchema schema;
    schema.name = handler.name;
    schema.type = handler.type;
    service->handlers[handler.name] = std::move(schema);
  }
  return service;
}

}  // namespace

ServiceOptions AnyServiceOptions(Rng& rng) {
  static constexpr DurationMs kInactivity[] = {0, 60, 400, 60'000};
  ServiceOptions options;
  options.inactivity_timeout = kInactivity[rng.Below(4)];
  options.abort_timeout = rng.Percent(50) ? 600 : 5'000;
  options.lazy_state = rng.Percent(30);
  return options;
}

std::shared_ptr<const DeploymentSchema> MakeDeployment(
    uint8_t number, const ServiceOptions& options) {
  HandlerOptions base;
  base.inactivity_timeout = options.inactivity_timeout;
  base.abort_timeout = options.abort_timeout;
  base.enable_lazy_state = options.lazy_state;
  base.retry_initial_interval = 30;
  base.retry_max_interval = 1'500;
  HandlerOptions brief = base;
  brief.journal_retention = 0;
  HandlerOptions weak = base;
  weak.retry_max_attempts = 3;
  weak.retry_on_max_attempts = OnMaxAttempts::kPause;
  HandlerOptions doomed = weak;
  doomed.retry_on_max_attempts = OnMaxAttempts::kKill;

  auto deployment = std::make_shared<DeploymentSchema>();
  deployment->id.ulid[15] = number;
  deployment->endpoint.host = HostOf(number);
  deployment->endpoint.port = 9080;
  deployment->uri = "http://" + HostOf(number) + ":9080/";
  deployment->min_protocol_version = 5;
  deployment->max_protocol_version = kProtocolVersionExperimental;
  const auto add = [&](std::shared_ptr<const ServiceSchema> service) {
    deployment->services[service->name] = std::move(service);
  };
  const ServiceType plain = ServiceType::kService;
  add(MakeService("Plain", plain, {{"go", HandlerType::kUnkeyed}}, base));
  add(MakeService("Brief", plain, {{"go", HandlerType::kUnkeyed}}, brief));
  add(MakeService("Weak", plain, {{"go", HandlerType::kUnkeyed}}, weak));
  add(MakeService("Doomed", plain, {{"go", HandlerType::kUnkeyed}}, doomed));
  add(MakeService(
      "Obj",
      ServiceType::kVirtualObject,
      {{"add", HandlerType::kExclusive}, {"look", HandlerType::kShared}},
      base));
  add(MakeService(
      "Wf",
      ServiceType::kWorkflow,
      {{"run", HandlerType::kWorkflow},
       {"ask", HandlerType::kShared},
       {"settle", HandlerType::kShared}},
      base));
  return deployment;
}

}  // namespace perdure::sim
