// SPDX-License-Identifier: Apache-2.0
//
// Payloads of the entries the server writes, and what is read back from stored entries (service
// protocol 2.5). All notifications share one shape: an id, then a result, both always written.
#include "perdure/protocol/notifications.h"

#include "perdure/base/overloaded.h"
#include "protocol/message_names.h"
#include "protocol/wire_values.h"

namespace perdure {
namespace {

constexpr uint32_t kCompletionId = 1;
constexpr uint32_t kSignalIndex = 2;
constexpr uint32_t kSignalName = 3;
constexpr uint32_t kVoid = 4;
constexpr uint32_t kValue = 5;
constexpr uint32_t kFailure = 6;
constexpr uint32_t kInvocationId = 16;
constexpr uint32_t kStateKeys = 17;

// Room for ids, tags and lengths beside a value.
constexpr size_t kOverhead = 32;

void WriteResult(WireWriter& writer, const ValueOrFailure& result) {
  std::visit(
      Overloaded{
          [&writer](const SharedBytes& value) {
            writer.Reserve(value.size() + kOverhead);
            WriteValue(writer, kValue, value.view());
          },
          [&writer](const Failure& failure) { WriteFailure(writer, kFailure, failure); }},
      result);
}

}  // namespace

SharedBytes EncodeInputCommand(const std::vector<Header>& headers, BytesView body) {
  WireWriter writer;
  for (const Header& header : headers) {
    WriteHeader(writer, 1, header);
  }
  WriteValue(writer, 14, body);
  return SharedBytes(writer.Take());
}

SharedBytes EncodeVoidCompletion(CompletionId id) {
  WireWriter writer;
  writer.Varint(kCompletionId, id);
  writer.Bytes(kVoid, {});
  return SharedBytes(writer.Take());
}

SharedBytes EncodeResultCompletion(CompletionId id, const ValueOrFailure& result) {
  WireWriter writer;
  writer.Varint(kCompletionId, id);
  WriteResult(writer, result);
  return SharedBytes(writer.Take());
}

SharedBytes EncodeCallInvocationIdCompletion(CompletionId id, const InvocationId& invocation) {
  WireWriter writer;
  writer.Varint(kCompletionId, id);
  writer.Bytes(kInvocationId, invocation.ToString());
  return SharedBytes(writer.Take());
}

SharedBytes EncodeGetLazyStateCompletion(CompletionId id, std::optional<BytesView> value) {
  WireWriter writer;
  writer.Varint(kCompletionId, id);
  if (value.has_value()) {
    WriteValue(writer, kValue, *value);
  } else {
    writer.Bytes(kVoid, {});
  }
  return SharedBytes(writer.Take());
}

SharedBytes EncodeGetLazyStateKeysCompletion(
    CompletionId id, const std::vector<std::string>& keys) {
  WireWriter state_keys;
  for (const std::string& key : keys) {
    state_keys.Bytes(1, key);
  }
  WireWriter writer;
  writer.Varint(kCompletionId, id);
  writer.Bytes(kStateKeys, state_keys.view());
  return SharedBytes(writer.Take());
}

SharedBytes EncodeSignal(const SignalName& signal, const SignalResult& result) {
  WireWriter writer;
  std::visit(
      Overloaded{
          [&writer](uint32_t index) { writer.Varint(kSignalIndex, index); },
          [&writer](const std::string& name) { writer.Bytes(kSignalName, name); }},
      signal);
  std::visit(
      Overloaded{
          [&writer](const VoidResult&) { writer.Bytes(kVoid, {}); },
          [&writer](const SharedBytes& value) { WriteValue(writer, kValue, value.view()); },
          [&writer](const Failure& failure) { WriteFailure(writer, kFailure, failure); }},
      result);
  return SharedBytes(writer.Take());
}

Result<NotificationId> DecodeNotificationId(MessageType type, BytesView payload) {
  PERDURE_ASSERT(IsNotification(type));
  std::optional<NotificationId> id;
  WireReader reader(payload);
  while (reader.Next()) {
    switch (reader.field()) {
      case kCompletionId:
        id = NotificationId(CompletionKey{reader.Uint32()});
        break;
      case kSignalIndex:
        id = NotificationId(SignalName(reader.Uint32()));
        break;
      case kSignalName:
        id = NotificationId(SignalName(reader.Text()));
        break;
      default:
        reader.Skip();
    }
  }
  if (!reader.ok() || !id.has_value()) {
    return Error{ErrorCode::kCorrupt, "cannot read the id of " + MessageName(type)};
  }
  const bool is_signal = std::holds_alternative<SignalName>(*id);
  if (is_signal != (type == MessageType::kSignal)) {
    return Error{ErrorCode::kCorrupt, "wrong kind of id in " + MessageName(type)};
  }
  return *std::move(id);
}

bool IsFailure(BytesView notification) {
  bool failure = false;
  WireReader reader(notification);
  while (reader.Next()) {
    failure = failure || reader.field() == kFailure;
    reader.Skip();
  }
  PERDURE_INVARIANT(reader.ok(), "a stored notification does not decode");
  return failure;
}

Result<ValueOrFailure> DecodeOutput(const SharedBytes& payload) {
  Result<SdkMessage> message = DecodeCommand(MessageType::kOutputCommand, payload);
  if (!message.ok()) {
    return message.error();
  }
  return std::move(std::get<OutputCommand>(*message).result);
}

Result<InputContent> DecodeInput(const SharedBytes& payload) {
  InputContent input;
  WireReader reader(payload.view());
  while (reader.Next()) {
    switch (reader.field()) {
      case 1:
        input.headers.push_back(ReadHeader(reader));
        break;
      case 14:
        input.body = payload.Slice(ReadValue(reader));
        break;
      default:
        reader.Skip();
    }
  }
  if (!reader.ok()) {
    return Error{ErrorCode::kCorrupt, "cannot read an input entry"};
  }
  return input;
}

}  // namespace perdure
