// SPDX-License-Identifier: Apache-2.0
//
// What an SDK says, decoded (service protocol 2.5). Plain values: bytes are slices of the payload
// they came in, so a body is never copied on the way from the socket to the journal.
#pragma once

#include "perdure/base/bytes.h"
#include "perdure/base/ids.h"
#include "perdure/protocol/message_type.h"
#include "perdure/protocol/wait_set.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace perdure {

struct Failure {
  uint32_t code = 500;
  std::string message;
  std::vector<std::pair<std::string, std::string>> metadata;
  friend bool operator==(const Failure&, const Failure&) = default;
};

struct VoidResult {
  friend bool operator==(const VoidResult&, const VoidResult&) = default;
};
using ValueOrFailure = std::variant<SharedBytes, Failure>;
using SignalResult = std::variant<VoidResult, SharedBytes, Failure>;
using SignalName = std::variant<uint32_t, std::string>;  // index or name

struct Header {
  std::string key;
  std::string value;
  friend bool operator==(const Header&, const Header&) = default;
};

// --- commands ---
struct InputCommand {};  // from an SDK: a protocol violation
struct OutputCommand {
  ValueOrFailure result;
};
struct GetLazyStateCommand {
  SharedBytes key;
  CompletionId result_completion_id = 0;
};
struct GetLazyStateKeysCommand {
  CompletionId result_completion_id = 0;
};
// Also the keys variant: stored only.
struct GetEagerStateCommand {};
// Of the range 0xFC00 to 0xFFFF (service protocol 3.15): opaque, stored only.
struct CustomCommand {};
struct SetStateCommand {
  SharedBytes key;
  SharedBytes value;
};
struct ClearStateCommand {
  SharedBytes key;
};
struct ClearAllStateCommand {};
// Promises of a workflow (service protocol 3.9).
struct GetPromiseCommand {
  std::string promise;
  CompletionId result_completion_id = 0;
};
struct PeekPromiseCommand {
  std::string promise;
  CompletionId result_completion_id = 0;
};
struct CompletePromiseCommand {
  std::string promise;
  ValueOrFailure result;
  CompletionId result_completion_id = 0;
};
struct SleepCommand {
  TimeMs wake_up_time = 0;
  CompletionId result_completion_id = 0;
};
struct CallCommand {
  std::string service;
  std::string handler;
  std::string key;
  SharedBytes parameter;
  std::vector<Header> headers;
  std::optional<std::string> idempotency_key;
  CompletionId invocation_id_completion_id = 0;
  CompletionId result_completion_id = 0;
  // Since version 7; an empty one is none. Refused (service protocol 2.6, 3.14).
  bool has_scope = false;
  bool has_limit_key = false;
};
struct OneWayCallCommand {
  CallCommand call;        // result_completion_id is unused
  TimeMs invoke_time = 0;  // 0: now
};
struct SendSignalCommand {
  std::string target_invocation_id;
  SignalName signal;
  SignalResult result;
};
struct CompleteAwakeableCommand {
  std::string awakeable_id;
  ValueOrFailure result;
};
// The invocation that a call with this idempotency key made.
struct IdempotentTarget {
  std::string service;
  std::optional<std::string> key;
  std::string handler;
  std::string idempotency_key;
};
// The run of a workflow.
struct WorkflowTarget {
  std::string workflow;
  std::string key;
};
using AttachTarget = std::variant<std::string, IdempotentTarget, WorkflowTarget>;  // or an id
// Attach waits for the result, GetInvocationOutput tells whether there is one (service protocol
// 3.10).
struct AttachCommand {
  AttachTarget target;
  CompletionId result_completion_id = 0;
  std::optional<std::string> scope;  // since version 7
};
struct RunCommand {
  CompletionId result_completion_id = 0;
};

// --- control ---
struct ProposeRunCompletion {
  CompletionId result_completion_id = 0;
  ValueOrFailure result;
};
struct Suspension {
  WaitSet wait_set;
};
// A hint for display, since version 7: nothing follows from it (service protocol 3.12).
struct AwaitingOn {
  WaitSet awaiting_on;
};
// What the SDK asks for (service protocol 3.13).
enum class ErrorBehavior : uint8_t { kRetry = 0, kPause = 1, kFail = 2 };
struct AttemptError {
  uint32_t code = 500;
  std::string message;
  std::string stacktrace;
  std::optional<uint32_t> related_command_index;
  std::optional<std::string> related_command_name;
  std::optional<uint16_t> related_command_type;
  std::optional<DurationMs> next_retry_delay;
  ErrorBehavior behavior = ErrorBehavior::kRetry;
};
struct End {};

using SdkMessage = std::variant<
    InputCommand,
    OutputCommand,
    GetLazyStateCommand,
    GetLazyStateKeysCommand,
    GetEagerStateCommand,
    SetStateCommand,
    ClearStateCommand,
    ClearAllStateCommand,
    GetPromiseCommand,
    PeekPromiseCommand,
    CompletePromiseCommand,
    SleepCommand,
    CallCommand,
    OneWayCallCommand,
    SendSignalCommand,
    CompleteAwakeableCommand,
    AttachCommand,
    RunCommand,
    CustomCommand,
    ProposeRunCompletion,
    Suspension,
    AwaitingOn,
    AttemptError,
    End>;

// One frame from an SDK. Commands go to the journal as `payload`, byte for byte.
struct SdkFrame {
  MessageType type = MessageType::kEnd;
  bool requested_ack = false;
  SharedBytes payload;
  std::string name;  // the entry's display name, commands only
  SdkMessage message = End{};
};

// An entry of the journal (service protocol 3.1), as it is stored and replayed.
struct JournalEntry {
  JournalIndex index = 0;
  MessageType type = MessageType::kInputCommand;
  TimeMs appended_at = 0;
  SharedBytes payload;
};

}  // namespace perdure
