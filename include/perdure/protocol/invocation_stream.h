// SPDX-License-Identifier: Apache-2.0
//
// One attempt as a state machine (service protocol 4): bytes, notifications and moments in; bytes
// to send, commands to submit and the next moment of interest out. It has no socket, no timer and
// no clock, and it decides nothing about the invocation: what a frame means is the machine's
// business.
//
// The driver calls TakeOutput after every input, and arms one timer for NextDeadline. Times named
// `now_ms` are milliseconds of the monotonic clock.
#pragma once

#include "perdure/base/bytes.h"
#include "perdure/base/ids.h"
#include "perdure/core/command.h"
#include "perdure/core/effect.h"
#include "perdure/http/client.h"
#include "perdure/http/message.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace perdure {

// "application/vnd.restate.invocation.v6"; request and response carry the same.
std::string InvocationContentType(int protocol_version);

// What to write on the stream, in this order.
struct StreamOutput {
  std::vector<SharedBytes> pieces;
  bool half_close = false;  // then END_STREAM; true exactly once in the life of a stream
};

// What to submit, in this order. After `failed` the stream is over.
struct StreamEvents {
  std::optional<AttemptHead> head;  // the SDK named itself
  std::optional<JournalAppend> append;
  std::optional<AttemptFailed> failed;
};

enum class DeadlineKind : uint8_t {
  kReplay,      // the SDK reads nothing of its journal: the attempt fails
  kInactivity,  // no frame in either direction: ask the SDK to suspend (service protocol 4.2)
  kAbort,       // asked to suspend, and no frame from the SDK since: the attempt fails
  kDrain,       // the SDK said its last word and keeps the stream open: reset it
};
struct StreamDeadline {
  DeadlineKind kind = DeadlineKind::kInactivity;
  uint64_t at_ms = 0;
};

// Thread: one. Ownership: the driver's; nothing is shared but the bytes of journal entries.
class InvocationStream {
 public:
  // Frames with `frame_bytes_max` bytes of payload or more end the attempt; those that only
  // reach `memory_max`, because that is less, pause the invocation.
  // REQUIRES: start.known_entries >= 1, start.journal begins at index 0.
  InvocationStream(
      const StartAttempt& start,
      size_t frame_bytes_max,
      uint64_t now_ms,
      size_t memory_max = std::numeric_limits<size_t>::max());
  ~InvocationStream();
  InvocationStream(const InvocationStream&) = delete;
  InvocationStream& operator=(const InvocationStream&) = delete;

  // Everything that can be sent now: Start, the journal up to the cut, then notifications.
  StreamOutput TakeOutput();
  bool has_output() const;
  // Some of the output has left: the SDK reads.
  void OnSent(uint64_t now_ms);

  // The stretch of the journal the stream lacks, if it lacks one and has not asked already. The
  // driver calls this when earlier output has drained, so that a stalled SDK holds one chunk. The
  // answer comes as a NotifyAttempt.
  std::optional<ReadJournal> TakeReadRequest();

  // From the partition. A chunk goes on where the last one ended; what is known already is skipped.
  void OnNotify(const NotifyAttempt& notify, uint64_t now_ms);
  // Half-closes our side as soon as the journal is sent: "please suspend". Idempotent.
  void RequestSuspension(uint64_t now_ms);

  // From the wire, in the order of HttpStreamListener. After the stream is over all are ignored.
  StreamEvents OnHead(int status, const HttpHeaders& headers, TimeMs wall_now, uint64_t now_ms);
  StreamEvents OnBytes(BytesView data, uint64_t now_ms);
  StreamEvents OnEnd();
  StreamEvents OnFailure(HttpFailure failure, std::string_view message);

  // From the driver: the invocation needs more memory than it may have, for `what`. It is paused,
  // because another attempt would not get further.
  StreamEvents GiveUp(const std::string& what, size_t bytes, size_t bytes_max);

  // The moment at which OnDeadline has something to do. It moves with every input.
  std::optional<StreamDeadline> NextDeadline() const;
  // Does nothing if no deadline has passed by `now_ms`.
  StreamEvents OnDeadline(uint64_t now_ms);

  // Nothing more will come of this stream: the driver drops the HTTP stream (which resets it if it
  // is still open).
  bool over() const;
  // End, Suspension or Error was received and handed out.
  bool has_last_word() const;
  // What the SDK last said it waits for; empty if it never did, or if that was much.
  const WaitSet& awaiting_on() const;
  // The whole size of the frame whose first part has arrived, 0 if none: what a lease must cover.
  size_t pending_frame_bytes() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace perdure
