// SPDX-License-Identifier: Apache-2.0
//
// Key builders and parsers, see keys.h. A key that does not parse is corrupt state: it ends the
// process.
#include "core/keys.h"

#include "perdure/base/assert.h"

namespace perdure::keys {
namespace {

template <typename Number>
void AppendBig(std::string& out, Number value) {
  for (size_t i = sizeof(Number); i-- > 0;) {
    out.push_back(static_cast<char>(static_cast<unsigned char>(value >> (8 * i))));
  }
}

template <typename Number>
Number ReadBig(BytesView bytes, size_t offset) {
  PERDURE_INVARIANT(bytes.size() >= offset + sizeof(Number), "a key or value is too short");
  uint64_t value = 0;
  for (size_t i = 0; i < sizeof(Number); ++i) {
    value = (value << 8) | static_cast<unsigned char>(bytes[offset + i]);
  }
  return static_cast<Number>(value);
}

void AppendId(std::string& out, const InvocationId& id) {
  AppendBig(out, id.partition_key.value);
  out.append(reinterpret_cast<const char*>(id.uuid.data()), id.uuid.size());
}

InvocationId ReadId(BytesView bytes, size_t offset) {
  PERDURE_INVARIANT(bytes.size() >= offset + InvocationId::kBytes, "a key has no whole id");
  const std::optional<InvocationId> id =
      InvocationId::FromBytes(bytes.substr(offset, InvocationId::kBytes));
  PERDURE_ASSERT(id.has_value());
  return *id;
}

// Inner 0x00 becomes 0x00 0xFF; the end is 0x00 0x01. Keeps the order of the strings.
void AppendEscaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    out.push_back(c);
    if (c == '\0') {
      out.push_back('\xff');
    }
  }
  out.push_back('\0');
  out.push_back('\x01');
}

// Behind the escaped text that begins at `offset`.
size_t EscapedEnd(BytesView key, size_t offset) {
  constexpr BytesView kEnd("\0\x01", 2);
  const size_t end = key.find(kEnd, offset);
  PERDURE_INVARIANT(end != BytesView::npos, "a key holds a text without an end");
  return end + kEnd.size();
}

std::string Begin(Table table, size_t size) {
  std::string out;
  out.reserve(size);
  out.push_back(static_cast<char>(table));
  return out;
}

std::string ByPartition(Table table, PartitionId partition, size_t size) {
  std::string out = Begin(table, size);
  AppendBig(out, partition.value);
  return out;
}

std::string ByInvocation(Table table, const InvocationId& id, size_t size) {
  std::string out = Begin(table, size);
  AppendId(out, id);
  return out;
}

std::string ByObject(Table table, std::string_view service, std::string_view object_key) {
  std::string out = Begin(table, 1 + 8 + service.size() + object_key.size() + 20);
  AppendBig(out, PartitionKeyOfObject(object_key).value);
  AppendEscaped(out, service);
  AppendEscaped(out, object_key);
  return out;
}

constexpr size_t kIdEnd = 1 + InvocationId::kBytes;

}  // namespace

std::string TableBegin(Table table) {
  return Begin(table, 1);
}

std::string TableEnd(Table table) {
  return std::string(1, static_cast<char>(static_cast<uint8_t>(table) + 1));
}

std::string Partition(PartitionId partition) {
  return ByPartition(Table::kPartition, partition, 3);
}

std::string DedupPrefix(PartitionId partition) {
  return ByPartition(Table::kDedup, partition, 5);
}

std::string Dedup(PartitionId partition, PartitionId from) {
  std::string out = DedupPrefix(partition);
  AppendBig(out, from.value);
  return out;
}

PartitionId ParseDedup(BytesView key) {
  return PartitionId{ReadBig<uint16_t>(key, 3)};
}

std::string Status(const InvocationId& id) {
  return ByInvocation(Table::kStatus, id, kIdEnd);
}

std::optional<InvocationId> ParseStatus(BytesView key) {
  if (key.size() != kIdEnd || key[0] != static_cast<char>(Table::kStatus)) {
    return std::nullopt;
  }
  return ReadId(key, 1);
}

std::string JournalEntry(const InvocationId& id, Birth birth, JournalIndex index) {
  std::string out = ByInvocation(Table::kJournal, id, kIdEnd + 12);
  AppendBig(out, birth.value);
  AppendBig(out, index);
  return out;
}

std::string Result(const InvocationId& id, Birth birth) {
  std::string out = ByInvocation(Table::kResult, id, kIdEnd + 8);
  AppendBig(out, birth.value);
  return out;
}

std::string Event(const InvocationId& id, Birth birth, uint32_t number) {
  std::string out = ByInvocation(Table::kEvent, id, kIdEnd + 12);
  AppendBig(out, birth.value);
  AppendBig(out, number);
  return out;
}

std::string StatePrefix(std::string_view service, std::string_view object_key) {
  return ByObject(Table::kState, service, object_key);
}

std::string State(std::string_view service, std::string_view object_key, BytesView state_key) {
  std::string out = StatePrefix(service, object_key);
  out.append(state_key);
  return out;
}

std::string FreshStatePrefix(
    std::string_view service, std::string_view object_key, uint64_t clear) {
  std::string out = ByObject(Table::kFreshState, service, object_key);
  AppendBig(out, clear);
  return out;
}

std::string ReadyPrefix(PartitionId partition) {
  return ByPartition(Table::kReady, partition, 3 + 8 + InvocationId::kBytes);
}

std::string Ready(PartitionId partition, uint64_t order, const InvocationId& id) {
  std::string out = ReadyPrefix(partition);
  AppendBig(out, order);
  AppendId(out, id);
  return out;
}

ReadyRef ParseReady(BytesView key) {
  return ReadyRef{ReadBig<uint64_t>(key, 3), ReadId(key, 11)};
}

std::string InboxPrefix(std::string_view service, std::string_view object_key) {
  return ByObject(Table::kInbox, service, object_key);
}

std::string Inbox(std::string_view service, std::string_view object_key, uint64_t sequence) {
  std::string out = InboxPrefix(service, object_key);
  AppendBig(out, sequence);
  return out;
}

uint64_t ParseInboxSequence(BytesView key) {
  PERDURE_ASSERT(key.size() > 8);
  return ReadBig<uint64_t>(key, key.size() - 8);
}

std::string TimerPrefix(PartitionId partition) {
  return ByPartition(Table::kTimer, partition, 3 + 8 + InvocationId::kBytes + 5);
}

std::string Timer(PartitionId partition, const TimerRef& timer) {
  std::string out = TimerPrefix(partition);
  AppendBig(out, timer.due);
  AppendId(out, timer.id);
  AppendBig(out, static_cast<uint8_t>(timer.kind));
  AppendBig(out, timer.completion_id);
  return out;
}

TimerRef ParseTimer(BytesView key) {
  const size_t kind_at = 11 + InvocationId::kBytes;
  return TimerRef{
      ReadBig<uint64_t>(key, 3),
      ReadId(key, 11),
      static_cast<TimerKind>(ReadBig<uint8_t>(key, kind_at)),
      ReadBig<uint32_t>(key, kind_at + 1)};
}

std::string ExpiryPrefix(PartitionId partition) {
  return ByPartition(Table::kExpiry, partition, 3 + 8 + InvocationId::kBytes + 9);
}

std::string Expiry(PartitionId partition, const ExpiryRef& expiry) {
  std::string out = ExpiryPrefix(partition);
  AppendBig(out, expiry.due);
  AppendId(out, expiry.id);
  AppendBig(out, expiry.birth.value);
  AppendBig(out, static_cast<uint8_t>(expiry.kind));
  return out;
}

ExpiryRef ParseExpiry(BytesView key) {
  const size_t birth_at = 11 + InvocationId::kBytes;
  return ExpiryRef{
      ReadBig<uint64_t>(key, 3),
      ReadId(key, 11),
      Birth{ReadBig<uint64_t>(key, birth_at)},
      static_cast<ExpiryKind>(ReadBig<uint8_t>(key, birth_at + 8))};
}

std::string OutboxPrefix(PartitionId from) {
  return ByPartition(Table::kOutbox, from, 13);
}

std::string Outbox(PartitionId from, PartitionId to, uint64_t sequence) {
  std::string out = OutboxPrefix(from);
  AppendBig(out, to.value);
  AppendBig(out, sequence);
  return out;
}

OutboxRef ParseOutbox(BytesView key) {
  return OutboxRef{PartitionId{ReadBig<uint16_t>(key, 3)}, ReadBig<uint64_t>(key, 5)};
}

std::string WorkPrefix(PartitionId partition) {
  return ByPartition(Table::kWork, partition, 11);
}

std::string Work(PartitionId partition, uint64_t sequence) {
  std::string out = WorkPrefix(partition);
  AppendBig(out, sequence);
  return out;
}

uint64_t ParseWorkSequence(BytesView key) {
  return ReadBig<uint64_t>(key, 3);
}

std::string NotificationPrefix(const InvocationId& id, Birth birth) {
  std::string out = ByInvocation(Table::kNotification, id, kIdEnd + 13);
  AppendBig(out, birth.value);
  return out;
}

std::string Completion(const InvocationId& id, Birth birth, CompletionId completion_id) {
  std::string out = NotificationPrefix(id, birth);
  out.push_back('\x01');
  AppendBig(out, completion_id);
  return out;
}

std::string Signal(const InvocationId& id, Birth birth, const SignalName& name) {
  std::string out = NotificationPrefix(id, birth);
  if (const auto* index = std::get_if<uint32_t>(&name)) {
    out.push_back('\x02');
    AppendBig(out, *index);
  } else {
    out.push_back('\x03');
    out.append(std::get<std::string>(name));
  }
  return out;
}

std::string Lock(std::string_view service, std::string_view object_key) {
  return ByObject(Table::kLock, service, object_key);
}

std::string ListenerPrefix(const InvocationId& id, Birth birth) {
  std::string out = ByInvocation(Table::kListener, id, kIdEnd + 8 + InvocationId::kBytes + 4);
  AppendBig(out, birth.value);
  return out;
}

std::string Listener(
    const InvocationId& id, Birth birth, const InvocationId& caller, CompletionId completion_id) {
  std::string out = ListenerPrefix(id, birth);
  AppendId(out, caller);
  AppendBig(out, completion_id);
  return out;
}

std::string PromisePrefix(std::string_view workflow, std::string_view workflow_key) {
  return ByObject(Table::kPromise, workflow, workflow_key);
}

std::string Promise(
    std::string_view workflow, std::string_view workflow_key, std::string_view promise) {
  std::string out = PromisePrefix(workflow, workflow_key);
  out.append(promise);
  return out;
}

std::string PromiseListeners(std::string_view workflow, std::string_view workflow_key) {
  return ByObject(Table::kPromiseListener, workflow, workflow_key);
}

std::string PromiseListenerPrefix(
    std::string_view workflow, std::string_view workflow_key, std::string_view promise) {
  std::string out = PromiseListeners(workflow, workflow_key);
  AppendEscaped(out, promise);
  return out;
}

std::string PromiseListener(
    std::string_view workflow,
    std::string_view workflow_key,
    std::string_view promise,
    const InvocationId& id,
    CompletionId completion_id) {
  std::string out = PromiseListenerPrefix(workflow, workflow_key, promise);
  AppendId(out, id);
  AppendBig(out, completion_id);
  return out;
}

std::string PromiseListenersOf(BytesView promise_key) {
  // Table and hash, two escaped texts, the name.
  size_t name = 9;
  for (int texts = 0; texts < 2; ++texts) {
    name = EscapedEnd(promise_key, name);
  }
  std::string out(promise_key.substr(0, name));
  out[0] = static_cast<char>(Table::kPromiseListener);
  AppendEscaped(out, promise_key.substr(name));
  return out;
}

PromiseListenerRef ParsePromiseListener(BytesView key) {
  constexpr size_t kTail = InvocationId::kBytes + 4;
  PERDURE_ASSERT(key.size() > kTail);
  const std::optional<InvocationId> id =
      InvocationId::FromBytes(key.substr(key.size() - kTail, InvocationId::kBytes));
  PERDURE_ASSERT(id.has_value());
  return {*id, ReadBig<uint32_t>(key, key.size() - 4)};
}

std::string PrefixEnd(BytesView prefix) {
  std::string out(prefix);
  while (!out.empty() && out.back() == '\xff') {
    out.pop_back();
  }
  PERDURE_ASSERT(!out.empty());
  out.back() = static_cast<char>(static_cast<unsigned char>(out.back()) + 1);
  return out;
}

std::string U64(uint64_t value) {
  std::string out;
  AppendBig(out, value);
  return out;
}

std::optional<uint64_t> ParseU64(BytesView value) {
  if (value.size() != 8) {
    return std::nullopt;
  }
  return ReadBig<uint64_t>(value, 0);
}

std::string U32(uint32_t value) {
  std::string out;
  AppendBig(out, value);
  return out;
}

std::optional<uint32_t> ParseU32(BytesView value) {
  if (value.size() != 4) {
    return std::nullopt;
  }
  return ReadBig<uint32_t>(value, 0);
}

std::string IdAndBirth(const InvocationId& id, Birth birth) {
  std::string out;
  out.reserve(InvocationId::kBytes + 8);
  AppendId(out, id);
  AppendBig(out, birth.value);
  return out;
}

IdBirth ParseIdAndBirth(BytesView value) {
  return IdBirth{ReadId(value, 0), Birth{ReadBig<uint64_t>(value, InvocationId::kBytes)}};
}

LockHolder ParseLock(BytesView value) {
  const IdBirth holder = ParseIdAndBirth(value);
  return LockHolder{holder.id, holder.birth, ReadBig<uint64_t>(value, InvocationId::kBytes + 8)};
}

}  // namespace perdure::keys
