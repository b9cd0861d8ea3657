// SPDX-License-Identifier: Apache-2.0
//
// Keys of the machine's tables: hand-written, order-preserving, described byte by byte in FORMAT.md
// and pinned by golden tests. All integers are big-endian.
#pragma once

#include "perdure/base/bytes.h"
#include "perdure/base/ids.h"
#include "perdure/core/target.h"
#include "perdure/protocol/messages.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace perdure {

// First byte of every key. ON DISK: DO NOT RENUMBER. Reserved: 0x60-0x6f secondary indexes and
// counters, 0x70 Kafka cursors, 0x71 bulk jobs.
enum class Table : uint8_t {
  kPartition = 0x01,
  kDedup = 0x02,
  kStatus = 0x10,
  kJournal = 0x20,
  kResult = 0x21,
  kEvent = 0x22,
  kState = 0x30,
  kPromise = 0x31,
  kFreshState = 0x32,
  kReady = 0x40,
  kInbox = 0x41,
  kTimer = 0x42,
  kExpiry = 0x43,
  kOutbox = 0x44,
  kWork = 0x45,
  kNotification = 0x50,
  kLock = 0x51,
  kListener = 0x52,
  kPromiseListener = 0x53,
};

// ON DISK.
enum class TimerKind : uint8_t { kSleep = 1, kScheduledStart = 2, kRetry = 3 };
enum class ExpiryKind : uint8_t { kInvocation = 1, kJournal = 2 };

namespace keys {

std::string Partition(PartitionId partition);
std::string Dedup(PartitionId partition, PartitionId from);
std::string DedupPrefix(PartitionId partition);
PartitionId ParseDedup(BytesView key);  // the sender

std::string Status(const InvocationId& id);
// The bounds of a whole table.
std::string TableBegin(Table table);
std::string TableEnd(Table table);
std::optional<InvocationId> ParseStatus(BytesView key);

std::string JournalEntry(const InvocationId& id, Birth birth, JournalIndex index);
std::string Result(const InvocationId& id, Birth birth);
std::string Event(const InvocationId& id, Birth birth, uint32_t number);

// Prefix of all state of one object or workflow; the state key follows raw.
std::string StatePrefix(std::string_view service, std::string_view object_key);
std::string State(std::string_view service, std::string_view object_key, BytesView state_key);

// What was set while rows of the object from before a clear are still there; `clear` is the
// sequence of the clear's work row.
std::string FreshStatePrefix(std::string_view service, std::string_view object_key, uint64_t clear);

// Of all promises of one workflow; the name follows raw.
std::string PromisePrefix(std::string_view workflow, std::string_view workflow_key);
std::string Promise(
    std::string_view workflow, std::string_view workflow_key, std::string_view promise);

struct ReadyRef {
  uint64_t order = 0;
  InvocationId id;
};
std::string Ready(PartitionId partition, uint64_t order, const InvocationId& id);
std::string ReadyPrefix(PartitionId partition);
ReadyRef ParseReady(BytesView key);

std::string InboxPrefix(std::string_view service, std::string_view object_key);
std::string Inbox(std::string_view service, std::string_view object_key, uint64_t sequence);
uint64_t ParseInboxSequence(BytesView key);

struct TimerRef {
  TimeMs due = 0;
  InvocationId id;
  TimerKind kind = TimerKind::kSleep;
  CompletionId completion_id = 0;
};
std::string Timer(PartitionId partition, const TimerRef& timer);
std::string TimerPrefix(PartitionId partition);
TimerRef ParseTimer(BytesView key);

struct ExpiryRef {
  TimeMs due = 0;
  InvocationId id;
  Birth birth;
  ExpiryKind kind = ExpiryKind::kInvocation;
};
std::string Expiry(PartitionId partition, const ExpiryRef& expiry);
std::string ExpiryPrefix(PartitionId partition);
ExpiryRef ParseExpiry(BytesView key);

std::string Outbox(PartitionId from, PartitionId to, uint64_t sequence);
std::string OutboxPrefix(PartitionId from);
struct OutboxRef {
  PartitionId to;
  uint64_t sequence = 0;
};
OutboxRef ParseOutbox(BytesView key);

std::string Work(PartitionId partition, uint64_t sequence);
std::string WorkPrefix(PartitionId partition);
uint64_t ParseWorkSequence(BytesView key);

std::string NotificationPrefix(const InvocationId& id, Birth birth);
std::string Completion(const InvocationId& id, Birth birth, CompletionId completion_id);
std::string Signal(const InvocationId& id, Birth birth, const SignalName& name);

std::string Lock(std::string_view service, std::string_view object_key);

std::string ListenerPrefix(const InvocationId& id, Birth birth);
std::string Listener(
    const InvocationId& id, Birth birth, const InvocationId& caller, CompletionId completion_id);

// Who waits for promises of a workflow, for one of them.
std::string PromiseListeners(std::string_view workflow, std::string_view workflow_key);
std::string PromiseListenerPrefix(
    std::string_view workflow, std::string_view workflow_key, std::string_view promise);
std::string PromiseListener(
    std::string_view workflow,
    std::string_view workflow_key,
    std::string_view promise,
    const InvocationId& id,
    CompletionId completion_id);
// Of the promise whose row has this key.
std::string PromiseListenersOf(BytesView promise_key);
struct PromiseListenerRef {
  InvocationId id;
  CompletionId completion_id = 0;
};
PromiseListenerRef ParsePromiseListener(BytesView key);

// The first key behind every key that starts with `prefix`.
std::string PrefixEnd(BytesView prefix);

// Fixed-width values.
std::string U64(uint64_t value);
std::optional<uint64_t> ParseU64(BytesView value);
std::string U32(uint32_t value);
std::optional<uint32_t> ParseU32(BytesView value);
// Invocation id and birth, 32 bytes: value of inbox rows, and the beginning of lock rows.
std::string IdAndBirth(const InvocationId& id, Birth birth);
struct IdBirth {
  InvocationId id;
  Birth birth;
};
IdBirth ParseIdAndBirth(BytesView value);
// Lock rows end with the sequence behind which the queue of the object goes on.
struct LockHolder {
  InvocationId id;
  Birth birth;
  uint64_t sequence = 0;
};
LockHolder ParseLock(BytesView value);

}  // namespace keys
}  // namespace perdure
