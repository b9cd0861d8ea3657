// SPDX-License-Identifier: Apache-2.0
//
// The body of POST /deployments (admin API 5.1), checked. Everything wrong with it becomes the
// answer; unknown fields are ignored.
#pragma once

#include "perdure/http/message.h"
#include "perdure/schema/discovery.h"

#include <optional>
#include <variant>

namespace perdure::admin {

struct RegisterRequest {
  DiscoveryRequest discovery;
  std::optional<bool> force;  // absent: by API version
  bool breaking = false;
  bool dry_run = false;
};

std::variant<RegisterRequest, HttpResponse> ParseRegisterRequest(const HttpRequest& request);

}  // namespace perdure::admin
