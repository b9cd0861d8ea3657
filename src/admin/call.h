// SPDX-License-Identifier: Apache-2.0
//
// One request on its way through the admin door, and what the routes work with.
#pragma once

#include "perdure/admin/admin.h"
#include "perdure/http/message.h"
#include "perdure/http/server.h"

#include <memory>
#include <string>
#include <vector>

namespace perdure::admin {

// Thread: shared by all I/O threads, immutable.
struct AdminContext {
  AdminOptions options;
  PartitionGateway& gateway;
  IoContexts& contexts;
  Discovery& discovery;
  Introspection& introspection;
  const Clock& clock;
};

// Thread: the exchange's.
struct AdminCall {
  HttpRequest request;
  std::unique_ptr<HttpExchange> exchange;
  int version = 0;                  // of the path prefix; 0: none
  std::vector<std::string> params;  // of the path
  std::string query;                // without '?'

  IoContext& Io(const AdminContext& context) const {
    return context.contexts.at(exchange->io_thread());
  }
  void Respond(HttpResponse response) const { exchange->Respond(std::move(response)); }
};

// Submits and calls `answer(reply)` on the call's thread to make the response. A refusal becomes a
// 503 here. New work is refused also while the disk is nearly full.
void SubmitAndRespond(
    const AdminContext& context,
    AdminCall call,
    PartitionId partition,
    Command command,
    MoveFunction<HttpResponse(Reply)> answer,
    Source source = Source::kControl);

}  // namespace perdure::admin
