// SPDX-License-Identifier: Apache-2.0
//
// Reading rows from committed state, for introspection and tests (perdure/core/rows.h).
#include "core/keys.h"
#include "core/row_codec.h"
#include "perdure/base/assert.h"
#include "perdure/core/rows.h"

#include <utility>

namespace perdure {

std::optional<InvocationStatus> ReadStatus(const StateReader& reader, const InvocationId& id) {
  const std::optional<std::string> value = reader.Get(Family::kStatus, keys::Status(id));
  if (!value) {
    return std::nullopt;
  }
  return DecodeStatus(*value);
}

std::optional<JournalEntry> ReadJournalEntry(
    const StateReader& reader,
    const InvocationId& id,
    const InvocationStatus& status,
    JournalIndex index) {
  std::optional<std::string> value =
      reader.Get(Family::kJournal, keys::JournalEntry(id, status.birth, index));
  if (!value) {
    return std::nullopt;
  }
  return DecodeEntry(index, std::move(*value));
}

std::optional<JournalEvent> ReadEvent(
    const StateReader& reader,
    const InvocationId& id,
    const InvocationStatus& status,
    uint32_t number) {
  const std::optional<std::string> value =
      reader.Get(Family::kJournal, keys::Event(id, status.birth, number));
  if (!value) {
    return std::nullopt;
  }
  return DecodeEvent(*value);
}

StatusScanner::StatusScanner(const StateReader& reader, const std::optional<InvocationId>& after) {
  std::string lower = keys::TableBegin(Table::kStatus);
  if (after) {
    lower = keys::Status(*after);
    lower.push_back('\0');
  }
  iterator_ = reader.Scan(Family::kStatus, lower, keys::TableEnd(Table::kStatus));
}

StatusScanner::~StatusScanner() = default;

std::optional<StatusRow> StatusScanner::Next() {
  if (!iterator_->Valid()) {
    return std::nullopt;
  }
  const std::optional<InvocationId> id = keys::ParseStatus(iterator_->key());
  PERDURE_INVARIANT(id.has_value(), "a status row has no id");
  StatusRow row{*id, DecodeStatus(iterator_->value())};
  iterator_->Next();
  return row;
}

}  // namespace perdure
