// SPDX-License-Identifier: Apache-2.0
//
// See attempt_problem.h.
#include "protocol/attempt_problem.h"

#include <utility>

namespace perdure {
namespace {

constexpr uint32_t kProtocolViolation = 571;

AttemptProblem TooMuch(std::string message) {
  AttemptProblem problem;
  problem.message = std::move(message);
  problem.behavior = ErrorBehavior::kPause;
  return problem;
}

}  // namespace

AttemptProblem Violation(const std::string& message) {
  AttemptProblem problem;
  problem.code = kProtocolViolation;
  problem.message = "the service broke the protocol: " + message;
  problem.doc_code = "RT0012";
  return problem;
}

AttemptProblem ProblemOf(const Error& error) {
  if (error.code != ErrorCode::kLimit) {
    return Violation(error.message);
  }
  AttemptProblem problem = TooMuch(error.message);
  problem.doc_code = "RT0025";
  return problem;
}

AttemptProblem OverMemory(const std::string& what, size_t bytes, size_t bytes_max) {
  return TooMuch(
      what + " needs " + std::to_string(bytes) +
      " bytes; worker.invoker.per-invocation-memory-limit allows " + std::to_string(bytes_max) +
      ". Raise it and resume the invocation");
}

}  // namespace perdure
