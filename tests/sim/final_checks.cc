// SPDX-License-Identifier: Apache-2.0
//
// What is in the tables when all is done, against what the world has seen. See simulation.h.
#include "perdure/core/rows.h"
#include "perdure/protocol/notifications.h"
#include "tests/sim/simulation.h"

#include <map>
#include <set>
#include <sstream>
#include <utility>

namespace perdure::sim {
namespace {

constexpr uint64_t kThreeDays = uint64_t{3} * 24 * 3600 * 1'000 * kMs;

template <typename Visit>
void EachInvocation(const StateReader& reader, Visit visit) {
  StatusScanner scanner(reader, std::nullopt);
  while (std::optional<StatusRow> row = scanner.Next()) {
    visit(row->id, row->status);
  }
}

template <typename Visit>
void EachEntry(
    const StateReader& reader,
    const InvocationId& id,
    const InvocationStatus& status,
    Visit visit) {
  for (JournalIndex i = 0; i < status.journal_length; ++i) {
    if (const std::optional<JournalEntry> entry = ReadJournalEntry(reader, id, status, i)) {
      visit(*entry);
    }
  }
}

}  // namespace

void Simulation::CheckResults() {
  const std::unique_ptr<StateReader> reader = database_->store().Snapshot();
  EachInvocation(*reader, [&](const InvocationId& id, const InvocationStatus& status) {
    ++core_.coverage["invocations"];
    if (const std::optional<ValueOrFailure> result = ReadResult(*reader, id, status)) {
      oracle_.SawResult(id, *result);
    } else {
      core_.Violate(Short(id) + " has no result");
    }
  });
}

// Every addition to an object starts from what the one before left: none is lost or done twice.
void Simulation::CheckCounters() {
  const std::unique_ptr<StateReader> reader = database_->store().Snapshot();
  std::map<std::string, std::map<uint64_t, uint64_t>> additions;
  EachInvocation(*reader, [&](const InvocationId& id, const InvocationStatus& status) {
    EachEntry(*reader, id, status, [&](const JournalEntry& entry) {
      if (entry.type != MessageType::kSetStateCommand) {
        return;
      }
      const Result<SdkMessage> message = DecodeCommand(entry.type, entry.payload);
      const auto& set = std::get<SetStateCommand>(message.value());
      std::istringstream value{std::string(set.value.view())};
      uint64_t after = 0;
      uint64_t before = 0;
      value >> after >> before;
      if (!additions[status.target.key].emplace(before, after).second) {
        core_.Violate(status.target.key + ": two additions start from " + std::to_string(before));
      }
    });
  });
  std::map<std::string, uint64_t> totals;
  for (auto row = reader->Scan(Family::kState, {}, {}); row->Valid(); row->Next()) {
    // The key of the object stands in the row's key, the counter in front of its value.
    const std::string key(row->key());
    for (uint64_t i = 0; i < kObjectCount; ++i) {
      if (key.find(ObjectKey(i)) != std::string::npos) {
        totals[ObjectKey(i)] = std::stoull(std::string(row->value()));
      }
    }
  }
  for (const auto& [key, steps] : additions) {
    uint64_t counter = 0;
    for (const auto& [before, after] : steps) {
      if (before != counter) {
        core_.Violate(key + ": an addition to " + std::to_string(counter) + " is missing");
      }
      counter = after;
    }
    if (totals[key] != counter) {
      core_.Violate(
          key + " is " + std::to_string(totals[key]) + " and should be " + std::to_string(counter));
    }
    core_.coverage["additions"] += steps.size();
  }
}

// Whoever was called is there, or has a reason not to be.
void Simulation::CheckCallees() {
  const std::unique_ptr<StateReader> reader = database_->store().Snapshot();
  EachInvocation(*reader, [&](const InvocationId& id, const InvocationStatus& status) {
    EachEntry(*reader, id, status, [&](const JournalEntry& entry) {
      if (entry.type != MessageType::kCallInvocationIdCompletion) {
        return;
      }
      // Field 16 of the notification: text behind a two-byte tag and a length.
      const std::string payload(entry.payload.view());
      const size_t at = payload.find("inv_1");
      const Result<InvocationId> callee = InvocationId::Parse(payload.substr(at, 38));
      if (at == std::string::npos || !callee.ok()) {
        core_.Violate(Short(id) + " was told an id that is none");
        return;
      }
      const bool there = ReadStatus(*reader, callee.value()).has_value();
      const bool excused =
          oracle_.Ended(callee.value()) || oracle_.killed_any() || oracle_.cancelled_any();
      if (!there && !excused) {
        core_.Violate(Short(callee.value()) + ", called by " + Short(id) + ", never was");
      }
    });
  });
}

void Simulation::HashRows() {
  const std::unique_ptr<StateReader> reader = database_->store().Snapshot();
  uint64_t hash = HashText({});
  for (size_t i = 0; i < kFamilyCount; ++i) {
    for (auto row = reader->Scan(static_cast<Family>(i), {}, {}); row->Valid(); row->Next()) {
      hash = HashText(row->value(), HashText(row->key(), hash));
    }
  }
  core_.Say("rows: " + std::to_string(hash));
}

// Three days later nothing is left but the counters of the objects.
void Simulation::CheckForgotten() {
  RunUntil(core_.now_ns() + kThreeDays);
  const std::unique_ptr<StateReader> reader = database_->store().Snapshot();
  for (const Family family : {Family::kStatus, Family::kJournal, Family::kQueue, Family::kIndex}) {
    const auto row = reader->Scan(family, {}, {});
    if (row->Valid()) {
      core_.Violate(
          "a row of table " + std::to_string(static_cast<unsigned char>(row->key()[0])) +
          " is left when everything has expired");
    }
  }
  if (const std::optional<std::string> left = process_->Unfinished()) {
    core_.Violate("three days later " + *left);
  }
}

}  // namespace perdure::sim
