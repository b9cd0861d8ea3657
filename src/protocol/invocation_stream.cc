// SPDX-License-Identifier: Apache-2.0
//
// The state machine of one attempt (service protocol 4.1 to 4.5). Phases go one way; what comes
// after the last phase is ignored, so that late events of the transport are harmless.
#include "perdure/protocol/invocation_stream.h"

#include "perdure/base/assert.h"
#include "perdure/base/limits.h"
#include "protocol/attempt_problem.h"
#include "protocol/command_decode.h"
#include "protocol/control_decode.h"
#include "protocol/frame.h"
#include "protocol/journal_sender.h"
#include "protocol/message_names.h"
#include "protocol/response_head.h"

#include <algorithm>
#include <limits>

namespace perdure {
namespace {

constexpr int kFirstVersionWithRunAcks = 7;

enum class Phase {
  kReplaying,   // the journal below the cut is not all queued
  kStreaming,   // both directions are open
  kSuspending,  // our side is closed, the SDK has not said its last word
  kDraining,    // last word received, waiting for the end of the response
  kOver,
};

uint64_t SaturatingAdd(uint64_t a, uint64_t b) {
  return b > std::numeric_limits<uint64_t>::max() - a ? std::numeric_limits<uint64_t>::max()
                                                      : a + b;
}

// The SDK may have begun to work.
bool ReachedSdk(HttpFailure failure) {
  switch (failure) {
    case HttpFailure::kConnect:
    case HttpFailure::kNotHttp2:
    case HttpFailure::kRefused:
      return false;
    case HttpFailure::kStreamReset:
    case HttpFailure::kConnectionLost:
    case HttpFailure::kProtocol:
      return true;
  }
  return true;
}

bool IsLastWord(MessageType type) {
  return type == MessageType::kEnd || type == MessageType::kSuspension ||
         type == MessageType::kError;
}

size_t SizeOf(const WaitSet& waits) {
  size_t size = waits.nodes.size();
  for (const WaitNode& node : waits.nodes) {
    size += node.leaves();
  }
  return size;
}

Result<SdkFrame> DecodeFrame(const Frame& frame, int protocol_version) {
  SdkFrame out;
  out.type = frame.header.type;
  out.requested_ack = frame.header.requested_ack();
  out.payload = frame.payload;
  if (!IsCommand(out.type)) {
    Result<SdkMessage> control = DecodeControl(out.type, frame.payload, protocol_version);
    if (!control.ok()) {
      return control.error();
    }
    out.message = std::move(*control);
    return out;
  }
  if (out.type == MessageType::kInputCommand) {
    return InvalidArgument("unexpected message " + MessageName(out.type));
  }
  Result<NamedCommand> command = DecodeNamedCommand(out.type, frame.payload);
  if (!command.ok()) {
    return command.error();
  }
  out.message = std::move(command->message);
  out.name = std::move(command->name);
  return out;
}

}  // namespace

std::string InvocationContentType(int protocol_version) {
  return "application/vnd.restate.invocation.v" + std::to_string(protocol_version);
}

class InvocationStream::Impl {
 public:
  Impl(const StartAttempt& start, size_t frame_bytes_max, uint64_t now_ms, size_t memory_max)
      : id_(start.id),
        epoch_(start.epoch),
        protocol_version_(start.protocol_version),
        inactivity_timeout_(start.inactivity_timeout),
        abort_timeout_(start.abort_timeout),
        // Without a stream in both directions, or if the SDK is to suspend at once, our side closes
        // behind the journal (service protocol 4.4, 1.5).
        suspend_wanted_(
            start.inactivity_timeout == 0 ||
            (start.deployment != nullptr && !start.deployment->bidirectional)),
        sender_(start),
        frame_bytes_max_(frame_bytes_max),
        memory_max_(memory_max),
        decoder_(std::min(frame_bytes_max, memory_max)),
        last_frame_ms_(now_ms) {
    Advance(now_ms);
  }

  StreamOutput TakeOutput() {
    StreamOutput output;
    if (phase_ == Phase::kOver) {
      return output;
    }
    output.pieces = sender_.TakePieces();
    output.half_close = half_close_due_;
    half_close_due_ = false;
    return output;
  }
  bool has_output() const {
    return phase_ != Phase::kOver && (half_close_due_ || sender_.has_pieces());
  }

  void OnSent(uint64_t now_ms) {
    if (phase_ == Phase::kReplaying) {
      last_frame_ms_ = now_ms;
    }
  }

  std::optional<ReadJournal> TakeReadRequest() {
    if (phase_ != Phase::kReplaying && phase_ != Phase::kStreaming) {
      return std::nullopt;
    }
    const std::optional<JournalIndex> from = sender_.TakeRead();
    if (!from.has_value()) {
      return std::nullopt;
    }
    return ReadJournal{id_, epoch_, *from};
  }

  void OnNotify(const NotifyAttempt& notify, uint64_t now_ms) {
    PERDURE_ASSERT(notify.id == id_);
    PERDURE_ASSERT(notify.epoch == epoch_);
    if (phase_ != Phase::kReplaying && phase_ != Phase::kStreaming) {
      return;  // our side is closed; the entries stay in the journal (service protocol 4.2)
    }
    sender_.AckCommands(notify.command_acks);
    if (sender_.Accept(notify.chunk, notify.lagging) > 0) {
      last_frame_ms_ = now_ms;
    }
    Advance(now_ms);
  }

  void RequestSuspension(uint64_t now_ms) {
    suspend_wanted_ = true;
    Advance(now_ms);
  }

  StreamEvents OnHead(int status, const HttpHeaders& headers, TimeMs wall_now, uint64_t now_ms) {
    if (phase_ == Phase::kOver) {
      return {};
    }
    PERDURE_ASSERT(!head_seen_);
    head_seen_ = true;
    std::optional<AttemptProblem> problem =
        CheckResponseHead(status, headers, InvocationContentType(protocol_version_), wall_now);
    if (problem.has_value()) {
      return Fail(*std::move(problem));
    }
    if (phase_ == Phase::kSuspending) {
      last_frame_ms_ = now_ms;  // the SDK is alive
    }
    StreamEvents events;
    if (const std::optional<std::string_view> server = headers.Get("x-restate-server")) {
      events.head = AttemptHead{id_, epoch_, std::string(*server)};
    }
    return events;
  }

  StreamEvents OnBytes(BytesView data, uint64_t now_ms) {
    if (phase_ == Phase::kOver || phase_ == Phase::kDraining) {
      return {};
    }
    PERDURE_ASSERT(head_seen_);
    std::vector<Frame> frames;
    const bool fits = decoder_.Feed(data, frames);
    StreamEvents events;
    JournalAppend append{id_, epoch_, next_frame_, {}};
    append.frames.reserve(frames.size());
    std::optional<AttemptProblem> problem;
    for (const Frame& frame : frames) {
      Result<SdkFrame> decoded = DecodeFrame(frame, protocol_version_);
      if (!decoded.ok()) {
        problem = ProblemOf(decoded.error());
        break;
      }
      last_frame_ms_ = now_ms;
      if (auto* awaiting = std::get_if<AwaitingOn>(&decoded->message)) {
        KeepAwaiting(std::move(awaiting->awaiting_on));  // no consequence
      } else {
        NoteProposal(*decoded);
        append.frames.push_back(*std::move(decoded));
      }
      if (IsLastWord(frame.header.type)) {
        CloseAfterLastWord(now_ms);
        break;
      }
    }
    if (!append.frames.empty()) {
      next_frame_ += append.frames.size();
      events.append = std::move(append);
    }
    if (!problem.has_value() && !fits && phase_ != Phase::kDraining) {
      problem = TooLarge(decoder_.too_large());
    }
    if (problem.has_value()) {
      events.failed = Fail(*std::move(problem)).failed;
    }
    return events;
  }

  AttemptProblem TooLarge(const FrameHeader& frame) const {
    const std::string what = "a " + MessageName(frame.type) + " frame";
    return frame.length >= frame_bytes_max_ ? Violation(
                                                  what + " of " + std::to_string(frame.length) +
                                                  " bytes is over the message size limit")
                                            : OverMemory(what, frame.length, memory_max_);
  }

  StreamEvents GiveUp(const std::string& what, size_t bytes, size_t bytes_max) {
    const bool ended = phase_ == Phase::kOver || phase_ == Phase::kDraining;
    return ended ? StreamEvents() : Fail(OverMemory(what, bytes, bytes_max));
  }

  StreamEvents OnEnd() {
    if (phase_ == Phase::kDraining) {
      phase_ = Phase::kOver;
    }
    if (phase_ == Phase::kOver) {
      return {};
    }
    AttemptProblem problem;
    problem.doc_code = "RT0007";
    problem.message =
        decoder_.inside_frame()
            ? "the service ended the stream in the middle of a message"
            : "the service ended the stream without a result, a suspension or an error";
    return Fail(std::move(problem));
  }

  StreamEvents OnFailure(HttpFailure failure, std::string_view message) {
    if (phase_ == Phase::kDraining) {
      phase_ = Phase::kOver;  // the last word counts
    }
    if (phase_ == Phase::kOver) {
      return {};
    }
    AttemptProblem problem;
    problem.doc_code = "RT0010";
    problem.message = "the connection to the service failed: " + std::string(message);
    problem.reached_sdk = ReachedSdk(failure);
    return Fail(std::move(problem));
  }

  std::optional<StreamDeadline> NextDeadline() const {
    switch (phase_) {
      case Phase::kReplaying:
        if (sender_.read_outstanding()) {
          return std::nullopt;  // it is the partition's turn, not the SDK's
        }
        return StreamDeadline{
            DeadlineKind::kReplay, SaturatingAdd(last_frame_ms_, replay_timeout())};
      case Phase::kOver:
        return std::nullopt;
      case Phase::kStreaming:
        return StreamDeadline{
            DeadlineKind::kInactivity, SaturatingAdd(last_frame_ms_, inactivity_timeout_)};
      case Phase::kSuspending:
        return StreamDeadline{DeadlineKind::kAbort, SaturatingAdd(last_frame_ms_, abort_timeout_)};
      case Phase::kDraining:
        return StreamDeadline{
            DeadlineKind::kDrain, SaturatingAdd(last_frame_ms_, limits::kDrainAfterEndMs)};
    }
    return std::nullopt;
  }

  StreamEvents OnDeadline(uint64_t now_ms) {
    const std::optional<StreamDeadline> deadline = NextDeadline();
    if (!deadline.has_value() || now_ms < deadline->at_ms) {
      return {};
    }
    switch (deadline->kind) {
      case DeadlineKind::kReplay: {
        AttemptProblem problem;
        problem.doc_code = "RT0001";
        problem.message = "the service read nothing of its journal for " +
                          std::to_string(replay_timeout()) +
                          " ms (inactivity timeout and abort timeout together)";
        return Fail(std::move(problem));
      }
      case DeadlineKind::kInactivity:
        RequestSuspension(now_ms);
        return {};
      case DeadlineKind::kAbort: {
        AttemptProblem problem;
        problem.doc_code = "RT0001";
        problem.message = "the service did not suspend within the abort timeout of " +
                          std::to_string(abort_timeout_) + " ms after it was asked to";
        return Fail(std::move(problem));
      }
      case DeadlineKind::kDrain:
        phase_ = Phase::kOver;
        return {};
    }
    return {};
  }

  bool over() const { return phase_ == Phase::kOver; }
  bool has_last_word() const { return last_word_; }
  const WaitSet& awaiting_on() const { return awaiting_on_; }
  size_t pending_frame_bytes() const { return decoder_.pending_frame_bytes(); }

 private:
  // During the replay the SDK cannot be asked to suspend. It may be silent for as long as an SDK
  // that is asked and does not answer.
  DurationMs replay_timeout() const { return SaturatingAdd(inactivity_timeout_, abort_timeout_); }

  // From replaying to streaming, and on to suspending if that is wanted. The inactivity timer runs
  // from the end of the replay, the abort timer from the half-close.
  void Advance(uint64_t now_ms) {
    if (phase_ == Phase::kReplaying && sender_.replayed()) {
      phase_ = Phase::kStreaming;
      last_frame_ms_ = now_ms;
    }
    if (phase_ == Phase::kStreaming && suspend_wanted_) {
      phase_ = Phase::kSuspending;
      half_close_due_ = true;
      last_frame_ms_ = now_ms;
    }
  }

  void KeepAwaiting(WaitSet awaiting_on) {
    awaiting_on_ = {};
    if (SizeOf(awaiting_on) <= limits::kAwaitedShownMax) {
      awaiting_on_ = std::move(awaiting_on);
    }
  }

  // The SDK has the result already: it wants to know no more than that it is stored, where it would
  // have been told the result (service protocol 3.7). Older SDKs cannot read that answer.
  void NoteProposal(const SdkFrame& frame) {
    const auto* proposal = std::get_if<ProposeRunCompletion>(&frame.message);
    if (proposal != nullptr && frame.requested_ack &&
        protocol_version_ >= kFirstVersionWithRunAcks) {
      sender_.AckRun(proposal->result_completion_id);
    }
  }

  // The SDK keeps its response open until it sees our end (service protocol 3.3).
  void CloseAfterLastWord(uint64_t now_ms) {
    half_close_due_ = half_close_due_ || phase_ != Phase::kSuspending;
    phase_ = Phase::kDraining;
    last_word_ = true;
    last_frame_ms_ = now_ms;
  }

  StreamEvents Fail(AttemptProblem problem) {
    PERDURE_ASSERT(phase_ != Phase::kOver);
    phase_ = Phase::kOver;
    AttemptFailed failed;
    failed.id = id_;
    failed.epoch = epoch_;
    failed.error.code = problem.code;
    failed.error.message = std::move(problem.message);
    failed.error.behavior = problem.behavior;
    failed.doc_code = std::string(problem.doc_code);
    failed.retry_after = problem.retry_after;
    failed.reached_sdk = problem.reached_sdk;
    StreamEvents events;
    events.failed = std::move(failed);
    return events;
  }

  const InvocationId id_;
  const AttemptEpoch epoch_;
  const int protocol_version_;
  const DurationMs inactivity_timeout_;
  const DurationMs abort_timeout_;

  Phase phase_ = Phase::kReplaying;
  bool suspend_wanted_;
  bool half_close_due_ = false;
  bool head_seen_ = false;
  bool last_word_ = false;
  JournalSender sender_;
  const size_t frame_bytes_max_;
  const size_t memory_max_;
  FrameDecoder decoder_;
  WaitSet awaiting_on_;      // what the SDK last said it waits for
  uint64_t next_frame_ = 0;  // number of the next frame handed out
  uint64_t last_frame_ms_;   // what the deadline of the phase counts from
};

InvocationStream::InvocationStream(
    const StartAttempt& start, size_t frame_bytes_max, uint64_t now_ms, size_t memory_max)
    : impl_(std::make_unique<Impl>(start, frame_bytes_max, now_ms, memory_max)) {}
InvocationStream::~InvocationStream() = default;

StreamOutput InvocationStream::TakeOutput() {
  return impl_->TakeOutput();
}
bool InvocationStream::has_output() const {
  return impl_->has_output();
}
void InvocationStream::OnSent(uint64_t now_ms) {
  impl_->OnSent(now_ms);
}
std::optional<ReadJournal> InvocationStream::TakeReadRequest() {
  return impl_->TakeReadRequest();
}
void InvocationStream::OnNotify(const NotifyAttempt& notify, uint64_t now_ms) {
  impl_->OnNotify(notify, now_ms);
}
void InvocationStream::RequestSuspension(uint64_t now_ms) {
  impl_->RequestSuspension(now_ms);
}
StreamEvents InvocationStream::OnHead(
    int status, const HttpHeaders& headers, TimeMs wall_now, uint64_t now_ms) {
  return impl_->OnHead(status, headers, wall_now, now_ms);
}
StreamEvents InvocationStream::OnBytes(BytesView data, uint64_t now_ms) {
  return impl_->OnBytes(data, now_ms);
}
StreamEvents InvocationStream::GiveUp(const std::string& what, size_t bytes, size_t bytes_max) {
  return impl_->GiveUp(what, bytes, bytes_max);
}
StreamEvents InvocationStream::OnEnd() {
  return impl_->OnEnd();
}
StreamEvents InvocationStream::OnFailure(HttpFailure failure, std::string_view message) {
  return impl_->OnFailure(failure, message);
}
std::optional<StreamDeadline> InvocationStream::NextDeadline() const {
  return impl_->NextDeadline();
}
StreamEvents InvocationStream::OnDeadline(uint64_t now_ms) {
  return impl_->OnDeadline(now_ms);
}
bool InvocationStream::over() const {
  return impl_->over();
}
bool InvocationStream::has_last_word() const {
  return impl_->has_last_word();
}
const WaitSet& InvocationStream::awaiting_on() const {
  return impl_->awaiting_on();
}
size_t InvocationStream::pending_frame_bytes() const {
  return impl_->pending_frame_bytes();
}

}  // namespace perdure
