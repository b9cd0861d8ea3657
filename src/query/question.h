// SPDX-License-Identifier: Apache-2.0
//
// A question and its answer, once the snapshot is known to be durable and the live attempts are
// known. Bounded in time and size: a list that cannot be finished gives what it found and the id to
// go on from.
#pragma once

#include "perdure/base/limits.h"
#include "perdure/base/result.h"
#include "perdure/core/rows.h"
#include "perdure/invoker/attempt_host.h"
#include "perdure/query/introspection.h"
#include "perdure/store/state.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace perdure::query {

inline constexpr size_t kLimitMax = 1000;
inline constexpr size_t kJournalEntriesMax = 10'000;  // shown of one journal
inline constexpr size_t kAnswerBytesMax = 8 * limits::kMiB;
inline constexpr uint64_t kScanNsMax = 2'000'000'000;

using LiveMap = std::unordered_map<InvocationId, AttemptHost::LiveAttempt>;
// By invocation; of several attempts of one (the older is on its way out) the newest.
LiveMap IndexLive(std::vector<AttemptHost::LiveAttempt> attempts);

// What is wrong with the filter, before anything is read.
Status CheckFilter(const InvocationFilter& filter);

std::string AnswerList(
    const StateReader& reader,
    const LiveMap& live,
    const InvocationFilter& filter,
    uint64_t scan_ns_max = kScanNsMax);

Result<std::string> AnswerGet(
    const StateReader& reader,
    const LiveMap& live,
    const InvocationId& id,
    size_t journal_entries_max = kJournalEntriesMax);

}  // namespace perdure::query
