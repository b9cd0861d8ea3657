// SPDX-License-Identifier: Apache-2.0
//
// Control messages of an SDK (0x0000 to 0x03ff): run proposals, suspensions, errors, End and the
// hint AwaitingOn, which exists since version 7.
#pragma once

#include "perdure/base/result.h"
#include "perdure/protocol/messages.h"

namespace perdure {

// The error says what an SDK may not send; with kLimit: what it waits for is too much.
Result<SdkMessage> DecodeControl(
    MessageType type, const SharedBytes& payload, int protocol_version);

}  // namespace perdure
