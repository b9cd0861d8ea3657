// SPDX-License-Identifier: Apache-2.0
//
// Where the result of a completed invocation lies: in its status (a failure), in a row of its own,
// or in its last Output entry.
#include "core/stored_result.h"

#include "core/keys.h"
#include "core/row_codec.h"
#include "perdure/base/assert.h"
#include "perdure/core/stored_result.h"
#include "perdure/protocol/notifications.h"

#include <utility>

namespace perdure {

std::string KeyOfResult(const InvocationId& id, const InvocationStatus& status) {
  if (status.stored_result) {
    return keys::Result(id, status.birth);
  }
  PERDURE_INVARIANT(status.output_index.has_value(), "a completed invocation has no output");
  return keys::JournalEntry(id, status.birth, *status.output_index);
}

ValueOrFailure DecodeResult(const InvocationStatus& status, std::string row) {
  if (status.stored_result) {
    return SharedBytes(std::move(row));
  }
  const JournalEntry entry = DecodeEntry(*status.output_index, std::move(row));
  Result<ValueOrFailure> output = DecodeOutput(entry.payload);
  PERDURE_INVARIANT(output.ok(), "a stored output does not decode");
  return std::move(output).value();
}

InvocationResult MakeInvocationResult(
    const InvocationId& id, const InvocationStatus& status, ValueOrFailure result) {
  InvocationResult out;
  out.id = id;
  out.service = status.target.service;
  out.handler = status.target.handler;
  out.result = std::move(result);
  out.stacktrace = status.stacktrace;
  out.expires_at = status.completed_at + status.retention.completion;
  return out;
}

std::optional<ValueOrFailure> ReadResult(
    const StateReader& reader, const InvocationId& id, const InvocationStatus& status) {
  if (status.state != InvocationState::kCompleted) {
    return std::nullopt;
  }
  if (status.failure) {
    return *status.failure;
  }
  std::optional<std::string> row = reader.Get(Family::kJournal, KeyOfResult(id, status));
  PERDURE_INVARIANT(row.has_value(), "the result of a completed invocation is missing");
  return DecodeResult(status, std::move(*row));
}

std::optional<InvocationResult> FindStoredResult(const StateStore& store, const InvocationId& id) {
  const std::optional<std::string> value = store.FindInMemory(Family::kStatus, keys::Status(id));
  if (!value.has_value()) {
    return std::nullopt;
  }
  const InvocationStatus status = DecodeStatus(*value);
  if (status.state != InvocationState::kCompleted) {
    return std::nullopt;
  }
  if (status.failure) {
    return MakeInvocationResult(id, status, *status.failure);
  }
  std::optional<std::string> row = store.FindInMemory(Family::kJournal, KeyOfResult(id, status));
  if (!row.has_value()) {
    return std::nullopt;
  }
  return MakeInvocationResult(id, status, DecodeResult(status, std::move(*row)));
}

}  // namespace perdure
