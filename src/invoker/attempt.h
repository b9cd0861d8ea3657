// SPDX-License-Identifier: Apache-2.0
//
// One attempt: drives an InvocationStream with an HttpStream, and carries what it says to the
// mailbox of the partition. Flow control happens here: a read is credited when its frames are in
// the mailbox, a large frame only under a lease, so a slow partition slows exactly the stream that
// feeds it. Decides nothing about the invocation, and never asks for another attempt.
//
//   running --last word in the mailbox--> ended (slot released) --stream over--> gone
//   running --failure, queue in the mailbox--> gone        running --reset--> gone at once
#pragma once

#include "invoker/frame_memory.h"
#include "invoker/mailbox_window.h"
#include "perdure/base/clock.h"
#include "perdure/core/effect.h"
#include "perdure/http/client.h"
#include "perdure/invoker/attempt_host.h"
#include "perdure/invoker/invoker.h"
#include "perdure/protocol/invocation_stream.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace perdure {

class Attempt;

// What attempts of one I/O thread share. Outlives them.
class AttemptOwner {
 public:
  virtual ~AttemptOwner() = default;
  // The last word of an attempt is in the mailbox, its slot is back. False: too many streams linger
  // already, this one must not.
  virtual bool OnEnded() = 0;
  // The attempt is gone: nothing of it is on the wire or in a queue. The owner may drop it.
  virtual void OnGone(Attempt& attempt) = 0;
  // The attempt wants OnTime at this moment, or earlier.
  virtual void OnDeadline(uint64_t at_ms) = 0;

  virtual PartitionGateway& gateway() = 0;
  virtual SlotPool& slots() = 0;
  virtual FrameMemory& frame_memory() = 0;    // what SDKs send
  virtual FrameMemory& sending_memory() = 0;  // what they are sent
  // What one attempt may hold of either. At most what there is of each.
  virtual size_t invocation_memory_max() const = 0;
  virtual uint64_t now_ms() const = 0;
  virtual TimeMs wall_ms() const = 0;
};

// Thread: one I/O thread. Holds one slot from its making until its last word or failure is in the
// mailbox, or until Reset.
class Attempt final : public HttpStreamListener,
                      public MailboxWindowOwner,
                      public std::enable_shared_from_this<Attempt> {
 public:
  // A frame of this size or more needs a lease. Less than a quarter of the smallest stream window,
  // so that a frame below it always fits into the credit that is left.
  static constexpr size_t kLeaseFrom = 16 * limits::kKiB;

  // What comes with the start is charged to the sending memory, if it is much. REQUIRES: then there
  // is room for it (see Shorten).
  Attempt(AttemptOwner& owner, const StartAttempt& start, size_t frame_bytes_max);
  ~Attempt() override;

  // Opens the stream and sends what can be sent. Called once, after the owner has stored the
  // attempt.
  void Open(HttpClient& client, Executor& io, HttpStreamRequest request);

  void Notify(NotifyAttempt notify);
  // Asks the SDK to give the attempt up at its next wait.
  void RequestSuspension();
  // Ends everything now; what is not in the mailbox is dropped. The owner drops the attempt.
  void Reset();
  // Does what is due.
  void OnTime();
  // The process ends: the slot is not given back.
  void Abandon() { holds_slot_ = false; }

  const InvocationId& id() const { return id_; }
  AttemptEpoch epoch() const { return epoch_; }
  // Its last word is in the mailbox; only the stream has to end.
  bool ended() const { return !holds_slot_; }
  // Ended, and the stream is (or was until it went) left to the SDK to finish.
  bool draining() const { return draining_; }
  // Not asked to suspend yet, and not about to end.
  bool can_be_suspended() const {
    return holds_slot_ && !asked_at_ms_ && http_ != nullptr && !waiting_read_;
  }
  // A run of it was begun and has no result in the journal: the SDK is at work.
  bool in_run() const { return open_runs_ > 0; }
  // Asked to suspend and not over yet: since when.
  std::optional<uint64_t> asked_at_ms() const { return holds_slot_ ? asked_at_ms_ : std::nullopt; }
  uint64_t active_at_ms() const { return active_at_ms_; }
  AttemptHost::LiveAttempt Live() const;
  std::optional<uint64_t> deadline_ms() const;

  void OnHead(int status, const HttpHeaders& headers) override;
  void OnData(BytesView data) override;
  void OnEnd() override;
  void OnFailure(HttpFailure failure, std::string_view message) override;
  void OnDrained() override;
  void OnMailboxPlace() override;

 private:
  void Handle(StreamEvents events);
  void Advance();
  void WriteOutput();
  void Enqueue(Command command);
  void Flush();
  void Submit(Command command);
  void CountFrames(const JournalAppend& append);
  void CountRuns(const std::vector<JournalEntry>& entries);
  void CountRun(MessageType type);
  void UpdateLease();
  void ReturnCredit();
  void GiveLeaseBack();
  void ReadOn();
  void SendRead();
  void GiveSendingBack();
  void ReleaseSlot();

  AttemptOwner& owner_;
  const InvocationId id_;
  const AttemptEpoch epoch_;
  const PartitionId partition_;
  const DeploymentId deployment_;
  const TimeMs started_at_;
  std::string server_;

  InvocationStream stream_;
  std::unique_ptr<HttpStream> http_;
  bool holds_slot_ = true;
  std::optional<uint64_t> asked_at_ms_;  // to suspend, or its half-close has left anyway
  bool draining_ = false;
  bool gone_ = false;
  uint64_t active_at_ms_ = 0;  // the last frame in either direction
  int64_t open_runs_ = 0;      // run commands less run results, of what both sides have sent

  // Towards the partition. Bounded: appends are merged, and credit is not returned while one waits.
  std::shared_ptr<MailboxWindow> window_;
  std::deque<Command> outbox_;

  // Flow control of what the SDK sends, in bytes of the stream.
  uint64_t received_ = 0;
  uint64_t parsed_ = 0;                     // of received_: belongs to complete frames
  uint64_t credited_ = 0;                   // of received_: given back
  size_t lease_bytes_ = 0;                  // of the frame that has a lease or waits for one; or 0
  FrameMemory::WaiterId lease_waiter_ = 0;  // not 0: it waits

  // Memory for what the SDK is sent: taken before a stretch of the journal is asked for, given back
  // when nearly all of it has left.
  bool shortened_;  // the journal is read from its beginning, and nothing was read yet
  size_t sending_bytes_ = 0;
  FrameMemory::WaiterId sending_waiter_ = 0;  // not 0: it waits
  std::optional<ReadJournal> waiting_read_;   // for that memory
  bool read_outstanding_ = false;             // asked for, and not here
  size_t next_read_bytes_;
};

// What a start brings into memory.
size_t StartBytes(const StartAttempt& start);
// Leaves out state and journal: the SDK asks for the former, the attempt for the latter, each under
// a lease.
void Shorten(StartAttempt& start);

}  // namespace perdure
