// SPDX-License-Identifier: Apache-2.0
//
// Payloads of the entries the server writes, and the reading of stored entries (service protocol
// 2.5). Members of a oneof are written even if they are empty: SDKs refuse a notification without a
// result. Everything here works on payloads without the 8-byte frame header.
#pragma once

#include "perdure/base/bytes.h"
#include "perdure/base/ids.h"
#include "perdure/base/result.h"
#include "perdure/protocol/message_type.h"
#include "perdure/protocol/messages.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace perdure {

// Entry 0 (service protocol 3.3).
SharedBytes EncodeInputCommand(const std::vector<Header>& headers, BytesView body);

// Completions whose result is void (sleep, a promise that was completed by this command, an output
// that is not there yet), or a value or failure (run, call, attach, output, promise).
SharedBytes EncodeVoidCompletion(CompletionId id);
SharedBytes EncodeResultCompletion(CompletionId id, const ValueOrFailure& result);
SharedBytes EncodeCallInvocationIdCompletion(CompletionId id, const InvocationId& invocation);
// Nothing: the key is absent.
SharedBytes EncodeGetLazyStateCompletion(CompletionId id, std::optional<BytesView> value);
SharedBytes EncodeGetLazyStateKeysCompletion(CompletionId id, const std::vector<std::string>& keys);
SharedBytes EncodeSignal(const SignalName& signal, const SignalResult& result);

// What a notification answers.
struct CompletionKey {
  CompletionId id = 0;
  friend bool operator==(const CompletionKey&, const CompletionKey&) = default;
};
using NotificationId = std::variant<CompletionKey, SignalName>;

// REQUIRES (of stored entries, which this server wrote): IsNotification(type). The error says what
// does not make sense.
Result<NotificationId> DecodeNotificationId(MessageType type, BytesView payload);

// What a notification says is a failure. REQUIRES: as above.
bool IsFailure(BytesView notification);

// The result of an OutputCommand. A value shares the storage of `payload`.
Result<ValueOrFailure> DecodeOutput(const SharedBytes& payload);

struct InputContent {
  std::vector<Header> headers;
  SharedBytes body;
};
Result<InputContent> DecodeInput(const SharedBytes& payload);

// A stored command (or a frame from an SDK, see InvocationStream). Unknown fields are ignored,
// bytes share the storage of `payload`.
Result<SdkMessage> DecodeCommand(MessageType type, const SharedBytes& payload);

// The display name of a command (field 12); empty if there is none or the payload is not readable.
std::string DecodeCommandName(BytesView payload);

}  // namespace perdure
