// SPDX-License-Identifier: Apache-2.0
//
// Payloads of messages. The generated protobuf classes are a second opinion where a message has no
// rules beyond its fields.
//   input: message type (2 bytes), protocol version (1 byte), payload
#include "perdure/protocol/notifications.h"
#include "protocol/command_decode.h"
#include "protocol/control_decode.h"
#include "service_protocol.pb.h"
#include "tests/fuzz/target.h"

#include <algorithm>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace perdure::fuzz {
namespace {

// What we read of the two fields of such a command, protobuf reads, too. It reads more: a field of
// another wire type is one it does not know, to us it is an error.
template <typename Wire, typename Ours>
void Compare(const Result<NamedCommand>& command, BytesView payload) {
  if (command.ok()) {
    Wire wire;
    PERDURE_ASSERT(wire.ParseFromString(std::string(payload)));
    const auto& ours = std::get<Ours>(command->message);
    PERDURE_ASSERT(ours.result_completion_id == wire.result_completion_id());
    PERDURE_ASSERT(command->name == wire.name());
  }
}

void ReadCommand(MessageType type, const SharedBytes& payload) {
  const Result<NamedCommand> command = DecodeNamedCommand(type, payload);
  if (type == MessageType::kRunCommand) {
    Compare<wire::RunCommandMessage, RunCommand>(command, payload.view());
  } else if (type == MessageType::kSleepCommand) {
    Compare<wire::SleepCommandMessage, SleepCommand>(command, payload.view());
  }
  if (command.ok() && !IsCustomType(type)) {
    PERDURE_ASSERT(DecodeCommandName(payload.view()) == command->name);
  }
}

// What was read can be written, and read again.
void ReadResults(const SharedBytes& payload) {
  const Result<ValueOrFailure> output = DecodeOutput(payload);
  if (output.ok()) {
    const SharedBytes completion = EncodeResultCompletion(7, output.value());
    const Result<NotificationId> id =
        DecodeNotificationId(MessageType::kCallCompletion, completion.view());
    PERDURE_ASSERT(id.ok());
  }
  static_cast<void>(DecodeInput(payload));
}

// Parents stand before what is below them, and no node is empty: the machine relies on it.
void CheckWaits(const WaitSet& waits) {
  PERDURE_ASSERT(!waits.empty());
  std::vector<size_t> held(waits.nodes.size());
  for (size_t i = waits.nodes.size(); i-- > 0;) {
    const WaitNode& node = waits.nodes[i];
    PERDURE_ASSERT(node.parent < std::max<size_t>(i, 1));
    PERDURE_ASSERT(held[i] + node.leaves() > 0);
    ++held[node.parent];
  }
}

}  // namespace

void FuzzMessages(BytesView input) {
  Cursor in(input);
  const auto type = static_cast<MessageType>(in.Byte() << 8 | in.Byte());
  const int version = kProtocolVersionMin + in.Byte() % 3;
  const SharedBytes payload = SharedBytes::Copy(in.Rest());
  if (IsCommand(type)) {
    ReadCommand(type, payload);
  } else if (IsNotification(type)) {
    static_cast<void>(DecodeNotificationId(type, payload.view()));
  } else {
    const Result<SdkMessage> control = DecodeControl(type, payload, version);
    if (control.ok()) {
      if (const auto* suspension = std::get_if<Suspension>(&*control)) {
        CheckWaits(suspension->wait_set);
      }
    }
  }
  ReadResults(payload);
}

}  // namespace perdure::fuzz
