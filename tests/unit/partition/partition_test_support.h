// SPDX-License-Identifier: Apache-2.0
//
// A runner and everything around it, on one thread: a clock that is set, executors that run when
// they are told to, slots that are counted, a machine that does what the test says and writes down
// what it was given. The store and the log are those in memory, so the test decides about syncs.
#pragma once

#include "partition/mailbox.h"
#include "partition/runner.h"
#include "perdure/log/memory.h"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace perdure::test {

class ManualClock final : public Clock {
 public:
  TimeMs WallMs() const override { return wall; }
  uint64_t MonotonicNs() const override { return monotonic; }
  TimeMs wall = 1'000'000;
  uint64_t monotonic = 0;
};

// Thread: any.
class ManualExecutor final : public Executor {
 public:
  void Post(MoveFunction<void()> work) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    queue_.push_back(std::move(work));
  }
  TimerId StartTimer(DurationMs /*delay*/, MoveFunction<void()> /*work*/) override { return 1; }
  void CancelTimer(TimerId /*timer*/) override {}
  size_t waiting() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return queue_.size();
  }
  void RunAll() {
    std::deque<MoveFunction<void()>> work;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      work.swap(queue_);
    }
    for (MoveFunction<void()>& piece : work) {
      piece();
    }
  }

 private:
  std::mutex mutex_;
  std::deque<MoveFunction<void()>> queue_;
};

class FakeTarget final : public EffectTarget {
 public:
  explicit FakeTarget(size_t io_threads) : executors(io_threads), delivered(io_threads) {}
  size_t io_thread_count() const override { return executors.size(); }
  Executor& executor(size_t io_thread) override { return executors[io_thread]; }
  void Deliver(size_t io_thread, Effects effects) override {
    for (Effect& effect : effects) {
      delivered[io_thread].push_back(std::move(effect));
    }
  }
  void RunAll() {
    for (ManualExecutor& executor : executors) {
      executor.RunAll();
    }
  }
  size_t count() const {
    size_t all = 0;
    for (const Effects& effects : delivered) {
      all += effects.size();
    }
    return all;
  }
  std::deque<ManualExecutor> executors;
  std::vector<Effects> delivered;
};

class FakeSlots final : public SlotPool {
 public:
  size_t Acquire(PartitionId /*partition*/, size_t want, size_t /*waiting*/) override {
    asked.push_back(want);
    const size_t given = std::min(want, free);
    free -= given;
    return given;
  }
  void Release(size_t count) override { free += count; }
  size_t free = 1000;
  std::vector<size_t> asked;
};

// Submissions go to mailboxes by partition.
class FakeGateway final : public PartitionGateway {
 public:
  Submitted Submit(
      PartitionId partition,
      Source source,
      Command command,
      ReplyTo reply_to,
      std::shared_ptr<StreamWindow> window) override {
    auto envelope = std::make_unique<Envelope>();
    envelope->command = std::move(command);
    envelope->reply_to = reply_to;
    envelope->source = source;
    envelope->window = std::move(window);
    return mailboxes[partition].Put(std::move(envelope)) ? Submitted::kAccepted
                                                         : Submitted::kOverloaded;
  }
  std::optional<InvocationResult> FindResult(const InvocationId&) const override { return {}; }
  uint16_t partition_count() const override { return 2; }
  std::map<PartitionId, Mailbox> mailboxes;
};

// Applies by a function of the test.
class FakeMachine final : public Machine {
 public:
  struct Applied {
    Command command;
    ReplyTo reply_to;
    Stamp stamp;
  };
  using OnApply = std::function<void(const Applied&, StateTxn&, Effects&)>;

  void Open(StateTxn& /*txn*/, const Stamp& /*stamp*/, Effects& effects) override {
    for (Effect& effect : open_effects) {
      effects.push_back(std::move(effect));
    }
  }
  void Apply(Command command, ReplyTo reply_to, const Stamp& stamp, StateTxn& txn, Effects& effects)
      override {
    applied.push_back({std::move(command), reply_to, stamp});
    if (on_apply) {
      on_apply(applied.back(), txn, effects);
    }
  }
  size_t PullStarts(
      size_t slots, const Stamp& /*stamp*/, StateTxn& /*txn*/, Effects& effects) override {
    const size_t count = std::min(slots, ready);
    for (size_t i = 0; i < count; ++i) {
      effects.push_back(StartAttempt{});
    }
    ready -= count;
    return count;
  }
  size_t ready_count() const override { return ready; }
  void EndTurn(StateTxn& /*txn*/) override { ++turns; }
  std::optional<TimeMs> next_timer() const override { return timer; }
  std::optional<TimeMs> next_retention() const override { return retention; }

  std::vector<Applied> applied;
  OnApply on_apply;
  Effects open_effects;
  size_t ready = 0;
  size_t turns = 0;
  std::optional<TimeMs> timer;
  std::optional<TimeMs> retention;
};

// Numbers a command in a field that a runner has no use for.
inline Command Numbered(uint16_t number) {
  return Attach{InvocationId{PartitionKey{number}, {}}, true};
}
inline uint16_t NumberOf(const Command& command) {
  return static_cast<uint16_t>(std::get<Attach>(command).id.partition_key.value);
}

// Partition 0 with a fake machine.
struct Bench {
  explicit Bench(size_t io_threads = 1, uint64_t seed = 7)
      : target(io_threads), runner(MakeRunner(seed)) {}

  std::unique_ptr<MemoryDatabase> db = MemoryDatabase::Create();
  ManualClock clock;
  SchemaPublisher publisher;
  FakeTarget target;
  FakeGateway gateway;
  FakeSlots slots;
  FakeMachine* machine = nullptr;  // owned by the runner
  Runner runner;

  Mailbox& mailbox() { return gateway.mailboxes[PartitionId{0}]; }
  void Submit(Source source, Command command, ReplyTo reply_to = kNoReply) {
    gateway.Submit(PartitionId{0}, source, std::move(command), reply_to, nullptr);
  }
  std::vector<uint16_t> Numbers() const {
    std::vector<uint16_t> out;
    for (const FakeMachine::Applied& applied : machine->applied) {
      out.push_back(NumberOf(applied.command));
    }
    return out;
  }
  // Every command writes a row and is answered.
  void WriteAndAnswer() {
    machine->on_apply = [](const FakeMachine::Applied& applied, StateTxn& txn, Effects& effects) {
      txn.Put(Family::kMeta, "k" + std::to_string(NumberOf(applied.command)), "v");
      effects.push_back(SendReply{applied.reply_to, InvocationUnknown{}});
    };
  }

 private:
  Runner MakeRunner(uint64_t seed) {
    auto made = std::make_unique<FakeMachine>();
    machine = made.get();
    const RunnerParts parts{
        db->store(), db->log(), clock, publisher, target, gateway, &slots, db->start_counter()};
    return Runner(parts, PartitionId{0}, std::move(made), mailbox(), seed);
  }
};

}  // namespace perdure::test
