// SPDX-License-Identifier: Apache-2.0
//
// Deadlines are looked at in one pass over the attempts, not more often than every few
// milliseconds; they are met late, never early. While starts lack slots, attempts that have been
// idle for a while are asked to suspend, as on inactivity: those that only wait at once and as many
// as are needed, those in a run one at a time and only when nothing else gives.
#include "invoker/host.h"

#include "invoker/attempt_request.h"
#include "perdure/base/assert.h"

#include <algorithm>
#include <utility>

namespace perdure {
namespace {

// The least time between two passes over the attempts: 1000 of them, 200 times a second.
constexpr uint64_t kDeadlineGrainMs = 5;
// Between two looks for slots while starts lack some.
constexpr uint64_t kStarvationGrainMs = 20;
constexpr size_t kFrameHeaderBytes = 8;

}  // namespace

AttemptHostImpl::AttemptHostImpl(
    const InvokerOptions& options,
    PartitionGateway& gateway,
    IoContext& context,
    SlotPool& slots,
    const Clock& clock)
    : options_(options),
      gateway_(gateway),
      context_(context),
      slots_(slots),
      clock_(clock),
      frame_memory_(std::max(options.frame_memory_max, limits::kJournalChunk) + kFrameHeaderBytes),
      sending_memory_(std::max(options.sending_memory_max, limits::kJournalChunk)),
      // What an attempt needs must fit into what there is, else it would wait for ever.
      invocation_memory_max_(std::clamp(
          options.invocation_memory_max,
          limits::kJournalChunk,
          std::min(frame_memory_.bytes_max() - kFrameHeaderBytes, sending_memory_.bytes_max()))),
      self_(std::make_shared<AttemptHostImpl*>(this)) {
  PERDURE_ASSERT(options.slots > 0);
  PERDURE_ASSERT(options.message_size_max > 0);
  PERDURE_ASSERT(options.frame_memory_max > 0);
  slots_.Watch([weak = std::weak_ptr<AttemptHostImpl*>(self_), &io = context.executor] {
    io.Post([weak] {
      if (const std::shared_ptr<AttemptHostImpl*> host = weak.lock()) {
        (*host)->OnStarvation();
      }
    });
  });
}

AttemptHostImpl::~AttemptHostImpl() {
  context_.executor.CancelTimer(deadline_timer_);
  context_.executor.CancelTimer(starvation_timer_);
  // What ends now makes room for nobody: the others end too.
  frame_memory_.Close();
  sending_memory_.Close();
  for (const auto& item : attempts_) {
    item.second->Abandon();
  }
}

void AttemptHostImpl::Start(StartAttempt start) {
  const auto found = attempts_.find(start.id);
  if (found != attempts_.end()) {
    if (found->second->epoch() >= start.epoch) {
      slots_.Release(1);  // late: the slot that came with it goes back
      return;
    }
    std::shared_ptr<Attempt> old = std::move(found->second);
    attempts_.erase(found);
    Supersede(std::move(old));
  }
  const size_t start_bytes = StartBytes(start);
  if (start_bytes >= Attempt::kLeaseFrom &&
      (start_bytes > invocation_memory_max_ || !sending_memory_.HasRoom(start_bytes))) {
    Shorten(start);
  }
  AttemptOwner& owner = *this;
  const auto attempt = std::make_shared<Attempt>(owner, start, options_.message_size_max);
  attempts_.emplace(start.id, attempt);
  attempt->Open(
      context_.client,
      context_.executor,
      MakeAttemptRequest(start, options_.cluster_name, options_.identity.get(), wall_ms()));
}

void AttemptHostImpl::Notify(NotifyAttempt notify) {
  if (const std::shared_ptr<Attempt> attempt = Find(notify.id, notify.epoch)) {
    attempt->Notify(std::move(notify));
  }
}

void AttemptHostImpl::Stop(const StopAttempt& stop) {
  const std::shared_ptr<Attempt> attempt = Find(stop.id, stop.epoch);
  if (attempt == nullptr) {
    return;
  }
  switch (stop.how) {
    case StopAttempt::How::kHalfClose:
      attempt->RequestSuspension();
      return;
    case StopAttempt::How::kReset:
      attempt->Reset();
      OnGone(*attempt);
      return;
  }
}

std::vector<AttemptHost::LiveAttempt> AttemptHostImpl::Live() const {
  std::vector<LiveAttempt> live;
  live.reserve(attempts_.size());
  for (const auto& item : attempts_) {
    if (!item.second->ended()) {
      live.push_back(item.second->Live());
    }
  }
  return live;
}

std::shared_ptr<Attempt> AttemptHostImpl::Find(const InvocationId& id, AttemptEpoch epoch) const {
  const auto found = attempts_.find(id);
  if (found == attempts_.end() || found->second->epoch() != epoch) {
    return nullptr;
  }
  return found->second;
}

void AttemptHostImpl::Supersede(std::shared_ptr<Attempt> old) {
  if (old->ended()) {
    leaving_.push_back(std::move(old));  // its stream ends in peace
  } else {
    old->Reset();  // the partition drops whatever it would still say
  }
}

bool AttemptHostImpl::OnEnded() {
  if (draining_ >= options_.slots) {
    return false;
  }
  ++draining_;
  return true;
}

void AttemptHostImpl::OnGone(Attempt& attempt) {
  if (attempt.draining()) {
    PERDURE_ASSERT(draining_ > 0);
    --draining_;
  }
  const auto found = attempts_.find(attempt.id());
  if (found != attempts_.end() && found->second.get() == &attempt) {
    attempts_.erase(found);
    return;
  }
  const auto leaving = std::find_if(
      leaving_.begin(), leaving_.end(), [&attempt](const std::shared_ptr<Attempt>& candidate) {
        return candidate.get() == &attempt;
      });
  PERDURE_ASSERT(leaving != leaving_.end());
  leaving_.erase(leaving);
}

void AttemptHostImpl::OnDeadline(uint64_t at_ms) {
  if (deadline_timer_ != 0) {
    if (deadline_timer_at_ms_ <= at_ms) {
      return;
    }
    context_.executor.CancelTimer(deadline_timer_);
  }
  const uint64_t now = now_ms();
  deadline_timer_at_ms_ = std::max(at_ms, now + kDeadlineGrainMs);
  deadline_timer_ = context_.executor.StartTimer(
      deadline_timer_at_ms_ - now, [weak = std::weak_ptr<AttemptHostImpl*>(self_)] {
        if (const std::shared_ptr<AttemptHostImpl*> host = weak.lock()) {
          (*host)->LookAtDeadlines();
        }
      });
}

void AttemptHostImpl::LookAtDeadlines() {
  deadline_timer_ = 0;
  std::optional<uint64_t> next;
  const std::vector<std::shared_ptr<Attempt>> due = TakeDue(now_ms(), next);
  for (const std::shared_ptr<Attempt>& attempt : due) {
    attempt->OnTime();
  }
  if (next) {
    OnDeadline(*next);
  }
}

std::vector<std::shared_ptr<Attempt>> AttemptHostImpl::TakeDue(
    uint64_t now, std::optional<uint64_t>& next) const {
  std::vector<std::shared_ptr<Attempt>> due;
  const auto look = [&due, &next, now](const std::shared_ptr<Attempt>& attempt) {
    const std::optional<uint64_t> at = attempt->deadline_ms();
    if (at && *at <= now) {
      due.push_back(attempt);
    } else if (at) {
      next = next ? std::min(*next, *at) : *at;
    }
  };
  for (const auto& item : attempts_) {
    look(item.second);
  }
  std::for_each(leaving_.begin(), leaving_.end(), look);
  return due;
}

void AttemptHostImpl::OnStarvation() {
  if (starvation_timer_ == 0) {
    starvation_mark_ = slots_.Mark();
    starvation_mark_at_ms_ = now_ms();
    LookAtStarvationIn(kDeadlineGrainMs);
  }
}

void AttemptHostImpl::LookAtStarvationIn(DurationMs delay) {
  starvation_timer_ =
      context_.executor.StartTimer(delay, [weak = std::weak_ptr<AttemptHostImpl*>(self_)] {
        if (const std::shared_ptr<AttemptHostImpl*> host = weak.lock()) {
          (*host)->LookAtStarvation();
        }
      });
}

void AttemptHostImpl::LookAtStarvation() {
  starvation_timer_ = 0;
  if (!slots_.AnyShort()) {
    return;
  }
  const bool mark_is_old = now_ms() - starvation_mark_at_ms_ >= limits::kSlotStealAfterMs;
  // Those that were asked a moment ago are on their way.
  const size_t lacking = slots_.Lacking();
  const size_t asked_lately = AskedLately();
  if (asked_lately < lacking || mark_is_old) {
    AskToSuspend(lacking, asked_lately, mark_is_old && slots_.StarvingSince(starvation_mark_));
  }
  if (mark_is_old) {
    starvation_mark_ = slots_.Mark();
    starvation_mark_at_ms_ = now_ms();
  }
  LookAtStarvationIn(kStarvationGrainMs);
}

void AttemptHostImpl::AskToSuspend(size_t lacking, size_t asked, bool starving) {
  const std::vector<std::shared_ptr<Attempt>> idle = Idle();
  // Who is in no run only waits: as many as starts lack slots go at once.
  for (const std::shared_ptr<Attempt>& attempt : idle) {
    if (asked < lacking && !attempt->in_run()) {
      attempt->RequestSuspension();
      ++asked;
    }
  }
  // A run that is cut off from its journal costs another attempt: one at a time, and only where
  // nothing else moves.
  if (asked == 0 && starving && !idle.empty()) {
    idle.front()->RequestSuspension();
  }
}

size_t AttemptHostImpl::AskedLately() const {
  const uint64_t now = now_ms();
  const auto lately = [now](const auto& item) {
    const std::optional<uint64_t> at = item.second->asked_at_ms();
    return at && now - *at < limits::kSlotStealAfterMs;
  };
  return static_cast<size_t>(std::count_if(attempts_.begin(), attempts_.end(), lately));
}

std::vector<std::shared_ptr<Attempt>> AttemptHostImpl::Idle() const {
  const uint64_t now = now_ms();
  std::vector<std::shared_ptr<Attempt>> idle;
  for (const auto& item : attempts_) {
    const std::shared_ptr<Attempt>& attempt = item.second;
    if (attempt->can_be_suspended() && now - attempt->active_at_ms() >= limits::kSlotStealAfterMs) {
      idle.push_back(attempt);
    }
  }
  std::sort(idle.begin(), idle.end(), [](const auto& left, const auto& right) {
    return left->active_at_ms() < right->active_at_ms();
  });
  return idle;
}

std::unique_ptr<AttemptHost> MakeAttemptHost(
    const InvokerOptions& options,
    PartitionGateway& gateway,
    IoContext& context,
    SlotPool& slots,
    const Clock& clock) {
  return std::make_unique<AttemptHostImpl>(options, gateway, context, slots, clock);
}

}  // namespace perdure
