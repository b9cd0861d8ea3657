// SPDX-License-Identifier: Apache-2.0
//
// Every input runs through the same steps: the machine takes it, what it has to say goes to the
// queue, output is written, the queue is moved into the mailbox as far as there are places, credit
// is returned, and the end is noticed. An input may end the attempt, so it holds itself until it
// returns.
#include "invoker/attempt.h"

#include "invoker/attempt_request.h"
#include "perdure/base/assert.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <variant>

namespace perdure {
namespace {

// Below this, a stalled SDK holds so little that the next chunk of the journal may be asked for;
// above it, OnDrained says when.
constexpr size_t kUnsentLow = 16 * limits::kKiB;

bool IsLastWord(MessageType type) {
  return type == MessageType::kEnd || type == MessageType::kSuspension ||
         type == MessageType::kError;
}

// The partition needs no slot for this attempt any more once it has this command.
bool EndsAttempt(const Command& command) {
  if (const auto* append = std::get_if<JournalAppend>(&command)) {
    return !append->frames.empty() && IsLastWord(append->frames.back().type);
  }
  return std::holds_alternative<AttemptFailed>(command);
}

// Of a chunk of the journal; an entry that is larger comes alone.
size_t ReadBytes(size_t next_entry_bytes) {
  return std::max(next_entry_bytes, limits::kJournalChunk);
}

}  // namespace

size_t StartBytes(const StartAttempt& start) {
  size_t bytes = 0;
  for (const auto& [key, value] : start.state) {
    bytes += key.size() + value.size();
  }
  for (const JournalEntry& entry : start.journal.entries) {
    bytes += entry.payload.size();
  }
  return bytes;
}

void Shorten(StartAttempt& start) {
  start.state.clear();
  start.partial_state = true;
  start.journal.entries.clear();
  start.journal.next = 0;
}

Attempt::Attempt(AttemptOwner& owner, const StartAttempt& start, size_t frame_bytes_max)
    : owner_(owner),
      id_(start.id),
      epoch_(start.epoch),
      partition_(owner.gateway().PartitionFor(start.id)),
      deployment_(start.deployment->id),
      started_at_(owner.wall_ms()),
      stream_(start, frame_bytes_max, owner.now_ms(), owner.invocation_memory_max()),
      active_at_ms_(owner.now_ms()),
      shortened_(start.journal.next == 0),
      next_read_bytes_(ReadBytes(start.journal.next_entry_bytes)) {
  CountRuns(start.journal.entries);
  if (const size_t bytes = StartBytes(start); bytes >= kLeaseFrom) {
    sending_bytes_ = bytes;
    sending_waiter_ = owner_.sending_memory().Take(bytes, [] {});
    PERDURE_ASSERT(sending_waiter_ == 0);
  }
}

Attempt::~Attempt() {
  GiveLeaseBack();
  GiveSendingBack();
  ReleaseSlot();
}

void Attempt::Open(HttpClient& client, Executor& io, HttpStreamRequest request) {
  PERDURE_ASSERT(http_ == nullptr);
  const std::shared_ptr<Attempt> self = shared_from_this();
  window_ = std::make_shared<MailboxWindow>(io, self);
  http_ = client.Open(std::move(request), *this);
  Advance();
}

void Attempt::Notify(NotifyAttempt notify) {
  const std::shared_ptr<Attempt> self = shared_from_this();
  if (http_ == nullptr) {
    return;
  }
  if (notify.answer) {
    read_outstanding_ = false;
    shortened_ = false;
    next_read_bytes_ = ReadBytes(notify.chunk.next_entry_bytes);
  } else if (shortened_) {
    // The partition believes that the stream has what came with the start.
    notify.chunk.entries.clear();
    notify.lagging = true;
  }
  CountRuns(notify.chunk.entries);
  stream_.OnNotify(notify, owner_.now_ms());
  Advance();
}

void Attempt::RequestSuspension() {
  const std::shared_ptr<Attempt> self = shared_from_this();
  asked_at_ms_ = owner_.now_ms();
  stream_.RequestSuspension(*asked_at_ms_);
  Advance();
}

void Attempt::Reset() {
  gone_ = true;
  http_.reset();
  outbox_.clear();
  GiveLeaseBack();
  GiveSendingBack();
  ReleaseSlot();
}

void Attempt::OnTime() {
  const std::shared_ptr<Attempt> self = shared_from_this();
  Handle(stream_.OnDeadline(owner_.now_ms()));
}

AttemptHost::LiveAttempt Attempt::Live() const {
  return AttemptHost::LiveAttempt{
      id_, epoch_, started_at_, deployment_, server_, stream_.awaiting_on()};
}

std::optional<uint64_t> Attempt::deadline_ms() const {
  if (http_ == nullptr) {
    return std::nullopt;
  }
  const std::optional<StreamDeadline> deadline = stream_.NextDeadline();
  return deadline ? std::optional<uint64_t>(deadline->at_ms) : std::nullopt;
}

void Attempt::OnHead(int status, const HttpHeaders& headers) {
  const std::shared_ptr<Attempt> self = shared_from_this();
  Handle(stream_.OnHead(status, headers, owner_.wall_ms(), owner_.now_ms()));
}

void Attempt::OnData(BytesView data) {
  const std::shared_ptr<Attempt> self = shared_from_this();
  received_ += data.size();
  active_at_ms_ = owner_.now_ms();
  Handle(stream_.OnBytes(data, active_at_ms_));
}

void Attempt::OnEnd() {
  const std::shared_ptr<Attempt> self = shared_from_this();
  Handle(stream_.OnEnd());
}

void Attempt::OnFailure(HttpFailure failure, std::string_view message) {
  const std::shared_ptr<Attempt> self = shared_from_this();
  Handle(stream_.OnFailure(failure, message));
}

void Attempt::OnDrained() {
  const std::shared_ptr<Attempt> self = shared_from_this();
  stream_.OnSent(owner_.now_ms());
  Advance();
}

void Attempt::OnMailboxPlace() {
  Advance();
}

void Attempt::Handle(StreamEvents events) {
  if (events.head) {
    server_ = std::move(events.head->server);
  }
  if (events.append) {
    CountFrames(*events.append);
    Enqueue(std::move(*events.append));
  }
  if (events.failed) {
    // Who served is display data: it is worth a command only where somebody will look for it.
    if (!server_.empty()) {
      Enqueue(AttemptHead{id_, epoch_, server_});
    }
    Enqueue(std::move(*events.failed));
  }
  Advance();
}

void Attempt::Advance() {
  if (gone_) {
    return;
  }
  if (http_ != nullptr) {
    WriteOutput();
    if (http_->unsent_bytes() <= kUnsentLow) {
      ReadOn();
    }
  }
  Flush();
  if (stream_.over()) {
    http_.reset();
    GiveLeaseBack();
    GiveSendingBack();
    if (outbox_.empty()) {
      gone_ = true;
      owner_.OnGone(*this);
    }
    return;
  }
  if (ended() && !draining_) {
    draining_ = owner_.OnEnded();
    if (!draining_) {
      Reset();
      owner_.OnGone(*this);
      return;
    }
  }
  ReturnCredit();
  if (const std::optional<uint64_t> deadline = deadline_ms()) {
    owner_.OnDeadline(*deadline);
  }
}

void Attempt::WriteOutput() {
  if (!stream_.has_output()) {
    return;
  }
  StreamOutput output = stream_.TakeOutput();
  for (SharedBytes& piece : output.pieces) {
    http_->Write(std::move(piece));
  }
  if (!output.pieces.empty()) {
    active_at_ms_ = owner_.now_ms();
  }
  if (output.half_close) {
    asked_at_ms_ = asked_at_ms_.value_or(owner_.now_ms());
    http_->FinishBody();
  }
}

void Attempt::Enqueue(Command command) {
  auto* append = std::get_if<JournalAppend>(&command);
  if (append != nullptr && !outbox_.empty()) {
    if (auto* last = std::get_if<JournalAppend>(&outbox_.back())) {
      PERDURE_ASSERT(last->first_frame + last->frames.size() == append->first_frame);
      std::move(append->frames.begin(), append->frames.end(), std::back_inserter(last->frames));
      return;
    }
  }
  outbox_.push_back(std::move(command));
}

void Attempt::Flush() {
  while (!outbox_.empty() && window_->Take()) {
    Command next = std::move(outbox_.front());
    outbox_.pop_front();
    Submit(std::move(next));
  }
}

void Attempt::Submit(Command command) {
  const bool ends = EndsAttempt(command);
  const Submitted submitted =
      owner_.gateway().Submit(partition_, Source::kStream, std::move(command), kNoReply, window_);
  PERDURE_ASSERT(submitted == Submitted::kAccepted);
  if (ends) {
    ReleaseSlot();
  }
}

void Attempt::CountFrames(const JournalAppend& append) {
  static constexpr size_t kFrameHeaderBytes = 8;
  for (const SdkFrame& frame : append.frames) {
    parsed_ += kFrameHeaderBytes + frame.payload.size();
    CountRun(frame.type);
  }
  parsed_ = std::min(parsed_, received_);
}

void Attempt::CountRuns(const std::vector<JournalEntry>& entries) {
  for (const JournalEntry& entry : entries) {
    CountRun(entry.type);
  }
}

void Attempt::CountRun(MessageType type) {
  if (type == MessageType::kRunCommand) {
    ++open_runs_;
  } else if (type == MessageType::kRunCompletion) {
    --open_runs_;
  }
}

// REQUIRES: what was read is in the mailbox.
void Attempt::UpdateLease() {
  const size_t frame_bytes = stream_.pending_frame_bytes();
  if (lease_bytes_ != 0 && lease_bytes_ != frame_bytes) {
    GiveLeaseBack();  // that frame is finished
  }
  if (lease_bytes_ != 0 || frame_bytes < kLeaseFrom) {
    return;
  }
  lease_bytes_ = frame_bytes;
  // Granted inside a call to some other attempt: only credit may be touched then.
  lease_waiter_ = owner_.frame_memory().Take(frame_bytes, [weak = weak_from_this()] {
    if (const std::shared_ptr<Attempt> self = weak.lock()) {
      self->lease_waiter_ = 0;
      self->ReturnCredit();
    }
  });
}

void Attempt::ReturnCredit() {
  if (http_ == nullptr || !outbox_.empty()) {
    return;  // the partition is behind: so is the SDK
  }
  UpdateLease();
  // What belongs to no complete frame is part of the pending one, or was skipped by the machine.
  const size_t pending = stream_.pending_frame_bytes();
  parsed_ = std::max(parsed_, received_ - std::min<uint64_t>(received_, pending));
  const bool leased = lease_bytes_ != 0 && lease_waiter_ == 0;
  const uint64_t credited = leased ? received_ : parsed_;
  if (credited > credited_) {
    const uint64_t credit = credited - credited_;
    credited_ = credited;
    http_->ReturnCredit(static_cast<size_t>(credit));
  }
}

void Attempt::GiveLeaseBack() {
  const size_t bytes = std::exchange(lease_bytes_, 0);
  if (lease_waiter_ != 0) {
    owner_.frame_memory().Forget(std::exchange(lease_waiter_, 0));
  } else if (bytes != 0) {
    owner_.frame_memory().GiveBack(bytes);
  }
}

// REQUIRES: nearly nothing is unsent.
void Attempt::ReadOn() {
  if (read_outstanding_ || waiting_read_) {
    return;
  }
  GiveSendingBack();
  waiting_read_ = stream_.TakeReadRequest();
  if (!waiting_read_) {
    return;
  }
  if (next_read_bytes_ > owner_.invocation_memory_max()) {
    waiting_read_.reset();
    StreamEvents events =
        stream_.GiveUp("an entry of its journal", next_read_bytes_, owner_.invocation_memory_max());
    if (events.failed) {
      Enqueue(std::move(*events.failed));
    }
    return;
  }
  waiting_read_->bytes_max = next_read_bytes_;
  sending_bytes_ = next_read_bytes_;
  sending_waiter_ = owner_.sending_memory().Take(sending_bytes_, [weak = weak_from_this()] {
    if (const std::shared_ptr<Attempt> self = weak.lock()) {
      self->sending_waiter_ = 0;
      self->SendRead();
      self->Flush();
    }
  });
  if (sending_waiter_ == 0) {
    SendRead();
  }
}

void Attempt::SendRead() {
  read_outstanding_ = true;
  Enqueue(*std::exchange(waiting_read_, std::nullopt));
}

void Attempt::GiveSendingBack() {
  waiting_read_.reset();
  const size_t bytes = std::exchange(sending_bytes_, 0);
  if (sending_waiter_ != 0) {
    owner_.sending_memory().Forget(std::exchange(sending_waiter_, 0));
  } else if (bytes != 0) {
    owner_.sending_memory().GiveBack(bytes);
  }
}

void Attempt::ReleaseSlot() {
  if (std::exchange(holds_slot_, false)) {
    owner_.slots().Release(1);
  }
}

}  // namespace perdure
