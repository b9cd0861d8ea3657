// SPDX-License-Identifier: Apache-2.0
//
// See watched_machine.h.
#include "tests/sim/watched_machine.h"

#include "core/keys.h"
#include "perdure/core/rows.h"

#include <algorithm>
#include <utility>

namespace perdure::sim {
namespace {

// An exclusive handler that did something and is not done.
bool AtWork(const InvocationStatus& status) {
  const bool started = status.state == InvocationState::kInvoked ||
                       status.state == InvocationState::kSuspended ||
                       status.state == InvocationState::kPaused;
  return started && status.command_count > 1;
}

}  // namespace

void WatchedMachine::PlantBefore(Command& command) {
  if (auto* append = std::get_if<JournalAppend>(&command);
      append != nullptr && core_.bug == Bug::kNoFence) {
    const auto live = memory().live.find(append->id);
    if (live != memory().live.end() && live->second.epoch != append->epoch) {
      append->epoch = live->second.epoch;
      append->first_frame = live->second.next_frame;
    }
  }
  if (std::holds_alternative<TimersDue>(command) && core_.bug == Bug::kLostWake &&
      !memory().timers.keys.empty() && core_.rng.Percent(5)) {
    stolen().timers.keys.erase(memory().timers.keys.begin());
  }
}

void WatchedMachine::Apply(
    Command command, ReplyTo reply_to, const Stamp& stamp, StateTxn& txn, Effects& effects) {
  PlantBefore(command);
  if (const auto* append = std::get_if<JournalAppend>(&command)) {
    const InvocationId id = append->id;
    const uint64_t behind = append->first_frame + append->frames.size();
    const auto live = memory().live.find(id);
    const bool accepted = live != memory().live.end() && live->second.epoch == append->epoch &&
                          behind > live->second.next_frame;
    if (!accepted) {
      ++core_.coverage["late or repeated frames"];
    }
    machine_.Apply(std::move(command), reply_to, stamp, txn, effects);
    if (accepted) {
      Accepted(id, txn);
    }
    return;
  }
  const auto* message = std::get_if<PeerMessage>(&command);
  const uint16_t from = message == nullptr ? 0 : message->from.value;
  const uint64_t newest = message == nullptr ? 0 : stolen().received[from];
  const bool repeated = message != nullptr && message->sequence <= newest;
  if (repeated) {
    ++core_.coverage["repeated messages"];
    if (core_.bug == Bug::kNoDedup) {
      stolen().received[from] = message->sequence - 1;
    }
  }
  machine_.Apply(std::move(command), reply_to, stamp, txn, effects);
  if (repeated && core_.bug == Bug::kNoDedup) {
    // Nothing but what the repetition did may give the bug away.
    stolen().received[from] = newest;
    txn.Put(Family::kMeta, keys::Dedup(memory().partition, PartitionId{from}), keys::U64(newest));
  }
}

void WatchedMachine::Accepted(const InvocationId& id, const StateTxn& txn) {
  const std::optional<InvocationStatus> status = ReadStatus(txn, id);
  if (!status || !status->target.exclusive() || !AtWork(*status)) {
    return;
  }
  const auto [holder, is_new] = holders_.try_emplace(status->target.key, id);
  if (is_new || holder->second == id) {
    return;
  }
  const std::optional<InvocationStatus> other = ReadStatus(txn, holder->second);
  if (other && AtWork(*other)) {
    core_.Violate(
        Short(id) + " and " + Short(holder->second) + " work on " + status->target.key +
        " at the same time");
  }
  holder->second = id;
}

}  // namespace perdure::sim
