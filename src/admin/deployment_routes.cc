// SPDX-License-Identifier: Apache-2.0
//
// Registration, step by step (admin API 5.2): a known deployment is answered from the schema view
// without asking anybody, a new one is discovered on the request's own I/O thread and handed to the
// metadata partition, which decides. The success answer is sent only after the partition has
// published the schema.
#include "admin/deployment_routes.h"

#include "admin/register_request.h"
#include "admin/responses.h"
#include "admin/schema_json.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <variant>

namespace perdure::admin {
namespace {

using Kind = RegistrationOutcome::Kind;

DeploymentId MintDeploymentId(const Clock& clock) {
  std::random_device chance;
  std::array<uint8_t, 10> entropy{};
  for (uint8_t& byte : entropy) {
    byte = static_cast<uint8_t>(chance());
  }
  return DeploymentId{MakeUlid(clock.WallMs(), entropy)};
}

HttpResponse Registered(int status, const DeploymentSchema& deployment) {
  HttpResponse out = JsonResponse(status, RegistrationJson(deployment));
  out.headers.Add("location", "deployments/" + deployment.id.ToString());
  return out;
}

// Admin API 5.3: /v2 knows no "unchanged" and no "overwritten".
HttpResponse AlreadyKnown(int version, const DeploymentSchema& deployment) {
  if (version == 2) {
    return ErrorResponse(
        409, "Conflict: deployment " + deployment.id.ToString() + " already exists");
  }
  return Registered(200, deployment);
}

HttpResponse AnswerOutcome(int version, const RegistrationOutcome& outcome) {
  switch (outcome.kind) {
    case Kind::kCreated:
      return Registered(201, *outcome.deployment);
    case Kind::kOverwritten:
      return Registered(version == 2 ? 201 : 200, *outcome.deployment);
    case Kind::kUnchanged:
      return AlreadyKnown(version, *outcome.deployment);
    case Kind::kTypeChanged:
      return ErrorResponse(409, outcome.message, "META0006");
  }
  return EmptyResponse(500);
}

HttpResponse AnswerError(const DiscoveryError& error) {
  return ErrorResponse(error.status, error.message, error.code);
}

const DeploymentSchema* FindKnown(const SchemaView& view, const DeploymentAddress& address) {
  for (const auto& deployment : view.deployments) {
    if (SameDeployment(*deployment.second, address.endpoint, address.path_prefix)) {
      return deployment.second.get();
    }
  }
  return nullptr;
}

void SubmitRegistration(const AdminContext& context, AdminCall call, RegisterDeployment command) {
  const int version = call.version;
  SubmitAndRespond(
      context, std::move(call), kMetadataPartition, std::move(command), [version](Reply reply) {
        const auto* outcome = std::get_if<RegistrationOutcome>(&reply);
        PERDURE_INVARIANT(outcome != nullptr, "a registration was answered with something else");
        return AnswerOutcome(version, *outcome);
      });
}

// The active revision of the service in the path, or nothing after a 404.
const ServiceSchema* FindServiceOrRespond(const SchemaView& view, AdminCall& call) {
  const ServiceSchema* service = view.FindService(call.params.at(0));
  if (service == nullptr) {
    call.Respond(
        ErrorResponse(404, "The requested service '" + call.params.at(0) + "' does not exist"));
  }
  return service;
}

}  // namespace

void RegisterDeploymentRoute(const AdminContext& context, AdminCall call) {
  auto parsed = ParseRegisterRequest(call.request);
  if (auto* refused = std::get_if<HttpResponse>(&parsed)) {
    call.Respond(std::move(*refused));
    return;
  }
  RegisterRequest request = std::get<RegisterRequest>(std::move(parsed));
  const bool force = request.force.value_or(call.version == 2);
  const auto address =
      context.discovery.ParseUri(request.discovery.uri, request.discovery.use_http_11);
  if (const auto* error = std::get_if<DiscoveryError>(&address)) {
    call.Respond(AnswerError(*error));
    return;
  }
  IoContext& io = call.Io(context);
  const std::shared_ptr<const SchemaView> view = io.schema.Get();
  const DeploymentSchema* known = FindKnown(*view, std::get<DeploymentAddress>(address));
  if (known != nullptr && !force) {
    call.Respond(AlreadyKnown(call.version, *known));
    return;
  }

  RegisterDeployment command;
  command.force = force;
  command.breaking = request.breaking;
  command.dry_run = request.dry_run;
  context.discovery.Discover(
      std::move(request.discovery),
      MintDeploymentId(context.clock),
      io.executor,
      io.client,
      [&context, call = std::move(call), command = std::move(command)](
          DiscoveryResult result) mutable {
        if (const auto* error = std::get_if<DiscoveryError>(&result)) {
          call.Respond(AnswerError(*error));
          return;
        }
        command.deployment = std::get<std::shared_ptr<const DeploymentSchema>>(std::move(result));
        SubmitRegistration(context, std::move(call), std::move(command));
      });
}

void ListDeploymentsRoute(const AdminContext& context, AdminCall call) {
  call.Respond(JsonResponse(200, DeploymentListJson(*call.Io(context).schema.Get())));
}

void GetDeploymentRoute(const AdminContext& context, AdminCall call) {
  const std::string& text = call.params.at(0);
  const Result<DeploymentId> id = DeploymentId::Parse(text);
  if (!id.ok()) {
    call.Respond(TextResponse(
        400,
        "Invalid URL: Cannot parse `deployment` with value `" + text + "`: " + id.error().message));
    return;
  }
  const std::shared_ptr<const SchemaView> view = call.Io(context).schema.Get();
  const DeploymentSchema* deployment = view->FindDeployment(id.value());
  if (deployment == nullptr) {
    call.Respond(ErrorResponse(404, "The requested deployment '" + text + "' does not exist"));
    return;
  }
  call.Respond(JsonResponse(200, DeploymentJson(*deployment)));
}

void PutDeploymentRoute(const AdminContext&, AdminCall call) {
  if (call.version == 2) {
    call.Respond(ErrorResponse(501, "PUT /deployments/{deployment} is not supported yet"));
    return;
  }
  call.Respond(ErrorResponse(405, "PUT deployment is deprecated, use PATCH instead"));
}

void ListServicesRoute(const AdminContext& context, AdminCall call) {
  call.Respond(JsonResponse(200, ServiceListJson(*call.Io(context).schema.Get())));
}

void GetServiceRoute(const AdminContext& context, AdminCall call) {
  const std::shared_ptr<const SchemaView> view = call.Io(context).schema.Get();
  if (const ServiceSchema* service = FindServiceOrRespond(*view, call)) {
    call.Respond(JsonResponse(200, ServiceJson(*view, *service)));
  }
}

void ListHandlersRoute(const AdminContext& context, AdminCall call) {
  const std::shared_ptr<const SchemaView> view = call.Io(context).schema.Get();
  if (const ServiceSchema* service = FindServiceOrRespond(*view, call)) {
    call.Respond(JsonResponse(200, HandlerListJson(*view, *service)));
  }
}

void GetHandlerRoute(const AdminContext& context, AdminCall call) {
  const std::shared_ptr<const SchemaView> view = call.Io(context).schema.Get();
  const ServiceSchema* service = view->FindService(call.params.at(0));
  const HandlerSchema* handler =
      service == nullptr ? nullptr : service->FindHandler(call.params.at(1));
  if (handler == nullptr) {
    call.Respond(ErrorResponse(
        404,
        "The requested handler '" + call.params.at(1) + "' on service '" + call.params.at(0) +
            "' does not exist"));
    return;
  }
  call.Respond(JsonResponse(200, HandlerJson(*view, *service, *handler)));
}

}  // namespace perdure::admin
