// SPDX-License-Identifier: Apache-2.0
//
// Calls (service protocol 3.6).
// The callee's id is known and told at once; the callee itself is created in its own partition.
#include "core/applier.h"
#include "perdure/base/assert.h"
#include "perdure/protocol/notifications.h"

#include <array>
#include <utility>

namespace perdure {
namespace {

std::array<uint8_t, 16> Bytes16(uint64_t high, uint64_t low) {
  std::array<uint8_t, 16> out{};
  for (size_t i = 0; i < 8; ++i) {
    out[i] = static_cast<uint8_t>(high >> (8 * i));
    out[8 + i] = static_cast<uint8_t>(low >> (8 * i));
  }
  return out;
}

}  // namespace

std::optional<InvocationSpec> Applier::ResolveCallee(
    Invocation& invocation, CallCommand& call, MessageType type) {
  const auto refuse = [&](std::string message, std::string doc_code) {
    FailPrecondition(invocation, type, std::move(message), std::move(doc_code));
    return std::optional<InvocationSpec>();
  };
  if (call.has_scope) {
    return refuse("scoped invocations are not supported by this server", "RT0024");
  }
  if (call.has_limit_key) {
    return refuse("a limit key was given without a scope, and means nothing alone", "RT0024");
  }
  const std::string name = call.service + "/" + call.handler;
  const ServiceSchema* service = stamp_.schema->FindService(call.service);
  const HandlerSchema* handler = service == nullptr ? nullptr : service->FindHandler(call.handler);
  if (handler == nullptr) {
    return refuse("the service handler " + name + " was not found", "RT0018");
  }
  const bool keyed = service->type != ServiceType::kService;
  if (!keyed && !call.key.empty()) {
    return refuse("the service handler " + name + " takes no key", "RT0017");
  }
  if (call.idempotency_key && call.idempotency_key->empty()) {
    return refuse("the idempotency key of a call cannot be empty", "RT0017");
  }
  InvocationSpec spec;
  spec.target = {call.service, call.key, call.handler, service->type, handler->type};
  IdParts parts{call.service, {}, call.handler, spec.target.workflow_run(), {}};
  if (keyed) {
    parts.key = call.key;
  }
  if (call.idempotency_key) {
    parts.idempotency_key = *call.idempotency_key;
  }
  const uint64_t high = Entropy();
  const uint64_t low = Entropy();
  spec.id = MakeInvocationId(parts, stamp_.now, Bytes16(high, low));
  spec.retention = RetentionOf(*handler, call.idempotency_key.has_value());
  spec.idempotency_key = std::move(call.idempotency_key);
  spec.headers = std::move(call.headers);
  spec.body = std::move(call.parameter);
  spec.random_seed = Entropy();
  spec.caller = CallerRef{invocation.id, invocation.status.birth, invocation.status.target, 0};
  return spec;
}

bool Applier::InvokeCallee(
    Invocation& invocation, const SdkFrame& frame, CallCommand& call, TimeMs start_at) {
  std::optional<InvocationSpec> spec = ResolveCallee(invocation, call, frame.type);
  if (!spec) {
    return false;
  }
  spec->start_at = start_at;
  spec->caller->result_completion_id = call.result_completion_id;
  AppendCommand(invocation, frame);
  AppendCompletion(
      invocation,
      MessageType::kCallInvocationIdCompletion,
      call.invocation_id_completion_id,
      EncodeCallInvocationIdCompletion(call.invocation_id_completion_id, spec->id));
  const InvocationId callee = spec->id;
  Send(callee, PeerInvoke{std::move(*spec)});
  return true;
}

bool Applier::ApplyCall(Invocation& invocation, SdkFrame& frame) {
  return InvokeCallee(invocation, frame, std::get<CallCommand>(frame.message), 0);
}

bool Applier::ApplyOneWayCall(Invocation& invocation, SdkFrame& frame) {
  auto& one_way = std::get<OneWayCallCommand>(frame.message);
  one_way.call.result_completion_id = 0;  // nobody waits
  return InvokeCallee(invocation, frame, one_way.call, one_way.invoke_time);
}

}  // namespace perdure
