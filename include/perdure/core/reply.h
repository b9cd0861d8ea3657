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
  kDeploymentFixed,   // 409 resume: it cannot be changed now
  kDeploymentUnknown,
  kVersionUnsupported,  // the deployment does not speak the protocol the invocation began with
};
// kVersionUnsupported: who does not go together.
struct VersionMismatch {
  int pinned = 0;
  DeploymentId deployment;
  int min = 0;
  int max = 0;
};
struct ControlOutcome {
  InvocationId id;
  ControlResult result = ControlResult::kDone;
  VersionMismatch mismatch = {};
};

// Admin API 8.5.
enum class RestartResult : uint8_t {
  kRestarted,           // 200
  kNotFound,            // 404
  kNotStarted,          // 425: scheduled or queued
  kNotCompleted,        // 409
  kUnsupported,         // 422: a workflow, or a prefix of what never reached a deployment
  kInputGone,           // 410: the journal is not kept, or no longer
  kDeploymentUnknown,   // 400, as the rest
  kVersionUnsupported,  // see ControlResult
  kOutOfRange,
  kIncompletePrefix,  // a command of the prefix has no completion
};
struct RestartOutcome {
  InvocationId id;
  RestartResult result = RestartResult::kRestarted;
  InvocationId new_id = {};  // kRestarted
  VersionMismatch mismatch = {};
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
    RestartOutcome,
    RegistrationOutcome,
    RequestRefused>;

}  // namespace perdure
