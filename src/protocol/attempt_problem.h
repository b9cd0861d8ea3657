// SPDX-License-Identifier: Apache-2.0
//
// Why an attempt fails, as far as this side says so, and what that means for the invocation
// (service protocol 3.13, 4.5). Pure values.
#pragma once

#include "perdure/base/ids.h"
#include "perdure/base/result.h"
#include "perdure/protocol/messages.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace perdure {

struct AttemptProblem {
  uint32_t code = 500;
  std::string message;
  std::string_view doc_code;
  std::optional<DurationMs> retry_after;
  bool reached_sdk = true;
  ErrorBehavior behavior = ErrorBehavior::kRetry;
};

// The service broke the protocol: retried by the policy.
AttemptProblem Violation(const std::string& message);
// What the service sent does not decode, or is more than is allowed (kLimit): the latter pauses,
// because another attempt would send it again (service protocol 3.12).
AttemptProblem ProblemOf(const Error& error);
// The invocation needs `bytes` for `what` and may have `bytes_max`: it is paused.
AttemptProblem OverMemory(const std::string& what, size_t bytes, size_t bytes_max);

}  // namespace perdure
