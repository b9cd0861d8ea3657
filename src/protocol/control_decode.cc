// SPDX-License-Identifier: Apache-2.0
//
// Reading of control messages. A future (version 7) is flattened to the set of its leaves: resuming
// too early is safe, the SDK replays and suspends again (service protocol 3.12).
#include "protocol/control_decode.h"

#include "protocol/message_names.h"
#include "protocol/wire_values.h"

namespace perdure {
namespace {

constexpr uint32_t kErrorCodeMax = 65535;

SdkMessage ReadProposal(WireReader& reader, const SharedBytes& payload) {
  ProposeRunCompletion proposal;
  bool has_result = false;
  while (reader.Next()) {
    switch (reader.field()) {
      case 1:
        proposal.result_completion_id = reader.Uint32();
        break;
      case 14:  // raw bytes, not a Value
        proposal.result = payload.Slice(reader.Bytes());
        has_result = true;
        break;
      case 15:
        proposal.result = ReadFailure(reader);
        has_result = true;
        break;
      default:
        reader.Skip();
    }
  }
  if (!has_result) {
    reader.Break();
  }
  return proposal;
}

// Fields 1 to 3 of Suspension and Future. True if the current field was one of them.
bool ReadLeaf(WireReader& reader, WaitSet& out) {
  switch (reader.field()) {
    case 1:
      reader.Uint32s(out.completions);
      return true;
    case 2:
      reader.Uint32s(out.signals);
      return true;
    case 3:
      out.named_signals.push_back(reader.Text());
      return true;
    default:
      return false;
  }
}

void FlattenFuture(WireReader& outer, int depth, WaitSet& out) {
  WireReader reader(outer.Bytes());
  while (reader.Next()) {
    if (ReadLeaf(reader, out)) {
      continue;
    }
    if (reader.field() != 4) {
      reader.Skip();
    } else if (depth >= kFutureDepthMax) {
      reader.Break();
    } else {
      FlattenFuture(reader, depth + 1, out);
    }
  }
  if (!reader.ok()) {
    outer.Break();
  }
}

SdkMessage ReadSuspension(WireReader& reader, int protocol_version) {
  Suspension suspension;
  const bool is_tree = protocol_version >= 7;
  while (reader.Next()) {
    if (is_tree && reader.field() == 4) {
      FlattenFuture(reader, 1, suspension.wait_set);
    } else if (is_tree || !ReadLeaf(reader, suspension.wait_set)) {
      reader.Skip();
    }
  }
  if (suspension.wait_set.empty()) {
    reader.Break();  // it would never wake up
  }
  return suspension;
}

SdkMessage ReadError(WireReader& reader) {
  AttemptError error;
  error.code = 0;
  while (reader.Next()) {
    switch (reader.field()) {
      case 1:
        error.code = reader.Uint32();
        break;
      case 2:
        error.message = reader.Text();
        break;
      case 3:
        error.stacktrace = reader.Text();
        break;
      case 4:
        error.related_command_index = reader.Uint32();
        break;
      case 5:
        error.related_command_name = reader.Text();
        break;
      case 6:
        error.related_command_type = static_cast<uint16_t>(reader.Uint32());
        break;
      case 8:
        error.next_retry_delay = reader.Varint();
        break;
      default:
        reader.Skip();
    }
  }
  if (error.code > kErrorCodeMax) {
    error.code = 500;
  }
  return error;
}

void CheckAwaitingOn(WireReader& reader) {
  WaitSet ignored;
  while (reader.Next()) {
    if (reader.field() == 1) {
      FlattenFuture(reader, 1, ignored);
    } else {
      reader.Skip();
    }
  }
}

SdkMessage ReadEnd(WireReader& reader) {
  while (reader.Next()) {
    reader.Skip();
  }
  return End{};
}

}  // namespace

Result<std::optional<SdkMessage>> DecodeControl(
    MessageType type, const SharedBytes& payload, int protocol_version) {
  WireReader reader(payload.view());
  std::optional<SdkMessage> message;
  if (type == MessageType::kProposeRunCompletion) {
    message = ReadProposal(reader, payload);
  } else if (type == MessageType::kSuspension) {
    message = ReadSuspension(reader, protocol_version);
  } else if (type == MessageType::kError) {
    message = ReadError(reader);
  } else if (type == MessageType::kEnd) {
    message = ReadEnd(reader);
  } else if (type == MessageType::kAwaitingOn && protocol_version >= 7) {
    CheckAwaitingOn(reader);
  } else {
    return InvalidArgument("unexpected message " + MessageName(type));
  }
  if (!reader.ok()) {
    return InvalidArgument("cannot decode the payload of " + MessageName(type));
  }
  return message;
}

}  // namespace perdure
