// SPDX-License-Identifier: Apache-2.0
//
// The turns of a runner: what is taken and when a turn ends, what waits for a sync and what does
// not, starts against slots, time.
#include "perdure/base/limits.h"
#include "tests/unit/partition/partition_test_support.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace perdure::test {
namespace {

const ReplyTo kReply{0, 1, 1};

TEST(Turn, WithNothingToDoDoesNothing) {
  Bench bench;
  EXPECT_FALSE(bench.runner.Turn());
  EXPECT_EQ(bench.machine->turns, 0U);
}

TEST(Turn, OneCommandInEightIsNewWork) {
  Bench bench;
  for (uint16_t i = 0; i < 100; ++i) {
    bench.Submit(Source::kNewWork, Numbered(static_cast<uint16_t>(1000 + i)));
    bench.Submit(Source::kPeer, Numbered(i));
  }
  EXPECT_TRUE(bench.runner.Turn());
  const std::vector<uint16_t> numbers = bench.Numbers();
  ASSERT_EQ(numbers.size(), limits::kTurnCommandsMax);
  uint16_t accepted = 0;
  uint16_t fresh = 1000;
  for (size_t i = 0; i < numbers.size(); ++i) {
    const bool new_work = i % limits::kNewWorkEvery == limits::kNewWorkEvery - 1;
    EXPECT_EQ(numbers[i], new_work ? fresh++ : accepted++) << i;
  }
}

TEST(Turn, NewWorkHasTheRestForItself) {
  Bench bench;
  for (uint16_t i = 0; i < 20; ++i) {
    bench.Submit(Source::kNewWork, Numbered(static_cast<uint16_t>(1000 + i)));
  }
  bench.Submit(Source::kControl, Numbered(1));
  EXPECT_FALSE(bench.runner.Turn());
  ASSERT_EQ(bench.Numbers().size(), 21U);
  EXPECT_EQ(bench.Numbers()[0], 1);
  EXPECT_EQ(bench.mailbox().new_work_waiting(), 0U);
}

TEST(Turn, AcceptedWorkDoesNotWaitForNewWork) {
  Bench bench;
  for (uint16_t i = 0; i < 20; ++i) {
    bench.Submit(Source::kStream, Numbered(i));
  }
  EXPECT_FALSE(bench.runner.Turn());
  EXPECT_EQ(bench.Numbers().size(), 20U);
}

TEST(Turn, EndsAfterItsCommands) {
  Bench bench;
  for (uint16_t i = 0; i < 150; ++i) {
    bench.Submit(Source::kPeer, Numbered(i));
  }
  EXPECT_TRUE(bench.runner.Turn());
  EXPECT_EQ(bench.Numbers().size(), 64U);
  EXPECT_TRUE(bench.runner.Turn());
  EXPECT_FALSE(bench.runner.Turn());
  EXPECT_EQ(bench.machine->turns, 3U);
  for (uint16_t i = 0; i < 150; ++i) {
    EXPECT_EQ(bench.Numbers()[i], i);
  }
}

TEST(Turn, EndsAfterItsBytes) {
  Bench bench;
  bench.machine->on_apply = [](const FakeMachine::Applied&, StateTxn& txn, Effects&) {
    txn.Put(Family::kState, "k", std::string(limits::kTurnBytesMax / 4, 'x'));
  };
  for (uint16_t i = 0; i < 10; ++i) {
    bench.Submit(Source::kPeer, Numbered(i));
  }
  EXPECT_TRUE(bench.runner.Turn());
  EXPECT_EQ(bench.Numbers().size(), 4U);
}

TEST(Turn, EndsAfterItsTime) {
  Bench bench;
  bench.machine->on_apply = [&](const FakeMachine::Applied&, StateTxn&, Effects&) {
    bench.clock.monotonic += limits::kTurnNsMax / 5;
  };
  for (uint16_t i = 0; i < 10; ++i) {
    bench.Submit(Source::kPeer, Numbered(i));
  }
  EXPECT_TRUE(bench.runner.Turn());
  EXPECT_EQ(bench.Numbers().size(), 5U);
}

TEST(Turn, GivesWindowsBack) {
  struct Window final : StreamWindow {
    void Returned() override { ++returned; }
    int returned = 0;
  };
  Bench bench;
  const auto window = std::make_shared<Window>();
  for (uint16_t i = 0; i < 70; ++i) {
    bench.gateway.Submit(PartitionId{0}, Source::kStream, Numbered(i), kNoReply, window);
  }
  bench.runner.Turn();
  EXPECT_EQ(window->returned, 64);
  bench.runner.Turn();
  EXPECT_EQ(window->returned, 70);
}

TEST(Turn, StampsWithATimeThatNeverGoesBack) {
  Bench bench;
  bench.Submit(Source::kPeer, Numbered(1));
  bench.runner.Turn();
  bench.clock.wall -= 500;
  bench.Submit(Source::kPeer, Numbered(2));
  bench.Submit(Source::kPeer, Numbered(3));
  bench.runner.Turn();
  const auto& applied = bench.machine->applied;
  EXPECT_EQ(applied[1].stamp.now, applied[0].stamp.now);
  EXPECT_NE(applied[1].stamp.entropy, applied[2].stamp.entropy);
  EXPECT_NE(applied[0].stamp.schema, nullptr);
}

// --- promise 1 ---

// Found by the crash test: two callees had one id, and a caller got the other one's result.
TEST(Turn, PartitionsShareNoChance) {
  constexpr uint64_t kSeed = 4711;
  constexpr uint64_t kGeneratorStep = 0x9e3779b97f4a7c15ULL;
  std::set<uint64_t> seen;
  for (uint64_t partition = 1; partition <= 8; ++partition) {
    for (const uint64_t seed : {kSeed + partition * kGeneratorStep, kSeed + partition}) {
      Bench bench(1, seed);
      for (uint16_t i = 0; i < 500; ++i) {
        bench.Submit(Source::kPeer, Numbered(i));
      }
      while (bench.runner.Turn()) {
      }
      for (const FakeMachine::Applied& applied : bench.machine->applied) {
        EXPECT_TRUE(seen.insert(applied.stamp.entropy).second) << "seed " << seed;
      }
    }
  }
  EXPECT_EQ(seen.size(), 8U * 2U * 500U);
}

TEST(Durability, NothingIsDeliveredWhileTheSyncerIsPaused) {
  Bench bench;
  bench.WriteAndAnswer();
  bench.Submit(Source::kNewWork, Numbered(1), kReply);
  bench.runner.Turn();
  EXPECT_TRUE(bench.db->sync_wanted());
  EXPECT_EQ(bench.target.executors[0].waiting(), 0U);
  bench.db->Sync();
  bench.target.RunAll();
  EXPECT_EQ(bench.target.count(), 1U);
}

TEST(Durability, ASyncThatBeganBeforeDoesNotCount) {
  Bench bench;
  bench.WriteAndAnswer();
  bench.Submit(Source::kNewWork, Numbered(1), kReply);
  bench.runner.Turn();
  bench.db->BeginSync();
  bench.Submit(Source::kNewWork, Numbered(2), kReply);
  bench.runner.Turn();
  bench.db->FinishSync();
  bench.target.RunAll();
  EXPECT_EQ(bench.target.count(), 1U);
  bench.db->Sync();
  bench.target.RunAll();
  EXPECT_EQ(bench.target.count(), 2U);
}

TEST(Durability, AnAnswerThatWroteNothingWaitsForWhatItWasDerivedFrom) {
  Bench bench;
  bench.WriteAndAnswer();
  bench.Submit(Source::kNewWork, Numbered(1), kReply);
  bench.runner.Turn();
  // A duplicate, a read, a refusal.
  bench.machine->on_apply = [](const FakeMachine::Applied& applied, StateTxn&, Effects& effects) {
    effects.push_back(SendReply{applied.reply_to, InvocationUnknown{}});
  };
  bench.Submit(Source::kNewWork, Numbered(1), kReply);
  bench.runner.Turn();
  EXPECT_EQ(bench.db->unsynced_write_sets(), 1U);
  EXPECT_EQ(bench.target.executors[0].waiting(), 0U);
  bench.db->Sync();
  bench.target.RunAll();
  EXPECT_EQ(bench.target.count(), 2U);
  // Nothing unsynced: no wait.
  bench.Submit(Source::kNewWork, Numbered(1), kReply);
  bench.runner.Turn();
  bench.target.RunAll();
  EXPECT_EQ(bench.target.count(), 3U);
}

TEST(Durability, WhatIsLostWasNeverTold) {
  Bench bench;
  bench.WriteAndAnswer();
  bench.Submit(Source::kNewWork, Numbered(1), kReply);
  bench.runner.Turn();
  bench.db->CrashAndRecover(0);
  bench.db->Sync();
  bench.target.RunAll();
  EXPECT_EQ(bench.target.count(), 0U);
}

TEST(Durability, AMessageToAPartitionHopsAtOnceAndTheAnswerWaits) {
  Bench bench;
  bench.machine->on_apply =
      [](const FakeMachine::Applied& applied, StateTxn& txn, Effects& effects) {
        txn.Put(Family::kMeta, "k", "v");
        effects.push_back(SendReply{applied.reply_to, InvocationUnknown{}});
        effects.push_back(SendPeer{PartitionId{1}, PeerMessage{PartitionId{0}, 1, PeerKill{}}});
      };
  bench.Submit(Source::kNewWork, Numbered(1), kReply);
  bench.runner.Turn();
  EXPECT_FALSE(bench.gateway.mailboxes[PartitionId{1}].empty());
  EXPECT_EQ(bench.target.executors[0].waiting(), 0U);
}

TEST(Durability, OneTurnAcknowledgesOnce) {
  Bench bench;
  bench.machine->on_apply = [](const FakeMachine::Applied& applied, StateTxn&, Effects& effects) {
    effects.push_back(SendPeer{PartitionId{1}, PeerAck{PartitionId{0}, NumberOf(applied.command)}});
  };
  for (uint16_t i = 1; i <= 20; ++i) {
    bench.Submit(Source::kPeer, Numbered(i));
  }
  bench.runner.Turn();
  std::vector<std::unique_ptr<Envelope>> accepted;
  std::vector<std::unique_ptr<Envelope>> new_work;
  bench.gateway.mailboxes[PartitionId{1}].Take(accepted, new_work);
  ASSERT_EQ(accepted.size(), 1U);
  EXPECT_EQ(std::get<PeerAck>(accepted[0]->command).sequence, 20U);
}

TEST(Effects, OfOneInvocationGoToOneThreadInOrder) {
  Bench bench(3);
  bench.machine->on_apply = [](const FakeMachine::Applied& applied, StateTxn&, Effects& effects) {
    const InvocationId id = std::get<Attach>(applied.command).id;
    effects.push_back(NotifyAttempt{id, AttemptEpoch{1}, {}, false});
    effects.push_back(StopAttempt{id, AttemptEpoch{2}, StopAttempt::How::kReset});
  };
  for (uint16_t i = 0; i < 60; ++i) {
    bench.Submit(Source::kPeer, Numbered(i));
  }
  bench.runner.Turn();
  bench.target.RunAll();
  EXPECT_EQ(bench.target.count(), 120U);
  for (size_t thread = 0; thread < 3; ++thread) {
    const Effects& effects = bench.target.delivered[thread];
    EXPECT_FALSE(effects.empty());
    for (size_t i = 0; i + 1 < effects.size(); i += 2) {
      const auto& notify = std::get<NotifyAttempt>(effects[i]);
      const auto& stop = std::get<StopAttempt>(effects[i + 1]);
      EXPECT_EQ(notify.id, stop.id);
      EXPECT_EQ(std::hash<InvocationId>{}(notify.id) % 3, thread);
    }
  }
}

TEST(Effects, AnswersGoToTheThreadThatAsked) {
  Bench bench(3);
  bench.WriteAndAnswer();
  bench.Submit(Source::kNewWork, Numbered(1), ReplyTo{2, 9, 1});
  bench.runner.Turn();
  bench.db->Sync();
  bench.target.RunAll();
  ASSERT_EQ(bench.target.delivered[2].size(), 1U);
  EXPECT_EQ(std::get<SendReply>(bench.target.delivered[2][0]).to.slot, 9U);
}

TEST(Effects, WhatIsSubmittedToSelfComesBack) {
  Bench bench;
  bench.machine->on_apply = [](const FakeMachine::Applied& applied, StateTxn&, Effects& effects) {
    if (NumberOf(applied.command) < 3) {
      effects.push_back(
          SubmitToSelf{Numbered(static_cast<uint16_t>(NumberOf(applied.command) + 1))});
    }
  };
  bench.Submit(Source::kPeer, Numbered(1));
  EXPECT_TRUE(bench.runner.Turn());
  EXPECT_TRUE(bench.runner.Turn());
  EXPECT_FALSE(bench.runner.Turn());
  EXPECT_EQ(bench.Numbers(), (std::vector<uint16_t>{1, 2, 3}));
}

// --- schema ---

std::shared_ptr<const SchemaView> ViewNumber(uint8_t number) {
  auto view = std::make_shared<SchemaView>();
  auto deployment = std::make_shared<DeploymentSchema>();
  deployment->id.ulid[0] = number;
  view->deployments[deployment->id] = std::move(deployment);
  return view;
}

TEST(Schema, IsPublishedWhenDurableAndBeforeTheAnswer) {
  Bench bench;
  const auto view = ViewNumber(1);
  bench.machine->on_apply =
      [&](const FakeMachine::Applied& applied, StateTxn& txn, Effects& effects) {
        txn.Put(Family::kMeta, "k", "v");
        effects.push_back(SendReply{applied.reply_to, InvocationUnknown{}});
        effects.push_back(PublishSchema{view});
      };
  bench.Submit(Source::kControl, Numbered(1), kReply);
  bench.runner.Turn();
  EXPECT_NE(bench.publisher.Load(), view);
  bench.db->Sync();
  EXPECT_NE(bench.publisher.Load(), view);
  EXPECT_EQ(bench.target.count(), 0U);
  bench.target.RunAll();
  EXPECT_EQ(bench.publisher.Load(), view);
  EXPECT_EQ(bench.target.count(), 1U);
}

TEST(Schema, ASlowThreadDoesNotTakeBackANewerOne) {
  Bench bench(2);
  std::vector<std::shared_ptr<const SchemaView>> views = {ViewNumber(1), ViewNumber(2)};
  bench.machine->on_apply =
      [&](const FakeMachine::Applied& applied, StateTxn& txn, Effects& effects) {
        const uint16_t number = NumberOf(applied.command);
        txn.Put(Family::kMeta, "k", std::to_string(number));
        effects.push_back(PublishSchema{views[number]});
      };
  for (uint16_t i = 0; i < 2; ++i) {
    bench.Submit(Source::kControl, Numbered(i));
    bench.runner.Turn();
  }
  bench.db->Sync();
  bench.target.executors[0].RunAll();
  EXPECT_EQ(bench.publisher.Load(), views[1]);
  const uint64_t generation = bench.publisher.generation();
  bench.target.executors[1].RunAll();
  EXPECT_EQ(bench.publisher.Load(), views[1]);
  EXPECT_EQ(bench.publisher.generation(), generation);
}

TEST(Schema, OfARecoveredFolderIsPublishedByOpen) {
  Bench bench;
  const auto view = ViewNumber(1);
  bench.machine->open_effects.push_back(PublishSchema{view});
  bench.runner.Open();
  EXPECT_EQ(bench.publisher.Load(), view);
}

// --- starts ---

TEST(Starts, AreAskedForInBatchesUntilAllRun) {
  Bench bench;
  bench.machine->ready = 150;
  bench.Submit(Source::kSelf, Numbered(1));
  // Nothing else comes: the turns go on by themselves as long as there are slots.
  EXPECT_TRUE(bench.runner.Turn());
  EXPECT_TRUE(bench.runner.Turn());
  EXPECT_FALSE(bench.runner.Turn());
  EXPECT_FALSE(bench.runner.Turn());
  EXPECT_EQ(bench.slots.asked, (std::vector<size_t>{64, 64, 22}));
  EXPECT_EQ(bench.slots.free, 850U);
  bench.target.RunAll();
  EXPECT_EQ(bench.target.count(), 150U);
}

TEST(Starts, WaitForSlots) {
  Bench bench;
  bench.slots.free = 3;
  bench.machine->ready = 10;
  bench.Submit(Source::kSelf, Numbered(1));
  EXPECT_FALSE(bench.runner.Turn());  // the pool wakes the partition
  EXPECT_EQ(bench.machine->ready, 7U);
  EXPECT_FALSE(bench.runner.Turn());
  bench.slots.free = 100;
  bench.Submit(Source::kSelf, Numbered(2));
  bench.runner.Turn();
  EXPECT_EQ(bench.machine->ready, 0U);
}

TEST(Starts, SlotsThatWereNotUsedGoBack) {
  // Knows of one and starts none: its deployment is gone.
  class Hopeless final : public Machine {
   public:
    void Open(StateTxn& /*txn*/, const Stamp& /*stamp*/, Effects& /*effects*/) override {}
    void Apply(
        Command /*command*/,
        ReplyTo /*reply_to*/,
        const Stamp& /*stamp*/,
        StateTxn& /*txn*/,
        Effects& /*effects*/) override {}
    size_t PullStarts(size_t, const Stamp&, StateTxn&, Effects&) override {
      ready_ = 0;
      return 0;
    }
    size_t ready_count() const override { return ready_; }
    void EndTurn(StateTxn& /*txn*/) override {}
    std::optional<TimeMs> next_timer() const override { return std::nullopt; }
    std::optional<TimeMs> next_retention() const override { return std::nullopt; }

   private:
    size_t ready_ = 5;
  };
  Bench bench;
  const RunnerParts parts{
      bench.db->store(),
      bench.db->log(),
      bench.clock,
      bench.publisher,
      bench.target,
      bench.gateway,
      &bench.slots,
      1};
  Mailbox mailbox;
  Runner runner(parts, PartitionId{1}, std::make_unique<Hopeless>(), mailbox, 1);
  auto envelope = std::make_unique<Envelope>();
  envelope->command = ContinueWork{};
  mailbox.Put(std::move(envelope));
  EXPECT_FALSE(runner.Turn());
  EXPECT_EQ(bench.slots.asked, std::vector<size_t>{5});
  EXPECT_EQ(bench.slots.free, 1000U);
}

// --- time ---

TEST(Timers, AreSubmittedWhenTheWallClockSaysSo) {
  Bench bench;
  bench.machine->timer = bench.clock.wall + 10;
  bench.machine->retention = bench.clock.wall + 20;
  EXPECT_EQ(bench.runner.NextWake(), bench.clock.wall + 10);
  EXPECT_FALSE(bench.runner.Turn());
  bench.clock.wall += 10;
  bench.machine->on_apply = [&](const FakeMachine::Applied& applied, StateTxn&, Effects&) {
    if (std::holds_alternative<TimersDue>(applied.command)) {
      bench.machine->timer.reset();
    } else {
      bench.machine->retention.reset();
    }
  };
  EXPECT_FALSE(bench.runner.Turn());
  ASSERT_EQ(bench.machine->applied.size(), 1U);
  EXPECT_EQ(std::get<TimersDue>(bench.machine->applied[0].command).wall_now, bench.clock.wall);
  EXPECT_EQ(bench.runner.NextWake(), bench.clock.wall + 10);
  bench.clock.wall += 10;
  bench.runner.Turn();
  EXPECT_EQ(
      std::get<RetentionDue>(bench.machine->applied.at(1).command).wall_now, bench.clock.wall);
  EXPECT_EQ(bench.runner.NextWake(), std::nullopt);
}

TEST(Timers, AreLateNotEarlyWhenTheClockGoesBack) {
  Bench bench;
  bench.Submit(Source::kPeer, Numbered(1));
  bench.runner.Turn();  // the time of turns is 1'000'000 now
  bench.machine->timer = bench.clock.wall - 100;
  bench.clock.wall -= 500;
  EXPECT_FALSE(bench.runner.Turn());
  EXPECT_EQ(bench.machine->applied.size(), 1U);
}

}  // namespace
}  // namespace perdure::test
