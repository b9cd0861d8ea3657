// SPDX-License-Identifier: Apache-2.0
//
// Dispatch of commands, and what is written once per turn.
#include "core/partition_machine.h"

#include "core/applier.h"
#include "core/keys.h"
#include "perdure/base/assert.h"

#include <type_traits>
#include <utility>

namespace perdure {

namespace {

// The invocation a command names, if it names one; what timers and work rows name is known later.
struct SubjectOf {
  const InvocationId* operator()(const Invoke& command) const { return &command.spec.id; }
  const InvocationId* operator()(const DeliverSignal& command) const { return &command.target; }
  const InvocationId* operator()(const PeerMessage& command) const {
    return std::visit(*this, command.payload);
  }
  const InvocationId* operator()(const PeerInvoke& payload) const { return &payload.spec.id; }
  const InvocationId* operator()(const PeerCallResult& payload) const { return &payload.caller; }
  const InvocationId* operator()(const PeerSignal& payload) const { return &payload.target; }
  const InvocationId* operator()(const PeerAttach& payload) const { return &payload.target; }
  template <typename Other>
  const InvocationId* operator()(const Other& other) const {
    if constexpr (requires { other.id; }) {
      return &other.id;
    } else {
      return nullptr;
    }
  }
};

// Keeps the note true for as long as the machine is at work.
class Noted {
 public:
  Noted(WorkNote* note, uint32_t what, const InvocationId* id) : note_(note) {
    if (note_ != nullptr && id != nullptr) {
      note_->Begin(what, *id);
    } else if (note_ != nullptr) {
      note_->Begin(what);
    }
  }
  ~Noted() {
    if (note_ != nullptr) {
      note_->End();
    }
  }
  Noted(const Noted&) = delete;
  Noted& operator=(const Noted&) = delete;

 private:
  WorkNote* const note_;
};

constexpr uint32_t kPull = 0xffff;  // in the place of a command's number

}  // namespace

std::unique_ptr<Machine> MakePartitionMachine(const PartitionMachineOptions& options) {
  return std::make_unique<PartitionMachine>(options);
}

PartitionMachine::PartitionMachine(const PartitionMachineOptions& options) {
  memory_.partition = options.partition;
  memory_.partition_count = options.partition_count;
  memory_.start_counter = options.start_counter;
  memory_.eager_state_bytes_max = options.eager_state_bytes_max;
  memory_.message_bytes_max = options.message_bytes_max;
  memory_.work_items_max = options.work_items_max;
  memory_.note = options.note;
  memory_.protocol_version_max = options.protocol_version_max;
}

void PartitionMachine::Open(StateTxn& txn, const Stamp& stamp, Effects& effects) {
  Applier applier(memory_, stamp, txn, effects, kNoReply);
  applier.OpenPartition();
  applier.Finish();
}

void PartitionMachine::Apply(
    Command command, ReplyTo reply_to, const Stamp& stamp, StateTxn& txn, Effects& effects) {
  ++memory_.row.position;
  const Noted noted(
      memory_.note, static_cast<uint32_t>(command.index()), std::visit(SubjectOf(), command));
  Applier applier(memory_, stamp, txn, effects, reply_to);
  std::visit(
      [&applier](auto& typed) {
        using Type = std::decay_t<decltype(typed)>;
        if constexpr (std::is_same_v<Type, RegisterDeployment>) {
          PERDURE_INVARIANT(false, "a metadata command reached a partition of invocations");
        } else {
          applier.Apply(typed);
        }
      },
      command);
  applier.Finish();
}

size_t PartitionMachine::PullStarts(
    size_t slots, const Stamp& stamp, StateTxn& txn, Effects& effects) {
  const Noted noted(memory_.note, kPull, nullptr);
  Applier applier(memory_, stamp, txn, effects, kNoReply);
  const size_t started = applier.PullStarts(slots);
  applier.Finish();
  return started;
}

size_t PartitionMachine::ready_count() const {
  return memory_.ready.items.size() + (memory_.ready.complete ? 0 : 1);
}

void PartitionMachine::EndTurn(StateTxn& txn) {
  // A turn that only read needs no write, and so no sync. Positions it used are used again after a
  // crash, which harms nothing: nobody was born at them.
  if (txn.empty()) {
    return;
  }
  txn.Put(Family::kMeta, keys::Partition(memory_.partition), EncodePartition(memory_.row));
}

std::optional<TimeMs> PartitionMachine::next_timer() const {
  if (!memory_.timers.keys.empty()) {
    return keys::ParseTimer(*memory_.timers.keys.begin()).due;
  }
  if (memory_.timers.bound) {
    return keys::ParseTimer(*memory_.timers.bound).due;
  }
  return std::nullopt;
}

std::optional<TimeMs> PartitionMachine::next_retention() const {
  return memory_.next_expiry;
}

}  // namespace perdure
