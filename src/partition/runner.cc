// SPDX-License-Identifier: Apache-2.0
//
// See runner.h. Effects are grouped by destination thread; a message to another partition of this
// node hops as soon as the write set is in the log, everything else waits for the sync.
#include "partition/runner.h"

#include "perdure/base/assert.h"
#include "perdure/base/limits.h"
#include "perdure/base/overloaded.h"
#include "perdure/base/progress.h"
#include "perdure/core/stored_result.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

namespace perdure {
namespace {

uint64_t SplitMix(uint64_t& state) {
  state += 0x9e3779b97f4a7c15ULL;
  uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

// For the watchdog.
void Stepped() {
  if (thread_progress != nullptr) {
    thread_progress->Step();
  }
}

uint64_t Scatter(uint64_t seed) {
  seed ^= 0x5851f42d4c957f2dULL;
  return SplitMix(seed);
}

}  // namespace

Runner::Runner(
    const RunnerParts& parts,
    PartitionId partition,
    std::unique_ptr<Machine> machine,
    Mailbox& mailbox,
    uint64_t entropy_seed)
    : parts_(parts),
      partition_(partition),
      machine_(std::move(machine)),
      mailbox_(mailbox),
      schema_(parts.publisher),
      // Seeds may be neighbours, or a step of the generator apart: then one stream would be another
      // one, delayed, and two partitions would make the same ids. Mixed, the streams begin far
      // apart.
      entropy_(Scatter(entropy_seed)) {}

uint64_t Runner::Entropy() {
  return SplitMix(entropy_);
}

Stamp Runner::MakeStamp(TimeMs wall) {
  now_ = std::max(now_, wall);
  return Stamp{now_, Entropy(), schema_.Get().get()};
}

void Runner::Open() {
  const std::unique_ptr<StateTxn> txn = parts_.store.Begin();
  Effects effects;
  machine_->Open(*txn, MakeStamp(parts_.clock.WallMs()), effects);
  std::erase_if(effects, [this](const Effect& effect) {
    const auto* publish = std::get_if<PublishSchema>(&effect);
    if (publish != nullptr) {
      parts_.publisher.Publish(publish->schema);
    }
    return publish != nullptr;
  });
  machine_->EndTurn(*txn);
  Append(*txn);
  Dispatch(std::move(effects));
}

void Runner::Append(StateTxn& txn) {
  appends_.fetch_add(1, std::memory_order_acq_rel);
  newest_.store(parts_.log.Append(partition_, parts_.term, txn), std::memory_order_relaxed);
  appends_.fetch_add(1, std::memory_order_release);
}

std::optional<InvocationResult> Runner::FindResult(const InvocationId& id) const {
  const uint64_t before = appends_.load(std::memory_order_acquire);
  if (before % 2 != 0 || parts_.log.durable() < newest_.load(std::memory_order_relaxed)) {
    return std::nullopt;
  }
  std::optional<InvocationResult> found = FindStoredResult(parts_.store, id);
  std::atomic_thread_fence(std::memory_order_acquire);
  if (appends_.load(std::memory_order_relaxed) != before) {
    return std::nullopt;
  }
  return found;
}

void Runner::SubmitDue(TimeMs wall) {
  // Due is asked of the wall clock now: late, never early.
  const auto submit = [this](Command command) {
    auto envelope = std::make_unique<Envelope>();
    envelope->command = std::move(command);
    accepted_.push_back(std::move(envelope));
  };
  if (const std::optional<TimeMs> due = machine_->next_timer(); due && *due <= wall) {
    submit(TimersDue{wall});
  }
  if (const std::optional<TimeMs> due = machine_->next_retention(); due && *due <= wall) {
    submit(RetentionDue{wall});
  }
}

std::unique_ptr<Envelope> Runner::NextEnvelope(size_t taken) {
  const bool turn_of_new_work = taken % limits::kNewWorkEvery == limits::kNewWorkEvery - 1;
  auto& lane =
      accepted_.empty() || (turn_of_new_work && !new_work_.empty()) ? new_work_ : accepted_;
  if (lane.empty()) {
    return nullptr;
  }
  std::unique_ptr<Envelope> envelope = std::move(lane.front());
  lane.pop_front();
  return envelope;
}

bool Runner::Turn() {
  mailbox_.Take(taken_accepted_, taken_new_work_);
  std::move(taken_accepted_.begin(), taken_accepted_.end(), std::back_inserter(accepted_));
  std::move(taken_new_work_.begin(), taken_new_work_.end(), std::back_inserter(new_work_));
  taken_accepted_.clear();
  taken_new_work_.clear();
  const TimeMs wall = parts_.clock.WallMs();
  SubmitDue(wall);
  if (accepted_.empty() && new_work_.empty() && !starts_left_) {
    return false;
  }
  parts_.log.WaitWhileCongested();

  const uint64_t begun = parts_.clock.MonotonicNs();
  const std::unique_ptr<StateTxn> txn = parts_.store.Begin();
  Effects effects;
  for (size_t taken = 0; taken < limits::kTurnCommandsMax; ++taken) {
    const std::unique_ptr<Envelope> envelope = NextEnvelope(taken);
    if (envelope == nullptr) {
      break;
    }
    machine_->Apply(
        std::move(envelope->command), envelope->reply_to, MakeStamp(wall), *txn, effects);
    Stepped();
    mailbox_.Done(envelope->source);
    if (envelope->window != nullptr) {
      envelope->window->Returned();
    }
    if (txn->byte_size() >= limits::kTurnBytesMax ||
        parts_.clock.MonotonicNs() - begun >= limits::kTurnNsMax) {
      break;
    }
  }
  PullStarts(*txn, effects, wall);
  machine_->EndTurn(*txn);
  // What a turn derives its effects from is the partition's own: a turn that wrote nothing waits
  // for the newest write set of the partition, not of the database.
  if (!txn->empty()) {
    Append(*txn);
  }
  Dispatch(std::move(effects));
  return starts_left_ || !accepted_.empty() || !new_work_.empty() || !mailbox_.empty();
}

void Runner::PullStarts(StateTxn& txn, Effects& effects, TimeMs wall) {
  starts_left_ = false;
  const size_t waiting = machine_->ready_count();
  if (waiting == 0) {
    return;
  }
  PERDURE_ASSERT(parts_.slots != nullptr);
  const size_t ready = std::min(waiting, limits::kTurnCommandsMax);
  const size_t slots = parts_.slots->Acquire(partition_, ready, waiting);
  const size_t started =
      slots == 0 ? 0 : machine_->PullStarts(slots, MakeStamp(wall), txn, effects);
  PERDURE_ASSERT(started <= slots);
  if (started > 0) {
    Stepped();
  }
  if (started < slots) {
    parts_.slots->Release(slots - started);
  }
  // With too few slots the pool wakes the partition; else nobody but the next turn would.
  starts_left_ = slots == ready && machine_->ready_count() > 0;
}

void Runner::Dispatch(Effects effects) {
  const size_t io_threads = parts_.target.io_thread_count();
  std::vector<Effects> groups(io_threads);
  std::shared_ptr<const SchemaView> schema;
  std::map<PartitionId, PeerAck> acks;
  const auto group_of = [&](const InvocationId& id) -> Effects& {
    return groups[std::hash<InvocationId>{}(id) % io_threads];
  };
  const auto add = [](Effects& group, auto& effect) { group.push_back(std::move(effect)); };
  const auto hop = [&](PartitionId to, Command command) {
    PERDURE_INVARIANT(
        parts_.log.hop_before_durable(), "this log does not allow a hop before durability");
    static_cast<void>(parts_.gateway.Submit(to, Source::kPeer, std::move(command)));
  };
  for (Effect& effect : effects) {
    std::visit(
        Overloaded{
            [&](StartAttempt& start) { add(group_of(start.id), start); },
            [&](NotifyAttempt& notify) { add(group_of(notify.id), notify); },
            [&](StopAttempt& stop) { group_of(stop.id).push_back(stop); },
            [&](SendReply& reply) {
              PERDURE_ASSERT(reply.to.io_thread < io_threads);
              add(groups[reply.to.io_thread], reply);
            },
            [&](SendPeer& peer) {
              if (auto* message = std::get_if<PeerMessage>(&peer.message)) {
                hop(peer.to, std::move(*message));
              } else {
                acks[peer.to] = std::get<PeerAck>(peer.message);
              }
            },
            [&](PublishSchema& publish) { schema = std::move(publish.schema); },
            [&](SubmitToSelf& self) {
              static_cast<void>(
                  parts_.gateway.Submit(partition_, Source::kSelf, std::move(self.command)));
            }},
        effect);
  }
  for (const auto& [to, ack] : acks) {
    hop(to, ack);
  }
  // Once, whichever thread comes first: a late repetition would take back a newer schema.
  const auto published = schema == nullptr ? nullptr : std::make_shared<std::once_flag>();
  for (size_t i = 0; i < io_threads; ++i) {
    const bool publishes = schema != nullptr;
    if (groups[i].empty() && !publishes) {
      continue;
    }
    // A new schema is published before the answers of its turn leave, whichever thread is first.
    parts_.log.Hold(
        newest_.load(std::memory_order_relaxed),
        parts_.target.executor(i),
        [target = &parts_.target,
         publisher = &parts_.publisher,
         view = schema,
         published,
         io_thread = i,
         group = std::move(groups[i])]() mutable {
          if (view != nullptr) {
            std::call_once(*published, [&] { publisher->Publish(std::move(view)); });
          }
          target->Deliver(io_thread, std::move(group));
        });
  }
}

std::optional<TimeMs> Runner::NextWake() const {
  const std::optional<TimeMs> timer = machine_->next_timer();
  const std::optional<TimeMs> retention = machine_->next_retention();
  if (timer && retention) {
    return std::min(*timer, *retention);
  }
  return timer ? timer : retention;
}

}  // namespace perdure
