// SPDX-License-Identifier: Apache-2.0
//
// Frames of an attempt: commands are stored as they came and performed in the same step;
// notifications are appended where they happen; End, Suspension and Error close the attempt
// (service protocol 3.1, 3.3, 3.7, 3.12).
#include "core/applier.h"
#include "core/wait_tree.h"
#include "perdure/base/assert.h"
#include "perdure/base/overloaded.h"
#include "perdure/protocol/notifications.h"

#include <utility>

namespace perdure {
namespace {

constexpr uint32_t kJournalMismatch = 570;
constexpr uint32_t kProtocolViolation = 571;

// Where an operator reads about an error that the SDK names (service protocol 3.13).
std::string DocCodeOf(const AttemptError& error) {
  switch (error.code) {
    case kJournalMismatch:
      return "RT0016";
    case kProtocolViolation:
      return "RT0012";
    default:
      return "RT0007";
  }
}

}  // namespace

void Applier::Apply(JournalAppend& command) {
  LiveAttempt* live = LiveWithEpoch(command.id, command.epoch);
  if (live == nullptr) {
    return;  // late: the attempt is over
  }
  PERDURE_INVARIANT(
      command.first_frame <= live->next_frame, "frames of an attempt were lost on the way");
  const uint64_t seen = live->next_frame - command.first_frame;
  if (seen >= command.frames.size()) {
    return;
  }
  live->next_frame += command.frames.size() - seen;
  Invocation* invocation = Find(command.id);
  PERDURE_ASSERT(invocation != nullptr);
  for (size_t i = static_cast<size_t>(seen); i < command.frames.size(); ++i) {
    if (!ApplyFrame(*invocation, command.frames[i])) {
      return;
    }
  }
}

bool Applier::ApplyFrame(Invocation& invocation, SdkFrame& frame) {
  if (IsCommand(frame.type)) {
    return ApplyCommand(invocation, frame);
  }
  if (auto* proposal = std::get_if<ProposeRunCompletion>(&frame.message)) {
    ApplyProposal(invocation, *proposal);
    return true;
  }
  if (auto* suspension = std::get_if<Suspension>(&frame.message)) {
    ApplySuspension(invocation, *suspension);
  } else if (auto* error = std::get_if<AttemptError>(&frame.message)) {
    std::optional<DurationMs> delay = error->next_retry_delay;
    std::string doc_code = DocCodeOf(*error);
    FailAttempt(invocation, std::move(*error), std::move(doc_code), delay, true);
  } else {
    PERDURE_ASSERT(std::holds_alternative<End>(frame.message));
    ApplyEnd(invocation);
  }
  return false;
}

bool Applier::ApplyCommand(Invocation& invocation, SdkFrame& frame) {
  return std::visit(
      Overloaded{
          [&](OutputCommand&) { return ApplyOutput(invocation, frame); },
          [&](SleepCommand&) { return ApplySleep(invocation, frame); },
          [&](CallCommand&) { return ApplyCall(invocation, frame); },
          [&](OneWayCallCommand&) { return ApplyOneWayCall(invocation, frame); },
          [&](SendSignalCommand&) { return ApplySendSignal(invocation, frame); },
          [&](GetLazyStateCommand&) { return ApplyStateRead(invocation, frame); },
          [&](GetLazyStateKeysCommand&) { return ApplyStateRead(invocation, frame); },
          [&](GetEagerStateCommand&) { return ApplyStateRead(invocation, frame); },
          [&](SetStateCommand&) { return ApplyStateWrite(invocation, frame); },
          [&](ClearStateCommand&) { return ApplyStateWrite(invocation, frame); },
          [&](ClearAllStateCommand&) { return ApplyStateWrite(invocation, frame); },
          [&](RunCommand&) {
            AppendCommand(invocation, frame);
            return true;
          },
          [&](CustomCommand&) {
            AppendCommand(invocation, frame);
            return true;
          },
          [&](GetPromiseCommand&) { return ApplyPromise(invocation, frame); },
          [&](PeekPromiseCommand&) { return ApplyPromise(invocation, frame); },
          [&](CompletePromiseCommand&) { return ApplyPromise(invocation, frame); },
          [&](CompleteAwakeableCommand&) { return ApplyCompleteAwakeable(invocation, frame); },
          [&](AttachCommand&) { return ApplyAttach(invocation, frame); },
          [&](auto&) {
            // The stream ends an attempt whose SDK sends an input; control is no command.
            PERDURE_INVARIANT(false, "a frame reached the machine that is no command of an SDK");
            return false;
          }},
      frame.message);
}

void Applier::Pin(Invocation& invocation) {
  InvocationStatus& status = invocation.status;
  if (status.pinned_deployment) {
    return;
  }
  const LiveAttempt* live = Live(invocation.id);
  PERDURE_ASSERT(live != nullptr);
  status.pinned_deployment = live->deployment->id;
  status.pinned_protocol_version = live->protocol_version;
}

JournalIndex Applier::AppendEntry(
    Invocation& invocation, MessageType type, const SharedBytes& payload) {
  InvocationStatus& status = invocation.status;
  const JournalIndex index = status.journal_length++;
  const std::string head = EncodeEntryHead(type, stamp_.now);
  txn_.Put(
      Family::kJournal,
      keys::JournalEntry(invocation.id, status.birth, index),
      {head, payload.view()});
  status.last_entry_at = stamp_.now;
  Touch(invocation);
  return index;
}

void Applier::AppendCommand(Invocation& invocation, const SdkFrame& frame) {
  Pin(invocation);
  AppendEntry(invocation, frame.type, frame.payload);
  if (frame.requested_ack && !std::holds_alternative<CustomCommand>(frame.message)) {
    invocation.command_acks.push_back(invocation.status.command_count);
  }
  ++invocation.status.command_count;
  invocation.status.retry_count_since_last_entry = 0;
}

void Applier::AppendCompletion(
    Invocation& invocation, MessageType type, CompletionId completion_id, SharedBytes payload) {
  const std::string row = keys::Completion(invocation.id, invocation.status.birth, completion_id);
  if (txn_.Get(Family::kIndex, row)) {
    return;  // answered already: results never change
  }
  const JournalIndex index = AppendEntry(invocation, type, payload);
  txn_.Put(Family::kIndex, row, keys::U32(index));
  Arrived(invocation, CompletionKey{completion_id}, payload.view());
  invocation.fresh.push_back({index, type, stamp_.now, std::move(payload)});
}

void Applier::Arrived(Invocation& invocation, const NotificationId& what, BytesView notification) {
  InvocationStatus& status = invocation.status;
  if (status.state != InvocationState::kSuspended) {
    return;
  }
  // Nothing else of the wait set is there: it names only what is still to come.
  const auto find = [&](const NotificationId& leaf, bool outcome_matters) {
    if (leaf != what) {
      return Arrival::kNone;
    }
    return outcome_matters && IsFailure(notification) ? Arrival::kFailure : Arrival::kSuccess;
  };
  if (Settle(status.wait_set, find)) {
    Wake(invocation);
  }
}

Arrival Applier::ArrivalOf(
    const Invocation& invocation, const NotificationId& what, bool outcome_matters) const {
  const Birth birth = invocation.status.birth;
  const auto* completion = std::get_if<CompletionKey>(&what);
  const std::optional<std::string> row = txn_.Get(
      Family::kIndex,
      completion != nullptr ? keys::Completion(invocation.id, birth, completion->id)
                            : keys::Signal(invocation.id, birth, std::get<SignalName>(what)));
  if (!row) {
    return Arrival::kNone;
  }
  if (!outcome_matters) {
    return Arrival::kSuccess;
  }
  const std::optional<uint32_t> index = keys::ParseU32(*row);
  PERDURE_INVARIANT(index.has_value(), "a row of a notification index does not decode");
  std::optional<std::string> value =
      txn_.Get(Family::kJournal, keys::JournalEntry(invocation.id, birth, *index));
  PERDURE_INVARIANT(value.has_value(), "a notification of the index is not in the journal");
  const JournalEntry entry = DecodeEntry(*index, std::move(*value));
  return IsFailure(entry.payload.view()) ? Arrival::kFailure : Arrival::kSuccess;
}

void Applier::Wake(Invocation& invocation) {
  InvocationStatus& status = invocation.status;
  if (status.state == InvocationState::kSuspended) {
    status.failed_attempts = 0;
    status.attempts_started = 0;
    MakeReady(invocation);
  }
}

void Applier::ApplyProposal(Invocation& invocation, const ProposeRunCompletion& proposal) {
  Pin(invocation);
  AppendCompletion(
      invocation,
      MessageType::kRunCompletion,
      proposal.result_completion_id,
      EncodeResultCompletion(proposal.result_completion_id, proposal.result));
}

void Applier::ApplySuspension(Invocation& invocation, Suspension& suspension) {
  if (suspension.wait_set.empty()) {
    FailAttempt(
        invocation,
        AttemptError{kProtocolViolation, "the suspension waits for nothing", {}, {}, {}, {}, {}},
        "RT0012",
        std::nullopt,
        true);
    return;
  }
  EndAttempt(invocation.id);
  InvocationStatus& status = invocation.status;
  DropReady(invocation);
  status.state = InvocationState::kSuspended;
  status.wait_set = std::move(suspension.wait_set);
  status.failed_attempts = 0;
  status.retry_count_since_last_entry = 0;
  Touch(invocation);
  if (status.pause_requested) {
    PauseInvocation(invocation, false);
    return;
  }
  const auto find = [&](const NotificationId& what, bool outcome_matters) {
    return ArrivalOf(invocation, what, outcome_matters);
  };
  if (Settle(status.wait_set, find)) {
    Wake(invocation);
  }
}

bool Applier::ApplyOutput(Invocation& invocation, SdkFrame& frame) {
  auto& output = std::get<OutputCommand>(frame.message);
  const JournalIndex index = invocation.status.journal_length;
  AppendCommand(invocation, frame);
  // The last one counts (service protocol 3.3).
  invocation.status.output_index = index;
  invocation.status.failure.reset();
  if (auto* failure = std::get_if<Failure>(&output.result)) {
    invocation.status.failure = std::move(*failure);
  }
  return true;
}

void Applier::ApplyEnd(Invocation& invocation) {
  if (!invocation.status.output_index) {
    FailAttempt(
        invocation,
        AttemptError{kProtocolViolation, "the SDK sent End without an output", {}, {}, {}, {}, {}},
        "RT0012",
        std::nullopt,
        true);
    return;
  }
  EndAttempt(invocation.id);
  Complete(invocation, std::nullopt);
}

bool Applier::ApplySleep(Invocation& invocation, SdkFrame& frame) {
  const auto& sleep = std::get<SleepCommand>(frame.message);
  AppendCommand(invocation, frame);
  AddTimer(
      {sleep.wake_up_time, invocation.id, TimerKind::kSleep, sleep.result_completion_id},
      invocation.status.birth);
  return true;
}

}  // namespace perdure
