// SPDX-License-Identifier: Apache-2.0
//
// The rows of a partition against each other: most are read once into maps, then each rule is a
// function of its own. See invariants.h.
#include "core/invariants.h"

#include "core/keys.h"
#include "core/row_codec.h"
#include "perdure/base/assert.h"
#include "perdure/protocol/notifications.h"

#include <utility>

namespace perdure {
namespace {

using Life = std::pair<InvocationId, Birth>;
using Journal = std::map<JournalIndex, JournalEntry>;

std::string Name(const InvocationId& id) {
  return id.ToString();
}

class RowChecker {
 public:
  RowChecker(const StateReader& reader, PartitionId partition, uint16_t partition_count)
      : reader_(reader), partition_(partition), count_(partition_count) {}

  Violations Run() {
    Load();
    for (const auto& [id, status] : statuses_) {
      CheckQueuePlace(id, status);
      CheckJournal(id, status);
      for (const std::string& what : CheckWaitSet(reader_, id, status)) {
        Say(id, what);
      }
      CheckEnd(id, status);
    }
    CheckReadyRows();
    CheckTimerRows();
    CheckInboxRows();
    CheckLockRows();
    CheckLeftJournals();
    CheckNotificationRows();
    CheckExpiryRows();
    CheckListenerRows();
    CheckOutboxRows();
    CheckWorkRows();
    return std::move(violations_);
  }

 private:
  void Say(const InvocationId& id, const std::string& what) {
    violations_.push_back(Name(id) + ": " + what);
  }
  bool Has(Family family, const std::string& key) const {
    return reader_.Get(family, key).has_value();
  }
  bool Mine(const InvocationId& id) const {
    return PartitionOf(id.partition_key, count_) == partition_;
  }
  bool MyObject(BytesView key) const {
    const std::optional<uint64_t> hash = keys::ParseU64(key.substr(1, 8));
    return hash && PartitionOf(PartitionKey{*hash}, count_) == partition_;
  }
  const InvocationStatus* Find(const keys::IdBirth& life) const {
    const auto it = statuses_.find(life.id);
    return it != statuses_.end() && it->second.birth == life.birth ? &it->second : nullptr;
  }
  template <typename Visit>
  void EachRow(Family family, const std::string& prefix, Visit visit) const {
    for (auto row = reader_.Scan(family, prefix, keys::PrefixEnd(prefix)); row->Valid();
         row->Next()) {
      visit(row->key(), row->value());
    }
  }
  // Rows of a table keyed by id and birth.
  template <typename Visit>
  void EachLifeRow(Family family, Table table, Visit visit) const {
    EachRow(family, keys::TableBegin(table), [&](BytesView key, BytesView value) {
      const keys::IdBirth life = keys::ParseIdAndBirth(key.substr(1));
      if (Mine(life.id) && WorkFor(WorkRow::Kind::kRestart, life) == nullptr) {  // CheckRestarts
        visit(life, key, value);
      }
    });
  }

  void Load() {
    if (const auto row = reader_.Get(Family::kMeta, keys::Partition(partition_))) {
      row_ = DecodePartition(*row);
    }
    StatusScanner scanner(reader_, std::nullopt);
    while (std::optional<StatusRow> row = scanner.Next()) {
      if (Mine(row->id)) {
        statuses_.emplace(row->id, std::move(row->status));
      }
    }
    EachRow(Family::kQueue, keys::WorkPrefix(partition_), [&](BytesView, BytesView value) {
      work_.push_back(DecodeWork(value));
    });
    EachLifeRow(
        Family::kJournal,
        Table::kJournal,
        [&](const keys::IdBirth& life, BytesView key, BytesView value) {
          const std::optional<uint32_t> index = keys::ParseU32(key.substr(key.size() - 4));
          PERDURE_ASSERT(index.has_value());
          journals_[{life.id, life.birth}].emplace(*index, DecodeEntry(*index, std::string(value)));
        });
  }

  const WorkRow* WorkFor(WorkRow::Kind kind, const keys::IdBirth& life) const {
    for (const WorkRow& work : work_) {
      if (work.kind == kind && work.id == life.id && work.birth == life.birth) {
        return &work;
      }
    }
    return nullptr;
  }

  // Where an invocation waits for its turn, and nowhere else.
  void CheckQueuePlace(const InvocationId& id, const InvocationStatus& status) {
    const bool ready = status.ready_order != 0;
    const bool backing_off = status.next_retry_at != 0;
    if (status.state == InvocationState::kInvoked ? ready == backing_off : ready || backing_off) {
      Say(id, "is not exactly one of ready and backing off while invoked");
    }
    if (ready && !Has(Family::kQueue, keys::Ready(partition_, status.ready_order, id))) {
      Say(id, "has no ready row");
    }
    if (backing_off && !HasTimer({status.next_retry_at, id, TimerKind::kRetry, 0}, status.birth)) {
      Say(id, "backs off without a timer");
    }
    if (status.state == InvocationState::kScheduled &&
        !HasTimer({status.scheduled_start_at, id, TimerKind::kScheduledStart, 0}, status.birth)) {
      Say(id, "is scheduled without a timer");
    }
    const bool inboxed = status.state == InvocationState::kInboxed;
    if (inboxed != (status.inbox_sequence != 0)) {
      Say(id, "has a place in an inbox exactly while it is not inboxed");
    }
    const Target& target = status.target;
    if (inboxed &&
        reader_.Get(
            Family::kQueue, keys::Inbox(target.service, target.key, status.inbox_sequence)) !=
            keys::IdAndBirth(id, status.birth)) {
      Say(id, "is inboxed without its row");
    }
    CheckLockOf(id, status, inboxed);
  }

  void CheckLockOf(const InvocationId& id, const InvocationStatus& status, bool inboxed) {
    const Target& target = status.target;
    const bool holds = status.state == InvocationState::kInvoked ||
                       status.state == InvocationState::kSuspended ||
                       status.state == InvocationState::kPaused;
    if (!target.exclusive() || !(holds || inboxed)) {
      return;
    }
    const std::optional<std::string> lock =
        reader_.Get(Family::kIndex, keys::Lock(target.service, target.key));
    if (!lock) {
      Say(id, "is exclusive and its object is not locked");
      return;
    }
    const keys::LockHolder holder = keys::ParseLock(*lock);
    if (holds && (holder.id != id || holder.birth != status.birth)) {
      Say(id, "runs beside the holder of its object");
    }
    if (inboxed && status.inbox_sequence <= holder.sequence) {
      Say(id, "stands before the place from which its queue goes on");
    }
  }

  bool HasTimer(const keys::TimerRef& timer, Birth birth) const {
    return reader_.Get(Family::kQueue, keys::Timer(partition_, timer)) == keys::U64(birth.value);
  }

  std::string NotificationKey(const keys::IdBirth& life, const JournalEntry& entry) const {
    const Result<NotificationId> what = DecodeNotificationId(entry.type, entry.payload.view());
    PERDURE_INVARIANT(what.ok(), "a stored notification does not decode");
    if (const auto* completion = std::get_if<CompletionKey>(&what.value())) {
      return keys::Completion(life.id, life.birth, completion->id);
    }
    return keys::Signal(life.id, life.birth, std::get<SignalName>(what.value()));
  }

  void CheckJournal(const InvocationId& id, const InvocationStatus& status) {
    const keys::IdBirth life{id, status.birth};
    const auto found = journals_.find({id, status.birth});
    const size_t rows = found == journals_.end() ? 0 : found->second.size();
    const bool purged = status.state == InvocationState::kCompleted && status.journal_length == 0;
    if (purged) {
      return;  // what is left of it: CheckLeftJournals
    }
    if (rows != status.journal_length || rows == 0 ||
        found->second.rbegin()->first + 1 != status.journal_length) {
      Say(id,
          "has " + std::to_string(rows) + " journal rows for a length of " +
              std::to_string(status.journal_length));
      return;
    }
    uint32_t commands = 0;
    for (const auto& [index, entry] : found->second) {
      if (IsNotification(entry.type)) {
        if (!Has(Family::kIndex, NotificationKey(life, entry))) {
          Say(id, "notification " + std::to_string(index) + " is not in the index");
        }
        continue;
      }
      ++commands;
      if ((index == 0) != (entry.type == MessageType::kInputCommand)) {
        Say(id, "entry " + std::to_string(index) + " is an input at the wrong place");
      }
      CheckPending(id, status, entry);
    }
    if (commands != status.command_count) {
      Say(id,
          "has " + std::to_string(commands) + " commands and counts " +
              std::to_string(status.command_count));
    }
    if (status.output_index) {
      const auto output = found->second.find(*status.output_index);
      if (output == found->second.end() || output->second.type != MessageType::kOutputCommand) {
        Say(id, "its output index does not name an output");
      }
    }
  }

  // What a living invocation waits for within this partition has come or will.
  void CheckPending(
      const InvocationId& id, const InvocationStatus& status, const JournalEntry& entry) {
    const bool waits =
        entry.type == MessageType::kSleepCommand || entry.type == MessageType::kGetPromiseCommand;
    if (!waits || status.state == InvocationState::kCompleted) {
      return;
    }
    Result<SdkMessage> message = DecodeCommand(entry.type, entry.payload);
    PERDURE_INVARIANT(message.ok(), "a stored command does not decode");
    const auto* sleep = std::get_if<SleepCommand>(&message.value());
    const auto* get = std::get_if<GetPromiseCommand>(&message.value());
    PERDURE_INVARIANT(sleep != nullptr || get != nullptr, "a stored command is of another type");
    const CompletionId completion =
        sleep != nullptr ? sleep->result_completion_id : get->result_completion_id;
    const bool will =
        sleep != nullptr
            ? HasTimer({sleep->wake_up_time, id, TimerKind::kSleep, completion}, status.birth)
            : Has(Family::kIndex, PromiseListenerOf(id, status.target, *get));
    if (!will && !Has(Family::kIndex, keys::Completion(id, status.birth, completion))) {
      Say(id, "completion " + std::to_string(completion) + " has not come and will not");
    }
  }

  void CheckEnd(const InvocationId& id, const InvocationStatus& status) {
    if (status.stored_result && !Has(Family::kJournal, keys::Result(id, status.birth))) {
      Say(id, "its copied result is missing");
    }
    if (status.state != InvocationState::kCompleted) {
      if (status.stored_result || status.completed_at != 0) {
        Say(id, "has the marks of an end and is not completed");
      }
      return;
    }
    if (!status.failure && !status.stored_result &&
        !(status.output_index && status.journal_length > *status.output_index)) {
      Say(id, "is completed and has no readable result");
    }
    if (status.retention.completion == 0 && !WorkFor(WorkRow::Kind::kForget, {id, status.birth})) {
      Say(id, "is kept although it has no retention");
    }
    const bool journal_goes_first = status.retention.journal < status.retention.completion;
    if (!Has(Family::kQueue, ExpiryKey(id, status, ExpiryKind::kInvocation)) ||
        (journal_goes_first && status.journal_length > 0 &&
         !Has(Family::kQueue, ExpiryKey(id, status, ExpiryKind::kJournal)))) {
      Say(id, "is completed and never expires");
    }
  }

  std::string ExpiryKey(
      const InvocationId& id, const InvocationStatus& status, ExpiryKind kind) const {
    const DurationMs kept =
        kind == ExpiryKind::kInvocation ? status.retention.completion : status.retention.journal;
    const TimeMs due = status.completed_at + kept;
    return keys::Expiry(
        partition_, {due < status.completed_at ? ~TimeMs{0} : due, id, status.birth, kind});
  }

  void CheckReadyRows() {
    EachRow(Family::kQueue, keys::ReadyPrefix(partition_), [&](BytesView key, BytesView value) {
      const keys::ReadyRef ready = keys::ParseReady(key);
      const std::optional<uint64_t> birth = keys::ParseU64(value);
      const InvocationStatus* status = birth ? Find({ready.id, Birth{*birth}}) : nullptr;
      if (status == nullptr || status->state != InvocationState::kInvoked ||
          status->ready_order != ready.order) {
        Say(ready.id, "a ready row names an invocation that is not ready");
      }
      if (ready.order > row_.work_sequence) {
        Say(ready.id, "its ready order was not given out yet");
      }
    });
  }

  void CheckTimerRows() {
    EachRow(Family::kQueue, keys::TimerPrefix(partition_), [&](BytesView key, BytesView value) {
      const keys::TimerRef timer = keys::ParseTimer(key);
      const std::optional<uint64_t> birth = keys::ParseU64(value);
      const InvocationStatus* status = birth ? Find({timer.id, Birth{*birth}}) : nullptr;
      switch (timer.kind) {
        case TimerKind::kSleep:
          return;  // outlives its invocation, and is dropped when due
        case TimerKind::kScheduledStart:
          if (status == nullptr || status->state != InvocationState::kScheduled ||
              status->scheduled_start_at != timer.due) {
            Say(timer.id, "a start timer names an invocation that is not scheduled for then");
          }
          return;
        case TimerKind::kRetry:
          if (status == nullptr || status->next_retry_at != timer.due) {
            Say(timer.id, "a retry timer names an invocation that does not back off until then");
          }
          return;
      }
      Say(timer.id, "a timer is of no known kind");
    });
  }

  void CheckInboxRows() {
    EachRow(Family::kQueue, keys::TableBegin(Table::kInbox), [&](BytesView key, BytesView value) {
      if (!MyObject(key)) {
        return;
      }
      const keys::IdBirth life = keys::ParseIdAndBirth(value);
      const InvocationStatus* status = Find(life);
      if (status == nullptr || status->state != InvocationState::kInboxed ||
          keys::Inbox(status->target.service, status->target.key, status->inbox_sequence) != key) {
        Say(life.id, "an inbox row names an invocation that is not inboxed there");
      }
    });
  }

  void CheckLockRows() {
    EachRow(Family::kIndex, keys::TableBegin(Table::kLock), [&](BytesView key, BytesView value) {
      if (!MyObject(key)) {
        return;
      }
      const keys::IdBirth life = keys::ParseIdAndBirth(value);
      const InvocationStatus* status = Find(life);
      if (status == nullptr || !status->target.exclusive() ||
          keys::Lock(status->target.service, status->target.key) != key ||
          status->state == InvocationState::kScheduled ||
          status->state == InvocationState::kInboxed ||
          status->state == InvocationState::kCompleted) {
        Say(life.id, "a lock is held by an invocation that cannot hold it");
      }
    });
  }

  // Entries whose invocation is gone, or keeps no journal any more, are being purged from the end.
  void CheckLeftJournals() {
    for (const auto& [life, journal] : journals_) {
      const InvocationStatus* status = Find({life.first, life.second});
      if (status != nullptr && status->journal_length > 0) {
        continue;
      }
      const WorkRow* purge = WorkFor(WorkRow::Kind::kPurge, {life.first, life.second});
      if (purge == nullptr || purge->next_index != journal.size() ||
          journal.rbegin()->first + 1 != journal.size()) {
        Say(life.first, "its journal is left behind");
      }
    }
  }

  void CheckNotificationRows() {
    EachLifeRow(
        Family::kIndex,
        Table::kNotification,
        [&](const keys::IdBirth& life, BytesView key, BytesView value) {
          const InvocationStatus* status = Find(life);
          if (status == nullptr || status->journal_length == 0) {
            if (WorkFor(WorkRow::Kind::kPurge, life) == nullptr) {
              Say(life.id, "a row of its notification index is left behind");
            }
            return;
          }
          const std::optional<uint32_t> index = keys::ParseU32(value);
          const Journal& journal = journals_[{life.id, life.birth}];
          const auto entry = index ? journal.find(*index) : journal.end();
          if (entry == journal.end() || !IsNotification(entry->second.type) ||
              NotificationKey(life, entry->second) != key) {
            Say(life.id, "a row of its notification index names another entry");
          }
        });
  }

  void CheckExpiryRows() {
    EachRow(Family::kQueue, keys::ExpiryPrefix(partition_), [&](BytesView key, BytesView) {
      const keys::ExpiryRef expiry = keys::ParseExpiry(key);
      const InvocationStatus* status = Find({expiry.id, expiry.birth});
      if (status == nullptr || status->state != InvocationState::kCompleted ||
          ExpiryKey(expiry.id, *status, expiry.kind) != key) {
        Say(expiry.id, "an expiry row names an invocation that does not expire then");
      }
    });
  }

  void CheckListenerRows() {
    EachLifeRow(
        Family::kIndex,
        Table::kListener,
        [&](const keys::IdBirth& life, BytesView key, BytesView value) {
          const InvocationStatus* status = Find(life);
          const bool open = status != nullptr && status->state != InvocationState::kCompleted;
          if (!open && WorkFor(WorkRow::Kind::kNotifyListeners, life) == nullptr) {
            Say(life.id, "a listener is left behind");
          }
          if (open && !status->has_listeners) {
            Say(life.id, "has a listener and does not know");
          }
          const CallerRef caller = DecodeCaller(value);
          if (keys::Listener(life.id, life.birth, caller.id, caller.result_completion_id) != key) {
            Say(life.id, "a listener's row holds another caller than its key");
          }
        });
  }

  // Sequences to one partition have no gap and end with the newest one sent.
  void CheckOutboxRows() {
    std::map<uint16_t, uint64_t> next;
    EachRow(Family::kQueue, keys::OutboxPrefix(partition_), [&](BytesView key, BytesView value) {
      static_cast<void>(DecodeOutbox(value));
      const keys::OutboxRef message = keys::ParseOutbox(key);
      const auto expected = next.find(message.to.value);
      if (expected != next.end() && expected->second != message.sequence) {
        violations_.push_back("the outbox has a gap before " + std::to_string(message.sequence));
      }
      next[message.to.value] = message.sequence + 1;
    });
    for (const auto& [to, behind] : next) {
      const auto sent = row_.outbox_sent.find(to);
      if (sent == row_.outbox_sent.end() || sent->second + 1 != behind) {
        violations_.push_back("the outbox to " + std::to_string(to) + " ends elsewhere than sent");
      }
    }
  }

  void CheckWorkRows() {
    EachRow(Family::kQueue, keys::WorkPrefix(partition_), [&](BytesView key, BytesView value) {
      const WorkRow work = DecodeWork(value);
      if (keys::ParseWorkSequence(key) > row_.work_sequence) {
        Say(work.id, "a work row has a sequence that was not given out yet");
      }
      if (work.kind == WorkRow::Kind::kPurge && work.next_index == 0) {
        Say(work.id, "a purge has nothing to do");
      }
    });
  }

  const StateReader& reader_;
  const PartitionId partition_;
  const uint16_t count_;
  PartitionRow row_;
  std::map<InvocationId, InvocationStatus> statuses_;
  std::map<Life, Journal> journals_;
  std::vector<WorkRow> work_;
  Violations violations_;
};

}  // namespace

Violations CheckPartition(
    const StateReader& reader, PartitionId partition, uint16_t partition_count) {
  Violations violations = RowChecker(reader, partition, partition_count).Run();
  for (const auto check : {CheckPromises, CheckFreshState, CheckRestarts, CheckEvents}) {
    for (std::string& what : check(reader, partition, partition_count)) {
      violations.push_back(std::move(what));
    }
  }
  return violations;
}

}  // namespace perdure
