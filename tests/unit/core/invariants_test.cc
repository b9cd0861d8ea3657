// SPDX-License-Identifier: Apache-2.0
//
// The invariants are worth something only if they see what is broken: one row of a healthy
// partition is changed, and the check must name it.
#include "core/keys.h"
#include "core/row_codec.h"
#include "tests/unit/core/wait_text.h"
#include "tests/unit/core/world.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace perdure::test {
namespace {

const PartitionId kPartition{0};

// One invocation in every place.
struct Healthy {
  World world;
  InvocationSpec running = world.Spec("Svc", "run");
  InvocationSpec ready = world.Spec("Svc", "run");
  InvocationSpec backing_off = world.Spec("Svc", "run");
  InvocationSpec holder = world.Spec("Obj", "add", "k");
  InvocationSpec inboxed = world.Spec("Obj", "add", "k");
  InvocationSpec suspended = world.Spec("Svc", "run");
  InvocationSpec scheduled = world.Spec("Svc", "run");
  InvocationSpec completed = world.IdempotentSpec("Svc", "run", "", "ik");

  Healthy() {
    scheduled.start_at = world.now + 5000;
    completed.retention = {1000, 500};
    for (const InvocationSpec& spec :
         {running, backing_off, holder, inboxed, suspended, scheduled, completed}) {
      world.SendIn(spec);
    }
    Attempt attempt = world.Begin(running.id);
    world.Send(attempt, {RunStep(1), Propose(1, "v"), Sleep(2, world.now + 50)});
    world.Send(attempt, {SendCancel(running.id)});
    attempt = Of(backing_off);
    world.Send(attempt, {Fail(500, "x")});
    attempt = Of(suspended);
    world.Send(attempt, {SuspendOn({9}, {1})});
    attempt = Of(completed);
    world.Send(attempt, {Output("kept"), EndFrame()});
    world.SendIn(ready);
  }
  Attempt Of(const InvocationSpec& spec) { return {spec.id, world.LastStart(spec.id).epoch, 0}; }

  void ChangeStatus(const InvocationId& id, const std::function<void(InvocationStatus&)>& change) {
    InvocationStatus status = world.StatusOf(id);
    change(status);
    world.Tamper(
        [&](StateTxn& txn) { txn.Put(Family::kStatus, keys::Status(id), EncodeStatus(status)); });
  }
  void Delete(Family family, const std::string& key) {
    PERDURE_ASSERT(world.Snapshot()->Get(family, key).has_value());
    world.Tamper([&](StateTxn& txn) { txn.Delete(family, key); });
  }
  void Put(Family family, const std::string& key, const std::string& value) {
    world.Tamper([&](StateTxn& txn) { txn.Put(family, key, value); });
  }
  void ExpectRows(const std::string& expected) {
    Expect(CheckPartition(*world.Snapshot(), kPartition, 1), expected);
  }
  void ExpectMemory(const std::string& expected) {
    Expect(CheckMemory(*world.Snapshot(), world.machine().memory()), expected);
  }
  static void Expect(const Violations& violations, const std::string& expected) {
    std::string all;
    for (const std::string& what : violations) {
      all += what + "\n";
    }
    EXPECT_NE(all.find(expected), std::string::npos) << expected << " is not in:\n" << all;
  }
};

TEST(Invariants, HoldOfAHealthyPartition) {
  Healthy healthy;
  EXPECT_EQ(CheckPartition(*healthy.world.Snapshot(), kPartition, 1), Violations{});
  EXPECT_EQ(CheckMemory(*healthy.world.Snapshot(), healthy.world.machine().memory()), Violations{});
}

TEST(Invariants, SeeQueuePlaces) {
  {
    Healthy h;
    const uint64_t order = h.world.StatusOf(h.ready.id).ready_order;
    h.Delete(Family::kQueue, keys::Ready(kPartition, order, h.ready.id));
    h.ExpectRows("has no ready row");
  }
  {
    Healthy h;
    h.Put(Family::kQueue, keys::Ready(kPartition, 1, h.suspended.id), keys::U64(1));
    h.ExpectRows("a ready row names an invocation that is not ready");
  }
  {
    Healthy h;
    h.ChangeStatus(h.suspended.id, [](InvocationStatus& status) { status.ready_order = 1; });
    h.ExpectRows("is not exactly one of ready and backing off");
  }
  {
    Healthy h;
    h.ChangeStatus(h.running.id, [](InvocationStatus& status) { status.ready_order = 0; });
    h.ExpectRows("is not exactly one of ready and backing off");
  }
  {
    Healthy h;
    h.ChangeStatus(h.backing_off.id, [](InvocationStatus& status) { ++status.next_retry_at; });
    h.ExpectRows("backs off without a timer");
    h.ExpectRows("a retry timer names an invocation that does not back off until then");
  }
  {
    Healthy h;
    h.Delete(
        Family::kQueue,
        keys::Timer(
            kPartition, {h.scheduled.start_at, h.scheduled.id, TimerKind::kScheduledStart, 0}));
    h.ExpectRows("is scheduled without a timer");
  }
  {
    Healthy h;
    h.Delete(
        Family::kQueue,
        keys::Timer(kPartition, {h.world.now + 50, h.running.id, TimerKind::kSleep, 2}));
    h.ExpectRows("completion 2 has not come and will not");
  }
}

TEST(Invariants, SeeLocksAndInboxes) {
  {
    Healthy h;
    h.Delete(Family::kIndex, keys::Lock("Obj", "k"));
    h.ExpectRows("its object is not locked");
  }
  {
    Healthy h;
    const Birth birth = h.world.StatusOf(h.inboxed.id).birth;
    const std::string self = keys::IdAndBirth(h.inboxed.id, birth);
    h.Put(Family::kIndex, keys::Lock("Obj", "k"), self + keys::U64(0));
    h.ExpectRows("a lock is held by an invocation that cannot hold it");
    h.ExpectRows("runs beside the holder of its object");
  }
  {
    Healthy h;
    const std::string self = keys::IdAndBirth(h.holder.id, h.world.StatusOf(h.holder.id).birth);
    const uint64_t place = h.world.StatusOf(h.inboxed.id).inbox_sequence;
    h.Put(Family::kIndex, keys::Lock("Obj", "k"), self + keys::U64(place));
    h.ExpectRows("stands before the place from which its queue goes on");
  }
  {
    Healthy h;
    const uint64_t sequence = h.world.StatusOf(h.inboxed.id).inbox_sequence;
    h.Delete(Family::kQueue, keys::Inbox("Obj", "k", sequence));
    h.ExpectRows("is inboxed without its row");
  }
  {
    Healthy h;
    h.Put(Family::kQueue, keys::Inbox("Obj", "k", 999), keys::IdAndBirth(h.ready.id, Birth{1}));
    h.ExpectRows("an inbox row names an invocation that is not inboxed there");
  }
}

TEST(Invariants, SeeJournals) {
  {
    Healthy h;
    const InvocationStatus status = h.world.StatusOf(h.running.id);
    h.Delete(Family::kJournal, keys::JournalEntry(h.running.id, status.birth, 1));
    h.ExpectRows("journal rows for a length of");
  }
  {
    Healthy h;
    const InvocationStatus status = h.world.StatusOf(h.running.id);
    h.Put(
        Family::kJournal,
        keys::JournalEntry(h.running.id, status.birth, status.journal_length),
        EncodeEntryHead(MessageType::kRunCommand, 1));
    h.ExpectRows("journal rows for a length of");
  }
  {
    Healthy h;
    h.ChangeStatus(h.running.id, [](InvocationStatus& status) { ++status.command_count; });
    h.ExpectRows("commands and counts");
  }
  {
    Healthy h;
    const Birth birth = h.world.StatusOf(h.running.id).birth;
    h.Delete(Family::kIndex, keys::Completion(h.running.id, birth, 1));
    h.ExpectRows("notification 2 is not in the index");
  }
  {
    Healthy h;
    const Birth birth = h.world.StatusOf(h.running.id).birth;
    h.Put(Family::kIndex, keys::Completion(h.running.id, birth, 1), keys::U32(1));
    h.ExpectRows("a row of its notification index names another entry");
  }
  {
    Healthy h;
    h.Put(
        Family::kJournal,
        keys::JournalEntry(h.running.id, Birth{999}, 0),
        EncodeEntryHead(MessageType::kInputCommand, 1));
    h.ExpectRows("its journal is left behind");
  }
  {
    Healthy h;
    const Birth birth = h.world.StatusOf(h.suspended.id).birth;
    h.Put(Family::kIndex, keys::Completion(h.suspended.id, birth, 9), keys::U32(0));
    h.ExpectRows("is suspended although what it waits for is there");
  }
  for (const auto& [waits, what] :
       {std::pair("first(s1 all(c9))", "is suspended although what it waits for is there"),
        std::pair("first(s1 all())", "waits for a node in which nothing is left")}) {
    Healthy h;
    h.ChangeStatus(h.suspended.id, [&waits = waits](InvocationStatus& status) {
      status.wait_set = Waits(waits);
    });
    const Birth birth = h.world.StatusOf(h.suspended.id).birth;
    h.Put(Family::kIndex, keys::Completion(h.suspended.id, birth, 9), keys::U32(0));
    h.ExpectRows(what);
  }
}

TEST(Invariants, SeeEnds) {
  {
    Healthy h;
    const Birth birth = h.world.StatusOf(h.completed.id).birth;
    h.Delete(Family::kJournal, keys::Result(h.completed.id, birth));
    h.ExpectRows("its copied result is missing");
  }
  {
    Healthy h;
    h.ChangeStatus(h.completed.id, [](InvocationStatus& status) {
      status.stored_result = false;
      status.output_index.reset();
    });
    h.ExpectRows("is completed and has no readable result");
  }
  for (const ExpiryKind kind : {ExpiryKind::kInvocation, ExpiryKind::kJournal}) {
    Healthy h;
    const InvocationStatus status = h.world.StatusOf(h.completed.id);
    const TimeMs due = status.completed_at + (kind == ExpiryKind::kJournal ? 500U : 1000U);
    h.Delete(Family::kQueue, keys::Expiry(kPartition, {due, h.completed.id, status.birth, kind}));
    h.ExpectRows("is completed and never expires");
  }
  {
    Healthy h;
    const Birth birth = h.world.StatusOf(h.running.id).birth;
    h.Put(
        Family::kQueue,
        keys::Expiry(kPartition, {5, h.running.id, birth, ExpiryKind::kInvocation}),
        "");
    h.ExpectRows("an expiry row names an invocation that does not expire then");
  }
  {
    Healthy h;
    h.Put(
        Family::kIndex,
        keys::Listener(h.completed.id, h.world.StatusOf(h.completed.id).birth, h.ready.id, 1),
        EncodeCaller(CallerRef{h.ready.id, Birth{1}, h.ready.target, 1}));
    h.ExpectRows("a listener is left behind");
  }
  {
    Healthy h;
    h.Put(
        Family::kIndex,
        keys::Listener(h.running.id, h.world.StatusOf(h.running.id).birth, h.ready.id, 1),
        EncodeCaller(CallerRef{h.ready.id, Birth{1}, h.ready.target, 1}));
    h.ExpectRows("has a listener and does not know");
  }
}

TEST(Invariants, SeeOutboxAndWork) {
  {
    Healthy h;
    h.Put(
        Family::kQueue,
        keys::Outbox(kPartition, PartitionId{0}, 1),
        EncodeOutbox(PeerKill{h.ready.id}));
    h.ExpectRows("ends elsewhere than sent");
    h.ExpectMemory("are forgotten");
  }
  {
    Healthy h;
    for (const uint64_t sequence : {3U, 5U}) {
      h.Put(
          Family::kQueue,
          keys::Outbox(kPartition, PartitionId{0}, sequence),
          EncodeOutbox(PeerKill{h.ready.id}));
    }
    h.ExpectRows("the outbox has a gap");
  }
  {
    Healthy h;
    h.Put(
        Family::kQueue,
        keys::Work(kPartition, 9999),
        EncodeWork({WorkRow::Kind::kPurge, h.ready.id, Birth{1}, 0, {}}));
    h.ExpectRows("a sequence that was not given out yet");
    h.ExpectRows("a purge has nothing to do");
    h.ExpectMemory("there is work and nobody is told");
  }
}

TEST(Invariants, SeeFreshState) {
  const auto clear = [](Healthy& h, uint64_t sequence) {
    WorkRow work;
    work.kind = WorkRow::Kind::kClearState;
    work.service = "Obj";
    work.object_key = "k";
    work.cursor = "m";
    h.Put(Family::kQueue, keys::Work(kPartition, sequence), EncodeWork(work));
  };
  {
    Healthy h;
    clear(h, 1);
    h.ExpectMemory("what is being cleared is remembered otherwise");
    h.Put(Family::kState, keys::FreshStatePrefix("Obj", "k", 1) + "m", "v");
    EXPECT_EQ(CheckPartition(*h.world.Snapshot(), kPartition, 1), Violations{});
    h.Put(Family::kState, keys::FreshStatePrefix("Obj", "k", 1) + "a", "v");
    h.ExpectRows("rows of fresh state belong to no clear");
  }
  {
    Healthy h;
    clear(h, 1);
    h.Put(Family::kState, keys::FreshStatePrefix("Obj", "k", 2) + "m", "v");
    h.ExpectRows("rows of fresh state belong to no clear");
  }
}

TEST(Invariants, SeeWhatMemoryForgot) {
  {
    Healthy h;
    h.Put(
        Family::kQueue,
        keys::Timer(kPartition, {1, h.running.id, TimerKind::kSleep, 77}),
        keys::U64(1));
    h.ExpectMemory("a timer will never fire");
  }
  {
    Healthy h;
    h.Put(Family::kQueue, keys::Ready(kPartition, 1, h.suspended.id), keys::U64(1));
    h.ExpectMemory("is ready and will never be started");
  }
  {
    Healthy h;
    h.Put(
        Family::kQueue,
        keys::Expiry(kPartition, {1, h.completed.id, Birth{1}, ExpiryKind::kJournal}),
        "");
    h.ExpectMemory("the next expiry lies behind the first one");
  }
  {
    Healthy h;
    h.ChangeStatus(h.running.id, [](InvocationStatus& status) { ++status.journal_length; });
    h.ExpectMemory("the attempt remembers another status than the row");
  }
}

TEST(Invariants, SeeIllegalSteps) {
  const auto step = [](const std::function<void(Healthy&)>& change) {
    Healthy h;
    const PartitionSnapshot before = TakePartitionSnapshot(*h.world.Snapshot(), kPartition, 1);
    change(h);
    return CheckStep(before, TakePartitionSnapshot(*h.world.Snapshot(), kPartition, 1));
  };
  EXPECT_EQ(step([](Healthy&) {}), Violations{});
  Healthy::Expect(
      step([](Healthy& h) {
        const Birth birth = h.world.StatusOf(h.completed.id).birth;
        h.Put(Family::kJournal, keys::Result(h.completed.id, birth), "other");
      }),
      "its result changed");
  Healthy::Expect(
      step([](Healthy& h) {
        h.ChangeStatus(h.completed.id, [](InvocationStatus& status) {
          status.state = InvocationState::kInvoked;
        });
      }),
      "it was completed and is not any more");
  Healthy::Expect(
      step([](Healthy& h) { h.Delete(Family::kStatus, keys::Status(h.running.id)); }),
      "it disappeared while it ran");
  Healthy::Expect(
      step([](Healthy& h) {
        const Birth birth = h.world.StatusOf(h.running.id).birth;
        h.Put(Family::kJournal, keys::JournalEntry(h.running.id, birth, 1), "other bytes");
      }),
      "its journal is not an extension of what it was");
  Healthy::Expect(
      step([](Healthy& h) {
        h.ChangeStatus(h.running.id, [](InvocationStatus& status) { status.random_seed = 0; });
      }),
      "what was fixed at its creation changed");
  Healthy::Expect(
      step([](Healthy& h) {
        h.ChangeStatus(
            h.running.id, [](InvocationStatus& status) { status.pinned_deployment->ulid[0] = 9; });
      }),
      "its deployment was pinned and changed");
  Healthy::Expect(
      step([](Healthy& h) {
        PartitionRow row = h.world.machine().memory().row;
        --row.position;
        h.Put(Family::kMeta, keys::Partition(kPartition), EncodePartition(row));
      }),
      "the position of the partition went back");
}

}  // namespace
}  // namespace perdure::test
