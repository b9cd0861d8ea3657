// SPDX-License-Identifier: Apache-2.0
//
// Control messages of an SDK (0x0000 to 0x03ff): run proposals, suspensions, errors, End and the
// hint AwaitingOn, which exists since version 7.
#pragma once

#include "perdure/base/result.h"
#include "perdure/protocol/messages.h"

#include <optional>

namespace perdure {

// Deeper futures are refused (service protocol 3.12).
inline constexpr int kFutureDepthMax = 1000;

// Nothing: a hint that needs no answer. The error says what an SDK may not send.
Result<std::optional<SdkMessage>> DecodeControl(
    MessageType type, const SharedBytes& payload, int protocol_version);

}  // namespace perdure
