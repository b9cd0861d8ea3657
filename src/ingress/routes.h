// SPDX-License-Identifier: Apache-2.0
//
// From a path to what is asked for (ingress API 2). Pure: a path, a method and the registered
// services go in, a route or the error to answer comes out. Reads no header and no body.
#pragma once

#include "ingress/request_path.h"
#include "perdure/base/ids.h"
#include "perdure/schema/schema.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace perdure::ingress {

// An error that the ingress itself answers (ingress API 3).
struct ErrorReply {
  int status = 400;
  std::string message;
  friend bool operator==(const ErrorReply&, const ErrorReply&) = default;
};

// A call or a send of a registered, public handler. The method is not checked yet (ingress
// API 2.1).
struct InvokeRoute {
  bool send = false;
  const ServiceSchema* service = nullptr;
  const HandlerSchema* handler = nullptr;
  std::string key;
};
// Attach (waits) or output (does not) of an invocation.
struct ResultRoute {
  bool wait = false;
  InvocationId id;
};
// Attach, output or lookup of a target that is in the body.
enum class TargetVerb : uint8_t { kAttach, kOutput, kLookup };
struct TargetBodyRoute {
  TargetVerb verb = TargetVerb::kAttach;
};
// Completes an awakeable with the body (ingress API 10).
struct AwakeableRoute {
  bool resolve = false;
  // Absent: an id of the old form, which names an entry of a protocol that is not offered; nobody
  // waits for it.
  std::optional<AwakeableId> id;
};
struct HealthRoute {};

using Route = std::
    variant<InvokeRoute, ResultRoute, TargetBodyRoute, AwakeableRoute, HealthRoute, ErrorReply>;

// Pointers in the route point into `schema`.
Route ParseRoute(const RequestPath& path, std::string_view method, const SchemaView& schema);

// "<route> is not supported yet", 501.
ErrorReply NotSupportedYet(std::string_view route);

}  // namespace perdure::ingress
