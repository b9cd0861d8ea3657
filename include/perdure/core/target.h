// SPDX-License-Identifier: Apache-2.0
//
// What an invocation calls, and how long it is remembered. Values shared by commands and rows.
#pragma once

#include "perdure/base/ids.h"
#include "perdure/schema/schema.h"

#include <optional>
#include <string>

namespace perdure {

struct Target {
  std::string service;
  std::string key;  // empty for plain services; an empty key of an object is a legal key
  std::string handler;
  ServiceType service_type = ServiceType::kService;
  HandlerType handler_type = HandlerType::kUnkeyed;

  bool keyed() const { return service_type != ServiceType::kService; }
  // One at a time per key: exclusive object handlers. A workflow's run is alone by its id.
  bool exclusive() const { return handler_type == HandlerType::kExclusive; }
  bool workflow_run() const { return handler_type == HandlerType::kWorkflow; }
  // "Service/handler" or "Object/key/handler" (admin API 20.1).
  std::string ToString() const {
    return keyed() ? service + "/" + key + "/" + handler : service + "/" + handler;
  }
  friend bool operator==(const Target&, const Target&) = default;
};

// Fixed when the invocation is accepted (ingress API 6.1). 0: nothing is kept.
struct Retention {
  DurationMs completion = 0;
  DurationMs journal = 0;
  friend bool operator==(const Retention&, const Retention&) = default;
};

// Ingress API 6.1, from the handler's resolved options.
Retention RetentionOf(const HandlerSchema& handler, bool has_idempotency_key);

}  // namespace perdure
