// SPDX-License-Identifier: Apache-2.0
//
// Start frame, replay and streaming of notifications. Small payloads are copied into one buffer
// behind their headers, large ones travel as slices of the journal's own bytes. Acknowledgements
// are not in the journal: a replay has the notification.
#include "protocol/journal_sender.h"

#include "perdure/base/assert.h"
#include "perdure/protocol/notifications.h"
#include "protocol/frame.h"
#include "protocol/wire_writer.h"

#include <algorithm>
#include <utility>

namespace perdure {
namespace {

// Above this a payload is a piece of its own: a write costs about as much as copying so many bytes.
constexpr size_t kCopyMax = 4096;
constexpr int kFirstVersionWithIdempotencyKey = 7;

// Service protocol 3.2.
std::string EncodeStart(const StartAttempt& start) {
  size_t state_bytes = 0;
  for (const auto& [key, value] : start.state) {
    state_bytes += key.size() + value.size() + 16;
  }
  WireWriter writer;
  writer.Reserve(state_bytes + 256);
  writer.Bytes(1, start.id.ToBytes());
  writer.Bytes(2, start.id.ToString());
  writer.VarintIfSet(3, start.known_entries);
  for (const auto& [key, value] : start.state) {
    WireWriter entry;
    entry.BytesIfSet(1, key);
    entry.BytesIfSet(2, value);
    writer.Bytes(4, entry.view());
  }
  writer.VarintIfSet(5, start.partial_state ? 1 : 0);
  if (start.target.keyed()) {
    writer.BytesIfSet(6, start.target.key);
  }
  writer.VarintIfSet(7, start.retry_count_since_last_entry);
  writer.VarintIfSet(8, start.duration_since_last_entry);
  writer.VarintIfSet(9, start.random_seed);
  if (start.protocol_version >= kFirstVersionWithIdempotencyKey &&
      start.idempotency_key.has_value()) {
    writer.Bytes(12, *start.idempotency_key);
  }
  return writer.Take();
}

}  // namespace

JournalSender::JournalSender(const StartAttempt& start) : cut_(start.known_entries) {
  PERDURE_ASSERT(cut_ >= 1);
  PERDURE_ASSERT(start.journal.from == 0);
  QueueFrame(MessageType::kStart, SharedBytes(EncodeStart(start)));
  Accept(start.journal, false);
}

void JournalSender::QueueFrame(MessageType type, const SharedBytes& payload) {
  FrameHeader header;
  header.type = type;
  header.length = static_cast<uint32_t>(payload.size());
  header.AppendTo(tail_);
  if (payload.size() <= kCopyMax) {
    tail_ += payload.view();
    return;
  }
  pieces_.emplace_back(std::move(tail_));
  tail_.clear();
  pieces_.push_back(payload);
}

// True if the entry was queued.
bool JournalSender::QueueEntry(const JournalEntry& entry) {
  if (entry.index < cursor_) {
    return false;
  }
  const bool replaying = entry.index < cut_;
  PERDURE_INVARIANT(
      !replaying || entry.index == cursor_,
      "replay gap: entry " + std::to_string(entry.index) + " after " + std::to_string(cursor_));
  PERDURE_INVARIANT(
      replaying || replayed(),
      "entry " + std::to_string(entry.index) + " behind a cut that is not reached");
  cursor_ = entry.index + 1;
  if (!replaying && !IsNotification(entry.type)) {
    return false;  // the SDK wrote it itself
  }
  if (!replaying && QueueRunAck(entry)) {
    return true;
  }
  QueueFrame(entry.type, entry.payload);
  return true;
}

// True if the SDK is told so much and no more.
bool JournalSender::QueueRunAck(const JournalEntry& entry) {
  if (entry.type != MessageType::kRunCompletion || run_acks_.empty()) {
    return false;
  }
  const Result<NotificationId> what = DecodeNotificationId(entry.type, entry.payload.view());
  PERDURE_INVARIANT(what.ok(), "a stored notification does not decode");
  const CompletionId id = std::get<CompletionKey>(*what).id;
  if (run_acks_.erase(id) == 0) {
    return false;
  }
  WireWriter ack;
  ack.VarintIfSet(1, id);
  QueueFrame(MessageType::kProposeRunCompletionAck, SharedBytes(ack.Take()));
  return true;
}

void JournalSender::AckCommands(const std::vector<uint32_t>& indexes) {
  command_acks_.insert(command_acks_.end(), indexes.begin(), indexes.end());
  QueueCommandAcks();
}

void JournalSender::QueueCommandAcks() {
  if (!replayed()) {
    return;  // the SDK counts what it replays
  }
  for (const uint32_t index : std::exchange(command_acks_, {})) {
    WireWriter ack;
    ack.VarintIfSet(1, index);
    QueueFrame(MessageType::kCommandAck, SharedBytes(ack.Take()));
  }
}

size_t JournalSender::Accept(const JournalChunk& chunk, bool lagging) {
  length_ = std::max({length_, chunk.journal_length, chunk.next});
  if (lagging) {
    return 0;
  }
  read_outstanding_ = false;
  PERDURE_INVARIANT(
      chunk.from <= cursor_,
      "journal gap: chunk from " + std::to_string(chunk.from) + " after " +
          std::to_string(cursor_));
  size_t queued = 0;
  JournalIndex last = 0;
  bool first = true;
  for (const JournalEntry& entry : chunk.entries) {
    PERDURE_ASSERT(first || entry.index > last);
    PERDURE_ASSERT(entry.index < chunk.next);
    first = false;
    last = entry.index;
    if (QueueEntry(entry)) {
      ++queued;
    }
  }
  // Commands behind the cut may be left out, nothing below it may.
  PERDURE_ASSERT(chunk.next <= cursor_ || replayed());
  cursor_ = std::max(cursor_, chunk.next);
  QueueCommandAcks();
  return queued;
}

std::optional<JournalIndex> JournalSender::TakeRead() {
  if (read_outstanding_ || cursor_ >= std::max(cut_, length_)) {
    return std::nullopt;
  }
  read_outstanding_ = true;
  return cursor_;
}

std::vector<SharedBytes> JournalSender::TakePieces() {
  if (!tail_.empty()) {
    pieces_.emplace_back(std::move(tail_));
    tail_.clear();
  }
  return std::exchange(pieces_, {});
}

}  // namespace perdure
