// SPDX-License-Identifier: Apache-2.0
//
// Reading of control messages. What an SDK waits for is a list in versions 5 and 6, and a tree of
// futures in version 7 (service protocol 3.12); both become a wait set.
#include "protocol/control_decode.h"

#include "perdure/base/limits.h"
#include "protocol/message_names.h"
#include "protocol/wire_values.h"

#include <deque>
#include <utility>

namespace perdure {
namespace {

constexpr uint32_t kErrorCodeMax = 65535;
constexpr int kFirstVersionWithFutures = 7;

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
bool ReadLeaf(WireReader& reader, WaitNode& out) {
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

Combinator ReadCombinator(WireReader& reader) {
  const uint64_t number = reader.Varint();
  if (number > static_cast<uint64_t>(Combinator::kAllSucceededOrFirstFailed)) {
    reader.Break();  // nobody could say when it is done
    return Combinator::kUnknown;
  }
  return static_cast<Combinator>(number);
}

// Reads a future level by level, so that a deep one needs no stack, and puts its nodes into a wait
// set: parents before what is below them.
class FutureReader {
 public:
  explicit FutureReader(WaitSet& out) : out_(out) {}

  // The future in the current field of `outer`.
  void Read(WireReader& outer) {
    out_.nodes.clear();
    pending_.push_back({outer.Bytes(), 0, 0});
    awaited_ = 1;
    for (; !pending_.empty() && outer.ok(); pending_.pop_front()) {
      if (!ReadNode(pending_.front())) {
        outer.Break();
      }
      if (exceeded_) {
        return;
      }
    }
  }

  // It is nested too deep, or holds too much.
  const std::optional<std::string>& exceeded() const { return exceeded_; }

 private:
  struct Pending {
    BytesView bytes;
    uint32_t parent = 0;
    uint32_t depth = 0;
  };

  bool ReadNode(const Pending& pending) {
    const auto place = static_cast<uint32_t>(out_.nodes.size());
    WaitNode& node = out_.nodes.emplace_back();
    node.parent = pending.parent;
    WireReader reader(pending.bytes);
    bool has_nested = false;
    while (reader.Next()) {
      if (ReadLeaf(reader, node)) {
        continue;
      }
      if (reader.field() == 5) {
        node.combinator = ReadCombinator(reader);
      } else if (reader.field() != 4) {
        reader.Skip();
      } else if (pending.depth == limits::kFutureDepthMax) {
        exceeded_ = "futures nested deeper than " + std::to_string(limits::kFutureDepthMax);
        return true;
      } else {
        ++awaited_;
        has_nested = true;
        pending_.push_back({reader.Bytes(), place, pending.depth + 1});
      }
      if (awaited_ + node.leaves() > limits::kAwaitedMax) {
        break;
      }
    }
    awaited_ += node.leaves();
    if (awaited_ > limits::kAwaitedMax) {
      exceeded_ = "more than " + std::to_string(limits::kAwaitedMax) + " things";
    }
    return reader.ok() && (has_nested || node.leaves() > 0);  // never done, or always
  }

  WaitSet& out_;
  std::deque<Pending> pending_;
  size_t awaited_ = 0;  // nodes, and leaves of nodes that are read
  std::optional<std::string> exceeded_;
};

Error TooMuchAwaited(const std::string& why) {
  return Error{ErrorCode::kLimit, "what the service waits for is too much: " + why};
}

Result<SdkMessage> ReadSuspension(WireReader& reader, int protocol_version) {
  Suspension suspension;
  if (protocol_version >= kFirstVersionWithFutures) {
    FutureReader future(suspension.wait_set);
    while (reader.Next()) {
      if (reader.field() == 4) {
        future.Read(reader);
      } else {
        reader.Skip();
      }
    }
    if (future.exceeded()) {
      return TooMuchAwaited(*future.exceeded());
    }
  } else {
    WaitNode root;
    while (reader.Next()) {
      if (!ReadLeaf(reader, root)) {
        reader.Skip();
      }
    }
    if (root.leaves() > limits::kAwaitedMax) {
      return TooMuchAwaited("more than " + std::to_string(limits::kAwaitedMax) + " things");
    }
    suspension.wait_set = WaitSet::AnyOf(
        std::move(root.completions), std::move(root.signals), std::move(root.named_signals));
  }
  if (suspension.wait_set.empty()) {
    reader.Break();  // it would never wake up
  }
  return SdkMessage(std::move(suspension));
}

// A hint that is too much is a hint less.
SdkMessage ReadAwaitingOn(WireReader& reader) {
  AwaitingOn awaiting;
  FutureReader future(awaiting.awaiting_on);
  while (reader.Next()) {
    if (reader.field() == 1) {
      future.Read(reader);
    } else {
      reader.Skip();
    }
  }
  if (future.exceeded()) {
    awaiting.awaiting_on = {};
  }
  return awaiting;
}

ErrorBehavior BehaviorOf(uint64_t number) {
  switch (number) {
    case static_cast<uint64_t>(ErrorBehavior::kPause):
      return ErrorBehavior::kPause;
    case static_cast<uint64_t>(ErrorBehavior::kFail):
      return ErrorBehavior::kFail;
    default:
      return ErrorBehavior::kRetry;
  }
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
      case 9:
        error.behavior = BehaviorOf(reader.Varint());
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

SdkMessage ReadEnd(WireReader& reader) {
  while (reader.Next()) {
    reader.Skip();
  }
  return End{};
}

}  // namespace

Result<SdkMessage> DecodeControl(
    MessageType type, const SharedBytes& payload, int protocol_version) {
  WireReader reader(payload.view());
  Result<SdkMessage> message = SdkMessage(End{});
  if (type == MessageType::kProposeRunCompletion) {
    message = ReadProposal(reader, payload);
  } else if (type == MessageType::kSuspension) {
    message = ReadSuspension(reader, protocol_version);
  } else if (type == MessageType::kError) {
    message = ReadError(reader);
  } else if (type == MessageType::kEnd) {
    message = ReadEnd(reader);
  } else if (type == MessageType::kAwaitingOn && protocol_version >= kFirstVersionWithFutures) {
    message = ReadAwaitingOn(reader);
  } else {
    return InvalidArgument("unexpected message " + MessageName(type));
  }
  if (!reader.ok()) {
    return InvalidArgument("cannot decode the payload of " + MessageName(type));
  }
  return message;
}

}  // namespace perdure
