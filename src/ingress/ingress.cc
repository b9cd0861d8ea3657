// SPDX-License-Identifier: Apache-2.0
//
// The door for callers: takes a request, finds its route, answers what it can answer itself and
// submits the rest. Keeps nothing between requests.
#include "perdure/ingress/ingress.h"

#include "base/utf8.h"
#include "ingress/call_request.h"
#include "ingress/request_path.h"
#include "ingress/responses.h"
#include "ingress/routes.h"
#include "ingress/target_body.h"
#include "ingress/waiting_room.h"
#include "perdure/base/assert.h"
#include "perdure/base/overloaded.h"

#include <string_view>
#include <utility>

namespace perdure::ingress {
namespace {

std::string_view NameOf(TargetVerb verb) {
  switch (verb) {
    case TargetVerb::kAttach:
      return "/restate/attach";
    case TargetVerb::kOutput:
      return "/restate/output";
    case TargetVerb::kLookup:
      return "/restate/lookup";
  }
  PERDURE_ASSERT(false);
  return {};
}

class Ingress final : public HttpHandler {
 public:
  Ingress(
      const IngressOptions& options,
      PartitionGateway& gateway,
      IoContexts& contexts,
      const Clock& clock)
      : contexts_(contexts),
        clock_(clock),
        waiting_room_(gateway, contexts, options.requests_in_flight_max) {}

  void OnRequest(HttpRequest request, std::unique_ptr<HttpExchange> exchange) override {
    if (request.body_state == BodyState::kDeclaredTooLarge) {
      exchange->Respond(DeclaredTooLargeResponse());
      return;
    }
    if (request.method == "OPTIONS") {
      exchange->Respond(PreflightResponse(request.headers));
      return;
    }
    PERDURE_ASSERT(exchange->io_thread() < contexts_.size());
    // One view from start to end, whatever is published meanwhile.
    const std::shared_ptr<const SchemaView> schema = contexts_[exchange->io_thread()].schema.Get();
    Client client{std::move(exchange), std::nullopt};
    if (const std::optional<std::string_view> origin = request.headers.Get("origin")) {
      client.origin = *origin;
    }
    const RequestPath path = ParseTarget(request.target);
    const Route route = ParseRoute(path, request.method, *schema);
    std::visit(
        Overloaded{
            [&](const InvokeRoute& invoke) { OnInvoke(request, path, invoke, std::move(client)); },
            [&](const ResultRoute& result) { Ask(std::move(client), result.id, result.wait); },
            [&](const TargetBodyRoute& target) {
              OnTargetBody(request, target.verb, std::move(client));
            },
            [&](const AwakeableRoute& awakeable) {
              OnAwakeable(request, awakeable, std::move(client));
            },
            [&](const HealthRoute&) {
              client.exchange->Respond(HealthResponse(*schema, client.origin));
            },
            [&](const ErrorReply& error) { Refuse(client, error); }},
        route);
  }

 private:
  static void Refuse(Client& client, const ErrorReply& error) {
    client.exchange->Respond(ErrorResponse(error, client.origin));
  }

  void OnInvoke(
      HttpRequest& request, const RequestPath& path, const InvokeRoute& route, Client client) {
    std::variant<Invoke, ErrorReply> built = BuildInvoke(request, path, route, clock_.WallMs());
    if (const ErrorReply* error = std::get_if<ErrorReply>(&built)) {
      Refuse(client, *error);
      return;
    }
    Invoke& invoke = std::get<Invoke>(built);
    const InvocationId id = invoke.spec.id;
    const bool wait = invoke.wait;
    waiting_room_.Submit(std::move(client), Source::kNewWork, id, wait, std::move(invoke));
  }

  void OnTargetBody(const HttpRequest& request, TargetVerb verb, Client client) {
    if (request.body_state != BodyState::kComplete) {
      Refuse(client, {413, "cannot read body: LengthLimitError"});
      return;
    }
    const std::variant<InvocationId, ErrorReply> target =
        ParseTargetBody(request.body.view(), NameOf(verb));
    if (const ErrorReply* error = std::get_if<ErrorReply>(&target)) {
      Refuse(client, *error);
      return;
    }
    const InvocationId& id = std::get<InvocationId>(target);
    if (verb == TargetVerb::kLookup) {
      client.exchange->Respond(LookupResponse(id, client.origin));
      return;
    }
    Ask(std::move(client), id, verb == TargetVerb::kAttach);
  }

  void OnAwakeable(HttpRequest& request, const AwakeableRoute& route, Client client) {
    if (request.body_state != BodyState::kComplete) {
      Refuse(client, {413, "cannot read body: LengthLimitError"});
      return;
    }
    if (!route.id.has_value()) {
      client.exchange->Respond(SignalAcceptedResponse(client.origin));
      return;
    }
    SignalResult result = std::move(request.body);
    if (!route.resolve) {
      const BytesView reason = std::get<SharedBytes>(result).view();
      result = Failure{500, ReplaceNonUtf8(reason), {}};
    }
    const InvocationId target = route.id->invocation;
    waiting_room_.Submit(
        std::move(client),
        Source::kNewWork,
        target,
        false,
        DeliverSignal{target, route.id->signal, std::move(result)});
  }

  void Ask(Client client, const InvocationId& id, bool wait) {
    if (waiting_room_.AnswerStored(client, id, wait)) {
      return;
    }
    waiting_room_.Submit(std::move(client), Source::kRead, id, wait, Attach{id, wait});
  }

  IoContexts& contexts_;
  const Clock& clock_;
  WaitingRoom waiting_room_;
};

}  // namespace
}  // namespace perdure::ingress

namespace perdure {

std::unique_ptr<HttpHandler> MakeIngress(
    const IngressOptions& options,
    PartitionGateway& gateway,
    IoContexts& contexts,
    const Clock& clock) {
  return std::make_unique<ingress::Ingress>(options, gateway, contexts, clock);
}

}  // namespace perdure
