// SPDX-License-Identifier: Apache-2.0
//
// Results of other invocations: of calls, and of Attach and GetInvocationOutput, which name any
// invocation (service protocol 3.10).
#include "core/applier.h"
#include "perdure/base/assert.h"
#include "perdure/base/overloaded.h"
#include "perdure/protocol/notifications.h"

#include <utility>

namespace perdure {
namespace {

MessageType CompletionOf(CallerWish wish) {
  switch (wish) {
    case CallerWish::kCallResult:
      return MessageType::kCallCompletion;
    case CallerWish::kAttachResult:
      return MessageType::kAttachInvocationCompletion;
    case CallerWish::kOutput:
      return MessageType::kGetInvocationOutputCompletion;
  }
  PERDURE_INVARIANT(false, "a caller wishes nothing that is known");
  return MessageType::kCallCompletion;
}

CallerWish WishOf(MessageType command) {
  return command == MessageType::kAttachInvocationCommand ? CallerWish::kAttachResult
                                                          : CallerWish::kOutput;
}

// Workflow runs and idempotent calls have ids that follow from what they are; chance plays no part.
Result<InvocationId> IdOf(const AttachTarget& target) {
  return std::visit(
      Overloaded{
          [](const std::string& id) { return InvocationId::Parse(id); },
          [](const IdempotentTarget& call) -> Result<InvocationId> {
            if (call.idempotency_key.empty()) {
              return InvalidArgument("the idempotency key is empty");
            }
            IdParts parts{call.service, {}, call.handler, false, call.idempotency_key};
            if (call.key) {
              parts.key = *call.key;
            }
            return MakeInvocationId(parts, 0, {});
          },
          [](const WorkflowTarget& workflow) -> Result<InvocationId> {
            return MakeInvocationId({workflow.workflow, workflow.key, {}, true, {}}, 0, {});
          }},
      target);
}

}  // namespace

bool Applier::ApplyAttach(Invocation& invocation, SdkFrame& frame) {
  const auto& command = std::get<AttachCommand>(frame.message);
  if (command.scope && command.scope->empty()) {
    FailPrecondition(invocation, frame.type, "the scope of an invocation is empty", "RT0024");
    return false;
  }
  const Result<InvocationId> target = IdOf(command.target);
  if (!target.ok()) {
    FailPrecondition(
        invocation, frame.type, "bad invocation id: " + target.error().message, "RT0017");
    return false;
  }
  AppendCommand(invocation, frame);
  if (command.scope) {  // nothing was ever called in a scope
    AppendCompletion(
        invocation,
        CompletionOf(WishOf(frame.type)),
        command.result_completion_id,
        EncodeResultCompletion(command.result_completion_id, Failure{404, "not found", {}}));
    return true;
  }
  CallerRef caller{
      invocation.id,
      invocation.status.birth,
      invocation.status.target,
      command.result_completion_id,
      WishOf(frame.type)};
  Send(target.value(), PeerAttach{target.value(), std::move(caller)});
  return true;
}

void Applier::ReceiveAttach(const PeerAttach& attach) {
  Invocation* target = Find(attach.target);
  if (target == nullptr) {
    Deliver(attach.caller, ValueOrFailure(Failure{404, "not found", {}}));
  } else if (target->status.state == InvocationState::kCompleted) {
    Deliver(attach.caller, ResultOf(*target).result);
  } else if (attach.caller.wish == CallerWish::kOutput) {
    Deliver(attach.caller, SignalResult(VoidResult{}));
  } else {
    AddListener(*target, attach.caller);
  }
}

void Applier::AddListener(Invocation& target, const CallerRef& caller) {
  txn_.Put(
      Family::kIndex,
      keys::Listener(target.id, target.status.birth, caller.id, caller.result_completion_id),
      EncodeCaller(caller));
  target.status.has_listeners = true;
  target.dirty = true;
}

void Applier::ReceiveResult(const PeerCallResult& result) {
  Invocation* caller = Find(result.caller);
  if (caller == nullptr || caller->status.birth != result.caller_birth ||
      caller->status.state == InvocationState::kCompleted) {
    return;  // nobody waits any more
  }
  const CompletionId id = result.completion_id;
  AppendCompletion(
      *caller,
      CompletionOf(result.wish),
      id,
      std::visit(
          Overloaded{
              [id](const VoidResult&) { return EncodeVoidCompletion(id); },
              [id](const auto& known) { return EncodeResultCompletion(id, known); }},
          result.result));
}

void Applier::Deliver(const CallerRef& caller, const ValueOrFailure& result) {
  Deliver(caller, std::visit([](const auto& typed) { return SignalResult(typed); }, result));
}

void Applier::Deliver(const CallerRef& caller, const SignalResult& result) {
  if (caller.result_completion_id != 0) {
    Send(
        caller.id,
        PeerCallResult{caller.id, caller.birth, caller.result_completion_id, result, caller.wish});
  }
}

}  // namespace perdure
