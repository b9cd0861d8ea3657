// SPDX-License-Identifier: Apache-2.0
//
// Commands out of their payloads, with the display name. The public form without the name is
// DecodeCommand.
#pragma once

#include "perdure/base/result.h"
#include "perdure/protocol/messages.h"

#include <string>

namespace perdure {

struct NamedCommand {
  SdkMessage message;
  std::string name;
};

// Eager reads, which this server stores without acting on them, come out as GetEagerStateCommand,
// types it need not know as CustomCommand. An unknown type is an error.
Result<NamedCommand> DecodeNamedCommand(MessageType type, const SharedBytes& payload);

constexpr bool IsCustomType(MessageType type) {
  return static_cast<uint16_t>(type) >= 0xfc00;
}

}  // namespace perdure
