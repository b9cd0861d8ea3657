// SPDX-License-Identifier: Apache-2.0
//
// The embedded log against a sink in memory: what the watermark covers, when and in which order
// held work leaves, and what happens at the limits and on failure.
#include "log/embedded_commit_log.h"

#include "tests/unit/log/log_test_support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace perdure {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A delay no test waits for: only demand makes the syncer run.
EmbeddedLogOptions OnDemandOnly() {
  EmbeddedLogOptions options;
  options.sync_delay_ms = 3'600'000;
  return options;
}

std::unique_ptr<EmbeddedLog> StartOnDemand(WriteSink& sink) {
  return EmbeddedLog::Start(sink, OnDemandOnly());
}

TEST(EmbeddedCommitLog, NumbersWriteSetsFromOne) {
  GatedSink sink;
  const auto log = StartOnDemand(sink);

  EXPECT_EQ(log->newest(), Ticket{0});
  EXPECT_EQ(AppendRow(*log, sink.store(), "a"), Ticket{1});
  EXPECT_EQ(AppendRow(*log, sink.store(), "b"), Ticket{2});
  EXPECT_EQ(log->newest(), Ticket{2});
  EXPECT_EQ(log->durable(), Ticket{0});
}

TEST(EmbeddedCommitLog, DoesNotWriteAnEmptyWriteSet) {
  GatedSink sink;
  const auto log = StartOnDemand(sink);
  AppendRow(*log, sink.store(), "a");

  const auto txn = sink.store().Begin();
  EXPECT_EQ(log->Append(kPartition, 1, *txn), Ticket{1});

  EXPECT_EQ(sink.store().unsynced(), 1U);
}

TEST(EmbeddedCommitLog, AppendIsVisibleBeforeItIsDurable) {
  GatedSink sink;
  const auto log = StartOnDemand(sink);
  log->PauseSyncer();

  AppendRow(*log, sink.store(), "a");

  EXPECT_TRUE(sink.store().Begin()->Get(Family::kState, "a").has_value());
  EXPECT_EQ(log->durable(), Ticket{0});
}

TEST(EmbeddedCommitLog, NothingLeavesWhileTheSyncerIsPaused) {
  GatedSink sink;
  ManualExecutor executor;
  std::vector<std::string> notes;
  const auto log = EmbeddedLog::Start(sink, EmbeddedLogOptions{});
  log->PauseSyncer();

  log->Hold(AppendRow(*log, sink.store(), "a"), executor, Note(notes, "held"));
  log->SyncFromNow(executor, Note(notes, "reader"));
  // Sleeps: longer than the delay after which the syncer would run by itself.
  std::this_thread::sleep_for(std::chrono::milliseconds(60));
  executor.RunAll();

  EXPECT_EQ(sink.begun(), 0U);
  EXPECT_EQ(log->durable(), Ticket{0});
  EXPECT_THAT(notes, IsEmpty());

  log->ResumeSyncer();
  executor.WaitForPosts(1);
  executor.RunAll();
  EXPECT_THAT(notes, ElementsAre("held", "reader"));
}

TEST(EmbeddedCommitLog, WatermarkCoversOnlyWhatWasAppendedBeforeTheSyncBegan) {
  GatedSink sink;
  ManualExecutor executor;
  std::vector<std::string> notes;
  const auto log = StartOnDemand(sink);
  sink.CloseGate();

  log->Hold(AppendRow(*log, sink.store(), "a"), executor, Note(notes, "first"));
  sink.WaitForBegun(1);
  log->Hold(AppendRow(*log, sink.store(), "b"), executor, Note(notes, "second"));
  log->SyncFromNow(executor, Note(notes, "reader"));

  sink.AllowOne();
  executor.WaitForPosts(1);
  sink.WaitForBegun(2);
  executor.RunAll();
  EXPECT_THAT(notes, ElementsAre("first"));
  EXPECT_EQ(log->durable(), Ticket{1});

  sink.AllowOne();
  executor.WaitForPosts(2);
  executor.RunAll();
  EXPECT_THAT(notes, ElementsAre("first", "second", "reader"));
  EXPECT_EQ(log->durable(), Ticket{2});
  EXPECT_EQ(log->metrics().syncs.load(), 2U);
  EXPECT_EQ(executor.posts(), 2U) << "the work of one sync is one post";
  sink.OpenGate();
}

TEST(EmbeddedCommitLog, PostsOncePerDestinationAndKeepsTheOrderOfTheCalls) {
  GatedSink sink;
  ManualExecutor one;
  ManualExecutor two;
  std::vector<std::string> notes;
  const auto log = StartOnDemand(sink);
  log->PauseSyncer();

  for (int i = 0; i < 3; ++i) {
    const Ticket ticket = AppendRow(*log, sink.store(), "k" + std::to_string(i));
    log->Hold(ticket, one, Note(notes, "one" + std::to_string(i)));
    log->Hold(ticket, two, Note(notes, "two" + std::to_string(i)));
  }
  log->ResumeSyncer();
  one.WaitForPosts(1);
  two.WaitForPosts(1);
  one.RunAll();
  two.RunAll();

  EXPECT_THAT(notes, ElementsAre("one0", "one1", "one2", "two0", "two1", "two2"));
  EXPECT_EQ(one.posts(), 1U);
  EXPECT_EQ(two.posts(), 1U);
}

TEST(EmbeddedCommitLog, WorkLeavesInTheOrderOfItsTickets) {
  GatedSink sink;
  ManualExecutor executor;
  std::vector<std::string> notes;
  const auto log = StartOnDemand(sink);
  const Ticket durable = AppendRow(*log, sink.store(), "a");
  log->Hold(durable, executor, Note(notes, "a"));
  executor.WaitForPosts(1);
  log->PauseSyncer();

  const Ticket first = AppendRow(*log, sink.store(), "b");
  const Ticket second = AppendRow(*log, sink.store(), "c");
  log->Hold(second, executor, Note(notes, "c"));
  log->Hold(first, executor, Note(notes, "b"));
  log->Hold(second, executor, Note(notes, "c again"));
  log->Hold(first, executor, Note(notes, "b again"));
  log->Hold(durable, executor, Note(notes, "a again"));
  executor.RunAll();
  EXPECT_THAT(notes, ElementsAre("a", "a again"));

  log->ResumeSyncer();
  executor.WaitForPosts(3);
  executor.RunAll();
  EXPECT_THAT(notes, ElementsAre("a", "a again", "b", "b again", "c", "c again"));
}

TEST(EmbeddedCommitLog, DurableWorkIsPostedAtOnce) {
  GatedSink sink;
  ManualExecutor executor;
  std::vector<std::string> notes;
  const auto log = StartOnDemand(sink);
  log->PauseSyncer();

  log->Hold(Ticket{0}, executor, Note(notes, "nothing to wait for"));
  executor.RunAll();

  EXPECT_EQ(notes.size(), 1U);
  EXPECT_EQ(sink.begun(), 0U);
}

TEST(EmbeddedCommitLog, AReaderWaitsForASyncThatBeginsAfterItAsked) {
  GatedSink sink;
  ManualExecutor executor;
  std::vector<std::string> notes;
  const auto log = StartOnDemand(sink);
  sink.CloseGate();
  log->Hold(AppendRow(*log, sink.store(), "a"), executor, Note(notes, "held"));
  sink.WaitForBegun(1);

  log->SyncFromNow(executor, Note(notes, "reader"));
  sink.AllowOne();
  sink.WaitForBegun(2);
  executor.RunAll();
  EXPECT_THAT(notes, ElementsAre("held"));

  sink.OpenGate();
  executor.WaitForPosts(2);
  executor.RunAll();
  EXPECT_THAT(notes, ElementsAre("held", "reader"));
}

TEST(EmbeddedCommitLog, SyncsAfterTheDelayWhatNobodyWaitsFor) {
  GatedSink sink;
  const auto log = EmbeddedLog::Start(sink, EmbeddedLogOptions{});
  const auto begin = std::chrono::steady_clock::now();

  AppendRow(*log, sink.store(), "a");
  sink.WaitForFinished(1);

  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(19));
}

TEST(EmbeddedCommitLog, HeldWorkIsALimit) {
  GatedSink sink;
  ManualExecutor executor;
  std::vector<std::string> notes;
  EmbeddedLogOptions options = OnDemandOnly();
  options.held_effects_max = 2;
  const auto log = EmbeddedLog::Start(sink, options);
  log->PauseSyncer();

  const Ticket ticket = AppendRow(*log, sink.store(), "a");
  log->Hold(ticket, executor, Note(notes, "1"));
  EXPECT_FALSE(log->congested());
  log->Hold(ticket, executor, Note(notes, "2"));
  EXPECT_TRUE(log->congested());

  log->ResumeSyncer();
  log->WaitWhileCongested();
  EXPECT_FALSE(log->congested());
  EXPECT_EQ(log->metrics().congestions.load(), 1U);
}

TEST(EmbeddedCommitLog, UnsyncedBytesAreALimitAndWakeTheSyncer) {
  GatedSink sink;
  EmbeddedLogOptions options = OnDemandOnly();
  options.unsynced_bytes_max = 1000;
  const auto log = EmbeddedLog::Start(sink, options);
  sink.CloseGate();

  AppendRow(*log, sink.store(), "a", 999);
  EXPECT_TRUE(log->congested());
  sink.WaitForBegun(1);  // although nobody waits
  EXPECT_TRUE(log->congested()) << "bytes of a sync under way count";
  sink.OpenGate();
  log->WaitWhileCongested();

  EXPECT_FALSE(log->congested());
}

TEST(EmbeddedCommitLog, StopSyncsReleasesAndFreesWaiters) {
  GatedSink sink;
  ManualExecutor executor;
  std::vector<std::string> notes;
  EmbeddedLogOptions options = OnDemandOnly();
  options.held_effects_max = 1;
  const auto log = EmbeddedLog::Start(sink, options);
  log->PauseSyncer();
  log->Hold(AppendRow(*log, sink.store(), "a"), executor, Note(notes, "held"));
  std::thread waiter([&] { log->WaitWhileCongested(); });

  log->Stop();
  log->Stop();
  waiter.join();
  executor.RunAll();

  EXPECT_EQ(log->durable(), Ticket{1});
  EXPECT_THAT(notes, ElementsAre("held"));
}

TEST(EmbeddedCommitLog, WithoutSyncingTheWatermarkLies) {
  GatedSink sink;
  ManualExecutor executor;
  std::vector<std::string> notes;
  EmbeddedLogOptions options = OnDemandOnly();
  options.no_sync = true;
  const auto log = EmbeddedLog::Start(sink, options);

  log->Hold(AppendRow(*log, sink.store(), "a"), executor, Note(notes, "held"));
  executor.WaitForPosts(1);

  EXPECT_EQ(log->durable(), Ticket{1});
  EXPECT_EQ(sink.begun(), 0U);
}

TEST(EmbeddedCommitLog, ManyWritersKeepTheirOrder) {
  constexpr size_t kWriters = 4;
  constexpr size_t kRounds = 200;
  GatedSink sink;
  const auto log = StartOnDemand(sink);
  std::mutex store_mutex;  // MemoryStore::Begin is for one thread
  std::vector<ManualExecutor> executors(kWriters);
  std::vector<std::vector<size_t>> seen(kWriters);

  std::vector<std::thread> writers;
  for (size_t w = 0; w < kWriters; ++w) {
    writers.emplace_back([&, w] {
      for (size_t i = 0; i < kRounds; ++i) {
        std::unique_ptr<StateTxn> txn;
        Ticket ticket;
        {
          const std::lock_guard<std::mutex> lock(store_mutex);
          txn = sink.store().Begin();
          txn->Put(Family::kState, std::to_string(w), std::to_string(i));
          ticket = log->Append(kPartition, 1, *txn);
        }
        log->Hold(ticket, executors[w], [&seen, &log, w, i, ticket] {
          ASSERT_LE(ticket, log->durable());
          seen[w].push_back(i);
        });
      }
    });
  }
  for (std::thread& writer : writers) {
    writer.join();
  }
  log->Stop();

  EXPECT_EQ(log->durable(), Ticket{kWriters * kRounds});
  EXPECT_EQ(log->metrics().synced_write_sets.load(), kWriters * kRounds);
  for (size_t w = 0; w < kWriters; ++w) {
    executors[w].RunAll();
    ASSERT_EQ(seen[w].size(), kRounds);
    for (size_t i = 0; i < kRounds; ++i) {
      ASSERT_EQ(seen[w][i], i);
    }
  }
}

TEST(EmbeddedCommitLogDeathTest, AFailedWriteEndsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        GatedSink sink;
        sink.fail_writes = true;
        const auto log = StartOnDemand(sink);
        AppendRow(*log, sink.store(), "a");
      },
      "disk on fire");
}

TEST(EmbeddedCommitLogDeathTest, AFailedSyncEndsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        GatedSink sink;
        ManualExecutor executor;
        std::vector<std::string> notes;
        sink.fail_syncs = true;
        const auto log = StartOnDemand(sink);
        log->Hold(AppendRow(*log, sink.store(), "a"), executor, Note(notes, "held"));
        executor.WaitForPosts(1);
      },
      "disk gone");
}

}  // namespace
}  // namespace perdure
