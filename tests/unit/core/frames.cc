// SPDX-License-Identifier: Apache-2.0
//
// See frames.h.
#include "tests/unit/core/frames.h"

#include "perdure/base/assert.h"
#include "perdure/protocol/notifications.h"
#include "service_protocol.pb.h"

namespace perdure::test {
namespace {

template <typename Message>
SdkFrame Command(MessageType type, const Message& message) {
  SdkFrame frame;
  frame.type = type;
  frame.payload = SharedBytes(message.SerializeAsString());
  Result<SdkMessage> decoded = DecodeCommand(type, frame.payload);
  PERDURE_INVARIANT(decoded.ok(), "a frame of a test does not decode");
  frame.message = std::move(decoded).value();
  return frame;
}

template <typename Message>
void Fill(const CallTo& to, Message& message) {
  message.set_service_name(to.service);
  message.set_handler_name(to.handler);
  message.set_key(to.key);
  message.set_parameter(to.parameter);
  if (to.idempotency_key) {
    message.set_idempotency_key(*to.idempotency_key);
  }
  if (to.scope) {
    message.set_scope(*to.scope);
  }
  if (to.limit_key) {
    message.set_limit_key(*to.limit_key);
  }
  for (const Header& header : to.headers) {
    auto* item = message.add_headers();
    item->set_key(header.key);
    item->set_value(header.value);
  }
  message.set_invocation_id_notification_idx(to.id_completion);
}

SdkFrame Control(MessageType type, SdkMessage message) {
  SdkFrame frame;
  frame.type = type;
  frame.message = std::move(message);
  return frame;
}

std::string DescribeResult(const wire::NotificationMessage& message) {
  switch (message.result_case()) {
    case wire::NotificationMessage::kVoid:
      return "void";
    case wire::NotificationMessage::kValue:
      return "value " + message.value().content();
    case wire::NotificationMessage::kFailure:
      return "failure " + std::to_string(message.failure().code()) + " " +
             message.failure().message();
    case wire::NotificationMessage::kInvocationId:
      return "id";
    case wire::NotificationMessage::kStateKeys: {
      std::string text = "keys";
      for (const std::string& key : message.state_keys().keys()) {
        text += " " + key;
      }
      return text;
    }
    case wire::NotificationMessage::RESULT_NOT_SET:
      break;
  }
  return "nothing";
}

}  // namespace

SdkFrame Output(std::string_view value) {
  wire::OutputCommandMessage message;
  message.mutable_value()->set_content(std::string(value));
  return Command(MessageType::kOutputCommand, message);
}

SdkFrame OutputFailure(uint32_t code, std::string_view text) {
  wire::OutputCommandMessage message;
  message.mutable_failure()->set_code(code);
  message.mutable_failure()->set_message(std::string(text));
  return Command(MessageType::kOutputCommand, message);
}

SdkFrame Sleep(CompletionId id, TimeMs wake_up_time) {
  wire::SleepCommandMessage message;
  message.set_result_completion_id(id);
  message.set_wake_up_time(wake_up_time);
  return Command(MessageType::kSleepCommand, message);
}

SdkFrame Call(const CallTo& to) {
  wire::CallCommandMessage message;
  Fill(to, message);
  message.set_result_completion_id(to.result_completion);
  return Command(MessageType::kCallCommand, message);
}

SdkFrame OneWayCall(const CallTo& to) {
  wire::OneWayCallCommandMessage message;
  Fill(to, message);
  message.set_invoke_time(to.invoke_time);
  return Command(MessageType::kOneWayCallCommand, message);
}

SdkFrame SendCancel(const InvocationId& target) {
  return SendSignal(target.ToString(), kCancelSignal);
}

SdkFrame SendSignal(std::string_view target, SignalName signal) {
  wire::SendSignalCommandMessage message;
  message.set_target_invocation_id(std::string(target));
  if (const auto* index = std::get_if<uint32_t>(&signal)) {
    message.set_idx(*index);
  } else {
    message.set_name(std::get<std::string>(signal));
  }
  message.mutable_void_();
  return Command(MessageType::kSendSignalCommand, message);
}

SdkFrame RunStep(CompletionId id) {
  wire::RunCommandMessage message;
  message.set_result_completion_id(id);
  message.set_name("step");
  return Command(MessageType::kRunCommand, message);
}

SdkFrame Propose(CompletionId id, std::string_view value) {
  return Control(
      MessageType::kProposeRunCompletion,
      ProposeRunCompletion{id, SharedBytes(std::string(value))});
}

SdkFrame ProposeFailure(CompletionId id, uint32_t code, std::string_view message) {
  return Control(
      MessageType::kProposeRunCompletion,
      ProposeRunCompletion{id, Failure{code, std::string(message), {}}});
}

SdkFrame GetState(CompletionId id, std::string_view key) {
  wire::GetLazyStateCommandMessage message;
  message.set_key(std::string(key));
  message.set_result_completion_id(id);
  return Command(MessageType::kGetLazyStateCommand, message);
}

SdkFrame GetStateKeys(CompletionId id) {
  wire::GetLazyStateKeysCommandMessage message;
  message.set_result_completion_id(id);
  return Command(MessageType::kGetLazyStateKeysCommand, message);
}

SdkFrame GetEagerState(std::string_view key) {
  wire::GetEagerStateCommandMessage message;
  message.set_key(std::string(key));
  message.mutable_void_();
  return Command(MessageType::kGetEagerStateCommand, message);
}

SdkFrame SetState(std::string_view key, std::string_view value) {
  wire::SetStateCommandMessage message;
  message.set_key(std::string(key));
  message.mutable_value()->set_content(std::string(value));
  return Command(MessageType::kSetStateCommand, message);
}

SdkFrame ClearState(std::string_view key) {
  wire::ClearStateCommandMessage message;
  message.set_key(std::string(key));
  return Command(MessageType::kClearStateCommand, message);
}

SdkFrame ClearAllState() {
  return Command(MessageType::kClearAllStateCommand, wire::ClearAllStateCommandMessage{});
}

SdkFrame SendSignal(std::string_view target, SignalName signal, std::string_view value) {
  wire::SendSignalCommandMessage message;
  message.set_target_invocation_id(std::string(target));
  if (const auto* index = std::get_if<uint32_t>(&signal)) {
    message.set_idx(*index);
  } else {
    message.set_name(std::get<std::string>(signal));
  }
  message.mutable_value()->set_content(std::string(value));
  return Command(MessageType::kSendSignalCommand, message);
}

SdkFrame CompleteAwakeable(std::string_view id, std::string_view value) {
  wire::CompleteAwakeableCommandMessage message;
  message.set_awakeable_id(std::string(id));
  message.mutable_value()->set_content(std::string(value));
  return Command(MessageType::kCompleteAwakeableCommand, message);
}

SdkFrame RejectAwakeable(std::string_view id, uint32_t code, std::string_view text) {
  wire::CompleteAwakeableCommandMessage message;
  message.set_awakeable_id(std::string(id));
  message.mutable_failure()->set_code(code);
  message.mutable_failure()->set_message(std::string(text));
  return Command(MessageType::kCompleteAwakeableCommand, message);
}

SdkFrame GetPromise(CompletionId id, std::string_view promise) {
  wire::GetPromiseCommandMessage message;
  message.set_key(std::string(promise));
  message.set_result_completion_id(id);
  return Command(MessageType::kGetPromiseCommand, message);
}

SdkFrame PeekPromise(CompletionId id, std::string_view promise) {
  wire::PeekPromiseCommandMessage message;
  message.set_key(std::string(promise));
  message.set_result_completion_id(id);
  return Command(MessageType::kPeekPromiseCommand, message);
}

SdkFrame CompletePromise(CompletionId id, std::string_view promise, std::string_view value) {
  wire::CompletePromiseCommandMessage message;
  message.set_key(std::string(promise));
  message.mutable_completion_value()->set_content(std::string(value));
  message.set_result_completion_id(id);
  return Command(MessageType::kCompletePromiseCommand, message);
}

SdkFrame AttachTo(CompletionId id, std::string_view invocation) {
  wire::AttachInvocationCommandMessage message;
  message.set_invocation_id(std::string(invocation));
  message.set_result_completion_id(id);
  return Command(MessageType::kAttachInvocationCommand, message);
}

SdkFrame AttachToWorkflow(CompletionId id, std::string_view workflow, std::string_view key) {
  wire::AttachInvocationCommandMessage message;
  message.mutable_workflow_target()->set_workflow_name(std::string(workflow));
  message.mutable_workflow_target()->set_workflow_key(std::string(key));
  message.set_result_completion_id(id);
  return Command(MessageType::kAttachInvocationCommand, message);
}

SdkFrame AttachToCall(
    CompletionId id,
    std::string_view service,
    std::optional<std::string> key,
    std::string_view handler,
    std::string_view idempotency_key) {
  wire::AttachInvocationCommandMessage message;
  wire::IdempotentRequestTarget& target = *message.mutable_idempotent_request_target();
  target.set_service_name(std::string(service));
  if (key) {
    target.set_service_key(*key);
  }
  target.set_handler_name(std::string(handler));
  target.set_idempotency_key(std::string(idempotency_key));
  message.set_result_completion_id(id);
  return Command(MessageType::kAttachInvocationCommand, message);
}

SdkFrame AttachInScope(CompletionId id, std::string_view scope) {
  wire::AttachInvocationCommandMessage message;
  wire::IdempotentRequestTarget& target = *message.mutable_idempotent_request_target();
  target.set_service_name("Svc");
  target.set_handler_name("run");
  target.set_idempotency_key("ik");
  target.set_scope(std::string(scope));
  message.set_result_completion_id(id);
  return Command(MessageType::kAttachInvocationCommand, message);
}

SdkFrame GetOutput(CompletionId id, std::string_view invocation) {
  SdkFrame frame = AttachTo(id, invocation);
  frame.type = MessageType::kGetInvocationOutputCommand;
  return frame;
}

SdkFrame SuspendOn(std::vector<CompletionId> completions, std::vector<uint32_t> signals) {
  return Control(
      MessageType::kSuspension,
      Suspension{WaitSet::AnyOf(std::move(completions), std::move(signals))});
}

SdkFrame SuspendOnNamed(std::string_view signal) {
  return Control(
      MessageType::kSuspension, Suspension{WaitSet::AnyOf({}, {}, {std::string(signal)})});
}

SdkFrame SuspendOnTree(WaitSet wait_set) {
  return Control(MessageType::kSuspension, Suspension{std::move(wait_set)});
}

SdkFrame Fail(uint32_t code, std::string_view message, std::optional<DurationMs> delay) {
  AttemptError error;
  error.code = code;
  error.message = std::string(message);
  error.stacktrace = "at line 1";
  error.next_retry_delay = delay;
  return Control(MessageType::kError, std::move(error));
}

SdkFrame FailWith(ErrorBehavior behavior, uint32_t code, std::string_view message) {
  SdkFrame frame = Fail(code, message, 50);
  std::get<AttemptError>(frame.message).behavior = behavior;
  return frame;
}

SdkFrame EndFrame() {
  return Control(MessageType::kEnd, End{});
}

std::string Describe(const JournalEntry& entry) {
  std::string name(EntryName(entry.type));
  if (!IsNotification(entry.type)) {
    return name;
  }
  wire::NotificationMessage message;
  PERDURE_INVARIANT(
      message.ParseFromString(std::string(entry.payload.view())), "a notification is not one");
  std::string id;
  switch (message.id_case()) {
    case wire::NotificationMessage::kCompletionId:
      id = std::to_string(message.completion_id());
      break;
    case wire::NotificationMessage::kSignalId:
      id = std::to_string(message.signal_id());
      break;
    case wire::NotificationMessage::kSignalName:
      id = message.signal_name();
      break;
    case wire::NotificationMessage::ID_NOT_SET:
      id = "none";
      break;
  }
  return "!" + name + "(" + id + ")=" + DescribeResult(message);
}

InvocationId CalleeOf(const JournalEntry& entry) {
  wire::NotificationMessage message;
  PERDURE_INVARIANT(
      message.ParseFromString(std::string(entry.payload.view())), "a notification is not one");
  return InvocationId::Parse(message.invocation_id()).value();
}

}  // namespace perdure::test
