// SPDX-License-Identifier: Apache-2.0
//
// The names of message types: of entries, as users see them (admin API 21), and of all messages,
// for error texts.
#include "perdure/protocol/message_type.h"

#include "protocol/message_names.h"

namespace perdure {
namespace {

struct Name {
  MessageType type;
  std::string_view name;
};

constexpr Name kEntryNames[] = {
    {MessageType::kInputCommand, "Input"},
    {MessageType::kOutputCommand, "Output"},
    {MessageType::kGetLazyStateCommand, "GetLazyState"},
    {MessageType::kSetStateCommand, "SetState"},
    {MessageType::kClearStateCommand, "ClearState"},
    {MessageType::kClearAllStateCommand, "ClearAllState"},
    {MessageType::kGetLazyStateKeysCommand, "GetLazyStateKeys"},
    {MessageType::kGetEagerStateCommand, "GetEagerState"},
    {MessageType::kGetEagerStateKeysCommand, "GetEagerStateKeys"},
    {MessageType::kGetPromiseCommand, "GetPromise"},
    {MessageType::kPeekPromiseCommand, "PeekPromise"},
    {MessageType::kCompletePromiseCommand, "CompletePromise"},
    {MessageType::kSleepCommand, "Sleep"},
    {MessageType::kCallCommand, "Call"},
    {MessageType::kOneWayCallCommand, "OneWayCall"},
    {MessageType::kSendSignalCommand, "SendSignal"},
    {MessageType::kRunCommand, "Run"},
    {MessageType::kAttachInvocationCommand, "AttachInvocation"},
    {MessageType::kGetInvocationOutputCommand, "GetInvocationOutput"},
    {MessageType::kCompleteAwakeableCommand, "CompleteAwakeable"},
    {MessageType::kGetLazyStateCompletion, "GetLazyState"},
    {MessageType::kGetLazyStateKeysCompletion, "GetLazyStateKeys"},
    {MessageType::kGetPromiseCompletion, "GetPromise"},
    {MessageType::kPeekPromiseCompletion, "PeekPromise"},
    {MessageType::kCompletePromiseCompletion, "CompletePromise"},
    {MessageType::kSleepCompletion, "Sleep"},
    {MessageType::kCallCompletion, "Call"},
    {MessageType::kCallInvocationIdCompletion, "CallInvocationId"},
    {MessageType::kRunCompletion, "Run"},
    {MessageType::kAttachInvocationCompletion, "AttachInvocation"},
    {MessageType::kGetInvocationOutputCompletion, "GetInvocationOutput"},
    {MessageType::kSignal, "Signal"},
};

constexpr Name kControlNames[] = {
    {MessageType::kStart, "Start"},
    {MessageType::kSuspension, "Suspension"},
    {MessageType::kError, "Error"},
    {MessageType::kEnd, "End"},
    {MessageType::kCommandAck, "CommandAck"},
    {MessageType::kProposeRunCompletion, "ProposeRunCompletion"},
    {MessageType::kAwaitingOn, "AwaitingOn"},
    {MessageType::kProposeRunCompletionAck, "ProposeRunCompletionAck"},
};

}  // namespace

std::string_view EntryName(MessageType type) {
  for (const Name& entry : kEntryNames) {
    if (entry.type == type) {
      return entry.name;
    }
  }
  return {};
}

std::string MessageName(MessageType type) {
  const std::string_view entry = EntryName(type);
  if (!entry.empty()) {
    std::string out(entry);
    out += IsCommand(type) ? "Command" : "Notification";
    return out;
  }
  for (const Name& control : kControlNames) {
    if (control.type == type) {
      return std::string(control.name);
    }
  }
  static constexpr char kHex[] = "0123456789abcdef";
  const auto number = static_cast<uint16_t>(type);
  std::string out = "0x";
  for (const int shift : {12, 8, 4, 0}) {
    out += kHex[(number >> shift) & 0xf];
  }
  return out;
}

}  // namespace perdure
