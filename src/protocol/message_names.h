// SPDX-License-Identifier: Apache-2.0
//
// A name for every message type, for error texts. What users see in lists is EntryName.
#pragma once

#include "perdure/protocol/message_type.h"

#include <string>

namespace perdure {

// "SleepCommand", "RunNotification", "End", or "0x04ff" for a type without a name.
std::string MessageName(MessageType type);

}  // namespace perdure
