// SPDX-License-Identifier: Apache-2.0
//
// Everything that may change an invocation, as values. A command is made at a door (ingress, admin,
// an SDK stream, a timer, a peer partition), travels through PartitionGateway, and is applied by
// the machine of one partition. Ids and chance are in the command; the time comes with the turn.
#pragma once

#include "perdure/base/bytes.h"
#include "perdure/base/ids.h"
#include "perdure/base/limits.h"
#include "perdure/core/target.h"
#include "perdure/protocol/messages.h"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace perdure {

// Where an answer goes: a slot of one I/O thread of this process. Never written to disk.
struct ReplyTo {
  uint16_t io_thread = 0xffff;
  uint32_t slot = 0;
  uint32_t generation = 0;
  bool wanted() const { return io_thread != 0xffff; }
  friend bool operator==(const ReplyTo&, const ReplyTo&) = default;
};
inline constexpr ReplyTo kNoReply{};

// What an invocation gets told about another one, as the notification it becomes.
enum class CallerWish : uint8_t {  // ON DISK: append only, DO NOT RENUMBER
  kCallResult = 0,
  kAttachResult = 1,  // service protocol 3.10
  kOutput = 2,        // at once, also that there is none yet
};

// Another invocation that waits for this one's result, or that started it.
struct CallerRef {
  InvocationId id;
  Birth birth;
  Target target;  // for display
  // 0: a one-way call, nobody waits.
  CompletionId result_completion_id = 0;
  CallerWish wish = CallerWish::kCallResult;
};

// A new invocation, complete.
struct InvocationSpec {
  InvocationId id;
  Target target;
  std::optional<std::string> idempotency_key;
  Retention retention;
  std::vector<Header> headers;
  SharedBytes body;
  TimeMs start_at = 0;              // 0: now
  std::optional<CallerRef> caller;  // absent: from ingress
  uint64_t random_seed = 0;
};

// --- from ingress ---
// Creates the invocation, or finds the one with this id. Reply: InvocationAccepted at once if
// `wait` is false, else InvocationResult when it ends.
struct Invoke {
  InvocationSpec spec;
  bool wait = false;
};
// Reply: InvocationResult, or InvocationNotReady (only if !wait), or InvocationUnknown.
struct Attach {
  InvocationId id;
  bool wait = true;
};
// The client left: its waiting reply is dropped.
struct ForgetReply {
  InvocationId id;
  ReplyTo reply_to;
};

// From outside: completes an awakeable (ingress API 10). Reply: SignalAccepted, whether somebody
// waits for it or not.
struct DeliverSignal {
  InvocationId target;
  SignalName signal;
  SignalResult result;
};

// --- from an attempt ---
// The frames of one network read, in order. Dropped if the attempt is no longer the live one;
// frames already seen are skipped.
struct JournalAppend {
  InvocationId id;
  AttemptEpoch epoch;
  uint64_t first_frame = 0;  // number of the first frame on this stream, from 0
  std::vector<SdkFrame> frames;
};
// The attempt ended without Suspension, Error or End.
struct AttemptFailed {
  InvocationId id;
  AttemptEpoch epoch;
  AttemptError error;
  std::string doc_code;  // "RT0010"
  // Retry-After: replaces the backoff and does not consume an attempt (service protocol 4.5).
  std::optional<DurationMs> retry_after;
  // Failures that never reached the SDK do not count in StartMessage (service protocol 3.2).
  bool reached_sdk = true;
};
// The stream wants the journal from `from`, and has set aside memory for so much of it. Reply
// effect: NotifyAttempt with `answer`.
struct ReadJournal {
  InvocationId id;
  AttemptEpoch epoch;
  JournalIndex from = 0;
  size_t bytes_max = limits::kJournalChunk;
};
// What the attempt learned from the response head, for display.
struct AttemptHead {
  InvocationId id;
  AttemptEpoch epoch;
  std::string server;  // x-restate-server
};

// --- from admin; reply: ControlOutcome ---
struct Cancel {
  InvocationId id;
};
struct Kill {
  InvocationId id;
};
// Which deployment an invocation goes on with (admin API 8.4).
struct DeploymentChoice {
  enum class Kind : uint8_t { kKeep, kLatest, kNamed };
  Kind kind = Kind::kKeep;
  DeploymentId named;
};
struct Resume {
  InvocationId id;
  DeploymentChoice deployment = {};
};
// No new attempt until Resume; one that runs is asked to suspend.
struct Pause {
  InvocationId id;
};
// Forgets a completed invocation, or only its journal.
struct Purge {
  InvocationId id;
  bool journal_only = false;
};
// A new invocation with the target and the input of a completed one (admin API 8.5). It keeps the
// journal up to and including `from`, and the completions of the commands in it. Reply:
// RestartOutcome, once the new invocation is there.
struct RestartAsNew {
  InvocationId id;
  JournalIndex from = 0;
  DeploymentChoice deployment = {};
};

// --- made by the partition itself ---
// The process ended several times in a row at work on this invocation: it is paused before
// anything else happens to it. One that has not begun, or has ended, stays as it is.
struct Quarantine {
  InvocationId id;
  uint32_t crashes = 0;
};
struct TimersDue {  // wall clock: whatever is due by then fires
  TimeMs wall_now = 0;
};
struct RetentionDue {
  TimeMs wall_now = 0;
};
// Go on with work that is larger than one turn (killed trees, listeners).
struct ContinueWork {};
// Slots came back: the partition has a turn, and starts what is ready. Changes nothing by itself.
struct SlotsFreed {};

// --- between partitions ---
// Deliver the result of a call, or of an attach, to whoever wished it.
struct PeerCallResult {
  InvocationId caller;
  Birth caller_birth;
  CompletionId completion_id = 0;
  SignalResult result;  // void: there is none yet (kOutput only)
  CallerWish wish = CallerWish::kCallResult;
};
// Another invocation wants the result of `target`.
struct PeerAttach {
  InvocationId target;
  CallerRef caller;
};
struct PeerSignal {
  InvocationId target;
  SignalName signal;
  SignalResult result;
};
struct PeerInvoke {
  InvocationSpec spec;
};
struct PeerKill {
  InvocationId id;
};
using PeerPayload = std::variant<PeerInvoke, PeerCallResult, PeerSignal, PeerKill, PeerAttach>;
// `sequence` numbers the messages from one partition to another, from 1, without a gap.
struct PeerMessage {
  PartitionId from;
  uint64_t sequence = 0;
  PeerPayload payload;
};
// The receiver has everything up to `sequence`: the sender's outbox rows may go.
struct PeerAck {
  PartitionId from;  // the receiver of the messages
  uint64_t sequence = 0;
};

// --- to the metadata partition; reply: RegistrationOutcome ---
struct RegisterDeployment {
  std::shared_ptr<const DeploymentSchema> deployment;  // services discovered, options unresolved
  bool force = false;
  bool breaking = false;
  bool dry_run = false;
};

using Command = std::variant<
    Invoke,
    Attach,
    ForgetReply,
    DeliverSignal,
    JournalAppend,
    AttemptFailed,
    ReadJournal,
    AttemptHead,
    Cancel,
    Kill,
    Resume,
    Pause,
    Purge,
    RestartAsNew,
    Quarantine,
    TimersDue,
    RetentionDue,
    ContinueWork,
    SlotsFreed,
    PeerMessage,
    PeerAck,
    RegisterDeployment>;

}  // namespace perdure
