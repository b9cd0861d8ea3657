// SPDX-License-Identifier: Apache-2.0
//
// The admin door: finds the route of a request and hands it over (admin API 1, 4, 15). Known routes
// that are not built yet say so; everything else is 404 or 405 without a body.
#include "perdure/admin/admin.h"

#include "admin/call.h"
#include "admin/deployment_routes.h"
#include "admin/invocation_routes.h"
#include "admin/responses.h"
#include "admin/router.h"
#include "perdure/base/overloaded.h"

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace perdure::admin {
namespace {

using Json = nlohmann::ordered_json;

// What clients compare with: the release of the reference whose behaviour is offered.
constexpr std::string_view kCompatibleVersion = "1.7.12";

constexpr std::string_view kProtocolV7 = "protocol_v7";

// Every feature flag clients know; one may be on (admin API 15).
constexpr std::string_view kFeatures[] = {
    "vqueues",
    kProtocolV7,
    "scoped_virtual_objects",
    "kafka_scope",
    "invoker_yield",
    "unique_random_seeds",
    "vqueues_async_refill",
    "vqueue_obsolete_cleanup",
    "vqueues_migration_skip_completed",
    "scoped_state_table_migration",
    "scoped_promise_table_migration",
    "preflight_invocation_termination_retention"};

std::string VersionJson(const AdminOptions& options) {
  Json out = Json::object();
  out["version"] = kCompatibleVersion;
  out["perdure_version"] = options.perdure_version;
  out["min_admin_api_version"] = kAdminVersionMin;
  out["max_admin_api_version"] = kAdminVersionMax;
  out["ingress_endpoint"] = nullptr;
  if (!options.ingress_endpoint.empty()) {
    out["ingress_endpoint"] = options.ingress_endpoint;
  }
  Json features = Json::object();
  for (const std::string_view feature : kFeatures) {
    features[std::string(feature)] = feature == kProtocolV7 && options.protocol_v7;
  }
  out["features"] = std::move(features);
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string ClusterHealthJson(const AdminOptions& options) {
  Json out = Json::object();
  out["cluster_name"] = options.cluster_name;
  out["metadata_cluster_health"] = Json{{"members", Json::array({1})}};
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

class Admin final : public HttpHandler {
 public:
  explicit Admin(AdminContext context) : context_(std::move(context)) {}

  void OnRequest(HttpRequest request, std::unique_ptr<HttpExchange> exchange) override {
    const std::string target = request.target;
    const std::string_view path = std::string_view(target).substr(0, target.find('?'));
    const VersionedPath versioned = SplitVersion(path);
    AdminCall call;
    call.request = std::move(request);
    call.exchange = std::move(exchange);
    call.version = versioned.version;
    if (path.size() < target.size()) {
      call.query = target.substr(path.size() + 1);
    }
    if (versioned.version == 1) {
      call.Respond(TextResponse(
          400,
          "Unsupported Admin API version V1. This server supports versions between V2 and V4."));
      return;
    }
    if (versioned.version != 0 &&
        (versioned.version < kAdminVersionMin || versioned.version > kAdminVersionMax)) {
      call.Respond(EmptyResponse(404));
      return;
    }
    RouteResult found = FindRoute(call.request.method, versioned.path);
    Route(std::move(found), std::move(call));
  }

 private:
  void Route(RouteResult found, AdminCall call) {
    std::visit(
        Overloaded{
            [&call](const NoRoute&) { call.Respond(EmptyResponse(404)); },
            [&call](const WrongMethod& wrong) {
              HttpResponse response = EmptyResponse(405);
              response.headers.Add("allow", wrong.allow);
              call.Respond(std::move(response));
            },
            [&call](const BadParameter& bad) {
              call.Respond(TextResponse(400, "Invalid URL: Invalid UTF-8 in `" + bad.name + "`"));
            },
            [this, &call](RouteMatch& match) {
              call.params = std::move(match.params);
              Serve(match, std::move(call));
            }},
        found);
  }

  void Serve(const RouteMatch& match, AdminCall call) {
    switch (match.endpoint) {
      case Endpoint::kHealth:
        return call.Respond(EmptyResponse(200));
      case Endpoint::kVersion:
        return call.Respond(JsonResponse(200, VersionJson(context_.options)));
      case Endpoint::kClusterHealth:
        return call.Respond(JsonResponse(200, ClusterHealthJson(context_.options)));
      case Endpoint::kListDeployments:
        return ListDeploymentsRoute(context_, std::move(call));
      case Endpoint::kRegisterDeployment:
        return RegisterDeploymentRoute(context_, std::move(call));
      case Endpoint::kGetDeployment:
        return GetDeploymentRoute(context_, std::move(call));
      case Endpoint::kPutDeployment:
        return PutDeploymentRoute(context_, std::move(call));
      case Endpoint::kListServices:
        return ListServicesRoute(context_, std::move(call));
      case Endpoint::kGetService:
        return GetServiceRoute(context_, std::move(call));
      case Endpoint::kListHandlers:
        return ListHandlersRoute(context_, std::move(call));
      case Endpoint::kGetHandler:
        return GetHandlerRoute(context_, std::move(call));
      case Endpoint::kListInvocations:
        return ListInvocationsRoute(context_, std::move(call));
      case Endpoint::kGetInvocation:
        return GetInvocationRoute(context_, std::move(call));
      case Endpoint::kCancelInvocation:
        return CancelInvocationRoute(context_, std::move(call));
      case Endpoint::kKillInvocation:
        return KillInvocationRoute(context_, std::move(call));
      case Endpoint::kPauseInvocation:
        return PauseInvocationRoute(context_, std::move(call));
      case Endpoint::kPurgeInvocation:
        return PurgeInvocationRoute(context_, std::move(call));
      case Endpoint::kPurgeJournal:
        return PurgeJournalRoute(context_, std::move(call));
      case Endpoint::kResumeInvocation:
        return ResumeInvocationRoute(context_, std::move(call));
      case Endpoint::kRestartInvocation:
        return RestartInvocationRoute(context_, std::move(call));
      case Endpoint::kNotBuilt:
        return call.Respond(
            ErrorResponse(501, call.request.method + " " + match.route + " is not supported yet"));
    }
  }

  const AdminContext context_;
};

}  // namespace
}  // namespace perdure::admin

namespace perdure {

std::unique_ptr<HttpHandler> MakeAdmin(
    const AdminOptions& options,
    PartitionGateway& gateway,
    IoContexts& contexts,
    Discovery& discovery,
    Introspection& introspection,
    const Clock& clock) {
  return std::make_unique<admin::Admin>(
      admin::AdminContext{options, gateway, contexts, discovery, introspection, clock});
}

}  // namespace perdure
