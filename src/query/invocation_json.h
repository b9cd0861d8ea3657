// SPDX-License-Identifier: Apache-2.0
//
// One invocation as JSON, with the column names and value forms of sys_invocation and sys_journal
// (introspection 1, admin API 20.1). What SQL would show as NULL is left out. Pure functions.
#pragma once

#include "perdure/core/rows.h"
#include "perdure/invoker/attempt_host.h"

#include <nlohmann/json_fwd.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace perdure::query {

// The derived status: "scheduled", "pending", "ready", "running", "backing-off", "suspended",
// "paused", "completed".
std::string_view StatusName(const InvocationStatus& status, bool in_flight);
bool IsStatusName(std::string_view name);
// "scheduled, pending, ...", for messages.
std::string StatusNames();

// `live` is the attempt on the wire, or null; `result` is given for completed invocations.
nlohmann::ordered_json InvocationJson(
    const StatusRow& row,
    const AttemptHost::LiveAttempt* live,
    const std::optional<ValueOrFailure>& result);

nlohmann::ordered_json JournalEntryJson(const JournalEntry& entry);

// With the column names of sys_journal_events (admin API 21).
nlohmann::ordered_json JournalEventJson(const JournalEvent& event);

std::string DumpJson(const nlohmann::ordered_json& json);

}  // namespace perdure::query
