// SPDX-License-Identifier: Apache-2.0
//
// The attempts of one I/O thread: which attempt of an invocation is the live one, when to look at
// deadlines, and which attempt gives up its slot when starts wait too long. The work of an attempt
// is in attempt.h.
#pragma once

#include "invoker/attempt.h"
#include "invoker/frame_memory.h"
#include "perdure/invoker/invoker.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

namespace perdure {

// Thread: its I/O thread, also for construction and destruction (or after the thread has ended).
class AttemptHostImpl final : public AttemptHost, private AttemptOwner {
 public:
  AttemptHostImpl(
      const InvokerOptions& options,
      PartitionGateway& gateway,
      IoContext& context,
      SlotPool& slots,
      const Clock& clock);
  ~AttemptHostImpl() override;

  void Start(StartAttempt start) override;
  void Notify(NotifyAttempt notify) override;
  void Stop(const StopAttempt& stop) override;
  std::vector<LiveAttempt> Live() const override;

 private:
  bool OnEnded() override;
  void OnGone(Attempt& attempt) override;
  void OnDeadline(uint64_t at_ms) override;
  PartitionGateway& gateway() override { return gateway_; }
  SlotPool& slots() override { return slots_; }
  FrameMemory& frame_memory() override { return frame_memory_; }
  FrameMemory& sending_memory() override { return sending_memory_; }
  size_t invocation_memory_max() const override { return invocation_memory_max_; }
  uint64_t now_ms() const override { return clock_.MonotonicNs() / 1'000'000; }
  TimeMs wall_ms() const override { return clock_.WallMs(); }

  // The attempt of this id and epoch, if it is still wanted.
  std::shared_ptr<Attempt> Find(const InvocationId& id, AttemptEpoch epoch) const;
  void Supersede(std::shared_ptr<Attempt> old);
  void LookAtDeadlines();
  std::vector<std::shared_ptr<Attempt>> TakeDue(uint64_t now, std::optional<uint64_t>& next) const;
  void OnStarvation();
  void LookAtStarvationIn(DurationMs delay);
  void LookAtStarvation();
  void AskToSuspend(size_t lacking, size_t asked, bool starving);
  size_t AskedLately() const;
  // Those that may be asked to suspend and have been idle long enough, idle longest first.
  std::vector<std::shared_ptr<Attempt>> Idle() const;

  const InvokerOptions options_;
  PartitionGateway& gateway_;
  IoContext& context_;
  SlotPool& slots_;
  const Clock& clock_;
  FrameMemory frame_memory_;
  FrameMemory sending_memory_;
  const size_t invocation_memory_max_;

  std::unordered_map<InvocationId, std::shared_ptr<Attempt>> attempts_;
  // Said their last word, and a newer attempt of the same invocation has begun since.
  std::vector<std::shared_ptr<Attempt>> leaving_;
  size_t draining_ = 0;  // attempts whose slot is back and whose stream is not over

  // One timer for all deadlines: most attempts are over long before theirs, and need no timer then.
  Executor::TimerId deadline_timer_ = 0;
  uint64_t deadline_timer_at_ms_ = 0;

  Executor::TimerId starvation_timer_ = 0;
  uint64_t starvation_mark_ = 0;
  uint64_t starvation_mark_at_ms_ = 0;

  // Work that was posted or timed does nothing once this is gone.
  std::shared_ptr<AttemptHostImpl*> self_;
};

}  // namespace perdure
