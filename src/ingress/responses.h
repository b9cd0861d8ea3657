// SPDX-License-Identifier: Apache-2.0
//
// What the ingress answers, byte by byte (ingress API 1.1, 3, 4.1, 5, 6, 8, 9). Builds values;
// sends nothing. Success bodies are passed on as the handler made them.
#pragma once

#include "ingress/routes.h"
#include "perdure/core/reply.h"
#include "perdure/http/message.h"
#include "perdure/schema/schema.h"

#include <optional>
#include <string>

namespace perdure::ingress {

// The request's `Origin`, echoed in the answer.
using Origin = std::optional<std::string>;

HttpResponse ErrorResponse(const ErrorReply& error, const Origin& origin);
HttpResponse OverloadedResponse(const Origin& origin);
HttpResponse RefusedResponse(const RequestRefused& refused, const Origin& origin);
// An upload that announced too many bytes: plain text, without CORS headers (ingress API 1.4).
HttpResponse DeclaredTooLargeResponse();
HttpResponse PreflightResponse(const HttpHeaders& request);
HttpResponse HealthResponse(const SchemaView& schema, const Origin& origin);
HttpResponse SignalAcceptedResponse(const Origin& origin);
HttpResponse LookupResponse(const InvocationId& id, const Origin& origin);

// A partition's answer. `wait`: the request was a call or an attach, not a send or an output.
// REQUIRES: `reply` is one that Invoke, Attach or DeliverSignal can get.
HttpResponse ResponseFor(Reply reply, bool wait, const SchemaView& schema, const Origin& origin);

}  // namespace perdure::ingress
