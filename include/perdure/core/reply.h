// SPDX-License-Identifier: Apache-2.0
//
// Answers of the machine to a waiting request. They leave the partition only after everything they
// were derived from is durable.
#pragma once

#include "perdure/base/ids.h"
#include "perdure/core/target.h"
#include "perdure/protocol/messages.h"
#include "perdure/schema/schema.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

namespace perdure {

// A send was stored (ingress API 5).
struct InvocationAccepted {
  InvocationId id;
  bool previously = false;
  std::optional<TimeMs> execution_time;  // while it is scheduled, and for a delayed send
};

struct InvocationResult {
  InvocationId id;
  std::string service;  // for the response's content type (ingress API 4.1)
  std::string handler;
  ValueOrFailure result;
  std::string stacktrace;            // only after a kill by exhausted retries
  std::optional<TimeMs> expires_at;  // only if served from a stored completion
};

struct InvocationNotReady {
  InvocationId id;
};
struct InvocationUnknown {
  InvocationId id;
};

// Admin API 8.1.
enum class ControlResult : uint8_t {
  kDone,              // 200
  kRequested,         // 202: cooperative, the SDK decides
  kNotFound,          // 404
  kAlreadyCompleted,  // 409
  kNotRunning,        // 409 pause
  kNotStarted,        // 425 resume of scheduled or queued
  kNotCompleted,      // 409 purge
};
struct ControlOutcome {
  InvocationId id;
  ControlResult result = ControlResult::kDone;
};

struct RegistrationOutcome {
  enum class Kind : uint8_t { kCreated, kOverwritten, kUnchanged, kTypeChanged };
  Kind kind = Kind::kCreated;
  std::shared_ptr<const DeploymentSchema> deployment;  // as it is (or would be) stored
  std::string message;                                 // kTypeChanged: which service
};

// An awakeable was completed, or nobody knows it: the sender is not told (ingress API 10).
struct SignalAccepted {};

// The partition cannot take the request now.
struct RequestRefused {
  enum class Reason : uint8_t {
    kOverloaded,      // its window is full or the disk is behind
    kDiskNearlyFull,  // what is left belongs to work that was accepted already
  };
  Reason reason = Reason::kOverloaded;
};

using Reply = std::variant<
    InvocationAccepted,
    InvocationResult,
    InvocationNotReady,
    InvocationUnknown,
    SignalAccepted,
    ControlOutcome,
    RegistrationOutcome,
    RequestRefused>;

}  // namespace perdure
