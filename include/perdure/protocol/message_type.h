// SPDX-License-Identifier: Apache-2.0
//
// The message types of the service protocol (service protocol 2.4) and the ranges they lie in.
// ON DISK (journal entries carry the type): DO NOT RENUMBER.
#pragma once

#include <cstdint>
#include <string_view>

namespace perdure {

enum class MessageType : uint16_t {
  kStart = 0x0000,
  kSuspension = 0x0001,
  kError = 0x0002,
  kEnd = 0x0003,
  kCommandAck = 0x0004,
  kProposeRunCompletion = 0x0005,
  kAwaitingOn = 0x0006,
  kProposeRunCompletionAck = 0x0007,

  kInputCommand = 0x0400,
  kOutputCommand = 0x0401,
  kGetLazyStateCommand = 0x0402,
  kSetStateCommand = 0x0403,
  kClearStateCommand = 0x0404,
  kClearAllStateCommand = 0x0405,
  kGetLazyStateKeysCommand = 0x0406,
  kGetEagerStateCommand = 0x0407,
  kGetEagerStateKeysCommand = 0x0408,
  kGetPromiseCommand = 0x0409,
  kPeekPromiseCommand = 0x040a,
  kCompletePromiseCommand = 0x040b,
  kSleepCommand = 0x040c,
  kCallCommand = 0x040d,
  kOneWayCallCommand = 0x040e,
  kSendSignalCommand = 0x0410,
  kRunCommand = 0x0411,
  kAttachInvocationCommand = 0x0412,
  kGetInvocationOutputCommand = 0x0413,
  kCompleteAwakeableCommand = 0x0414,

  kGetLazyStateCompletion = 0x8002,
  kGetLazyStateKeysCompletion = 0x8006,
  kGetPromiseCompletion = 0x8009,
  kPeekPromiseCompletion = 0x800a,
  kCompletePromiseCompletion = 0x800b,
  kSleepCompletion = 0x800c,
  kCallCompletion = 0x800d,
  kCallInvocationIdCompletion = 0x800e,
  kRunCompletion = 0x8011,
  kAttachInvocationCompletion = 0x8012,
  kGetInvocationOutputCompletion = 0x8013,
  kSignal = 0xfbff,
};

constexpr bool IsCommandType(uint16_t type) {
  return (type >= 0x0400 && type < 0x8000) || type >= 0xfc00;
}
constexpr bool IsNotificationType(uint16_t type) {
  return type >= 0x8000 && type < 0xfc00;
}
constexpr bool IsCommand(MessageType type) {
  return IsCommandType(static_cast<uint16_t>(type));
}
constexpr bool IsNotification(MessageType type) {
  return IsNotificationType(static_cast<uint16_t>(type));
}

// "Run", "Sleep", "GetEagerState", "Call": the name in entry types (admin API 21); "Signal" for the
// signal notification; empty for a type that has no entry.
std::string_view EntryName(MessageType type);

// The one flag of the header's flags word (service protocol 2.3).
inline constexpr uint16_t kRequestedAckFlag = 0x8000;

// Signal indexes (service protocol 3.1 rule 7).
inline constexpr uint32_t kCancelSignal = 1;

inline constexpr int kProtocolVersionMin = 5;
inline constexpr int kProtocolVersionMax = 6;  // offered by default
// Offered if the setting is on (service protocol 1.6).
inline constexpr int kProtocolVersionExperimental = 7;

}  // namespace perdure
