// SPDX-License-Identifier: Apache-2.0
//
// Journal events: which failures and pauses are recorded, how many are kept, when they go (admin
// API 21).
#include "base/utf8.h"
#include "core/keys.h"
#include "core/row_codec.h"
#include "perdure/base/limits.h"
#include "tests/unit/core/running.h"
#include "tests/unit/core/world.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace perdure::test {
namespace {

using Texts = std::vector<std::string>;

// "TransientError boom @0", "Paused @0", "Paused boom @0".
Texts Events(World& world, const InvocationId& id) {
  Texts out;
  const InvocationStatus status = world.StatusOf(id);
  const std::unique_ptr<StateReader> reader = world.Snapshot();
  for (uint32_t number = status.events_begin; number < status.events_end; ++number) {
    const std::optional<JournalEvent> event = ReadEvent(*reader, id, status, number);
    if (!event) {
      out.push_back("missing");
      continue;
    }
    out.push_back(
        std::string(event->kind == EventKind::kPaused ? "Paused" : "TransientError") +
        (event->failure ? " " + event->failure->error.message : "") + " @" +
        std::to_string(event->after_entry));
  }
  return out;
}

// The retry after the failure before is due.
Attempt Again(World& world, const InvocationId& id) {
  world.now += 10'000;
  world.FireTimers();
  return world.Begin(id);
}

TEST(Events, EqualErrorsInARowAreOne) {
  World world;
  const InvocationSpec spec = world.Spec("Svc", "run");
  world.CallIn(spec);
  Attempt attempt = world.Begin(spec.id);
  EXPECT_EQ(Events(world, spec.id), Texts{});
  world.Send(attempt, {Fail(500, "A")});
  const TimeMs first = world.now;
  attempt = Again(world, spec.id);
  world.Send(attempt, {Fail(500, "A")});
  EXPECT_EQ(Events(world, spec.id), (Texts{"TransientError A @0"}));
  EXPECT_EQ(ReadEvent(*world.Snapshot(), spec.id, world.StatusOf(spec.id), 0)->at, first);
  attempt = Again(world, spec.id);
  world.Send(attempt, {Fail(501, "A")});
  EXPECT_EQ(Events(world, spec.id), (Texts{"TransientError A @0", "TransientError A @0"}));
}

TEST(Events, AnErrorAfterMoreEntriesIsAnotherOne) {
  World world;
  const InvocationSpec spec = world.Spec("Svc", "run");
  world.CallIn(spec);
  Attempt attempt = world.Begin(spec.id);
  world.Send(attempt, {Fail(500, "A")});
  attempt = Again(world, spec.id);
  world.Send(attempt, {RunStep(1), Propose(1, "v"), Fail(500, "A")});
  EXPECT_EQ(Events(world, spec.id), (Texts{"TransientError A @0", "TransientError A @2"}));
}

// The last failure of the policy is not followed by an attempt: it is told by the pause.
TEST(Events, APauseTellsTheFailureThatLedToIt) {
  World world;
  const InvocationSpec spec = world.Spec("Svc", "run");
  world.CallIn(spec);
  Attempt attempt = world.Begin(spec.id);
  for (const char* text : {"A", "B", "A", "C"}) {
    world.Send(attempt, {Fail(500, text)});
    if (world.StatusOf(spec.id).state == InvocationState::kInvoked) {
      attempt = Again(world, spec.id);
    }
  }
  EXPECT_EQ(world.StatusOf(spec.id).state, InvocationState::kPaused);
  EXPECT_EQ(
      Events(world, spec.id),
      (Texts{"TransientError A @0", "TransientError B @0", "TransientError A @0", "Paused C @0"}));
  world.Control(spec.id, Resume{spec.id});
  attempt = world.Begin(spec.id);
  world.Send(attempt, {Fail(500, "C")});
  EXPECT_EQ(Events(world, spec.id).back(), "TransientError C @0");
}

TEST(Events, AWishedPauseTellsAFailureOnlyIfThereIsOne) {
  {
    World world;
    const InvocationSpec spec = world.Spec("Svc", "run");
    world.CallIn(spec);
    Attempt attempt = world.Begin(spec.id);
    world.Control(spec.id, Pause{spec.id});
    world.Send(attempt, {RunStep(1), SuspendOn({1})});
    EXPECT_EQ(Events(world, spec.id), (Texts{"Paused @1"}));
  }
  World world;
  const InvocationSpec spec = world.Spec("Svc", "run");
  world.CallIn(spec);
  Attempt attempt = world.Begin(spec.id);
  world.Send(attempt, {Fail(500, "A")});
  world.Control(spec.id, Pause{spec.id});
  EXPECT_EQ(Events(world, spec.id), (Texts{"TransientError A @0", "Paused A @0"}));
}

// A pause of something that waits, or is paused, changes nothing and is no event.
TEST(Events, NothingHappenedNothingRecorded) {
  World world;
  const InvocationSpec spec = world.Spec("Svc", "run");
  world.CallIn(spec);
  Attempt attempt = world.Begin(spec.id);
  world.Send(attempt, {RunStep(1), SuspendOn({1})});
  world.Control(spec.id, Pause{spec.id});
  EXPECT_EQ(Events(world, spec.id), Texts{});
}

TEST(Events, TheOldestGo) {
  World world;
  world.Edit("Svc", "run", [](HandlerSchema& handler) {
    handler.retry_policy.max_attempts = std::nullopt;
  });
  const InvocationSpec spec = world.Spec("Svc", "run");
  world.CallIn(spec);
  Attempt attempt = world.Begin(spec.id);
  const uint32_t more = 7;
  for (uint32_t i = 0; i < limits::kEventsKept + more; ++i) {
    world.Send(attempt, {Fail(500, "failure " + std::to_string(i))});
    attempt = Again(world, spec.id);
  }
  const Texts events = Events(world, spec.id);
  ASSERT_EQ(events.size(), limits::kEventsKept);
  EXPECT_EQ(events.front(), "TransientError failure " + std::to_string(more) + " @0");
  world.CheckAll();
}

TEST(Events, LongTextsAreCut) {
  World world;
  const InvocationSpec spec = world.Spec("Svc", "run");
  world.CallIn(spec);
  Attempt attempt = world.Begin(spec.id);
  std::string text = "a";  // then two bytes each: the cut falls into a character
  while (text.size() < limits::kEventTextMax + 100) {
    text += "\xc3\xa9";
  }
  world.Send(attempt, {Fail(500, text)});
  const std::optional<JournalEvent> event =
      ReadEvent(*world.Snapshot(), spec.id, world.StatusOf(spec.id), 0);
  ASSERT_TRUE(event.has_value());
  EXPECT_LE(event->failure->error.message.size(), limits::kEventTextMax);
  EXPECT_TRUE(IsUtf8(event->failure->error.message));
  EXPECT_EQ(world.StatusOf(spec.id).last_failure->error.message, text);
}

TEST(Events, GoWithTheJournal) {
  for (const bool journal_only : {false, true}) {
    World world;
    const InvocationSpec spec = world.Spec("Svc", "run");
    world.CallIn(spec);
    Attempt attempt = world.Begin(spec.id);
    world.Send(attempt, {Fail(500, "A")});
    attempt = Again(world, spec.id);
    world.Send(attempt, {Output("done"), EndFrame()});
    EXPECT_EQ(Events(world, spec.id).size(), 1U);
    world.Control(spec.id, Purge{spec.id, journal_only});
    world.Settle();
    const std::string begin = keys::TableBegin(Table::kEvent);
    const auto rows =
        world.Snapshot()->Scan(Family::kJournal, begin, keys::TableEnd(Table::kEvent));
    EXPECT_FALSE(rows->Valid());
    world.CheckAll();
  }
}

// Fields are only ever added (src/core/FORMAT.md).
TEST(Events, BytesOfARow) {
  JournalEvent event{EventKind::kTransientError, 7, 2, LastFailure{}};
  event.failure->error.code = 500;
  event.failure->error.message = "no";
  event.failure->doc_code = "RT0007";
  const std::string bytes = EncodeEvent(event);
  EXPECT_EQ(
      bytes,
      std::string("\x08\x01\x10\x07\x18\x02\x22\x0f\x08\xf4\x03\x12\x02no\x3a\x06RT0007", 23));
  EXPECT_EQ(DecodeEvent(bytes).failure->doc_code, "RT0007");
  EXPECT_EQ(
      EncodeEvent(JournalEvent{EventKind::kPaused, 7, 2, std::nullopt}),
      "\x08\x02\x10\x07\x18\x02");
}

TEST(Events, AreSeenToBeLost) {
  World world;
  const InvocationSpec spec = world.Spec("Svc", "run");
  world.CallIn(spec);
  Attempt attempt = world.Begin(spec.id);
  world.Send(attempt, {Fail(500, "A")});
  world.check_every_command = false;
  const Birth birth = world.StatusOf(spec.id).birth;
  world.Tamper(
      [&](StateTxn& txn) { txn.DeleteOnce(Family::kJournal, keys::Event(spec.id, birth, 0)); });
  EXPECT_EQ(CheckPartition(*world.Snapshot(), PartitionId{0}, 1).size(), 1U);
  world.Tamper([&](StateTxn& txn) {
    txn.Put(Family::kJournal, keys::Event(spec.id, birth, 0), EncodeEvent(JournalEvent{}));
    txn.Put(Family::kJournal, keys::Event(spec.id, birth, 1), EncodeEvent(JournalEvent{}));
  });
  EXPECT_EQ(CheckPartition(*world.Snapshot(), PartitionId{0}, 1).size(), 2U);
}

}  // namespace
}  // namespace perdure::test
