// SPDX-License-Identifier: Apache-2.0
//
// Through the one door and back. A client that left is not a reason to forget the command: it was
// accepted, and its answer goes nowhere.
#include "admin/call.h"

#include "admin/responses.h"

#include <memory>
#include <utility>
#include <variant>

namespace perdure::admin {

void SubmitAndRespond(
    const AdminContext& context,
    AdminCall call,
    PartitionId partition,
    Command command,
    MoveFunction<HttpResponse(Reply)> answer,
    Source source) {
  ReplySlots& replies = call.Io(context).replies;
  auto shared = std::make_shared<AdminCall>(std::move(call));
  const ReplyTo reply_to = replies.Take([shared, answer = std::move(answer)](Reply reply) mutable {
    if (const auto* refused = std::get_if<RequestRefused>(&reply)) {
      shared->Respond(RefusedResponse(refused->reason));
      return;
    }
    shared->Respond(answer(std::move(reply)));
  });
  const Submitted submitted =
      context.gateway.Submit(partition, source, std::move(command), reply_to);
  if (submitted != Submitted::kAccepted) {
    replies.Drop(reply_to);
    shared->Respond(RefusedResponse(
        submitted == Submitted::kDiskNearlyFull ? RequestRefused::Reason::kDiskNearlyFull
                                                : RequestRefused::Reason::kOverloaded));
  }
}

}  // namespace perdure::admin
