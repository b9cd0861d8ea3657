// SPDX-License-Identifier: Apache-2.0
//
// See process.h. A turn is one event: nothing comes between its commands, its append and the
// dispatch of its effects. What the in-process transport may not do (lose or reorder) is not done.
#include "tests/sim/process.h"

#include "perdure/base/assert.h"
#include "perdure/base/overloaded.h"
#include "perdure/schema/metadata_machine.h"

#include <algorithm>
#include <utility>

namespace perdure::sim {
namespace {

// Turns between two looks at everything, and at what one turn did.
constexpr uint64_t kCheckEvery = 150;
constexpr uint64_t kCompareEvery = 70;
constexpr TimeMs kSleepMaxMs = 1'000;
constexpr TimeMs kFarMs = 120'000;

}  // namespace

Process::Process(const Surroundings& around, const ServerShape& shape)
    : around_(around),
      core_(around.core),
      shape_(shape),
      clock_(core_),
      slow_clock_(core_),
      client_(around.network),
      turns_(shape.partitions + size_t{1}) {
  for (size_t i = 0; i < shape_.io_threads; ++i) {
    executors_.push_back(std::make_unique<SimExecutor>(core_));
    contexts_.emplace_back(static_cast<uint16_t>(i), *executors_[i], client_, publisher_);
  }
  slots_ = MakeSlotPool(shape_.slots, *this);
  const RunnerParts parts{
      around.database.store(),
      around.log,
      slow_clock_,
      publisher_,
      *this,
      *this,
      slots_.get(),
      around.database.start_counter()};
  // Another start may offer another one: what began goes on.
  const int version = core_.rng.Percent(60) ? kProtocolVersionExperimental : kProtocolVersionMax;
  for (size_t i = 0; i <= shape_.partitions; ++i) {
    mailboxes_.push_back(std::make_unique<Mailbox>());
    PartitionId partition = kMetadataPartition;
    std::unique_ptr<Machine> machine = MakeMetadataMachine(SchemaDefaults{});
    if (i < shape_.partitions) {
      partition = PartitionId{static_cast<uint16_t>(i)};
      auto watched = std::make_unique<WatchedMachine>(
          core_,
          around.holders,
          PartitionMachineOptions{
              partition,
              shape_.partitions,
              around.database.start_counter(),
              shape_.eager_state_bytes_max,
              limits::kMessageSizeDefault,
              shape_.work_items_max,
              nullptr,
              version});
      watched_.push_back(watched.get());
      machine = std::move(watched);
    }
    runners_.push_back(std::make_unique<Runner>(
        parts, partition, std::move(machine), *mailboxes_[i], core_.rng.Next()));
  }
  InvokerOptions options;
  options.slots = shape_.slots;
  options.message_size_max = 4 * limits::kMiB;
  options.frame_memory_max = shape_.frame_memory_max;
  options.sending_memory_max = shape_.frame_memory_max;
  options.invocation_memory_max = shape_.frame_memory_max;
  options.cluster_name = "sim";
  for (IoContext& context : contexts_) {
    hosts_.push_back(MakeAttemptHost(options, *this, context, *slots_, clock_));
  }
  delivery_.SetHosts(hosts_);
}

Process::~Process() {
  for (std::optional<Scheduler::Event>& turn : turns_) {
    if (turn) {
      core_.scheduler.Cancel(*turn);
    }
  }
}

void Process::Start() {
  runners_.back()->Open();
  for (size_t i = 0; i < shape_.partitions; ++i) {
    runners_[i]->Open();
  }
  for (uint16_t i = 0; i < shape_.partitions; ++i) {
    static_cast<void>(Submit(PartitionId{i}, Source::kSelf, SlotsFreed{}));
  }
  for (size_t i = 0; i < around_.strays.size(); ++i) {
    // The epoch of another life: whatever it says, it is late.
    Command stray = std::move(around_.strays[i]);
    const PartitionId partition = PartitionFor(std::get<JournalAppend>(stray).id);
    static_cast<void>(Submit(partition, Source::kStream, std::move(stray)));
  }
  around_.strays.clear();
}

size_t Process::PlaceOf(PartitionId partition) const {
  return partition == kMetadataPartition ? shape_.partitions : partition.value;
}

Submitted Process::Submit(
    PartitionId partition,
    Source source,
    Command command,
    ReplyTo reply_to,
    std::shared_ptr<StreamWindow> window) {
  if (source == Source::kNewWork && (around_.log.congested() || core_.Fault(20))) {
    ++core_.coverage["refusals"];
    return Submitted::kOverloaded;
  }
  Repeat(partition, source, command);
  auto envelope = std::make_unique<Envelope>();
  envelope->command = std::move(command);
  envelope->reply_to = reply_to;
  envelope->source = source;
  envelope->window = std::move(window);
  const size_t place = PlaceOf(partition);
  if (!mailboxes_[place]->Put(std::move(envelope))) {
    return Submitted::kOverloaded;
  }
  ScheduleTurn(place, core_.Fault(8) ? core_.rng.Between(1, 60) * kMs : core_.rng.Below(40 * kUs));
  return Submitted::kAccepted;
}

// Messages of partitions and frames of attempts may come again, later.
void Process::Repeat(PartitionId partition, Source source, const Command& command) {
  const bool append = std::holds_alternative<JournalAppend>(command);
  const bool peer =
      std::holds_alternative<PeerMessage>(command) || std::holds_alternative<PeerAck>(command);
  if ((!append && !peer) || !core_.Fault(append ? 60 : 150)) {
    return;
  }
  if (append && core_.rng.Percent(30)) {
    around_.strays.push_back(command);  // comes after the next crash
    return;
  }
  core_.scheduler.After(
      core_.rng.Below(400) * kMs,
      [this,
       alive = std::weak_ptr<bool>(alive_),
       partition,
       source,
       late = Command(command)]() mutable {
        if (!alive.expired()) {
          static_cast<void>(Submit(partition, source, std::move(late)));
        }
      });
}

void Process::ScheduleTurn(size_t place, uint64_t delay_ns) {
  std::optional<Scheduler::Event>& turn = turns_[place];
  const uint64_t at = core_.now_ns() + delay_ns;
  if (turn) {
    if (turn->first <= at) {
      return;
    }
    core_.scheduler.Cancel(*turn);
  }
  turn = core_.scheduler.At(at, [this, place] { RunTurn(place); });
}

void Process::RunTurn(size_t place) {
  turns_[place].reset();
  Runner& runner = *runners_[place];
  const auto partition = static_cast<uint16_t>(place);
  const bool invocations = place < shape_.partitions;
  const bool compares = invocations && ++turn_count_ % kCompareEvery == 0;
  PartitionSnapshot before;
  if (compares) {
    before = Snapshot(partition);
  }
  const bool more = runner.Turn();
  if (compares) {
    Report(partition, CheckStep(before, Snapshot(partition)));
  }
  if (invocations && turn_count_ % kCheckEvery == 0) {
    Check(partition);
  }
  if (more) {
    ScheduleTurn(place, core_.rng.Below(30 * kUs));
  } else if (const std::optional<TimeMs> wake = runner.NextWake()) {
    const TimeMs wall = core_.wall_ms();
    // As the partition threads do: a jump of the clock is noticed within a second. What is so far
    // away that no jump reaches it is looked at later.
    const TimeMs wait = *wake > wall ? *wake - wall : 0;
    ScheduleTurn(place, (wait > kFarMs ? wait - kFarMs / 2 : std::min(wait, kSleepMaxMs)) * kMs);
  }
}

void Process::Deliver(size_t io_thread, Effects effects) {
  for (const Effect& effect : effects) {
    std::visit(
        Overloaded{
            [this](const StartAttempt& start) {
              core_.Say(
                  "server: starts " + Short(start.id) + " with " +
                  std::to_string(start.known_entries) + " entries");
              around_.oracle.Started(start.id, start.epoch, start.target);
            },
            [this](const NotifyAttempt& notify) {
              core_.Say(
                  "server: tells " + Short(notify.id) + " about entries " +
                  std::to_string(notify.chunk.from) + " to " + std::to_string(notify.chunk.next) +
                  (notify.lagging ? ", lagging" : ""));
              core_.coverage["lagging streams"] += notify.lagging ? 1 : 0;
            },
            [this](const StopAttempt& stop) { core_.Say("server: stops " + Short(stop.id)); },
            [](const auto&) {}},
        effect);
  }
  delivery_.Deliver(io_thread, std::move(effects));
}

PartitionSnapshot Process::Snapshot(uint16_t partition) {
  const std::unique_ptr<StateReader> reader = around_.database.store().Snapshot();
  return TakePartitionSnapshot(*reader, PartitionId{partition}, shape_.partitions);
}

void Process::Report(uint16_t partition, const Violations& violations) {
  for (const std::string& violation : violations) {
    core_.Violate("partition " + std::to_string(partition) + ": " + violation);
  }
}

void Process::Check(uint16_t partition) {
  const std::unique_ptr<StateReader> reader = around_.database.store().Snapshot();
  Report(partition, CheckPartition(*reader, PartitionId{partition}, shape_.partitions));
  Report(partition, CheckMemory(*reader, memory(partition)));
}

void Process::CheckAll() {
  for (uint16_t i = 0; i < shape_.partitions; ++i) {
    Check(i);
  }
}

std::optional<std::string> Process::Unfinished() {
  for (uint16_t i = 0; i < shape_.partitions; ++i) {
    const std::string where = " in partition " + std::to_string(i);
    const PartitionMemory& kept = memory(i);
    if (!mailboxes_[i]->empty()) {
      return "there is mail" + where;
    }
    if (!kept.live.empty()) {
      return "an attempt of " + Short(kept.live.begin()->first) + " is on the wire" + where;
    }
    if (!kept.waiting.empty()) {
      return "a reply waits for " + Short(kept.waiting.begin()->first) + where;
    }
    for (const auto& item : kept.outbox) {
      if (item.second.acked != item.second.sent) {
        return "a message to partition " + std::to_string(item.first) + " is on its way" + where;
      }
    }
    if (kept.work_pending || !kept.timers.keys.empty() || !kept.ready.items.empty()) {
      return "work, a timer or a start is left" + where;
    }
  }
  for (size_t i = 0; i < contexts_.size(); ++i) {
    if (contexts_[i].replies.in_use() > 0) {
      return "a reply slot is in use";
    }
    if (!hosts_[i]->Live().empty()) {
      return "an attempt of " + Short(hosts_[i]->Live().front().id) + " is alive";
    }
  }
  const size_t free = slots_->Acquire(PartitionId{0}, shape_.slots, shape_.slots);
  slots_->Release(free);
  if (free != shape_.slots) {
    return std::to_string(shape_.slots - free) + " slots were not given back";
  }
  return std::nullopt;
}

}  // namespace perdure::sim
