// SPDX-License-Identifier: Apache-2.0
//
// A completed invocation begins once more as a new one (admin API 8.5), and the deployment a paused
// one goes on with (admin API 8.4). The new id has the partition key of the old one, so all of it
// happens in one partition: a short journal is copied in the step that creates the invocation, a
// long one in slices, and the invocation is there when its journal is whole.
#include "core/applier.h"
#include "perdure/base/assert.h"
#include "perdure/base/limits.h"
#include "perdure/protocol/notifications.h"

#include <array>
#include <type_traits>
#include <utility>

namespace perdure {
namespace {

// The notifications a command leads to, for those that lead to any.
std::vector<CompletionId> CompletionsOf(const JournalEntry& command) {
  const Result<SdkMessage> message = DecodeCommand(command.type, command.payload);
  PERDURE_INVARIANT(message.ok(), "a stored command does not decode");
  return std::visit(
      [](const auto& typed) -> std::vector<CompletionId> {
        using Type = std::decay_t<decltype(typed)>;
        if constexpr (std::is_same_v<Type, CallCommand>) {
          return {typed.invocation_id_completion_id, typed.result_completion_id};
        } else if constexpr (std::is_same_v<Type, OneWayCallCommand>) {
          return {typed.call.invocation_id_completion_id};
        } else if constexpr (
            std::is_same_v<Type, GetLazyStateCommand> ||
            std::is_same_v<Type, GetLazyStateKeysCommand> ||
            std::is_same_v<Type, GetPromiseCommand> || std::is_same_v<Type, PeekPromiseCommand> ||
            std::is_same_v<Type, CompletePromiseCommand> || std::is_same_v<Type, SleepCommand> ||
            std::is_same_v<Type, AttachCommand> || std::is_same_v<Type, RunCommand>) {
          return {typed.result_completion_id};
        } else {
          return {};
        }
      },
      message.value());
}

NotificationId Notified(const JournalEntry& notification) {
  Result<NotificationId> what =
      DecodeNotificationId(notification.type, notification.payload.view());
  PERDURE_INVARIANT(what.ok(), "a stored notification does not decode");
  return std::move(what).value();
}

std::optional<VersionMismatch> Mismatch(int pinned, const DeploymentSchema& deployment) {
  if (pinned >= deployment.min_protocol_version && pinned <= deployment.max_protocol_version) {
    return std::nullopt;
  }
  return VersionMismatch{
      pinned, deployment.id, deployment.min_protocol_version, deployment.max_protocol_version};
}

}  // namespace

std::shared_ptr<const DeploymentSchema> Applier::Choose(
    const InvocationStatus& status, const DeploymentChoice& choice) const {
  if (choice.kind == DeploymentChoice::Kind::kNamed) {
    return stamp_.schema->ShareDeployment(choice.named);
  }
  const ServiceSchema* latest = stamp_.schema->FindService(status.target.service);
  return latest == nullptr ? nullptr : stamp_.schema->ShareDeployment(latest->deployment_id);
}

ControlOutcome Applier::Repin(Invocation& invocation, const DeploymentChoice& choice) {
  InvocationStatus& status = invocation.status;
  const auto outcome = [&](ControlResult result, const VersionMismatch& mismatch = {}) {
    return ControlOutcome{invocation.id, result, mismatch};
  };
  if (choice.kind == DeploymentChoice::Kind::kKeep) {
    return outcome(ControlResult::kDone);
  }
  const bool still =
      status.state == InvocationState::kSuspended || status.state == InvocationState::kPaused;
  const bool named = choice.kind == DeploymentChoice::Kind::kNamed;
  if (!still || (named && !status.pinned_deployment)) {
    return outcome(ControlResult::kDeploymentFixed);
  }
  if (!status.pinned_deployment) {
    return outcome(ControlResult::kDone);  // the next attempt takes the latest by itself
  }
  const std::shared_ptr<const DeploymentSchema> deployment = Choose(status, choice);
  if (deployment == nullptr) {
    return outcome(ControlResult::kDeploymentUnknown);
  }
  if (const auto mismatch = Mismatch(status.pinned_protocol_version, *deployment)) {
    return outcome(ControlResult::kVersionUnsupported, *mismatch);
  }
  status.pinned_deployment = deployment->id;
  Touch(invocation);
  return outcome(ControlResult::kDone);
}

RestartOutcome Applier::CheckRestart(const RestartAsNew& command, const Invocation* source) const {
  const auto outcome = [&](RestartResult result) { return RestartOutcome{command.id, result}; };
  if (source == nullptr) {
    return outcome(RestartResult::kNotFound);
  }
  const InvocationStatus& status = source->status;
  switch (status.state) {
    case InvocationState::kScheduled:
    case InvocationState::kInboxed:
      return outcome(RestartResult::kNotStarted);
    case InvocationState::kInvoked:
    case InvocationState::kSuspended:
    case InvocationState::kPaused:
      return outcome(RestartResult::kNotCompleted);
    case InvocationState::kCompleted:
      break;
  }
  if (status.target.service_type == ServiceType::kWorkflow) {
    return outcome(RestartResult::kUnsupported);
  }
  if (status.journal_length == 0) {
    return outcome(RestartResult::kInputGone);
  }
  if (command.deployment.kind != DeploymentChoice::Kind::kKeep) {
    const auto deployment = Choose(status, command.deployment);
    if (deployment == nullptr) {
      return outcome(RestartResult::kDeploymentUnknown);
    }
    if (status.pinned_deployment) {
      if (const auto mismatch = Mismatch(status.pinned_protocol_version, *deployment)) {
        return RestartOutcome{command.id, RestartResult::kVersionUnsupported, {}, *mismatch};
      }
    }
  }
  // Entries behind the input say which protocol they are of by the pin alone.
  if (command.from > 0 && !status.pinned_deployment) {
    return outcome(RestartResult::kUnsupported);
  }
  if (command.from == ~JournalIndex{0}) {
    return outcome(RestartResult::kOutOfRange);
  }
  return outcome(
      command.from < status.journal_length ? RestartResult::kRestarted
                                           : RestartResult::kIncompletePrefix);
}

InvocationId Applier::FreshId(PartitionKey partition_key) {
  InvocationId id;
  id.partition_key = partition_key;
  do {
    const uint64_t high = Entropy();
    const uint64_t low = Entropy();
    std::array<uint8_t, 10> tail{};
    for (size_t i = 0; i < tail.size(); ++i) {
      tail[i] = static_cast<uint8_t>(i < 8 ? high >> (8 * i) : low >> (8 * (i - 8)));
    }
    id.uuid = MakeUlid(stamp_.now, tail);
  } while (Find(id) != nullptr);
  return id;
}

WorkRow Applier::PlanRestart(const RestartAsNew& command, const Invocation& source) {
  const InvocationStatus& old = source.status;
  WorkRow work;
  work.kind = WorkRow::Kind::kRestart;
  work.id = FreshId(source.id.partition_key);
  work.birth = Birth{memory_.row.position};
  work.copy.source = source.id;
  work.copy.source_birth = old.birth;
  work.copy.source_length = old.journal_length;
  work.copy.prefix_length = command.from + 1;

  InvocationStatus& status = work.copy.status;
  status.birth = work.birth;
  status.target = old.target;
  status.retention = old.retention;
  status.restarted_from = source.id;
  status.created_at = stamp_.now;
  // What handlers drew from it is in the entries that are replayed.
  status.random_seed = command.from == 0 ? Entropy() : old.random_seed;
  status.pinned_deployment = old.pinned_deployment;
  status.pinned_protocol_version = old.pinned_protocol_version;
  const bool named = command.deployment.kind == DeploymentChoice::Kind::kNamed;
  if (command.deployment.kind != DeploymentChoice::Kind::kKeep &&
      (named || old.pinned_deployment)) {
    const auto deployment = Choose(old, command.deployment);
    PERDURE_ASSERT(deployment != nullptr);
    status.pinned_deployment = deployment->id;
    if (!old.pinned_deployment) {
      status.pinned_protocol_version = ProtocolVersionFor(*deployment);
    }
  }
  return work;
}

void Applier::Apply(RestartAsNew& command) {
  const Invocation* source = Find(command.id);
  RestartOutcome outcome = CheckRestart(command, source);
  if (outcome.result != RestartResult::kRestarted) {
    Answer(outcome);
    return;
  }
  WorkRow work = PlanRestart(command, *source);
  const Copied copied = CopyJournal(work);
  if (copied == Copied::kSome) {
    const RunningRestart running{source->id, source->status.birth, reply_to_};
    memory_.restarts[AddWork(work)] = running;
  } else {
    EndRestart(work, copied == Copied::kRefused, reply_to_);
  }
}

bool Applier::RestartSlice(uint64_t sequence, WorkRow& work) {
  const Copied copied = CopyJournal(work);
  if (copied == Copied::kSome) {
    return false;
  }
  const auto running = memory_.restarts.find(sequence);
  PERDURE_ASSERT(running != memory_.restarts.end());
  const ReplyTo reply_to = running->second.reply_to;
  memory_.restarts.erase(running);
  EndRestart(work, copied == Copied::kRefused, reply_to);
  return true;
}

void Applier::EndRestart(WorkRow& work, bool refused, const ReplyTo& reply_to) {
  if (refused) {
    PurgeJournal(work.id, work.birth, work.copy.status.journal_length);
    Answer(reply_to, RestartOutcome{work.copy.source, RestartResult::kIncompletePrefix});
    return;
  }
  Invocation& invocation = Create(work.id);
  invocation.status = std::move(work.copy.status);
  invocation.status.last_entry_at = stamp_.now;
  Enqueue(invocation);
  Touch(invocation);
  Answer(reply_to, RestartOutcome{work.copy.source, RestartResult::kRestarted, work.id});
}

Applier::Copied Applier::CopyJournal(WorkRow& work) {
  JournalCopy& copy = work.copy;
  size_t bytes = 0;
  for (size_t looked = 0;; ++looked) {
    const bool in_prefix = work.next_index < copy.prefix_length;
    if (!in_prefix && copy.completions_left == 0) {
      return Copied::kAll;
    }
    if (looked == memory_.work_items_max || bytes >= limits::kTurnBytesMax) {
      return Copied::kSome;
    }
    PERDURE_INVARIANT(
        work.next_index < copy.source_length, "a completion is in the index and in no journal");
    std::optional<std::string> value = txn_.Get(
        Family::kJournal, keys::JournalEntry(copy.source, copy.source_birth, work.next_index));
    PERDURE_INVARIANT(value.has_value(), "a journal went while it was copied");
    bytes += value->size();
    const JournalEntry entry = DecodeEntry(work.next_index, std::move(*value));
    if (in_prefix) {
      if (!IsNotification(entry.type) && !CountCompletions(work, entry)) {
        return Copied::kRefused;
      }
      CopyEntry(work, entry);
    } else if (IsNotification(entry.type)) {
      const NotificationId what = Notified(entry);
      const auto* completion = std::get_if<CompletionKey>(&what);
      if (completion != nullptr &&
          txn_.Get(Family::kIndex, keys::Completion(work.id, work.birth, completion->id))) {
        CopyEntry(work, entry);
        --copy.completions_left;
      }
    }
    ++work.next_index;
  }
}

bool Applier::CountCompletions(WorkRow& work, const JournalEntry& entry) {
  JournalCopy& copy = work.copy;
  for (const CompletionId id : CompletionsOf(entry)) {
    const std::optional<std::string> row =
        txn_.Get(Family::kIndex, keys::Completion(copy.source, copy.source_birth, id));
    if (!row) {
      return false;
    }
    const std::optional<uint32_t> index = keys::ParseU32(*row);
    PERDURE_INVARIANT(index.has_value(), "a row of a notification index does not decode");
    if (*index >= copy.prefix_length) {
      // Says that this one is wanted, until its entry has a place in the new journal.
      txn_.Put(Family::kIndex, keys::Completion(work.id, work.birth, id), keys::U32(*index));
      ++copy.completions_left;
    }
  }
  return true;
}

void Applier::CopyEntry(WorkRow& work, const JournalEntry& entry) {
  InvocationStatus& status = work.copy.status;
  const JournalIndex index = status.journal_length++;
  const std::string head = EncodeEntryHead(entry.type, entry.appended_at);
  txn_.Put(
      Family::kJournal,
      keys::JournalEntry(work.id, work.birth, index),
      {head, entry.payload.view()});
  if (IsNotification(entry.type)) {
    const NotificationId what = Notified(entry);
    if (const auto* completion = std::get_if<CompletionKey>(&what)) {
      txn_.Put(
          Family::kIndex, keys::Completion(work.id, work.birth, completion->id), keys::U32(index));
      return;
    }
    const std::string row = keys::Signal(work.id, work.birth, std::get<SignalName>(what));
    if (!txn_.Get(Family::kIndex, row)) {  // the first of a signal counts
      txn_.Put(Family::kIndex, row, keys::U32(index));
    }
    return;
  }
  ++status.command_count;
  if (entry.type == MessageType::kOutputCommand) {
    status.output_index = index;
    status.failure.reset();
    Result<ValueOrFailure> output = DecodeOutput(entry.payload);
    PERDURE_INVARIANT(output.ok(), "a stored output does not decode");
    if (auto* failure = std::get_if<Failure>(&output.value())) {
      status.failure = std::move(*failure);
    }
  }
}

void Applier::LoadRestarts() {
  const std::string prefix = keys::WorkPrefix(memory_.partition);
  const auto row = txn_.Scan(Family::kQueue, prefix, keys::PrefixEnd(prefix));
  for (; row->Valid(); row->Next()) {
    const WorkRow work = DecodeWork(row->value());
    if (work.kind == WorkRow::Kind::kRestart) {
      // Who asked for it went with the process.
      memory_.restarts[keys::ParseWorkSequence(row->key())] =
          RunningRestart{work.copy.source, work.copy.source_birth, kNoReply};
    }
  }
}

bool Applier::IsCopied(const InvocationId& id, Birth birth) const {
  for (const auto& [sequence, restart] : memory_.restarts) {
    if (restart.source == id && restart.source_birth == birth) {
      return true;
    }
  }
  return false;
}

}  // namespace perdure
