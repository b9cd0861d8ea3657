// SPDX-License-Identifier: Apache-2.0
//
// Messages between invocations. Within the partition they take effect in the same step; to another
// partition they are rows of the outbox until the receiver has them (promise 5). The window to each
// partition is bounded; what does not fit waits in the table.
#include "core/applier.h"
#include "perdure/base/assert.h"
#include "perdure/base/limits.h"
#include "perdure/base/overloaded.h"
#include "perdure/protocol/notifications.h"

#include <utility>

namespace perdure {

PartitionId Applier::PartitionOfId(const InvocationId& id) const {
  return PartitionOf(id.partition_key, memory_.partition_count);
}

void Applier::Send(const InvocationId& target, PeerPayload payload) {
  const PartitionId to = PartitionOfId(target);
  // Kills cascade: even within the partition they go step by step, as commands of their own.
  if (to == memory_.partition && !std::holds_alternative<PeerKill>(payload)) {
    Receive(std::move(payload));
  } else {
    SendThroughOutbox(to, std::move(payload));
  }
}

void Applier::SendThroughOutbox(PartitionId to, PeerPayload payload) {
  OutboxWindow& window = memory_.outbox[to.value];
  const uint64_t sequence = ++window.sent;
  memory_.row.outbox_sent[to.value] = sequence;
  txn_.Put(Family::kQueue, keys::Outbox(memory_.partition, to, sequence), EncodeOutbox(payload));
  const bool in_order = window.hopped + 1 == sequence;
  if (in_order && window.hopped - window.acked < limits::kMailboxPerPeer) {
    window.hopped = sequence;
    effects_.push_back(SendPeer{to, PeerMessage{memory_.partition, sequence, std::move(payload)}});
  }
}

void Applier::HopMore(uint16_t to) {
  OutboxWindow& window = memory_.outbox[to];
  while (window.hopped < window.sent && window.hopped - window.acked < limits::kMailboxPerPeer) {
    const uint64_t sequence = window.hopped + 1;
    const std::optional<std::string> row =
        txn_.Get(Family::kQueue, keys::Outbox(memory_.partition, PartitionId{to}, sequence));
    PERDURE_INVARIANT(row.has_value(), "an unacknowledged message is missing in the outbox");
    window.hopped = sequence;
    effects_.push_back(
        SendPeer{PartitionId{to}, PeerMessage{memory_.partition, sequence, DecodeOutbox(*row)}});
  }
}

void Applier::Apply(PeerMessage& command) {
  uint64_t& newest = memory_.received[command.from.value];
  if (command.sequence > newest) {
    PERDURE_INVARIANT(command.sequence == newest + 1, "a message between partitions was skipped");
    newest = command.sequence;
    txn_.Put(
        Family::kMeta, keys::Dedup(memory_.partition, command.from), keys::U64(command.sequence));
    Receive(std::move(command.payload));
  }
  effects_.push_back(SendPeer{command.from, PeerAck{memory_.partition, newest}});
}

void Applier::Apply(PeerAck& command) {
  OutboxWindow& window = memory_.outbox[command.from.value];
  PERDURE_INVARIANT(
      command.sequence <= window.sent, "a message was acknowledged before it was sent");
  while (window.acked < command.sequence) {
    ++window.acked;
    txn_.Delete(Family::kQueue, keys::Outbox(memory_.partition, command.from, window.acked));
  }
  if (window.hopped < window.acked) {
    window.hopped = window.acked;
  }
  HopMore(command.from.value);
}

void Applier::Receive(PeerPayload payload) {
  std::visit(
      Overloaded{
          [this](PeerInvoke& invoke) {
            // Whoever waits here is another invocation, not a request.
            const ReplyTo request = std::exchange(reply_to_, kNoReply);
            CreateInvocation(invoke.spec, false);
            reply_to_ = request;
          },
          [this](PeerCallResult& result) { ReceiveResult(result); },
          [this](PeerAttach& attach) { ReceiveAttach(attach); },
          [this](PeerSignal& signal) {
            ReceiveSignal(signal.target, signal.signal, signal.result);
          },
          [this](PeerKill& kill) {
            Invocation* target = Find(kill.id);
            if (target != nullptr && target->status.state != InvocationState::kCompleted) {
              KillInvocation(*target);
            }
          }},
      payload);
}

}  // namespace perdure
