// SPDX-License-Identifier: Apache-2.0
//
// Field by field reading of commands (service protocol 2.5). Bodies, state keys and values become
// slices of the payload. What makes a command impossible to perform whatever the state (no result,
// no signal) is an error here; everything that depends on state or schema is the machine's
// business.
#include "protocol/command_decode.h"

#include "perdure/base/assert.h"
#include "perdure/protocol/notifications.h"
#include "protocol/message_names.h"
#include "protocol/wire_values.h"

namespace perdure {
namespace {

constexpr uint32_t kNameField = 12;
constexpr uint32_t kCompletionIdField = 11;

// A payload being read: the reader, the slices it hands out, and the name that all commands have.
class CommandReader {
 public:
  explicit CommandReader(const SharedBytes& payload) : payload_(payload), reader_(payload.view()) {}

  // The next field that the command knows itself: the name and unknown fields are dealt with here.
  // `known` has a bit for every field number the caller handles.
  bool Next(uint32_t known) {
    while (reader_.Next()) {
      const uint32_t field = reader_.field();
      if (field == kNameField) {
        name_ = reader_.Text();
      } else if (field < 32 && (known & (1U << field)) != 0) {
        return true;
      } else {
        reader_.Skip();
      }
    }
    return false;
  }
  uint32_t field() const { return reader_.field(); }
  WireReader& reader() { return reader_; }
  SharedBytes Slice() { return payload_.Slice(reader_.Bytes()); }
  SharedBytes SliceOfValue() { return payload_.Slice(ReadValue(reader_)); }

  bool ok() const { return reader_.ok(); }
  std::string TakeName() { return std::move(name_); }

 private:
  const SharedBytes& payload_;
  WireReader reader_;
  std::string name_;
};

constexpr uint32_t Fields(std::initializer_list<uint32_t> fields) {
  uint32_t bits = 0;
  for (const uint32_t field : fields) {
    bits |= 1U << field;
  }
  return bits;
}

SdkMessage ReadOutput(CommandReader& in) {
  std::optional<ValueOrFailure> result;
  while (in.Next(Fields({14, 15}))) {
    if (in.field() == 14) {
      result = ValueOrFailure(in.SliceOfValue());
    } else {
      result = ValueOrFailure(ReadFailure(in.reader()));
    }
  }
  if (!result.has_value()) {
    in.reader().Break();
    return OutputCommand{};
  }
  return OutputCommand{*std::move(result)};
}

SdkMessage ReadGetLazyState(CommandReader& in) {
  GetLazyStateCommand command;
  while (in.Next(Fields({1, kCompletionIdField}))) {
    if (in.field() == 1) {
      command.key = in.Slice();
    } else {
      command.result_completion_id = in.reader().Uint32();
    }
  }
  return command;
}

// The completion id of a command that has nothing else of interest.
CompletionId ReadCompletionId(CommandReader& in) {
  CompletionId id = 0;
  while (in.Next(Fields({kCompletionIdField}))) {
    id = in.reader().Uint32();
  }
  return id;
}

SdkMessage ReadSetState(CommandReader& in) {
  SetStateCommand command;
  while (in.Next(Fields({1, 3}))) {
    if (in.field() == 1) {
      command.key = in.Slice();
    } else {
      command.value = in.SliceOfValue();
    }
  }
  return command;
}

SdkMessage ReadClearState(CommandReader& in) {
  ClearStateCommand command;
  while (in.Next(Fields({1}))) {
    command.key = in.Slice();
  }
  return command;
}

SdkMessage ReadSleep(CommandReader& in) {
  SleepCommand command;
  while (in.Next(Fields({1, kCompletionIdField}))) {
    if (in.field() == 1) {
      command.wake_up_time = in.reader().Varint();
    } else {
      command.result_completion_id = in.reader().Uint32();
    }
  }
  return command;
}

SdkMessage ReadCall(CommandReader& in) {
  CallCommand command;
  while (in.Next(Fields({1, 2, 3, 4, 5, 6, 7, 8, 10, 11}))) {
    switch (in.field()) {
      case 1:
        command.service = in.reader().Text();
        break;
      case 2:
        command.handler = in.reader().Text();
        break;
      case 3:
        command.parameter = in.Slice();
        break;
      case 4:
        command.headers.push_back(ReadHeader(in.reader()));
        break;
      case 5:
        command.key = in.reader().Text();
        break;
      case 6:
        command.idempotency_key = in.reader().Text();
        break;
      case 10:
        command.invocation_id_completion_id = in.reader().Uint32();
        break;
      case 11:
        command.result_completion_id = in.reader().Uint32();
        break;
      case 7:
        command.has_scope = !in.reader().Text().empty();
        break;
      default:  // 8
        command.has_limit_key = !in.reader().Text().empty();
    }
  }
  return command;
}

SdkMessage ReadOneWayCall(CommandReader& in) {
  OneWayCallCommand command;
  while (in.Next(Fields({1, 2, 3, 4, 5, 6, 7, 8, 9, 10}))) {
    switch (in.field()) {
      case 1:
        command.call.service = in.reader().Text();
        break;
      case 2:
        command.call.handler = in.reader().Text();
        break;
      case 3:
        command.call.parameter = in.Slice();
        break;
      case 4:
        command.invoke_time = in.reader().Varint();
        break;
      case 5:
        command.call.headers.push_back(ReadHeader(in.reader()));
        break;
      case 6:
        command.call.key = in.reader().Text();
        break;
      case 7:
        command.call.idempotency_key = in.reader().Text();
        break;
      case 10:
        command.call.invocation_id_completion_id = in.reader().Uint32();
        break;
      case 8:
        command.call.has_scope = !in.reader().Text().empty();
        break;
      default:  // 9
        command.call.has_limit_key = !in.reader().Text().empty();
    }
  }
  return command;
}

SdkMessage ReadSendSignal(CommandReader& in) {
  SendSignalCommand command;
  bool has_signal = false;
  bool has_result = false;
  while (in.Next(Fields({1, 2, 3, 4, 5, 6}))) {
    const uint32_t field = in.field();
    has_signal = has_signal || field == 2 || field == 3;
    has_result = has_result || field >= 4;
    switch (field) {
      case 1:
        command.target_invocation_id = in.reader().Text();
        break;
      case 2:
        command.signal = in.reader().Uint32();
        break;
      case 3:
        command.signal = in.reader().Text();
        break;
      case 4:
        in.reader().Bytes();
        command.result = VoidResult{};
        break;
      case 5:
        command.result = in.SliceOfValue();
        break;
      default:
        command.result = ReadFailure(in.reader());
    }
  }
  if (!has_signal || !has_result) {
    in.reader().Break();
  }
  return command;
}

// Get and peek have one shape.
template <typename Message>
SdkMessage ReadPromise(CommandReader& in) {
  Message command;
  while (in.Next(Fields({1, kCompletionIdField}))) {
    if (in.field() == 1) {
      command.promise = in.reader().Text();
    } else {
      command.result_completion_id = in.reader().Uint32();
    }
  }
  return command;
}

// A value in field 2 or a failure in field 3; one of them must be there.
bool ReadOutcome(CommandReader& in, ValueOrFailure& result) {
  if (in.field() == 2) {
    result = in.SliceOfValue();
    return true;
  }
  if (in.field() == 3) {
    result = ReadFailure(in.reader());
    return true;
  }
  return false;
}

SdkMessage ReadCompletePromise(CommandReader& in) {
  CompletePromiseCommand command;
  bool has_result = false;
  while (in.Next(Fields({1, 2, 3, kCompletionIdField}))) {
    if (in.field() == 1) {
      command.promise = in.reader().Text();
    } else if (in.field() == kCompletionIdField) {
      command.result_completion_id = in.reader().Uint32();
    } else {
      has_result = ReadOutcome(in, command.result);
    }
  }
  if (!has_result) {
    in.reader().Break();
  }
  return command;
}

SdkMessage ReadCompleteAwakeable(CommandReader& in) {
  CompleteAwakeableCommand command;
  bool has_result = false;
  while (in.Next(Fields({1, 2, 3}))) {
    if (in.field() == 1) {
      command.awakeable_id = in.reader().Text();
    } else {
      has_result = ReadOutcome(in, command.result);
    }
  }
  if (!has_result) {
    in.reader().Break();
  }
  return command;
}

// The message in the current field of `outer`: `read(field, in)` takes a field it knows and says
// so.
template <typename Read>
void ReadInner(WireReader& outer, Read read) {
  WireReader in(outer.Bytes());
  while (in.Next()) {
    if (!read(in.field(), in)) {
      in.Skip();
    }
  }
  if (!in.ok()) {
    outer.Break();
  }
}

IdempotentTarget ReadIdempotentTarget(WireReader& outer, std::optional<std::string>& scope) {
  IdempotentTarget target;
  ReadInner(outer, [&](uint32_t field, WireReader& in) {
    switch (field) {
      case 1:
        target.service = in.Text();
        return true;
      case 2:
        target.key = in.Text();
        return true;
      case 3:
        target.handler = in.Text();
        return true;
      case 4:
        target.idempotency_key = in.Text();
        return true;
      case 5:
        scope = in.Text();
        return true;
      default:
        return false;
    }
  });
  return target;
}

WorkflowTarget ReadWorkflowTarget(WireReader& outer, std::optional<std::string>& scope) {
  WorkflowTarget target;
  ReadInner(outer, [&](uint32_t field, WireReader& in) {
    switch (field) {
      case 1:
        target.workflow = in.Text();
        return true;
      case 2:
        target.key = in.Text();
        return true;
      case 3:
        scope = in.Text();
        return true;
      default:
        return false;
    }
  });
  return target;
}

SdkMessage ReadAttach(CommandReader& in) {
  AttachCommand command;
  bool has_target = false;
  while (in.Next(Fields({1, 3, 4, kCompletionIdField}))) {
    has_target = has_target || in.field() != kCompletionIdField;
    switch (in.field()) {
      case 1:
        command.target = in.reader().Text();
        break;
      case 3:
        command.target = ReadIdempotentTarget(in.reader(), command.scope);
        break;
      case 4:
        command.target = ReadWorkflowTarget(in.reader(), command.scope);
        break;
      default:
        command.result_completion_id = in.reader().Uint32();
    }
  }
  if (!has_target) {
    in.reader().Break();
  }
  return command;
}

// Reads the name and checks that the rest is protobuf.
template <typename Message>
SdkMessage ReadNameOnly(CommandReader& in) {
  while (in.Next(0)) {
  }
  return Message{};
}

SdkMessage ReadKnown(MessageType type, CommandReader& in) {
  if (IsCustomType(type)) {
    return CustomCommand{};
  }
  switch (type) {
    case MessageType::kInputCommand:
      return ReadNameOnly<InputCommand>(in);
    case MessageType::kOutputCommand:
      return ReadOutput(in);
    case MessageType::kGetLazyStateCommand:
      return ReadGetLazyState(in);
    case MessageType::kGetLazyStateKeysCommand:
      return GetLazyStateKeysCommand{ReadCompletionId(in)};
    case MessageType::kSetStateCommand:
      return ReadSetState(in);
    case MessageType::kClearStateCommand:
      return ReadClearState(in);
    case MessageType::kClearAllStateCommand:
      return ReadNameOnly<ClearAllStateCommand>(in);
    case MessageType::kGetEagerStateCommand:
    case MessageType::kGetEagerStateKeysCommand:
      return ReadNameOnly<GetEagerStateCommand>(in);
    case MessageType::kSleepCommand:
      return ReadSleep(in);
    case MessageType::kCallCommand:
      return ReadCall(in);
    case MessageType::kOneWayCallCommand:
      return ReadOneWayCall(in);
    case MessageType::kSendSignalCommand:
      return ReadSendSignal(in);
    case MessageType::kRunCommand:
      return RunCommand{ReadCompletionId(in)};
    case MessageType::kGetPromiseCommand:
      return ReadPromise<GetPromiseCommand>(in);
    case MessageType::kPeekPromiseCommand:
      return ReadPromise<PeekPromiseCommand>(in);
    case MessageType::kCompletePromiseCommand:
      return ReadCompletePromise(in);
    case MessageType::kCompleteAwakeableCommand:
      return ReadCompleteAwakeable(in);
    case MessageType::kAttachInvocationCommand:
    case MessageType::kGetInvocationOutputCommand:
      return ReadAttach(in);
    default:
      break;
  }
  PERDURE_INVARIANT(false, "a command has a name and no reader");
  return InputCommand{};
}

}  // namespace

Result<NamedCommand> DecodeNamedCommand(MessageType type, const SharedBytes& payload) {
  if (!IsCommand(type) || (EntryName(type).empty() && !IsCustomType(type))) {
    return InvalidArgument("unknown message type " + MessageName(type));
  }
  CommandReader in(payload);
  SdkMessage message = ReadKnown(type, in);
  if (!in.ok()) {
    return InvalidArgument("cannot decode the payload of " + MessageName(type));
  }
  return NamedCommand{std::move(message), in.TakeName()};
}

Result<SdkMessage> DecodeCommand(MessageType type, const SharedBytes& payload) {
  Result<NamedCommand> command = DecodeNamedCommand(type, payload);
  if (!command.ok()) {
    return command.error();
  }
  return std::move(command->message);
}

std::string DecodeCommandName(BytesView payload) {
  WireReader reader(payload);
  std::string name;
  while (reader.Next()) {
    if (reader.field() == kNameField) {
      name = reader.Text();
    } else {
      reader.Skip();
    }
  }
  return reader.ok() ? name : std::string();
}

}  // namespace perdure
