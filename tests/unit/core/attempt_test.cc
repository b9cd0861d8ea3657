// SPDX-License-Identifier: Apache-2.0
//
// Attempts: what a start carries, pinning, failures and the retry policy (service protocol 3.2, 4.5
// to 4.8), and how the journal reaches a stream.
#include "tests/unit/core/world.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace perdure::test {
namespace {

using Texts = std::vector<std::string>;

AttemptFailed Lost(const Attempt& attempt, bool reached_sdk = true) {
  AttemptError error;
  error.message = "lost";
  return AttemptFailed{attempt.id, attempt.epoch, error, "RT0010", {}, reached_sdk};
}

TEST(Start, CarriesWhatTheAttemptNeeds) {
  World world;
  InvocationSpec spec = world.IdempotentSpec("Svc", "run", "", "ik");
  world.SendIn(spec);
  world.now += 5;
  world.Begin(spec.id);
  const StartAttempt& start = world.LastStart(spec.id);
  EXPECT_EQ(start.target, spec.target);
  EXPECT_EQ(start.deployment->id, world.active());
  EXPECT_EQ(start.protocol_version, 6);
  EXPECT_EQ(start.inactivity_timeout, 60'000U);
  EXPECT_EQ(start.abort_timeout, 600'000U);
  EXPECT_EQ(start.known_entries, 1U);
  EXPECT_EQ(start.random_seed, spec.random_seed);
  EXPECT_EQ(start.idempotency_key, "ik");
  EXPECT_TRUE(start.partial_state);
  EXPECT_EQ(start.retry_count_since_last_entry, 0U);
  EXPECT_EQ(start.duration_since_last_entry, 5U);
  ASSERT_EQ(start.journal.entries.size(), 1U);
  EXPECT_EQ(start.journal.next, 1U);
}

TEST(Start, OnlyAgainstSlotsAndOldestFirst) {
  World world;
  std::vector<InvocationSpec> specs;
  for (int i = 0; i < 5; ++i) {
    specs.push_back(world.Spec("Svc", "run"));
    world.SendIn(specs.back());
  }
  EXPECT_GT(world.machine().ready_count(), 0U);
  EXPECT_EQ(world.Pull(0, 0), 0U);
  EXPECT_EQ(world.Pull(0, 2), 2U);
  EXPECT_EQ(world.machine().ready_count(), 3U);
  EXPECT_EQ(world.Pull(0, 10), 3U);
  EXPECT_EQ(world.Pull(0, 10), 0U);
  EXPECT_EQ(world.machine().ready_count(), 0U);
  std::set<uint64_t> epochs;
  for (size_t i = 0; i < specs.size(); ++i) {
    EXPECT_EQ(world.starts[i].id, specs[i].id);
    epochs.insert(world.starts[i].epoch.value);
  }
  EXPECT_EQ(epochs.size(), 5U);
}

TEST(Start, WithoutAServiceBacksOffAndComesBack) {
  World world;
  const InvocationSpec spec = world.Spec("Svc", "run");
  world.SendIn(spec);
  world.RemoveService("Svc");
  EXPECT_EQ(world.Pull(), 0U);
  const InvocationStatus status = world.StatusOf(spec.id);
  EXPECT_EQ(status.last_failure->doc_code, "RT0011");
  EXPECT_EQ(status.failed_attempts, 1U);
  EXPECT_EQ(status.retry_count_since_last_entry, 0U);  // never reached the SDK
  world.AddDeployment();
  world.now += 1000;
  world.FireTimers();
  world.RunToEnd(spec.id);
  EXPECT_EQ(world.StatusOf(spec.id).state, InvocationState::kCompleted);
}

TEST(Start, ALongRowOfHopelessStartsIsBounded) {
  World world;
  world.check_every_command = false;
  for (int i = 0; i < 600; ++i) {
    world.SendIn(world.Spec("Svc", "run"));
  }
  world.RemoveService("Svc");
  size_t pulls = 0;
  for (; world.machine().ready_count() > 0; ++pulls) {
    world.Pull();
  }
  EXPECT_EQ(pulls, 600 / limits::kWorkItemsPerTurn + 1);
  world.CheckAll();
}

TEST(Pinning, WaitsForTheFirstCommand) {
  World world;
  const DeploymentId old = world.active();
  const InvocationSpec spec = world.Spec("Svc", "run");
  world.SendIn(spec);
  Attempt attempt = world.Begin(spec.id);
  world.ApplyTo(spec.id, Lost(attempt));
  EXPECT_EQ(world.StatusOf(spec.id).pinned_deployment, std::nullopt);

  const DeploymentId newer = world.AddDeployment(5);
  world.now += 1000;
  world.FireTimers();
  attempt = world.Begin(spec.id);
  EXPECT_EQ(world.LastStart(spec.id).deployment->id, newer);
  EXPECT_EQ(world.LastStart(spec.id).protocol_version, 5);
  world.Send(attempt, {RunStep(1)});
  EXPECT_EQ(world.StatusOf(spec.id).pinned_deployment, newer);
  EXPECT_EQ(world.StatusOf(spec.id).pinned_protocol_version, 5);

  world.AddDeployment(6);
  world.Send(attempt, {Fail(500, "x")});
  world.now += 1000;
  world.FireTimers();
  world.Begin(spec.id);
  EXPECT_EQ(world.LastStart(spec.id).deployment->id, newer);
  EXPECT_EQ(world.LastStart(spec.id).protocol_version, 5);
  EXPECT_NE(newer, old);
}

TEST(Pinning, AProposalPinsToo) {
  World world;
  const InvocationSpec spec = world.Spec("Svc", "run");
  world.SendIn(spec);
  Attempt attempt = world.Begin(spec.id);
  world.Send(attempt, {Propose(1, "v")});
  EXPECT_EQ(world.StatusOf(spec.id).pinned_deployment, world.active());
}

TEST(Pinning, AGoneDeploymentFailsAndRetries) {
  World world;
  const DeploymentId pinned = world.active();
  const InvocationSpec spec = world.Spec("Svc", "run");
  world.SendIn(spec);
  Attempt attempt = world.Begin(spec.id);
  world.Send(attempt, {RunStep(1), Fail(500, "x")});
  world.AddDeployment();
  world.RemoveDeployment(pinned);
  world.now += 1000;
  world.FireTimers();
  EXPECT_EQ(world.Pull(), 0U);
  EXPECT_EQ(world.StatusOf(spec.id).last_failure->doc_code, "RT0011");
}

TEST(Pinning, ADeploymentThatLostTheHandlerFailsAndRetries) {
  World world;
  InvocationSpec spec = world.Spec("Svc", "run");
  spec.target.handler = "gone";
  world.SendIn(spec);
  EXPECT_EQ(world.Pull(), 0U);
  EXPECT_EQ(world.StatusOf(spec.id).last_failure->doc_code, "RT0011");
  EXPECT_EQ(
      world.StatusOf(spec.id).last_failure->error.message,
      "the deployment " + world.active().ToString() + " has no handler Svc/gone");
  EXPECT_NE(world.StatusOf(spec.id).next_retry_at, 0U);
}

TEST(Pinning, NoNewerVersionThanOffered) {
  World world;
  world.AddDeployment(7);
  const InvocationSpec spec = world.Spec("Svc", "run");
  world.SendIn(spec);
  world.Begin(spec.id);
  EXPECT_EQ(world.LastStart(spec.id).protocol_version, kProtocolVersionMax);
}

TEST(Retry, DelaysGrowWithJitterUpToTheLimit) {
  World world;
  world.Edit("Svc", "run", [](HandlerSchema& handler) {
    handler.retry_policy = {100, 2.0, 1000, std::nullopt, OnMaxAttempts::kPause};
  });
  const InvocationSpec spec = world.Spec("Svc", "run");
  world.SendIn(spec);
  const std::vector<DurationMs> base = {100, 200, 400, 800, 1000, 1000, 1000};
  bool jittered = false;
  for (const DurationMs expected : base) {
    Attempt attempt = world.Begin(spec.id);
    world.Send(attempt, {Fail(500, "x")});
    const DurationMs delay = world.StatusOf(spec.id).next_retry_at - world.now;
    EXPECT_GE(delay, expected + 3);
    EXPECT_LE(delay, expected + expected * 3 / 10 + 1);
    jittered = jittered || delay > expected + 3;
    world.now += delay - 1;
    world.FireTimers();
    EXPECT_EQ(world.Pull(), 0U);
    world.now += 1;
    world.FireTimers();
  }
  EXPECT_TRUE(jittered);
  EXPECT_EQ(world.StatusOf(spec.id).failed_attempts, base.size());
}

TEST(Retry, ThePolicyIsThatOfTheDeploymentThatFailed) {
  World world;
  world.Edit("Svc", "run", [](HandlerSchema& handler) {
    handler.retry_policy = {100, 2.0, 1000, 1, OnMaxAttempts::kKill};
  });
  const InvocationSpec spec = world.Spec("Svc", "run");
  world.SendIn(spec);
  Attempt attempt = world.Begin(spec.id);
  // Registered while the attempt runs, which has not pinned its deployment yet.
  world.AddDeployment();
  world.Edit("Svc", "run", [](HandlerSchema& handler) {
    handler.retry_policy = {100, 2.0, 1000, 9, OnMaxAttempts::kPause};
  });
  world.Send(attempt, {Fail(500, "x")});
  EXPECT_EQ(world.StatusOf(spec.id).state, InvocationState::kCompleted);
}

TEST(Retry, AnIntervalOfNothingStaysOne) {
  World world;
  world.Edit("Svc", "run", [](HandlerSchema& handler) {
    handler.retry_policy = {0, 1e30, std::nullopt, std::nullopt, OnMaxAttempts::kPause};
  });
  const InvocationSpec spec = world.Spec("Svc", "run");
  world.SendIn(spec);
  for (int i = 0; i < 30; ++i) {  // 1e30 to the 11th is infinite
    Attempt attempt = world.Begin(spec.id);
    world.Send(attempt, {Fail(500, "x")});
    EXPECT_EQ(world.StatusOf(spec.id).next_retry_at - world.now, 3U);
    world.now += 3;
    world.FireTimers();
  }
}

TEST(Retry, ExhaustedPauses) {
  World world;
  const InvocationSpec spec = world.Spec("Svc", "run");
  const uint32_t slot = world.CallIn(spec);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(world.StatusOf(spec.id).state, InvocationState::kInvoked) << i;
    Attempt attempt = world.Begin(spec.id);
    world.Send(attempt, {Fail(500, "boom")});
    world.now += 2000;
    world.FireTimers();
  }
  const InvocationStatus status = world.StatusOf(spec.id);
  EXPECT_EQ(status.state, InvocationState::kPaused);
  EXPECT_EQ(status.last_failure->error.message, "boom");
  EXPECT_EQ(world.Pull(), 0U);
  EXPECT_FALSE(world.answered(slot));
  EXPECT_EQ(world.Control(spec.id, Resume{spec.id}), ControlResult::kDone);
  EXPECT_EQ(world.StatusOf(spec.id).failed_attempts, 0U);
  world.RunToEnd(spec.id, "repaired");
  EXPECT_EQ(world.ResultText(slot), "value repaired");
}

TEST(Retry, ExhaustedKillsWithTheLastError) {
  World world;
  world.Edit("Svc", "run", [](HandlerSchema& handler) {
    handler.retry_policy.max_attempts = 1;
    handler.retry_policy.on_max_attempts = OnMaxAttempts::kKill;
  });
  const InvocationSpec spec = world.Spec("Svc", "run");
  const uint32_t slot = world.CallIn(spec);
  Attempt attempt = world.Begin(spec.id);
  world.Send(attempt, {Fail(503, "boom")});
  EXPECT_EQ(world.ResultText(slot), "failure 503 boom");
  EXPECT_EQ(world.Answer<InvocationResult>(slot).stacktrace, "at line 1");
  EXPECT_EQ(world.StatusOf(spec.id).state, InvocationState::kCompleted);
}

TEST(Retry, ACodeThatIsNoneIsReadAs500) {
  World world;
  const InvocationSpec spec = world.Spec("Svc", "run");
  world.SendIn(spec);
  Attempt attempt = world.Begin(spec.id);
  world.Send(attempt, {Fail(70'000, "x")});
  EXPECT_EQ(world.StatusOf(spec.id).last_failure->error.code, 500U);
}

TEST(Retry, ADelayOfTheSdkOrAServerCostsNoAttempt) {
  World world;
  const InvocationSpec spec = world.Spec("Svc", "run");
  world.SendIn(spec);
  for (int i = 0; i < 10; ++i) {
    Attempt attempt = world.Begin(spec.id);
    if (i % 2 == 0) {
      world.Send(attempt, {Fail(500, "run again", 77)});
    } else {
      AttemptFailed limited = Lost(attempt);
      limited.retry_after = 77;
      world.ApplyTo(spec.id, limited);
    }
    EXPECT_EQ(world.StatusOf(spec.id).next_retry_at, world.now + 77);
    EXPECT_EQ(world.StatusOf(spec.id).failed_attempts, 0U);
    world.now += 77;
    world.FireTimers();
  }
  EXPECT_EQ(world.StatusOf(spec.id).retry_count_since_last_entry, 10U);
}

TEST(Retry, ADelayOfNothingIsDueAtOnce) {
  World world;
  const InvocationSpec spec = world.Spec("Svc", "run");
  world.SendIn(spec);
  Attempt attempt = world.Begin(spec.id);
  world.Send(attempt, {Fail(500, "x", 0)});
  world.FireTimers();
  EXPECT_EQ(world.Pull(), 1U);
}

TEST(Retry, CountsForTheSdkWhatReachedIt) {
  World world;
  const InvocationSpec spec = world.Spec("Svc", "run");
  world.SendIn(spec);
  const auto again = [&] {
    world.now += 2000;
    world.FireTimers();
    return world.Begin(spec.id);
  };
  Attempt attempt = world.Begin(spec.id);
  world.ApplyTo(spec.id, Lost(attempt));
  attempt = again();
  EXPECT_EQ(world.LastStart(spec.id).retry_count_since_last_entry, 1U);
  world.ApplyTo(spec.id, Lost(attempt, false));
  attempt = again();
  EXPECT_EQ(world.LastStart(spec.id).retry_count_since_last_entry, 1U);
  world.Send(attempt, {RunStep(1)});
  world.ApplyTo(spec.id, Lost(attempt));
  attempt = again();
  EXPECT_EQ(world.LastStart(spec.id).retry_count_since_last_entry, 1U);
  // Progress does not give attempts back, a suspension does.
  EXPECT_EQ(world.StatusOf(spec.id).failed_attempts, 3U);
  world.Send(attempt, {SuspendOn({9}, {1})});
  EXPECT_EQ(world.StatusOf(spec.id).failed_attempts, 0U);
  world.Control(spec.id, Cancel{spec.id});
  world.Begin(spec.id);
  EXPECT_EQ(world.LastStart(spec.id).retry_count_since_last_entry, 0U);
}

TEST(Stream, ALongJournalIsPulled) {
  World world;
  const InvocationSpec spec = world.Spec("Svc", "run");
  world.SendIn(spec);
  Attempt attempt = world.Begin(spec.id);
  const std::string big(20'000, 'x');
  for (CompletionId id = 1; id <= 18; ++id) {
    world.Send(attempt, {RunStep(id), Propose(id, big)});
  }
  // The stream never asked: after a while it is told, not given.
  size_t given = 0;
  while (given < world.notifies.size() && !world.notifies[given].lagging) {
    ++given;
  }
  EXPECT_EQ(given, limits::kPushBytesMax / (big.size() + 20));
  ASSERT_EQ(world.notifies.size(), given + 1);
  EXPECT_TRUE(world.notifies.back().chunk.entries.empty());

  JournalIndex next = world.notifies.back().chunk.next;
  std::vector<JournalIndex> seen;
  while (next < 37) {
    world.notifies.clear();
    world.ApplyTo(spec.id, ReadJournal{spec.id, attempt.epoch, next});
    ASSERT_EQ(world.notifies.size(), 1U);
    EXPECT_EQ(world.notifies[0].chunk.from, next);
    for (const JournalEntry& entry : world.notifies[0].chunk.entries) {
      EXPECT_TRUE(IsNotification(entry.type));  // its own commands are left out
      seen.push_back(entry.index);
    }
    EXPECT_GT(world.notifies[0].chunk.next, next);
    next = world.notifies[0].chunk.next;
    EXPECT_FALSE(world.notifies[0].lagging);  // it carries entries
  }
  EXPECT_EQ(seen.size(), 18 - given);
  // Caught up: told directly again.
  world.notifies.clear();
  world.Send(attempt, {RunStep(30), Propose(30, "v")});
  ASSERT_EQ(world.notifies.size(), 1U);
  EXPECT_FALSE(world.notifies[0].lagging);
  EXPECT_EQ(world.notifies[0].chunk.from, 37U);
}

// The stream takes memory for it first, and says how much.
TEST(Stream, AnEntryLargerThanAskedForIsAnnounced) {
  World world;
  const InvocationSpec spec = world.Spec("Svc", "run");
  world.SendIn(spec);
  Attempt attempt = world.Begin(spec.id);
  const std::string small(1000, 's');
  const std::string big(300'000, 'b');
  world.Send(attempt, {RunStep(1), Propose(1, small), RunStep(2), Propose(2, big)});
  const auto read = [&](JournalIndex from, size_t bytes_max) {
    world.notifies.clear();
    world.ApplyTo(spec.id, ReadJournal{spec.id, attempt.epoch, from, bytes_max});
    EXPECT_TRUE(world.notifies.at(0).answer);
    return world.notifies.at(0).chunk;
  };
  const JournalChunk first = read(1, limits::kJournalChunk);
  EXPECT_EQ(first.next, 4U);
  EXPECT_EQ(first.next_entry_bytes, 0U);
  const JournalChunk none = read(4, limits::kJournalChunk);
  EXPECT_EQ(none.next, 4U);
  EXPECT_TRUE(none.entries.empty());
  EXPECT_GT(none.next_entry_bytes, big.size());
  EXPECT_LT(none.next_entry_bytes, big.size() + 100);
  const JournalChunk whole = read(4, none.next_entry_bytes);
  EXPECT_EQ(whole.next, 5U);
  EXPECT_EQ(whole.entries.size(), 1U);
}

TEST(Stream, ALargeInputDoesNotComeWithTheStart) {
  for (const size_t size : {limits::kJournalFirstEntry / 2, limits::kJournalFirstEntry + 1}) {
    World world;
    InvocationSpec spec = world.Spec("Svc", "run");
    spec.body = SharedBytes(std::string(size, 'x'));
    world.SendIn(spec);
    world.Begin(spec.id);
    const JournalChunk& journal = world.LastStart(spec.id).journal;
    const bool comes = size < limits::kJournalFirstEntry;
    EXPECT_EQ(journal.next, comes ? 1U : 0U);
    EXPECT_EQ(journal.entries.size(), comes ? 1U : 0U);
    EXPECT_EQ(journal.next_entry_bytes > size, !comes);
    EXPECT_EQ(journal.journal_length, 1U);
  }
}

TEST(Stream, AReplayThatDoesNotFitIsPulledUpToTheCut) {
  World world;
  const InvocationSpec spec = world.Spec("Svc", "run");
  world.SendIn(spec);
  Attempt attempt = world.Begin(spec.id);
  const std::string big(50'000, 'x');
  for (CompletionId id = 1; id <= 10; ++id) {
    world.Send(attempt, {RunStep(id), Propose(id, big)});
  }
  world.Send(attempt, {Fail(500, "x")});
  world.now += 2000;
  world.FireTimers();
  attempt = world.Begin(spec.id);
  world.notifies.clear();
  const StartAttempt& start = world.LastStart(spec.id);
  EXPECT_EQ(start.known_entries, 21U);
  EXPECT_LT(start.journal.next, 21U);
  EXPECT_EQ(start.journal.entries.size(), start.journal.next);

  // What happens meanwhile is not told before the replay is complete.
  world.Control(spec.id, Cancel{spec.id});
  EXPECT_TRUE(world.notifies.empty());
  JournalIndex next = start.journal.next;
  std::vector<std::string> tail;
  while (next < 22) {
    world.notifies.clear();
    world.ApplyTo(spec.id, ReadJournal{spec.id, attempt.epoch, next});
    JournalIndex expected = next;
    for (const JournalEntry& entry : world.notifies.at(0).chunk.entries) {
      EXPECT_EQ(entry.index, expected++);  // whole, commands too
      tail.push_back(Describe(entry));
    }
    next = world.notifies[0].chunk.next;
  }
  EXPECT_EQ(tail.back(), "!Signal(1)=void");
  EXPECT_EQ(tail.size(), 22 - start.journal.next);
}

TEST(Stream, ASignalReachesALiveAttempt) {
  World world;
  const InvocationSpec spec = world.Spec("Svc", "run");
  world.SendIn(spec);
  world.Begin(spec.id);
  world.Control(spec.id, Cancel{spec.id});
  ASSERT_EQ(world.notifies.size(), 1U);
  EXPECT_EQ(Describe(world.notifies[0].chunk.entries.at(0)), "!Signal(1)=void");
}

TEST(Stream, RemembersTheServer) {
  World world;
  const InvocationSpec spec = world.Spec("Svc", "run");
  world.SendIn(spec);
  const Attempt attempt = world.Begin(spec.id);
  world.ApplyTo(spec.id, AttemptHead{spec.id, AttemptEpoch{1}, "late"});
  world.ApplyTo(spec.id, AttemptHead{spec.id, attempt.epoch, "sdk/1"});
  EXPECT_EQ(world.machine().memory().live.at(spec.id).server, "sdk/1");
}

}  // namespace
}  // namespace perdure::test
