// SPDX-License-Identifier: Apache-2.0
//
// Walks status rows in id order. There is no index by status or service yet, so a filter that
// matches little walks far: the time bound and `next` keep one question from holding up the others.
#include "query/question.h"

#include "perdure/base/clock.h"
#include "query/invocation_json.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace perdure::query {
namespace {

using Json = nlohmann::ordered_json;

// How many rows are read between two looks at the clock.
constexpr size_t kRowsPerClock = 64;

const AttemptHost::LiveAttempt* FindLive(const LiveMap& live, const InvocationId& id) {
  const auto it = live.find(id);
  return it == live.end() ? nullptr : &it->second;
}

bool Passes(const InvocationFilter& filter, const StatusRow& row, bool in_flight) {
  if (filter.service.has_value() && row.status.target.service != *filter.service) {
    return false;
  }
  return !filter.status.has_value() || StatusName(row.status, in_flight) == *filter.status;
}

Json RowJson(
    const StateReader& reader, const StatusRow& row, const AttemptHost::LiveAttempt* live) {
  std::optional<ValueOrFailure> result;
  if (row.status.state == InvocationState::kCompleted) {
    result = ReadResult(reader, row.id, row.status);
  }
  return InvocationJson(row, live, result);
}

}  // namespace

LiveMap IndexLive(std::vector<AttemptHost::LiveAttempt> attempts) {
  LiveMap out;
  for (AttemptHost::LiveAttempt& attempt : attempts) {
    const auto it = out.find(attempt.id);
    if (it == out.end()) {
      const InvocationId id = attempt.id;
      out.emplace(id, std::move(attempt));
    } else if (it->second.epoch < attempt.epoch) {
      it->second = std::move(attempt);
    }
  }
  return out;
}

Status CheckFilter(const InvocationFilter& filter) {
  if (filter.status.has_value() && !IsStatusName(*filter.status)) {
    return InvalidArgument(
        "The query parameter 'status' is invalid. Reason: unknown status '" + *filter.status +
        "', expected one of " + StatusNames());
  }
  if (filter.limit < 1 || filter.limit > kLimitMax) {
    return InvalidArgument(
        "The query parameter 'limit' is invalid. Reason: must be between 1 and " +
        std::to_string(kLimitMax));
  }
  return OkStatus();
}

std::string AnswerList(
    const StateReader& reader,
    const LiveMap& live,
    const InvocationFilter& filter,
    uint64_t scan_ns_max) {
  const uint64_t started = SystemClock().MonotonicNs();
  StatusScanner scanner(reader, filter.after);
  std::string rows;
  size_t shown = 0;
  size_t scanned = 0;
  std::optional<InvocationId> last;
  bool more = false;
  while (const std::optional<StatusRow> row = scanner.Next()) {
    const bool out_of_time = scanned != 0 && scanned % kRowsPerClock == 0 &&
                             SystemClock().MonotonicNs() - started > scan_ns_max;
    if (shown == filter.limit || rows.size() > kAnswerBytesMax || out_of_time) {
      more = true;
      break;
    }
    ++scanned;
    last = row->id;
    const AttemptHost::LiveAttempt* attempt = FindLive(live, row->id);
    if (Passes(filter, *row, attempt != nullptr)) {
      rows += rows.empty() ? "" : ",";
      rows += DumpJson(RowJson(reader, *row, attempt));
      ++shown;
    }
  }
  std::string out = "{\"invocations\":[" + rows + "]";
  if (more) {
    out += ",\"next\":\"" + last->ToString() + "\"";
  }
  return out + "}";
}

Result<std::string> AnswerGet(
    const StateReader& reader,
    const LiveMap& live,
    const InvocationId& id,
    size_t journal_entries_max) {
  std::optional<InvocationStatus> status = ReadStatus(reader, id);
  if (!status.has_value()) {
    return Error{
        ErrorCode::kNotFound, "The requested invocation '" + id.ToString() + "' does not exist"};
  }
  const StatusRow row{id, *std::move(status)};
  Json out = RowJson(reader, row, FindLive(live, id));
  Json journal = Json::array();
  const size_t count = std::min<size_t>(row.status.journal_length, journal_entries_max);
  for (size_t index = 0; index < count; ++index) {
    const auto entry = ReadJournalEntry(reader, id, row.status, static_cast<JournalIndex>(index));
    if (entry.has_value()) {  // the journal may be gone before the result
      journal.push_back(JournalEntryJson(*entry));
    }
  }
  out["journal"] = std::move(journal);
  if (count < row.status.journal_length) {
    out["journal_truncated"] = true;
  }
  Json events = Json::array();
  for (uint32_t number = row.status.events_begin; number < row.status.events_end; ++number) {
    if (const std::optional<JournalEvent> event = ReadEvent(reader, id, row.status, number)) {
      events.push_back(JournalEventJson(*event));
    }
  }
  out["journal_events"] = std::move(events);
  return DumpJson(out);
}

}  // namespace perdure::query
