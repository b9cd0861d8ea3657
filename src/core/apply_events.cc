// SPDX-License-Identifier: Apache-2.0
//
// Journal events: failed attempts and pauses, for people (admin API 21). Nothing is decided by
// them. An invocation keeps the newest ones, with their texts cut, so that one which fails for ever
// does not grow.
#include "base/utf8.h"
#include "core/applier.h"
#include "perdure/base/assert.h"
#include "perdure/base/limits.h"

#include <tuple>
#include <utility>

namespace perdure {
namespace {

// What an operator takes for the same error again: stack traces differ by themselves.
bool SameError(const JournalEvent& left, const JournalEvent& right) {
  if (left.kind != EventKind::kTransientError || right.kind != EventKind::kTransientError ||
      left.after_entry != right.after_entry) {
    return false;
  }
  const auto what = [](const LastFailure& failure) {
    const AttemptError& error = failure.error;
    return std::tie(
        error.code,
        error.message,
        failure.doc_code,
        error.related_command_index,
        error.related_command_name,
        error.related_command_type);
  };
  return what(*left.failure) == what(*right.failure);
}

}  // namespace

void Applier::RecordFailure(Invocation& invocation) {
  AppendEvent(invocation, EventKind::kTransientError, true);
}

void Applier::RecordPause(Invocation& invocation, bool after_failure) {
  AppendEvent(invocation, EventKind::kPaused, after_failure);
}

void Applier::AppendEvent(Invocation& invocation, EventKind kind, bool with_failure) {
  InvocationStatus& status = invocation.status;
  PERDURE_ASSERT(status.journal_length > 0);
  JournalEvent event{kind, stamp_.now, status.journal_length - 1, std::nullopt};
  if (with_failure && status.last_failure) {
    event.failure = status.last_failure;
    AttemptError& error = event.failure->error;
    error.message = Excerpt(error.message, limits::kEventTextMax);
    error.stacktrace = Excerpt(error.stacktrace, limits::kEventTextMax);
    if (error.related_command_name) {
      error.related_command_name = Excerpt(*error.related_command_name, limits::kEventTextMax);
    }
  }
  if (status.events_end > status.events_begin) {
    const std::optional<JournalEvent> last =
        ReadEvent(txn_, invocation.id, status, status.events_end - 1);
    PERDURE_INVARIANT(last.has_value(), "a journal event is missing");
    if (SameError(*last, event)) {
      return;
    }
  }
  txn_.Put(
      Family::kJournal,
      keys::Event(invocation.id, status.birth, status.events_end),
      EncodeEvent(event));
  ++status.events_end;
  if (status.events_end - status.events_begin > limits::kEventsKept) {
    txn_.DeleteOnce(
        Family::kJournal, keys::Event(invocation.id, status.birth, status.events_begin));
    ++status.events_begin;
  }
  Touch(invocation);
}

void Applier::DropEvents(Invocation& invocation) {
  InvocationStatus& status = invocation.status;
  for (; status.events_begin < status.events_end; ++status.events_begin) {
    txn_.DeleteOnce(
        Family::kJournal, keys::Event(invocation.id, status.birth, status.events_begin));
  }
}

}  // namespace perdure
