// SPDX-License-Identifier: Apache-2.0
//
// What one partition keeps in memory: heads of its durable queues, live attempts, waiting replies.
// All of it can be lost: Open derives from the tables what must run, and clients come again.
#pragma once

#include "core/object_state.h"
#include "core/row_codec.h"
#include "perdure/base/ids.h"
#include "perdure/base/work_note.h"
#include "perdure/core/command.h"
#include "perdure/core/reply.h"
#include "perdure/core/rows.h"
#include "perdure/schema/schema.h"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace perdure {

// The attempt of an invocation that is on the wire now. Everything of another epoch is late.
struct LiveAttempt {
  AttemptEpoch epoch;
  std::shared_ptr<const DeploymentSchema> deployment;
  int protocol_version = 0;
  JournalIndex cut = 0;        // replayed whole up to here, then notifications only
  JournalIndex handed_to = 0;  // index behind the last entry given to the stream
  size_t unread_bytes = 0;     // handed out unasked since the stream last asked
  bool lagging = false;        // the stream will ask
  // Commands to acknowledge when the stream is told something next.
  std::vector<uint32_t> command_acks;
  uint64_t next_frame = 0;
  TimeMs started_at = 0;
  std::string server;
  // The status row as it was written last; saves reading it for every frame.
  std::optional<InvocationStatus> status;
};

struct ReadyItem {
  uint64_t order = 0;
  InvocationId id;
};

// The oldest part of the ready index. New rows sort behind all older ones.
struct ReadyHead {
  std::deque<ReadyItem> items;
  bool complete = true;   // nothing lies behind `items`
  std::string scan_from;  // if not complete: the first key not looked at
};

// The earliest timers, by key. Timers behind `bound` are only in the table.
struct TimerHead {
  std::set<std::string, std::less<>> keys;
  std::optional<std::string> bound;  // absent: all timers are in `keys`
};

// Messages to one partition: rows of the outbox that are not acknowledged.
struct OutboxWindow {
  uint64_t sent = 0;    // newest sequence in the table
  uint64_t acked = 0;   // everything up to here is gone from the table
  uint64_t hopped = 0;  // handed to the receiver's mailbox
};

// The oldest work row.
struct WorkHead {
  uint64_t from = 0;   // no row has a lower sequence
  std::string cursor;  // where the walk over its rows goes on; empty: at their beginning
};

// Requests that wait for a result that is there: answered in slices.
struct PendingAnswers {
  InvocationResult result;
  std::vector<ReplyTo> to;
};

// A restart whose journal takes several turns to copy.
struct RunningRestart {
  InvocationId source;
  Birth source_birth;
  ReplyTo reply_to;
};

struct PartitionMemory {
  PartitionId partition;
  uint16_t partition_count = 1;
  uint64_t start_counter = 0;
  size_t eager_state_bytes_max = 0;
  size_t message_bytes_max = 0;
  size_t work_items_max = 0;
  WorkNote* note = nullptr;                        // may be null
  int protocol_version_max = kProtocolVersionMax;  // that new invocations begin with
  uint64_t epoch_sequence = 0;
  PartitionRow row;
  std::unordered_map<InvocationId, LiveAttempt> live;
  std::unordered_map<InvocationId, std::vector<ReplyTo>> waiting;
  ReadyHead ready;
  TimerHead timers;
  std::optional<TimeMs> next_expiry;
  std::map<uint16_t, OutboxWindow> outbox;
  std::map<uint16_t, uint64_t> received;  // newest sequence seen, by sending partition
  WorkHead work;
  bool work_pending = false;  // a ContinueWork command is on its way
  std::deque<PendingAnswers> answers;
  ClearingObjects clearing;
  std::map<uint64_t, RunningRestart> restarts;  // by the sequence of the work row
};

}  // namespace perdure
