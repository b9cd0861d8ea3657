// SPDX-License-Identifier: Apache-2.0
//
// Attempts: started against slots, fed with the journal, fenced by their epoch, and after a failure
// retried, paused or killed by the policy of the deployment in use (service protocol 3.2, 4).
#include "core/applier.h"
#include "perdure/base/assert.h"
#include "perdure/base/limits.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace perdure {
namespace {

constexpr DurationMs kJitterMin = 3;
constexpr double kJitterShare = 0.3;
constexpr DurationMs kDelayMax = DurationMs{100} * 365 * 24 * 3600 * 1000;

// As many as one turn can look at: the head is filled further by what is made ready.
void LoadReady(PartitionMemory& memory, const StateReader& reader) {
  ReadyHead& head = memory.ready;
  if (head.complete || !head.items.empty()) {
    return;
  }
  const auto rows = reader.Scan(
      Family::kQueue, head.scan_from, keys::PrefixEnd(keys::ReadyPrefix(memory.partition)));
  for (; rows->Valid(); rows->Next()) {
    if (head.items.size() == memory.work_items_max) {
      head.scan_from = std::string(rows->key());
      return;
    }
    const keys::ReadyRef ready = keys::ParseReady(rows->key());
    head.items.push_back({ready.order, ready.id});
  }
  head.complete = true;
}

// A journal's stretch ends with its last entry; the stream is told where.
void CloseChunk(JournalChunk& chunk, JournalIndex next, JournalIndex length) {
  chunk.next = next;
  chunk.journal_length = length;
}

}  // namespace

size_t Applier::PullStarts(size_t slots) {
  size_t started = 0;
  // Rows that lead to no start (gone, or no deployment to start on) count against the turn too.
  for (size_t looked = 0; started < slots && looked < memory_.work_items_max; ++looked) {
    if (entries_read_ >= memory_.work_items_max || bytes_read_ >= limits::kTurnBytesMax) {
      break;
    }
    LoadReady(memory_, txn_);
    if (memory_.ready.items.empty()) {
      break;
    }
    const ReadyItem item = memory_.ready.items.front();
    memory_.ready.items.pop_front();
    if (Live(item.id) != nullptr) {
      continue;
    }
    NoteSubject(item.id);
    Invocation* invocation = Find(item.id);
    if (invocation == nullptr || invocation->status.ready_order != item.order) {
      continue;  // gone since, or made ready again behind others
    }
    if (invocation->status.pause_requested) {  // its attempt ended with the process
      DropReady(*invocation);
      PauseInvocation(*invocation, invocation->status.failed_attempts > 0);
    } else if (Start(*invocation)) {
      ++started;
    }
  }
  return started;
}

int Applier::ProtocolVersionFor(const DeploymentSchema& deployment) const {
  return std::min(deployment.max_protocol_version, memory_.protocol_version_max);
}

bool Applier::Start(Invocation& invocation) {
  InvocationStatus& status = invocation.status;
  std::shared_ptr<const DeploymentSchema> deployment;
  std::string missing;
  if (status.pinned_deployment) {
    deployment = stamp_.schema->ShareDeployment(*status.pinned_deployment);
    missing = "the deployment " + status.pinned_deployment->ToString() + " is gone";
  } else if (const ServiceSchema* latest = stamp_.schema->FindService(status.target.service)) {
    deployment = stamp_.schema->ShareDeployment(latest->deployment_id);
    missing = "the deployment of service " + status.target.service + " is gone";
  } else {
    missing = "the service " + status.target.service + " is not registered";
  }
  const ServiceSchema* service =
      deployment == nullptr ? nullptr : deployment->FindService(status.target.service);
  const HandlerSchema* handler =
      service == nullptr ? nullptr : service->FindHandler(status.target.handler);
  if (handler == nullptr) {
    if (deployment != nullptr) {
      missing = "the deployment " + deployment->id.ToString() + " has no handler " +
                status.target.service + "/" + status.target.handler;
    }
    AttemptError error;
    error.message = std::move(missing);
    FailAttempt(invocation, std::move(error), "RT0011", std::nullopt, false);
    return false;
  }

  LiveAttempt& live = memory_.live[invocation.id];
  live = LiveAttempt{};
  live.epoch = AttemptEpoch{(memory_.start_counter << 40) | ++memory_.epoch_sequence};
  live.deployment = deployment;
  live.protocol_version =
      status.pinned_deployment ? status.pinned_protocol_version : ProtocolVersionFor(*deployment);
  live.cut = status.journal_length;
  live.started_at = stamp_.now;

  StartAttempt start;
  start.id = invocation.id;
  start.epoch = live.epoch;
  start.target = status.target;
  start.deployment = std::move(deployment);
  start.protocol_version = live.protocol_version;
  start.inactivity_timeout = handler->inactivity_timeout;
  start.abort_timeout = handler->abort_timeout;
  start.known_entries = live.cut;
  EagerState(invocation, handler->enable_lazy_state, start);
  start.retry_count_since_last_entry = status.retry_count_since_last_entry;
  start.duration_since_last_entry =
      stamp_.now > status.last_entry_at ? stamp_.now - status.last_entry_at : 0;
  start.random_seed = status.random_seed;
  start.idempotency_key = status.idempotency_key;
  start.journal =
      ReadChunk(invocation, 0, live.cut, limits::kJournalFirstChunk, limits::kJournalFirstEntry);
  live.handed_to = start.journal.next;
  live.lagging = live.handed_to < live.cut;
  effects_.push_back(std::move(start));

  // Not worth a write of their own: they go with the next one.
  if (status.running_at == 0) {
    status.running_at = stamp_.now;
  }
  status.last_start_at = stamp_.now;
  ++status.attempts_started;
  return true;
}

JournalChunk Applier::ReadChunk(
    const Invocation& invocation,
    JournalIndex from,
    JournalIndex whole_until,
    size_t bytes_max,
    size_t entry_max) {
  JournalChunk chunk;
  chunk.from = from;
  const JournalIndex length = invocation.status.journal_length;
  JournalIndex index = from;
  size_t bytes = 0;
  const JournalIndex end =
      static_cast<JournalIndex>(std::min<size_t>(length, from + memory_.work_items_max));
  for (; index < end && bytes < bytes_max; ++index) {
    std::optional<std::string> value = txn_.Get(
        Family::kJournal, keys::JournalEntry(invocation.id, invocation.status.birth, index));
    PERDURE_INVARIANT(value.has_value(), "a journal entry is missing");
    if (index > from && bytes + value->size() > bytes_max) {
      break;  // with the next chunk
    }
    if (index == from && value->size() > std::max(bytes_max, entry_max)) {
      chunk.next_entry_bytes = value->size();
      break;
    }
    bytes += value->size();
    JournalEntry entry = DecodeEntry(index, std::move(*value));
    if (index < whole_until || IsNotification(entry.type)) {
      chunk.entries.push_back(std::move(entry));
    }
  }
  CloseChunk(chunk, index, length);
  entries_read_ += index - from;
  bytes_read_ += bytes;
  return chunk;
}

void Applier::Apply(ReadJournal& command) {
  LiveAttempt* live = LiveWithEpoch(command.id, command.epoch);
  if (live == nullptr) {
    return;
  }
  const Invocation* invocation = Find(command.id);
  PERDURE_ASSERT(invocation != nullptr);
  NotifyAttempt answer{command.id, command.epoch, {}, false};
  answer.command_acks = std::exchange(live->command_acks, {});
  answer.answer = true;
  answer.chunk =
      ReadChunk(*invocation, command.from, live->cut, command.bytes_max, command.bytes_max);
  live->unread_bytes = 0;  // the answer is covered by what the stream has set aside
  live->handed_to = answer.chunk.next;
  live->lagging = live->handed_to < answer.chunk.journal_length;
  effects_.push_back(std::move(answer));
}

void Applier::Apply(AttemptHead& command) {
  if (LiveAttempt* live = LiveWithEpoch(command.id, command.epoch)) {
    live->server = std::move(command.server);
  }
}

void Applier::Apply(AttemptFailed& command) {
  if (LiveWithEpoch(command.id, command.epoch) == nullptr) {
    return;
  }
  Invocation* invocation = Find(command.id);
  PERDURE_ASSERT(invocation != nullptr);
  FailAttempt(
      *invocation,
      std::move(command.error),
      std::move(command.doc_code),
      command.retry_after,
      command.reached_sdk);
}

void Applier::EndAttempt(const InvocationId& id) {
  memory_.live.erase(id);
}

RetryPolicy Applier::PolicyOf(const Invocation& invocation) const {
  const InvocationStatus& status = invocation.status;
  const ServiceSchema* service = nullptr;
  if (status.pinned_deployment) {
    const DeploymentSchema* pinned = stamp_.schema->FindDeployment(*status.pinned_deployment);
    service = pinned == nullptr ? nullptr : pinned->FindService(status.target.service);
  } else if (const auto live = memory_.live.find(invocation.id); live != memory_.live.end()) {
    service = live->second.deployment->FindService(status.target.service);
  }
  if (service == nullptr) {
    service = stamp_.schema->FindService(status.target.service);
  }
  const HandlerSchema* handler =
      service == nullptr ? nullptr : service->FindHandler(status.target.handler);
  return handler == nullptr ? RetryPolicy{} : handler->retry_policy;
}

DurationMs Applier::RetryDelay(const RetryPolicy& policy, uint32_t failed_attempts) {
  // Never infinite: an interval of 0 stays 0.
  const double factor = std::min(
      std::pow(
          std::max(policy.exponentiation_factor, 1.0), static_cast<double>(failed_attempts) - 1.0),
      static_cast<double>(kDelayMax));
  const double limit = static_cast<double>(policy.max_interval.value_or(kDelayMax));
  const double delay = std::min(static_cast<double>(policy.initial_interval) * factor, limit);
  const double share = static_cast<double>(Entropy() >> 11) / static_cast<double>(1ULL << 53);
  const double jitter = std::max(delay * kJitterShare * share, static_cast<double>(kJitterMin));
  return static_cast<DurationMs>(delay + jitter);
}

void Applier::FailAttempt(
    Invocation& invocation,
    AttemptError error,
    std::string doc_code,
    std::optional<DurationMs> delay,
    bool reached_sdk) {
  const RetryPolicy policy = PolicyOf(invocation);
  EndAttempt(invocation.id);
  InvocationStatus& status = invocation.status;
  DropReady(invocation);
  if (error.code > 0xffff) {
    error.code = 500;
  }
  status.last_failure = LastFailure{std::move(error), std::move(doc_code), stamp_.now};
  if (reached_sdk) {
    ++status.retry_count_since_last_entry;
  }
  Touch(invocation);
  // What the SDK asks for stands above its delay and above the policy (service protocol 3.13).
  switch (status.last_failure->error.behavior) {
    case ErrorBehavior::kFail:
      CompleteWithLastFailure(invocation);
      return;
    case ErrorBehavior::kPause:
      PauseInvocation(invocation, true);
      return;
    case ErrorBehavior::kRetry:
      break;
  }
  if (status.pause_requested) {
    PauseInvocation(invocation, true);
    return;
  }
  if (delay) {
    RecordFailure(invocation);
    BackOff(invocation, std::min(*delay, kDelayMax));
    return;
  }
  ++status.failed_attempts;
  if (!policy.max_attempts || status.failed_attempts < *policy.max_attempts) {
    RecordFailure(invocation);
    BackOff(invocation, RetryDelay(policy, status.failed_attempts));
    return;
  }
  if (policy.on_max_attempts == OnMaxAttempts::kPause) {
    PauseInvocation(invocation, true);
    return;
  }
  CompleteWithLastFailure(invocation);
}

void Applier::CompleteWithLastFailure(Invocation& invocation) {
  InvocationStatus& status = invocation.status;
  const AttemptError& error = status.last_failure->error;
  status.stacktrace = error.stacktrace;
  Complete(invocation, Failure{error.code, error.message, {}});
}

void Applier::PauseInvocation(Invocation& invocation, bool after_failure) {
  InvocationStatus& status = invocation.status;
  status.state = InvocationState::kPaused;
  status.pause_requested = false;
  status.next_retry_at = 0;
  status.wait_set = {};
  Touch(invocation);
  RecordPause(invocation, after_failure);
}

void Applier::BackOff(Invocation& invocation, DurationMs delay) {
  InvocationStatus& status = invocation.status;
  status.next_retry_at = stamp_.now + delay;
  AddTimer({status.next_retry_at, invocation.id, TimerKind::kRetry, 0}, status.birth);
}

void Applier::FailPrecondition(
    Invocation& invocation, MessageType type, std::string message, std::string doc_code) {
  const LiveAttempt* live = Live(invocation.id);
  PERDURE_ASSERT(live != nullptr);
  effects_.push_back(StopAttempt{invocation.id, live->epoch, StopAttempt::How::kReset});
  AttemptError error;
  error.message = "cannot process command " + std::string(EntryName(type)) + " (command index " +
                  std::to_string(invocation.status.command_count) + "): " + std::move(message);
  error.related_command_index = invocation.status.command_count;
  error.related_command_type = static_cast<uint16_t>(type);
  FailAttempt(invocation, std::move(error), std::move(doc_code), std::nullopt, true);
}

}  // namespace perdure
