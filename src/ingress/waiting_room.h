// SPDX-License-Identifier: Apache-2.0
//
// Requests that wait for their partition. Hands a command to the gateway, keeps the exchange until
// the answer comes or the client leaves, and bounds how many wait in the whole process.
#pragma once

#include "ingress/responses.h"
#include "perdure/core/command.h"
#include "perdure/http/server.h"
#include "perdure/partition/gateway.h"
#include "perdure/partition/io_context.h"

#include <atomic>
#include <cstddef>
#include <memory>

namespace perdure::ingress {

// Somebody to answer.
struct Client {
  std::unique_ptr<HttpExchange> exchange;
  Origin origin;
};

// Thread: any I/O thread, with its own exchanges.
class WaitingRoom {
 public:
  WaitingRoom(PartitionGateway& gateway, IoContexts& contexts, size_t waiting_max)
      : gateway_(gateway),
        contexts_(contexts),
        waiting_max_(waiting_max),
        waiting_(std::make_shared<std::atomic<size_t>>(0)) {}

  // Answers at once if `id` completed earlier and its result is at hand. False: nothing was done.
  bool AnswerStored(Client& client, const InvocationId& id, bool wait);

  // `wait`: the answer comes only when the invocation has ended.
  // REQUIRES: `source` is kNewWork or kRead.
  void Submit(Client client, Source source, const InvocationId& id, bool wait, Command command);

 private:
  void ForgetWhenClosed(
      HttpExchange& exchange,
      IoContext& context,
      const ReplyTo& reply_to,
      const InvocationId& id,
      bool wait);

  PartitionGateway& gateway_;
  IoContexts& contexts_;
  const size_t waiting_max_;
  // Shared with the slots, which may be emptied after this room is gone (the end of the process).
  std::shared_ptr<std::atomic<size_t>> waiting_;
};

}  // namespace perdure::ingress
