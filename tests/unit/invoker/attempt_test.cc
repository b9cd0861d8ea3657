// SPDX-License-Identifier: Apache-2.0
//
// Goal: one attempt from start to end, as a transcript: what goes to the SDK, what goes to the
// partition, when the slot comes back. Method: scripted HTTP events under virtual time.
#include "invoker/attempt_request.h"
#include "tests/unit/invoker/fakes.h"

#include <gtest/gtest.h>

namespace perdure::invoker_test {
namespace {

using Types = std::vector<MessageType>;

TEST(Attempt, RequestCarriesTheHeadersOfTheProtocol) {
  Bench bench;
  StartAttempt start = bench.StartOf(1, 1);
  start.target = {
      "Cart", "a b/\xc3\xbc", "add", ServiceType::kVirtualObject, HandlerType::kExclusive};

  const StreamLog& stream = bench.Start(start);

  EXPECT_EQ(stream.request.method, "POST");
  EXPECT_EQ(stream.request.path, "/prefix/invoke/Cart/add");
  EXPECT_EQ(stream.request.endpoint.host, "sdk");
  const std::vector<HttpHeader> expected{
      {"content-type", "application/vnd.restate.invocation.v6"},
      {"accept", "application/vnd.restate.invocation.v6"},
      {"x-restate-invocation-id", IdOf(1).ToString()},
      {"x-restate-service-key", "a%20b%2F%C3%BC"},
      {"x-restate-cluster-name", "test-cluster"},
      {"x-extra", "1"}};
  EXPECT_EQ(stream.request.headers.items(), expected);
  EXPECT_EQ(PercentEncode("AZaz09-._~"), "AZaz09-._~");
}

TEST(Attempt, UnkeyedTargetHasNoKeyHeader) {
  Bench bench;
  EXPECT_FALSE(bench.Start().request.headers.Get("x-restate-service-key").has_value());
}

TEST(Attempt, RunStepThenEnd) {
  Bench bench;
  StreamLog& stream = bench.Start();
  EXPECT_EQ(TypesOf(stream.written), (Types{MessageType::kStart, MessageType::kInputCommand}));
  EXPECT_FALSE(stream.finished);

  // The frames of one read are one command.
  bench.Head(stream);
  stream.listener->OnData(RunFrame(1) + ProposalFrame(1, "x"));
  ASSERT_EQ(bench.gateway.items.size(), 1U);
  EXPECT_EQ(bench.gateway.items[0].source, Source::kStream);
  EXPECT_EQ(bench.gateway.items[0].partition, bench.gateway.PartitionFor(IdOf(1)));
  const auto steps = bench.gateway.TakeA<JournalAppend>();
  EXPECT_EQ(steps.id, IdOf(1));
  EXPECT_EQ(steps.epoch.value, 1U);
  EXPECT_EQ(steps.first_frame, 0U);
  EXPECT_EQ(steps.frames.size(), 2U);

  NotifyAttempt notify{IdOf(1), AttemptEpoch{1}, {}, false};
  notify.chunk = {{EntryOf(2, MessageType::kRunCompletion, "r")}, 3, 3, 1};
  bench.host->Notify(notify);
  EXPECT_EQ(TypesOf(stream.written).back(), MessageType::kRunCompletion);

  stream.listener->OnData(
      FrameOf(MessageType::kOutputCommand, std::string("\x72\x02\x0a\x00", 4)) + EndFrame());
  const auto last = bench.gateway.TakeA<JournalAppend>();
  EXPECT_EQ(last.first_frame, 2U);
  EXPECT_EQ(last.frames.back().type, MessageType::kEnd);
  EXPECT_TRUE(stream.finished) << "half-closed at once";
  EXPECT_TRUE(stream.open()) << "the SDK may finish its side";
  EXPECT_EQ(bench.SlotsInUse(), 0U);
  EXPECT_TRUE(bench.host->Live().empty());

  stream.listener->OnEnd();
  EXPECT_TRUE(stream.destroyed);
  EXPECT_TRUE(bench.gateway.items.empty());
}

TEST(Attempt, InactivityAsksToSuspendAndSuspensionEndsTheAttempt) {
  Bench bench;
  StreamLog& stream = bench.Start();
  bench.Head(stream);
  bench.time.Advance(59'999);
  EXPECT_FALSE(stream.finished);

  bench.time.Advance(10);
  EXPECT_TRUE(stream.finished);
  EXPECT_EQ(bench.SlotsInUse(), 1U);

  stream.listener->OnData(SuspensionFrame(1));
  EXPECT_EQ(bench.gateway.TakeA<JournalAppend>().frames[0].type, MessageType::kSuspension);
  EXPECT_EQ(bench.SlotsInUse(), 0U);
  stream.listener->OnEnd();
  EXPECT_TRUE(stream.destroyed);
}

TEST(Attempt, ActivityPutsInactivityOff) {
  Bench bench;
  StreamLog& stream = bench.Start();
  bench.Head(stream);
  bench.time.Advance(50'000);
  stream.listener->OnData(RunFrame(1));
  bench.time.Advance(50'000);
  EXPECT_FALSE(stream.finished);
  bench.time.Advance(10'100);
  EXPECT_TRUE(stream.finished);
}

TEST(Attempt, AbortTimeoutFailsTheAttempt) {
  Bench bench;
  StreamLog& stream = bench.Start();
  bench.Head(stream);
  bench.time.Advance(60'010);
  bench.time.Advance(600'010);

  EXPECT_EQ(bench.gateway.TakeA<AttemptFailed>().doc_code, "RT0001");
  EXPECT_TRUE(stream.destroyed);
  EXPECT_EQ(bench.SlotsInUse(), 0U);
}

TEST(Attempt, EarlyErrorStatusFailsTheAttempt) {
  Bench bench;
  StreamLog& stream = bench.Start();
  stream.listener->OnHead(404, {});

  const auto failed = bench.gateway.TakeA<AttemptFailed>();
  EXPECT_EQ(failed.id, IdOf(1));
  EXPECT_EQ(failed.doc_code, "RT0012");
  EXPECT_TRUE(stream.destroyed);
  EXPECT_EQ(bench.SlotsInUse(), 0U);
}

TEST(Attempt, RetryAfterReachesThePartition) {
  Bench bench;
  StreamLog& stream = bench.Start();
  stream.listener->OnHead(503, HttpHeaders{{"retry-after", "7"}});

  const auto failed = bench.gateway.TakeA<AttemptFailed>();
  EXPECT_EQ(failed.doc_code, "RT0023");
  EXPECT_EQ(failed.retry_after, 7000U);
}

TEST(Attempt, ServerNameGoesWithAFailureOnly) {
  Bench bench;
  StreamLog& stream = bench.Start();
  bench.Head(stream, 200, HttpHeaders{{"x-restate-server", "sdk/1"}});
  EXPECT_TRUE(bench.gateway.items.empty());
  ASSERT_EQ(bench.host->Live().size(), 1U);
  EXPECT_EQ(bench.host->Live()[0].server, "sdk/1");
  EXPECT_EQ(bench.host->Live()[0].epoch.value, 1U);
  EXPECT_EQ(bench.host->Live()[0].deployment.ulid[0], 7);

  stream.listener->OnFailure(HttpFailure::kStreamReset, "reset");
  EXPECT_EQ(bench.gateway.TakeA<AttemptHead>().server, "sdk/1");
  EXPECT_EQ(bench.gateway.TakeA<AttemptFailed>().doc_code, "RT0010");
  EXPECT_TRUE(bench.host->Live().empty());
}

TEST(Attempt, ResetInsideAFrameKeepsTheWholeFrames) {
  Bench bench;
  StreamLog& stream = bench.Start();
  bench.Head(stream);
  stream.listener->OnData(RunFrame(1) + ProposalFrame(1, "abcdef").substr(0, 10));
  stream.listener->OnFailure(HttpFailure::kStreamReset, "reset");

  EXPECT_EQ(bench.gateway.TakeA<JournalAppend>().frames.size(), 1U);
  EXPECT_EQ(bench.gateway.TakeA<AttemptFailed>().doc_code, "RT0010");
  EXPECT_EQ(bench.SlotsInUse(), 0U);
}

TEST(Attempt, RefusedConnectionDidNotReachTheSdk) {
  Bench bench;
  bench.Start().listener->OnFailure(HttpFailure::kConnect, "refused");
  EXPECT_FALSE(bench.gateway.TakeA<AttemptFailed>().reached_sdk);
}

TEST(Attempt, EndWithoutLastWordFails) {
  Bench bench;
  StreamLog& stream = bench.Start();
  bench.Head(stream);
  stream.listener->OnEnd();
  EXPECT_EQ(bench.gateway.TakeA<AttemptFailed>().doc_code, "RT0007");
}

TEST(Attempt, NotificationAfterTheHalfCloseIsNotSent) {
  Bench bench;
  StreamLog& stream = bench.Start();
  bench.Head(stream);
  bench.host->Stop({IdOf(1), AttemptEpoch{1}, StopAttempt::How::kHalfClose});
  ASSERT_TRUE(stream.finished);
  const std::string before = stream.written;

  NotifyAttempt notify{IdOf(1), AttemptEpoch{1}, {}, false};
  notify.chunk = {{EntryOf(1, MessageType::kSignal, "s")}, 2, 2, 1};
  bench.host->Notify(notify);

  EXPECT_EQ(stream.written, before);
  EXPECT_TRUE(bench.gateway.items.empty());
}

TEST(Attempt, SilenceAfterTheLastWordEndsInAReset) {
  Bench bench;
  StreamLog& stream = bench.Start();
  bench.Head(stream);
  stream.listener->OnData(EndFrame());
  bench.time.Advance(4'999);
  EXPECT_TRUE(stream.open());
  bench.time.Advance(10);
  EXPECT_TRUE(stream.destroyed);
  EXPECT_EQ(bench.gateway.items.size(), 1U);
}

TEST(Attempt, TooManySilentStreamsAreNotWaitedFor) {
  Bench bench(2);
  for (uint8_t i = 1; i <= 3; ++i) {
    StreamLog& stream = bench.Start(i);
    bench.Head(stream);
    stream.listener->OnData(EndFrame());
    static_cast<void>(bench.gateway.TakeA<JournalAppend>());
    EXPECT_EQ(stream.open(), i <= 2) << "attempt " << int{i};
  }
  bench.client.streams[0]->listener->OnEnd();
  StreamLog& next = bench.Start(4);
  bench.Head(next);
  next.listener->OnData(EndFrame());
  EXPECT_TRUE(next.open());
}

TEST(Attempt, NewerEpochResetsTheOlder) {
  Bench bench;
  StreamLog& old_stream = bench.Start(1, 5);
  bench.Head(old_stream);
  StreamLog& new_stream = bench.Start(1, 6);

  EXPECT_TRUE(old_stream.destroyed);
  EXPECT_TRUE(new_stream.open());
  EXPECT_EQ(bench.SlotsInUse(), 1U);
  bench.host->Stop({IdOf(1), AttemptEpoch{5}, StopAttempt::How::kReset});
  EXPECT_TRUE(new_stream.open()) << "a stop for the old attempt is late";
}

TEST(Attempt, LateStartOfAnOlderEpochGivesItsSlotBack) {
  Bench bench;
  StreamLog& stream = bench.Start(1, 6);
  EXPECT_EQ(bench.pool->Acquire(bench.gateway.PartitionFor(IdOf(1)), 1, 1), 1U);
  bench.host->Start(bench.StartOf(1, 5));

  EXPECT_EQ(bench.client.streams.size(), 1U);
  EXPECT_TRUE(stream.open());
  EXPECT_EQ(bench.SlotsInUse(), 1U);
}

TEST(Attempt, NextAttemptLeavesAnEndedStreamInPeace) {
  Bench bench;
  StreamLog& old_stream = bench.Start(1, 5);
  bench.Head(old_stream);
  old_stream.listener->OnData(SuspensionFrame(1));
  StreamLog& new_stream = bench.Start(1, 6);
  EXPECT_TRUE(old_stream.open());

  old_stream.listener->OnEnd();
  EXPECT_TRUE(old_stream.destroyed);
  EXPECT_TRUE(new_stream.open());
  EXPECT_EQ(bench.SlotsInUse(), 1U);

  // The same, with an SDK that never ends its side.
  bench.Head(new_stream);
  new_stream.listener->OnData(SuspensionFrame(1));
  bench.Start(1, 7);
  bench.time.Advance(5'010);
  EXPECT_TRUE(new_stream.destroyed);
  EXPECT_TRUE(bench.client.streams.back()->open());
}

TEST(Attempt, StopResetEndsEverythingAtOnce) {
  Bench bench;
  StreamLog& stream = bench.Start();
  bench.Head(stream);
  bench.host->Stop({IdOf(1), AttemptEpoch{1}, StopAttempt::How::kReset});

  EXPECT_TRUE(stream.destroyed);
  EXPECT_TRUE(bench.gateway.items.empty());
  EXPECT_EQ(bench.SlotsInUse(), 0U);
  bench.host->Stop({IdOf(1), AttemptEpoch{1}, StopAttempt::How::kReset});
}

TEST(Attempt, LongJournalIsPulledChunkByChunk) {
  Bench bench;
  StartAttempt start = bench.StartOf(1, 1);
  start.known_entries = 3;
  start.journal.journal_length = 3;
  StreamLog& stream = bench.Start(start);
  EXPECT_EQ(bench.gateway.TakeA<ReadJournal>().from, 1U);
  EXPECT_TRUE(bench.gateway.items.empty());

  // The answer that leaves something behind: the next pull waits until the SDK has read it.
  stream.unsent = 100'000;
  NotifyAttempt answer{IdOf(1), AttemptEpoch{1}, {}, false, true};
  answer.chunk = {{EntryOf(1, MessageType::kRunCommand, "c")}, 2, 3, 1};
  bench.host->Notify(answer);
  EXPECT_TRUE(bench.gateway.items.empty());
  stream.unsent = 10'000;
  stream.listener->OnDrained();
  EXPECT_EQ(bench.gateway.TakeA<ReadJournal>().from, 2U);

  answer.chunk = {{EntryOf(2, MessageType::kRunCompletion, "n")}, 3, 3, 2};
  bench.host->Notify(answer);
  EXPECT_TRUE(bench.gateway.items.empty());
  EXPECT_EQ(
      TypesOf(stream.written),
      (Types{
          MessageType::kStart,
          MessageType::kInputCommand,
          MessageType::kRunCommand,
          MessageType::kRunCompletion}));
}

TEST(Attempt, SdkThatNeverReadsItsJournalLosesTheAttempt) {
  Bench bench;
  StartAttempt start = bench.StartOf(1, 1);
  start.known_entries = 3;
  start.journal.journal_length = 3;
  StreamLog& stream = bench.Start(start);
  EXPECT_EQ(bench.gateway.TakeA<ReadJournal>().from, 1U);
  bench.time.Advance(2'000'000);
  EXPECT_TRUE(stream.open()) << "it is the partition that is late";

  stream.unsent = 100'000;
  NotifyAttempt answer{IdOf(1), AttemptEpoch{1}, {}, false, true};
  answer.chunk = {{EntryOf(1, MessageType::kRunCommand, "c")}, 2, 3, 1};
  bench.host->Notify(answer);
  bench.time.Advance(659'000);
  stream.unsent = 99'999;
  stream.listener->OnDrained();
  bench.time.Advance(659'999);
  EXPECT_TRUE(stream.open()) << "a single byte is progress";
  EXPECT_EQ(bench.SlotsInUse(), 1U);

  bench.time.Advance(10);
  EXPECT_TRUE(stream.destroyed);
  const auto failed = bench.gateway.TakeA<AttemptFailed>();
  EXPECT_EQ(failed.epoch.value, 1U);
  EXPECT_EQ(failed.doc_code, "RT0001");
  EXPECT_FALSE(failed.retry_after.has_value()) << "the policy decides";
  EXPECT_EQ(bench.SlotsInUse(), 0U);
  EXPECT_TRUE(bench.host->Live().empty());
}

TEST(Attempt, LaggingNotificationIsPulled) {
  Bench bench;
  StreamLog& stream = bench.Start();
  stream.unsent = 1'000'000;
  NotifyAttempt notify{IdOf(1), AttemptEpoch{1}, {}, true};
  notify.chunk.next = 1;
  notify.chunk.journal_length = 2;
  bench.host->Notify(notify);
  EXPECT_TRUE(bench.gateway.items.empty()) << "the SDK has not read what it got";

  stream.unsent = 0;
  stream.listener->OnDrained();
  EXPECT_EQ(bench.gateway.TakeA<ReadJournal>().from, 1U);
}

TEST(AttemptHost, ManyAttemptsNeedOneTimer) {
  Bench bench(100);
  for (uint8_t i = 1; i <= 50; ++i) {
    bench.Head(bench.Start(i));
  }
  EXPECT_EQ(bench.time.timer_count(), 1U);
  EXPECT_EQ(bench.time.timers_started, 1U);
  bench.time.Advance(60'010);
  for (const auto& stream : bench.client.streams) {
    EXPECT_TRUE(stream->finished);
  }
}

TEST(AttemptHost, DestructionResetsEverythingAndTouchesNobody) {
  Bench bench;
  StreamLog& running = bench.Start(1);
  StreamLog& draining = bench.Start(2);
  bench.Head(draining);
  draining.listener->OnData(EndFrame());
  bench.host.reset();

  EXPECT_TRUE(running.destroyed);
  EXPECT_TRUE(draining.destroyed);
  EXPECT_EQ(bench.time.timer_count(), 0U);
  EXPECT_EQ(bench.gateway.items.size(), 1U);
  bench.pool->Acquire(PartitionId{1}, 1000, 1000);  // a watcher that is gone
  bench.time.Advance(1000);
}

}  // namespace
}  // namespace perdure::invoker_test
