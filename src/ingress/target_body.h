// SPDX-License-Identifier: Apache-2.0
//
// The JSON target of POST attach, output and lookup (ingress API 8.2): its invocation id, computed
// without asking whether service or invocation exist.
#pragma once

#include "ingress/routes.h"
#include "perdure/base/ids.h"

#include <string_view>
#include <variant>

namespace perdure::ingress {

// `route` names the route in errors.
std::variant<InvocationId, ErrorReply> ParseTargetBody(
    std::string_view body, std::string_view route);

}  // namespace perdure::ingress
