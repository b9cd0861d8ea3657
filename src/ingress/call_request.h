// SPDX-License-Identifier: Apache-2.0
//
// A request for a handler, checked and turned into the command that carries it out (ingress API 2.1
// from step 4, 4, 5, 6). Never looks into the body: it is moved on as it came.
#pragma once

#include "ingress/request_path.h"
#include "ingress/routes.h"
#include "perdure/base/ids.h"
#include "perdure/core/command.h"
#include "perdure/http/message.h"

#include <variant>

namespace perdure::ingress {

// Takes headers and body out of `request` if it is valid. `path` points into request.target.
std::variant<Invoke, ErrorReply> BuildInvoke(
    HttpRequest& request, const RequestPath& path, const InvokeRoute& route, TimeMs now);

}  // namespace perdure::ingress
