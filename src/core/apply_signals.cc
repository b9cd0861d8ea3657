// SPDX-License-Identifier: Apache-2.0
//
// Signals of one invocation to another, by index or name, and awakeables, which are signals with an
// id for the outside (service protocol 3.8). What the target does not wait for yet is kept in its
// journal.
#include "core/applier.h"
#include "perdure/base/assert.h"
#include "perdure/base/overloaded.h"
#include "perdure/protocol/notifications.h"

#include <utility>

namespace perdure {
namespace {

SignalResult ToSignalResult(ValueOrFailure result) {
  return std::visit([](auto& typed) { return SignalResult(std::move(typed)); }, result);
}

}  // namespace

bool Applier::ApplySendSignal(Invocation& invocation, SdkFrame& frame) {
  auto& command = std::get<SendSignalCommand>(frame.message);
  const Result<InvocationId> target = InvocationId::Parse(command.target_invocation_id);
  if (!target.ok()) {
    FailPrecondition(
        invocation,
        frame.type,
        "bad invocation id '" + command.target_invocation_id + "': " + target.error().message,
        "RT0017");
    return false;
  }
  AppendCommand(invocation, frame);
  Send(
      target.value(),
      PeerSignal{target.value(), std::move(command.signal), std::move(command.result)});
  return true;
}

bool Applier::ApplyCompleteAwakeable(Invocation& invocation, SdkFrame& frame) {
  auto& command = std::get<CompleteAwakeableCommand>(frame.message);
  const Result<AwakeableId> id = AwakeableId::Parse(command.awakeable_id);
  if (!id.ok()) {
    FailPrecondition(
        invocation,
        frame.type,
        "bad awakeable id '" + command.awakeable_id + "': " + id.error().message,
        "RT0017");
    return false;
  }
  AppendCommand(invocation, frame);
  const InvocationId target = id->invocation;
  Send(target, PeerSignal{target, id->signal, ToSignalResult(std::move(command.result))});
  return true;
}

void Applier::Apply(DeliverSignal& command) {
  ReceiveSignal(command.target, command.signal, command.result);
  Answer(SignalAccepted{});
}

void Applier::ReceiveSignal(
    const InvocationId& id, const SignalName& signal, const SignalResult& result) {
  Invocation* target = Find(id);
  if (target == nullptr || target->status.state == InvocationState::kCompleted) {
    return;
  }
  const bool started = target->status.state != InvocationState::kScheduled &&
                       target->status.state != InvocationState::kInboxed;
  if (!started && signal == SignalName{kCancelSignal}) {
    Withdraw(*target, Failure{409, "canceled", {}});
    return;
  }
  AppendSignal(*target, signal, result);
}

void Applier::AppendSignal(
    Invocation& invocation, const SignalName& signal, const SignalResult& result) {
  SharedBytes payload = EncodeSignal(signal, result);
  const JournalIndex index = AppendEntry(invocation, MessageType::kSignal, payload);
  const std::string row = keys::Signal(invocation.id, invocation.status.birth, signal);
  if (!txn_.Get(Family::kIndex, row)) {  // the first of a signal counts (service protocol 3.1)
    txn_.Put(Family::kIndex, row, keys::U32(index));
  }
  const SharedBytes notification = payload;
  invocation.fresh.push_back({index, MessageType::kSignal, stamp_.now, std::move(payload)});
  const bool cancel = signal == SignalName{kCancelSignal};
  if (cancel) {
    invocation.status.pause_requested = false;  // it has to see this
  }
  if (cancel && invocation.status.state == InvocationState::kPaused) {
    invocation.status.failed_attempts = 0;
    invocation.status.attempts_started = 0;
    MakeReady(invocation);
    return;
  }
  Arrived(invocation, signal, notification.view());
}

}  // namespace perdure
