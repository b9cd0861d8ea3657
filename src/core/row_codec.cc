// SPDX-License-Identifier: Apache-2.0
//
// Rows of an invocation and of the partition. Optional fields are written only when set, so that a
// fresh echo costs few bytes.
#include "core/row_codec.h"

#include "core/row_values.h"
#include "perdure/base/assert.h"
#include "perdure/base/overloaded.h"
#include "service_protocol.pb.h"

#include <algorithm>

namespace perdure {
namespace {

void ToRow(const LastFailure& failure, rows::LastFailureRow& row) {
  row.set_code(failure.error.code);
  row.set_message(failure.error.message);
  row.set_stacktrace(failure.error.stacktrace);
  if (failure.error.related_command_index) {
    row.set_related_command_index(*failure.error.related_command_index);
  }
  if (failure.error.related_command_name) {
    row.set_related_command_name(*failure.error.related_command_name);
  }
  if (failure.error.related_command_type) {
    row.set_related_command_type(*failure.error.related_command_type);
  }
  row.set_doc_code(failure.doc_code);
  row.set_at(failure.at);
}

LastFailure FromRow(const rows::LastFailureRow& row) {
  LastFailure failure;
  failure.error.code = row.code();
  failure.error.message = row.message();
  failure.error.stacktrace = row.stacktrace();
  if (row.has_related_command_index()) {
    failure.error.related_command_index = row.related_command_index();
  }
  if (row.has_related_command_name()) {
    failure.error.related_command_name = row.related_command_name();
  }
  if (row.has_related_command_type()) {
    failure.error.related_command_type = static_cast<uint16_t>(row.related_command_type());
  }
  failure.doc_code = row.doc_code();
  failure.at = row.at();
  return failure;
}

void TimesToRow(const InvocationStatus& status, rows::StatusValue& row) {
  row.set_created_at(status.created_at);
  row.set_modified_at(status.modified_at);
  row.set_inboxed_at(status.inboxed_at);
  row.set_scheduled_start_at(status.scheduled_start_at);
  row.set_running_at(status.running_at);
  row.set_completed_at(status.completed_at);
  row.set_last_entry_at(status.last_entry_at);
  row.set_next_retry_at(status.next_retry_at);
  row.set_last_start_at(status.last_start_at);
}

void TimesFromRow(const rows::StatusValue& row, InvocationStatus& status) {
  status.created_at = row.created_at();
  status.modified_at = row.modified_at();
  status.inboxed_at = row.inboxed_at();
  status.scheduled_start_at = row.scheduled_start_at();
  status.running_at = row.running_at();
  status.completed_at = row.completed_at();
  status.last_entry_at = row.last_entry_at();
  status.next_retry_at = row.next_retry_at();
  status.last_start_at = row.last_start_at();
}

template <typename Row>
void LeavesToRow(const WaitNode& node, Row& row) {
  for (const CompletionId id : node.completions) {
    row.add_completions(id);
  }
  for (const uint32_t index : node.signals) {
    row.add_signals(index);
  }
  for (const std::string& name : node.named_signals) {
    row.add_named_signals(name);
  }
}

template <typename Row>
void LeavesFromRow(const Row& row, WaitNode& node) {
  node.completions.assign(row.completions().begin(), row.completions().end());
  node.signals.assign(row.signals().begin(), row.signals().end());
  node.named_signals.assign(row.named_signals().begin(), row.named_signals().end());
}

void WaitSetToRow(const WaitSet& wait_set, rows::WaitSetRow& row) {
  for (const WaitNode& node : wait_set.nodes) {
    LeavesToRow(node, row);
  }
  if (wait_set.nodes.size() == 1 && wait_set.nodes[0].combinator == Combinator::kUnknown) {
    return;
  }
  for (const WaitNode& node : wait_set.nodes) {
    rows::WaitNodeRow& node_row = *row.add_nodes();
    LeavesToRow(node, node_row);
    node_row.set_combinator(static_cast<uint32_t>(node.combinator));
    node_row.set_parent(node.parent);
  }
}

WaitSet WaitSetFromRow(const rows::WaitSetRow& row) {
  WaitSet wait_set;
  if (row.nodes().empty()) {
    LeavesFromRow(row, wait_set.nodes.emplace_back());
    return wait_set;
  }
  for (const rows::WaitNodeRow& node_row : row.nodes()) {
    PERDURE_INVARIANT(
        node_row.parent() < std::max<size_t>(wait_set.nodes.size(), 1),
        "a node of a wait set stands before its parent");
    WaitNode& node = wait_set.nodes.emplace_back();
    LeavesFromRow(node_row, node);
    node.combinator = static_cast<Combinator>(node_row.combinator());
    node.parent = node_row.parent();
  }
  return wait_set;
}

}  // namespace

std::string EncodeStatus(const InvocationStatus& status) {
  rows::StatusValue row;
  row.set_birth(status.birth.value);
  row.set_state(static_cast<uint32_t>(status.state));
  ToRow(status.target, *row.mutable_target());
  if (status.idempotency_key) {
    row.set_idempotency_key(*status.idempotency_key);
  }
  if (status.caller) {
    ToRow(*status.caller, *row.mutable_caller());
  }
  row.set_completion_retention(status.retention.completion);
  row.set_journal_retention(status.retention.journal);
  row.set_random_seed(status.random_seed);
  TimesToRow(status, row);
  row.set_journal_length(status.journal_length);
  row.set_command_count(status.command_count);
  row.set_ready_order(status.ready_order);
  row.set_inbox_sequence(status.inbox_sequence);
  if (status.pinned_deployment) {
    const auto& ulid = status.pinned_deployment->ulid;
    row.set_pinned_deployment(reinterpret_cast<const char*>(ulid.data()), ulid.size());
  }
  row.set_pinned_protocol_version(static_cast<uint32_t>(status.pinned_protocol_version));
  row.set_failed_attempts(status.failed_attempts);
  row.set_retry_count_since_last_entry(status.retry_count_since_last_entry);
  if (status.last_failure) {
    ToRow(*status.last_failure, *row.mutable_last_failure());
  }
  row.set_attempts_started(status.attempts_started);
  if (!status.wait_set.empty()) {
    WaitSetToRow(status.wait_set, *row.mutable_wait_set());
  }
  if (status.output_index) {
    row.set_output_index(*status.output_index);
  }
  if (status.failure) {
    ToRow(*status.failure, *row.mutable_failure());
  }
  row.set_stored_result(status.stored_result);
  row.set_has_listeners(status.has_listeners);
  row.set_pause_requested(status.pause_requested);
  if (status.restarted_from) {
    row.set_restarted_from(status.restarted_from->ToBytes());
  }
  row.set_stacktrace(status.stacktrace);
  row.set_events_begin(status.events_begin);
  row.set_events_end(status.events_end);
  return Serialize(row);
}

InvocationStatus DecodeStatus(BytesView bytes) {
  const auto row = Parse<rows::StatusValue>(bytes);
  InvocationStatus status;
  status.birth = Birth{row.birth()};
  status.state = static_cast<InvocationState>(row.state());
  status.target = FromRow(row.target());
  if (row.has_idempotency_key()) {
    status.idempotency_key = row.idempotency_key();
  }
  if (row.has_caller()) {
    status.caller = FromRow(row.caller());
  }
  status.retention = {row.completion_retention(), row.journal_retention()};
  status.random_seed = row.random_seed();
  TimesFromRow(row, status);
  status.journal_length = row.journal_length();
  status.command_count = row.command_count();
  status.ready_order = row.ready_order();
  status.inbox_sequence = row.inbox_sequence();
  if (row.has_pinned_deployment()) {
    DeploymentId deployment;
    PERDURE_ASSERT(row.pinned_deployment().size() == deployment.ulid.size());
    row.pinned_deployment().copy(
        reinterpret_cast<char*>(deployment.ulid.data()), deployment.ulid.size());
    status.pinned_deployment = deployment;
  }
  status.pinned_protocol_version = static_cast<int>(row.pinned_protocol_version());
  status.failed_attempts = row.failed_attempts();
  status.retry_count_since_last_entry = row.retry_count_since_last_entry();
  if (row.has_last_failure()) {
    status.last_failure = FromRow(row.last_failure());
  }
  status.attempts_started = row.attempts_started();
  if (row.has_wait_set()) {
    status.wait_set = WaitSetFromRow(row.wait_set());
  }
  if (row.has_output_index()) {
    status.output_index = row.output_index();
  }
  if (row.has_failure()) {
    status.failure = FromRow(row.failure());
  }
  status.stored_result = row.stored_result();
  status.has_listeners = row.has_listeners();
  status.pause_requested = row.pause_requested();
  if (row.has_restarted_from()) {
    status.restarted_from = IdFrom(row.restarted_from());
  }
  status.stacktrace = row.stacktrace();
  status.events_begin = row.events_begin();
  status.events_end = row.events_end();
  return status;
}

std::string EncodeEvent(const JournalEvent& event) {
  rows::EventValue row;
  row.set_kind(static_cast<uint32_t>(event.kind));
  row.set_at(event.at);
  row.set_after_entry(event.after_entry);
  if (event.failure) {
    ToRow(*event.failure, *row.mutable_failure());
  }
  return Serialize(row);
}

JournalEvent DecodeEvent(BytesView bytes) {
  const auto row = Parse<rows::EventValue>(bytes);
  JournalEvent event;
  event.kind = static_cast<EventKind>(row.kind());
  event.at = row.at();
  event.after_entry = row.after_entry();
  if (row.has_failure()) {
    event.failure = FromRow(row.failure());
  }
  return event;
}

std::string EncodePartition(const PartitionRow& partition) {
  rows::PartitionValue row;
  row.set_position(partition.position);
  for (const auto& [to, sequence] : partition.outbox_sent) {
    rows::OutboxSentRow& sent = *row.add_outbox_sent();
    sent.set_to(to);
    sent.set_sequence(sequence);
  }
  row.set_work_sequence(partition.work_sequence);
  return Serialize(row);
}

PartitionRow DecodePartition(BytesView bytes) {
  const auto row = Parse<rows::PartitionValue>(bytes);
  PartitionRow partition;
  partition.position = row.position();
  for (const rows::OutboxSentRow& sent : row.outbox_sent()) {
    partition.outbox_sent[static_cast<uint16_t>(sent.to())] = sent.sequence();
  }
  partition.work_sequence = row.work_sequence();
  return partition;
}

std::string EncodeCaller(const CallerRef& caller) {
  rows::CallerRow row;
  ToRow(caller, row);
  return Serialize(row);
}

CallerRef DecodeCaller(BytesView bytes) {
  return FromRow(Parse<rows::CallerRow>(bytes));
}

std::string EncodeEntryHead(MessageType type, TimeMs appended_at) {
  std::string out;
  out.reserve(kEntryHeadBytes);
  out.push_back('\x01');  // version of this head
  const auto number = static_cast<uint16_t>(type);
  out.push_back(static_cast<char>(number >> 8));
  out.push_back(static_cast<char>(number & 0xff));
  for (int shift = 56; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(static_cast<unsigned char>(appended_at >> shift)));
  }
  return out;
}

JournalEntry DecodeEntry(JournalIndex index, std::string value) {
  PERDURE_INVARIANT(
      value.size() >= kEntryHeadBytes && value[0] == '\x01', "a journal entry has no known head");
  const auto byte = [&value](size_t i) {
    return static_cast<uint64_t>(static_cast<unsigned char>(value[i]));
  };
  JournalEntry entry;
  entry.index = index;
  entry.type = static_cast<MessageType>((byte(1) << 8) | byte(2));
  for (size_t i = 3; i < kEntryHeadBytes; ++i) {
    entry.appended_at = (entry.appended_at << 8) | byte(i);
  }
  const SharedBytes whole(std::move(value));
  entry.payload = whole.Slice(whole.view().substr(kEntryHeadBytes));
  return entry;
}

InvocationId DecodeCallee(BytesView payload) {
  const auto message = Parse<wire::NotificationMessage>(payload);
  const Result<InvocationId> id = InvocationId::Parse(message.invocation_id());
  PERDURE_INVARIANT(id.ok(), "a stored callee id does not parse");
  return id.value();
}

}  // namespace perdure
