// SPDX-License-Identifier: Apache-2.0
//
// What the machine wants done outside of itself. Effects of a turn are held until the turn is
// durable (promise 1), except hops to partitions of this node, see CommitLog::hop_before_durable.
#pragma once

#include "perdure/core/command.h"
#include "perdure/core/reply.h"
#include "perdure/schema/schema.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace perdure {

// A stretch of the journal for one attempt.
struct JournalChunk {
  std::vector<JournalEntry> entries;
  JournalIndex next = 0;  // index after the last entry covered (covered commands may be left out)
  JournalIndex journal_length = 0;
  JournalIndex from = 0;  // index of the first entry covered; lets the stream prove there is no gap
  // Not 0: nothing is covered, because the entry at `next` is larger than what was asked for.
  size_t next_entry_bytes = 0;
};

// Everything an attempt needs to begin (service protocol 3.2, 4.8).
struct StartAttempt {
  InvocationId id;
  AttemptEpoch epoch;
  Target target;
  std::shared_ptr<const DeploymentSchema> deployment;
  int protocol_version = 0;
  DurationMs inactivity_timeout = 0;
  DurationMs abort_timeout = 0;
  JournalIndex known_entries = 0;  // the cut: replay up to here, then notifications
  std::vector<std::pair<std::string, std::string>> state;  // eager state
  bool partial_state = true;
  uint32_t retry_count_since_last_entry = 0;
  DurationMs duration_since_last_entry = 0;
  uint64_t random_seed = 0;
  std::optional<std::string> idempotency_key;
  JournalChunk journal;  // from index 0
};

// New notifications behind what the attempt has. With `lagging`, they are not in the chunk: the
// stream pulls them with ReadJournal when it has room. `answer`: to a ReadJournal.
struct NotifyAttempt {
  InvocationId id;
  AttemptEpoch epoch;
  JournalChunk chunk;
  bool lagging = false;
  bool answer = false;
  // Commands that are stored, for an SDK that asked to be told (service protocol 2.4). They count
  // commands only, the input is 0.
  std::vector<uint32_t> command_acks = {};
};

// End the attempt from our side.
struct StopAttempt {
  enum class How : uint8_t {
    kHalfClose,  // ask the SDK to suspend
    kReset,      // failed precondition, killed, fenced: RST_STREAM CANCEL
  };
  InvocationId id;
  AttemptEpoch epoch;
  How how = How::kReset;
};

struct SendReply {
  ReplyTo to;
  Reply reply;
};

struct SendPeer {
  PartitionId to;
  std::variant<PeerMessage, PeerAck> message;
};

// The schema changed durably.
struct PublishSchema {
  std::shared_ptr<const SchemaView> schema;
};

// Submit this to the own partition again (bounded work, continued).
struct SubmitToSelf {
  Command command;
};

using Effect = std::variant<
    StartAttempt,
    NotifyAttempt,
    StopAttempt,
    SendReply,
    SendPeer,
    PublishSchema,
    SubmitToSelf>;

using Effects = std::vector<Effect>;

}  // namespace perdure
