// SPDX-License-Identifier: Apache-2.0
//
// See waiting_room.h. Ownership: the slot's callback owns the exchange; what the exchange keeps for
// the case that its client leaves holds only the slot's number, so there is no cycle.
#include "ingress/waiting_room.h"

#include "perdure/base/assert.h"

#include <utility>

namespace perdure::ingress {
namespace {

// One place in the room, given back when it goes.
class Place {
 public:
  explicit Place(std::shared_ptr<std::atomic<size_t>> count) : count_(std::move(count)) {}
  Place(Place&&) noexcept = default;
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  Place& operator=(Place&&) = delete;
  ~Place() {
    if (count_ != nullptr) {
      count_->fetch_sub(1, std::memory_order_relaxed);
    }
  }

 private:
  std::shared_ptr<std::atomic<size_t>> count_;
};

}  // namespace

bool WaitingRoom::AnswerStored(Client& client, const InvocationId& id, bool wait) {
  std::optional<InvocationResult> result = gateway_.FindResult(id);
  if (!result.has_value()) {
    return false;
  }
  HttpExchange& exchange = *client.exchange;
  PERDURE_ASSERT(exchange.io_thread() < contexts_.size());
  const SchemaView& schema = *contexts_[exchange.io_thread()].schema.Get();
  exchange.Respond(ResponseFor(std::move(*result), wait, schema, client.origin));
  return true;
}

void WaitingRoom::Submit(
    Client client, Source source, const InvocationId& id, bool wait, Command command) {
  const size_t before = waiting_->fetch_add(1, std::memory_order_relaxed);
  Place place(waiting_);
  if (before >= waiting_max_) {
    client.exchange->Respond(OverloadedResponse(client.origin));
    return;
  }
  HttpExchange& exchange = *client.exchange;
  PERDURE_ASSERT(exchange.io_thread() < contexts_.size());
  IoContext& context = contexts_[exchange.io_thread()];
  const ReplyTo reply_to = context.replies.Take(
      [&context, wait, client = std::move(client), place = std::move(place)](Reply reply) {
        client.exchange->Respond(
            ResponseFor(std::move(reply), wait, *context.schema.Get(), client.origin));
      });
  ForgetWhenClosed(exchange, context, reply_to, id, wait);
  const Submitted submitted =
      gateway_.Submit(gateway_.PartitionFor(id), source, std::move(command), reply_to);
  switch (submitted) {
    case Submitted::kAccepted:
      return;
    case Submitted::kOverloaded:
      context.replies.Deliver(reply_to, RequestRefused{RequestRefused::Reason::kOverloaded});
      return;
    case Submitted::kDiskNearlyFull:
      context.replies.Deliver(reply_to, RequestRefused{RequestRefused::Reason::kDiskNearlyFull});
      return;
  }
}

void WaitingRoom::ForgetWhenClosed(
    HttpExchange& exchange,
    IoContext& context,
    const ReplyTo& reply_to,
    const InvocationId& id,
    bool wait) {
  PartitionGateway& gateway = gateway_;
  exchange.OnClose([&gateway, &context, reply_to, id, wait] {
    // Answers that are given at once are not kept by the partition.
    if (wait) {
      static_cast<void>(
          gateway.Submit(gateway.PartitionFor(id), Source::kSelf, ForgetReply{id, reply_to}));
    }
    // Dropping the slot destroys the exchange, and with it this very function: not from inside.
    IoContext& home = context;
    const ReplyTo slot = reply_to;
    home.executor.Post([&home, slot] { home.replies.Drop(slot); });
  });
}

}  // namespace perdure::ingress
