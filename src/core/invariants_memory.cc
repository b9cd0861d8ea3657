// SPDX-License-Identifier: Apache-2.0
//
// What a partition remembers, against its rows: nothing that must run or fire may be known to the
// table alone. See invariants.h.
#include "core/invariants.h"
#include "core/keys.h"
#include "core/row_codec.h"
#include "perdure/base/limits.h"

#include <set>
#include <unordered_set>
#include <utility>

namespace perdure {
namespace {

std::set<std::string> KeysWith(const StateReader& reader, const std::string& prefix) {
  std::set<std::string> found;
  for (auto row = reader.Scan(Family::kQueue, prefix, keys::PrefixEnd(prefix)); row->Valid();
       row->Next()) {
    found.emplace(row->key());
  }
  return found;
}

class MemoryChecker {
 public:
  MemoryChecker(const StateReader& reader, const PartitionMemory& memory)
      : reader_(reader), memory_(memory) {}

  Violations Run() {
    CheckLive();
    CheckWaiting();
    CheckReadyHead();
    CheckTimerHead();
    CheckExpiry();
    CheckOutbox();
    CheckReceived();
    CheckWork();
    CheckClearing();
    CheckRunningRestarts();
    return std::move(violations_);
  }

 private:
  void Say(std::string what) { violations_.push_back(std::move(what)); }

  void CheckLive() {
    for (const auto& [id, live] : memory_.live) {
      const std::optional<InvocationStatus> status = ReadStatus(reader_, id);
      if (!status || status->state != InvocationState::kInvoked || status->ready_order == 0) {
        Say(id.ToString() + ": an attempt is on the wire for what is not ready");
        continue;
      }
      if (!live.status || live.status->birth != status->birth ||
          live.status->journal_length != status->journal_length ||
          live.status->ready_order != status->ready_order ||
          live.status->command_count != status->command_count ||
          live.status->pinned_deployment != status->pinned_deployment ||
          live.status->output_index != status->output_index) {
        Say(id.ToString() + ": the attempt remembers another status than the row");
      }
      if (live.epoch.value >> 40 != memory_.start_counter ||
          (live.epoch.value & ((uint64_t{1} << 40) - 1)) > memory_.epoch_sequence) {
        Say(id.ToString() + ": the attempt has an epoch of another start");
      }
      if (live.handed_to > status->journal_length || live.cut > status->journal_length) {
        Say(id.ToString() + ": the attempt was given more than there is");
      }
      CheckHandedOut(id, live, *status);
    }
  }

  // Every notification the stream was not given is one it will ask for.
  void CheckHandedOut(
      const InvocationId& id, const LiveAttempt& live, const InvocationStatus& status) {
    if (live.lagging) {
      return;
    }
    if (live.handed_to < live.cut) {
      Say(id.ToString() + ": the replay stopped and nobody asks for the rest");
    }
    for (JournalIndex index = live.handed_to; index < status.journal_length; ++index) {
      const std::optional<JournalEntry> entry = ReadJournalEntry(reader_, id, status, index);
      if (entry && IsNotification(entry->type)) {
        Say(id.ToString() + ": notification " + std::to_string(index) + " was not told");
      }
    }
  }

  void CheckWaiting() {
    for (const auto& [id, replies] : memory_.waiting) {
      const std::optional<InvocationStatus> status = ReadStatus(reader_, id);
      if (!status || status->state == InvocationState::kCompleted || replies.empty()) {
        Say(id.ToString() + ": a reply waits for nothing");
      }
    }
  }

  void CheckReadyHead() {
    const ReadyHead& head = memory_.ready;
    std::unordered_set<InvocationId> heads;
    uint64_t last = 0;
    for (const ReadyItem& item : head.items) {
      if (item.order <= last) {
        Say("the ready head is not in order");
      }
      last = item.order;
      if (reader_.Get(Family::kQueue, keys::Ready(memory_.partition, item.order, item.id))) {
        heads.insert(item.id);
      }
    }
    for (const std::string& key : KeysWith(reader_, keys::ReadyPrefix(memory_.partition))) {
      const InvocationId id = keys::ParseReady(key).id;
      const bool behind = !head.complete && key >= head.scan_from;
      if (!behind && heads.count(id) == 0 && memory_.live.count(id) == 0) {
        Say(id.ToString() + ": is ready and will never be started");
      }
    }
    if (head.items.size() > limits::kReadyHeadMax) {
      Say("the ready head is larger than its limit");
    }
  }

  void CheckTimerHead() {
    const TimerHead& head = memory_.timers;
    const std::set<std::string> rows = KeysWith(reader_, keys::TimerPrefix(memory_.partition));
    for (const std::string& key : head.keys) {
      if (rows.count(key) == 0) {
        Say("the timer head holds a timer without a row");
      }
    }
    for (const std::string& key : rows) {
      if (head.keys.count(key) == 0 && !(head.bound && key >= *head.bound)) {
        Say(keys::ParseTimer(key).id.ToString() + ": a timer will never fire");
      }
    }
    if (head.keys.size() > limits::kTimerHeadMax) {
      Say("the timer head is larger than its limit");
    }
  }

  void CheckExpiry() {
    const std::set<std::string> rows = KeysWith(reader_, keys::ExpiryPrefix(memory_.partition));
    if (rows.empty()) {
      return;
    }
    const TimeMs first = keys::ParseExpiry(*rows.begin()).due;
    if (!memory_.next_expiry || *memory_.next_expiry > first) {
      Say("the next expiry lies behind the first one");
    }
  }

  void CheckOutbox() {
    std::map<uint16_t, std::pair<uint64_t, uint64_t>> range;  // first and last row
    for (const std::string& key : KeysWith(reader_, keys::OutboxPrefix(memory_.partition))) {
      const keys::OutboxRef message = keys::ParseOutbox(key);
      auto& [first, last] = range[message.to.value];
      first = first == 0 ? message.sequence : first;
      last = message.sequence;
    }
    for (const auto& [to, window] : memory_.outbox) {
      const auto rows = range.find(to);
      const bool empty = rows == range.end();
      if (window.acked > window.hopped || window.hopped > window.sent ||
          window.hopped - window.acked > limits::kMailboxPerPeer) {
        Say("the outbox window to " + std::to_string(to) + " does not hold together");
      }
      if (empty ? window.acked != window.sent
                : rows->second.first != window.acked + 1 || rows->second.second != window.sent) {
        Say("the outbox window to " + std::to_string(to) + " does not cover its rows");
      }
      if (window.hopped < window.sent && window.hopped - window.acked < limits::kMailboxPerPeer) {
        Say("a message to " + std::to_string(to) + " waits although there is room");
      }
    }
    for (const auto& [to, rows] : range) {
      if (memory_.outbox.count(to) == 0) {
        Say("messages to " + std::to_string(to) + " are forgotten");
      }
    }
  }

  void CheckReceived() {
    for (const auto& [from, sequence] : memory_.received) {
      const std::optional<std::string> row =
          reader_.Get(Family::kMeta, keys::Dedup(memory_.partition, PartitionId{from}));
      if (sequence != 0 && row != keys::U64(sequence)) {
        Say("messages of " + std::to_string(from) + " are counted otherwise than stored");
      }
    }
  }

  void CheckWork() {
    const std::set<std::string> rows = KeysWith(reader_, keys::WorkPrefix(memory_.partition));
    if (!(rows.empty() && memory_.answers.empty()) && !memory_.work_pending) {
      Say("there is work and nobody is told to go on with it");
    }
    if (!rows.empty() && keys::ParseWorkSequence(*rows.begin()) < memory_.work.from) {
      Say("the oldest work is looked for behind its place");
    }
  }

  void CheckClearing() {
    const ClearingObjects rows = ReadClearing(reader_, memory_.partition);
    bool same = rows.size() == memory_.clearing.size();
    for (const auto& [object, clearing] : rows) {
      const auto found = memory_.clearing.find(object);
      same = same && found != memory_.clearing.end() &&
             found->second.sequence == clearing.sequence && found->second.cursor == clearing.cursor;
    }
    if (!same) {
      Say("what is being cleared is remembered otherwise than stored");
    }
  }

  void CheckRunningRestarts() {
    const std::string prefix = keys::WorkPrefix(memory_.partition);
    size_t rows = 0;
    for (auto row = reader_.Scan(Family::kQueue, prefix, keys::PrefixEnd(prefix)); row->Valid();
         row->Next()) {
      const WorkRow work = DecodeWork(row->value());
      if (work.kind != WorkRow::Kind::kRestart) {
        continue;
      }
      ++rows;
      const auto found = memory_.restarts.find(keys::ParseWorkSequence(row->key()));
      if (found == memory_.restarts.end() || found->second.source != work.copy.source ||
          found->second.source_birth != work.copy.source_birth) {
        Say(work.id.ToString() + ": its journal is copied and that is not remembered");
      }
    }
    if (rows != memory_.restarts.size()) {
      Say("a copy of a journal is remembered that nobody makes");
    }
  }

  const StateReader& reader_;
  const PartitionMemory& memory_;
  Violations violations_;
};

}  // namespace

Violations CheckMemory(const StateReader& reader, const PartitionMemory& memory) {
  return MemoryChecker(reader, memory).Run();
}

}  // namespace perdure
