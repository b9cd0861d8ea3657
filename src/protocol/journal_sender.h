// SPDX-License-Identifier: Apache-2.0
//
// What one attempt sends to its SDK: Start, the journal up to the cut, then the notifications
// behind it, in order, without a gap and without a duplicate (service protocol 4.1). Where the SDK
// asked for it, a result is acknowledged in place of its notification. It knows where it is; it
// does not know when to send.
#pragma once

#include "perdure/base/bytes.h"
#include "perdure/base/ids.h"
#include "perdure/core/effect.h"

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace perdure {

class JournalSender {
 public:
  // Queues the Start frame and the first stretch of the journal.
  explicit JournalSender(const StartAttempt& start);

  // Queues what is new in `chunk` (below the cut every entry, behind it notifications only);
  // returns the number of frames queued. With `lagging` the chunk only says how long the journal
  // is.
  size_t Accept(const JournalChunk& chunk, bool lagging);

  // The SDK has proposed the result of this run, and wants an acknowledgement in the place of the
  // notification (service protocol 3.7).
  void AckRun(CompletionId id) { run_acks_.insert(id); }
  // Queues acknowledgements of commands, behind the replay.
  void AckCommands(const std::vector<uint32_t>& indexes);

  // Everything below the cut is queued.
  bool replayed() const { return cursor_ >= cut_; }

  // A stretch was asked for and has not come yet.
  bool read_outstanding() const { return read_outstanding_; }
  // Where to read on, if something is missing and was not asked for.
  std::optional<JournalIndex> TakeRead();

  bool has_pieces() const { return !tail_.empty() || !pieces_.empty(); }
  std::vector<SharedBytes> TakePieces();

 private:
  void QueueFrame(MessageType type, const SharedBytes& payload);
  bool QueueEntry(const JournalEntry& entry);
  bool QueueRunAck(const JournalEntry& entry);
  void QueueCommandAcks();

  JournalIndex cut_;
  JournalIndex cursor_ = 0;  // everything below is queued or was passed over
  JournalIndex length_ = 0;  // of the journal, as far as known
  bool read_outstanding_ = false;
  std::set<CompletionId> run_acks_;  // of proposals whose notification has not passed by
  std::vector<uint32_t> command_acks_;
  std::vector<SharedBytes> pieces_;
  std::string tail_;  // small frames, put together
};

}  // namespace perdure
