// SPDX-License-Identifier: Apache-2.0
//
// Rows of the machine's tables as values, and how to read them from committed state (for the
// machine itself, introspection and tests). Bytes of keys and values: src/core/FORMAT.md.
#pragma once

#include "perdure/base/ids.h"
#include "perdure/core/command.h"
#include "perdure/core/target.h"
#include "perdure/protocol/messages.h"
#include "perdure/store/state.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace perdure {

// ON DISK: append only, DO NOT RENUMBER.
enum class InvocationState : uint8_t {
  kScheduled = 1,  // delayed
  kInboxed = 2,    // waits for its object
  kInvoked = 3,    // ready, running or backing off
  kSuspended = 4,
  kPaused = 5,
  kCompleted = 6,
};

// The last failed attempt, for display and for on-max-attempts.
struct LastFailure {
  AttemptError error;
  std::string doc_code;
  TimeMs at = 0;
};

// What happened to an invocation between entries of its journal (admin API 21).
enum class EventKind : uint8_t {  // ON DISK: append only, DO NOT RENUMBER
  kTransientError = 1,            // an attempt failed and another one follows
  kPaused = 2,
};
struct JournalEvent {
  EventKind kind = EventKind::kPaused;
  TimeMs at = 0;
  JournalIndex after_entry = 0;        // the last entry there was
  std::optional<LastFailure> failure;  // a pause: if a failed attempt led to it
};

// The header of an invocation: everything but bodies.
struct InvocationStatus {
  Birth birth;
  InvocationState state = InvocationState::kInvoked;
  Target target;
  std::optional<std::string> idempotency_key;
  std::optional<CallerRef> caller;
  std::optional<InvocationId> restarted_from;
  Retention retention;
  uint64_t random_seed = 0;

  TimeMs created_at = 0;
  TimeMs modified_at = 0;
  TimeMs inboxed_at = 0;          // 0: never
  TimeMs scheduled_start_at = 0;  // 0: not delayed
  TimeMs running_at = 0;          // first start
  TimeMs completed_at = 0;

  JournalIndex journal_length = 0;
  uint32_t command_count = 0;
  TimeMs last_entry_at = 0;

  // Kept while invoked: the row in the ready index, or 0 while backing off.
  uint64_t ready_order = 0;
  // The durable queue position while inboxed.
  uint64_t inbox_sequence = 0;

  std::optional<DeploymentId> pinned_deployment;
  int pinned_protocol_version = 0;

  // Failed attempts since the invocation was last woken (retry policy, service protocol 4.6), and
  // since the last stored command (StartMessage).
  uint32_t failed_attempts = 0;
  uint32_t retry_count_since_last_entry = 0;
  TimeMs next_retry_at = 0;  // 0: not backing off
  std::optional<LastFailure> last_failure;
  // Attempts started since the invocation was last woken; for display.
  uint32_t attempts_started = 0;
  TimeMs last_start_at = 0;
  // The events that are kept have the numbers in [begin, end).
  uint32_t events_begin = 0;
  uint32_t events_end = 0;

  WaitSet wait_set;              // while suspended
  bool has_listeners = false;    // rows in the listener table
  bool pause_requested = false;  // while an attempt runs: paused when it ends

  // After completion the result is `failure` if there is one, else the copy in the result table,
  // else the output entry of the journal.
  std::optional<Failure> failure;            // made by the server (killed, ...) or the SDK's
  bool stored_result = false;                // the journal goes earlier than the result
  std::optional<JournalIndex> output_index;  // the last Output entry, also while it runs
  std::string stacktrace;
};

// One line of `Scan`.
struct StatusRow {
  InvocationId id;
  InvocationStatus status;
};

std::optional<InvocationStatus> ReadStatus(const StateReader& reader, const InvocationId& id);
std::optional<JournalEntry> ReadJournalEntry(
    const StateReader& reader,
    const InvocationId& id,
    const InvocationStatus& status,
    JournalIndex index);
// `number` as in the status; nothing if it is not kept.
std::optional<JournalEvent> ReadEvent(
    const StateReader& reader,
    const InvocationId& id,
    const InvocationStatus& status,
    uint32_t number);
// The result of a completed invocation; nothing while it is not completed.
std::optional<ValueOrFailure> ReadResult(
    const StateReader& reader, const InvocationId& id, const InvocationStatus& status);

// All invocations in id order, starting behind `after`.
class StatusScanner {
 public:
  StatusScanner(const StateReader& reader, const std::optional<InvocationId>& after);
  ~StatusScanner();
  // The next row, or nothing at the end.
  std::optional<StatusRow> Next();

 private:
  std::unique_ptr<StateIterator> iterator_;
};

}  // namespace perdure
