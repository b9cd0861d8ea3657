// SPDX-License-Identifier: Apache-2.0
//
// Goal: a slow partition slows exactly the stream that feeds it, memory is bounded, and slots are
// freed for starts that wait. Method: a mailbox that the test empties, and credit counted.
#include "tests/unit/invoker/fakes.h"

#include <gtest/gtest.h>

namespace perdure::invoker_test {
namespace {

constexpr size_t kPlaces = limits::kMailboxPerStream;

// Fills the window; what was sent for it.
size_t FillWindow(StreamLog& stream) {
  size_t bytes = 0;
  for (size_t i = 0; i < kPlaces; ++i) {
    stream.listener->OnData(RunFrame(1));
    bytes += RunFrame(1).size();
  }
  return bytes;
}

TEST(AttemptFlow, CreditComesBackWhenTheMailboxAccepted) {
  Bench bench;
  StreamLog& stream = bench.Start();
  bench.Head(stream);
  const size_t accepted = FillWindow(stream);
  EXPECT_EQ(bench.gateway.items.size(), kPlaces);
  EXPECT_EQ(stream.credit, accepted);

  // No place left: frames wait and their credit with them.
  stream.listener->OnData(RunFrame(2));
  stream.listener->OnData(RunFrame(3) + RunFrame(4));
  EXPECT_EQ(bench.gateway.items.size(), kPlaces);
  EXPECT_EQ(stream.credit, accepted);

  // The first place that comes back takes all that waited, as one command.
  static_cast<void>(bench.gateway.TakeA<JournalAppend>());
  bench.time.RunPosted();
  EXPECT_EQ(bench.gateway.items.size(), kPlaces);
  const auto& last = std::get<JournalAppend>(bench.gateway.items.back().command);
  EXPECT_EQ(last.first_frame, kPlaces);
  EXPECT_EQ(last.frames.size(), 3U);
  EXPECT_EQ(stream.credit, accepted + 3 * RunFrame(1).size());
}

TEST(AttemptFlow, SlotIsHeldUntilTheLastWordIsInTheMailbox) {
  Bench bench;
  StreamLog& stream = bench.Start();
  bench.Head(stream);
  FillWindow(stream);
  stream.listener->OnData(EndFrame());
  EXPECT_TRUE(stream.finished);
  EXPECT_EQ(bench.SlotsInUse(), 1U);

  // The stream ends first; the attempt stays until its command has a place.
  stream.listener->OnEnd();
  EXPECT_TRUE(stream.destroyed);
  static_cast<void>(bench.gateway.TakeA<JournalAppend>());
  bench.time.RunPosted();
  EXPECT_EQ(bench.SlotsInUse(), 0U);
  const auto& last = std::get<JournalAppend>(bench.gateway.items.back().command);
  EXPECT_EQ(last.frames.back().type, MessageType::kEnd);
}

TEST(AttemptFlow, FailureWaitsBehindItsFrames) {
  Bench bench;
  StreamLog& stream = bench.Start();
  bench.Head(stream);
  FillWindow(stream);
  stream.listener->OnData(RunFrame(9));
  stream.listener->OnFailure(HttpFailure::kConnectionLost, "lost");
  EXPECT_TRUE(stream.destroyed);
  EXPECT_EQ(bench.SlotsInUse(), 1U);

  while (bench.gateway.items.size() > 1) {
    static_cast<void>(bench.gateway.TakeA<JournalAppend>());
    bench.time.RunPosted();
  }
  EXPECT_EQ(bench.gateway.TakeA<AttemptFailed>().doc_code, "RT0010");
  EXPECT_EQ(bench.SlotsInUse(), 0U);
}

TEST(AttemptFlow, PlaceThatComesBackAfterTheAttemptIsHarmless) {
  Bench bench;
  StreamLog& stream = bench.Start();
  bench.Head(stream);
  FillWindow(stream);
  stream.listener->OnData(RunFrame(9));
  bench.host->Stop({IdOf(1), AttemptEpoch{1}, StopAttempt::How::kReset});
  while (!bench.gateway.items.empty()) {
    static_cast<void>(bench.gateway.TakeA<JournalAppend>());
  }
  bench.time.RunPosted();
  EXPECT_TRUE(bench.gateway.items.empty());
}

TEST(AttemptFlow, SmallFrameInAssemblyKeepsItsCredit) {
  Bench bench;
  StreamLog& stream = bench.Start();
  bench.Head(stream);
  const std::string frame = ProposalFrame(1, std::string(1000, 'x'));

  stream.listener->OnData(RunFrame(1) + frame.substr(0, 500));
  EXPECT_EQ(stream.credit, RunFrame(1).size());
  stream.listener->OnData(frame.substr(500));
  EXPECT_EQ(stream.credit, RunFrame(1).size() + frame.size());
}

TEST(AttemptFlow, LargeFrameIsCreditedUnderItsLease) {
  Bench bench;
  StreamLog& stream = bench.Start();
  bench.Head(stream);
  const std::string frame = ProposalFrame(1, std::string(700'000, 'x'));

  // More than any window: it only gets through because credit comes back on the way.
  size_t sent = 0;
  for (; sent < frame.size(); sent += 100'000) {
    stream.listener->OnData(std::string_view(frame).substr(sent, 100'000));
    EXPECT_EQ(stream.credit, std::min(sent + 100'000, frame.size()));
  }
  EXPECT_EQ(bench.gateway.TakeA<JournalAppend>().frames[0].payload.size(), frame.size() - 8);
}

TEST(AttemptFlow, LeasesAreGivenInOrderAndComeBack) {
  Bench bench;  // room for frames: 2 MiB, of one frame: 1 MiB
  const std::string frame = ProposalFrame(1, std::string(900'000, 'x'));
  std::vector<StreamLog*> streams;
  for (uint8_t i = 1; i <= 4; ++i) {
    StreamLog& stream = bench.Start(i);
    bench.Head(stream);
    stream.listener->OnData(frame.substr(0, 1000));
    streams.push_back(&stream);
  }
  EXPECT_EQ(streams[0]->credit, 1000U);
  EXPECT_EQ(streams[1]->credit, 1000U);
  EXPECT_EQ(streams[2]->credit, 0U) << "no room";
  EXPECT_EQ(streams[3]->credit, 0U);

  streams[1]->listener->OnData(std::string_view(frame).substr(1000));
  EXPECT_EQ(streams[2]->credit, 1000U) << "first come, first served";
  EXPECT_EQ(streams[3]->credit, 0U);

  // A holder that fails and a waiter that is stopped give way too.
  streams[0]->listener->OnFailure(HttpFailure::kStreamReset, "reset");
  EXPECT_EQ(streams[3]->credit, 1000U);
}

TEST(AttemptFlow, LeaseThatIsNotNeededAnyMoreIsNotWaitedFor) {
  Bench bench;
  const std::string large = ProposalFrame(1, std::string(1'000'000, 'x'));
  const std::string middle = ProposalFrame(1, std::string(100'000, 'x'));
  for (uint8_t i = 1; i <= 2; ++i) {
    StreamLog& holder = bench.Start(i);
    bench.Head(holder);
    holder.listener->OnData(large.substr(0, 1000));
  }
  StreamLog& waiter = bench.Start(3);
  bench.Head(waiter);
  waiter.listener->OnData(middle.substr(0, 1000));
  EXPECT_EQ(waiter.credit, 0U);

  // It fits into the window: it is complete before the lease comes.
  waiter.listener->OnData(middle.substr(1000));
  EXPECT_EQ(waiter.credit, middle.size());
  StreamLog& next = bench.Start(4);
  bench.Head(next);
  next.listener->OnData(large.substr(0, 1000));
  EXPECT_EQ(next.credit, 0U);
  bench.host->Stop({IdOf(1), AttemptEpoch{1}, StopAttempt::How::kReset});
  EXPECT_EQ(next.credit, 1000U) << "nobody is in front of it";
}

TEST(AttemptFlow, FrameAboveTheLimitEndsTheAttempt) {
  Bench bench;
  StreamLog& stream = bench.Start();
  bench.Head(stream);
  stream.listener->OnData(ProposalFrame(1, std::string(2 * limits::kMiB, 'x')).substr(0, 100));

  EXPECT_EQ(bench.gateway.TakeA<AttemptFailed>().doc_code, "RT0012");
  EXPECT_TRUE(stream.destroyed);
}

TEST(AttemptFlow, FrameThatCouldNeverGetMemoryPauses) {
  Bench bench(4, 64 * limits::kMiB);  // messages up to 64 MiB, memory 2 MiB
  StreamLog& stream = bench.Start();
  bench.Head(stream);
  stream.listener->OnData(ProposalFrame(1, std::string(2 * limits::kMiB - 1, 'x')).substr(0, 100));
  EXPECT_EQ(bench.gateway.TakeA<AttemptFailed>().error.behavior, ErrorBehavior::kPause);

  StreamLog& fits = bench.Start(2);
  bench.Head(fits);
  fits.listener->OnData(ProposalFrame(1, std::string(2 * limits::kMiB - 100, 'x')).substr(0, 100));
  EXPECT_EQ(fits.credit, 100U);
}

TEST(SlotStealing, LongestIdleAttemptIsAskedToSuspend) {
  Bench bench(2);
  StreamLog& idle = bench.Start(1);
  bench.Head(idle);
  bench.time.Advance(10);
  StreamLog& less_idle = bench.Start(2);
  bench.Head(less_idle);
  bench.time.Advance(80);
  EXPECT_EQ(bench.pool->Acquire(PartitionId{1}, 1, 1), 0U);
  bench.time.Advance(7);
  EXPECT_FALSE(idle.finished) << "not idle for long enough";
  bench.time.Advance(30);
  EXPECT_TRUE(idle.finished);
  EXPECT_FALSE(less_idle.finished) << "one is enough";

  // The SDK suspends, the slot is free, the partition is woken and takes it: nobody waits.
  idle.listener->OnData(SuspensionFrame(1));
  EXPECT_EQ(bench.pool->Acquire(PartitionId{1}, 1, 1), 1U);
  bench.time.Advance(1000);
  EXPECT_FALSE(less_idle.finished);
  EXPECT_EQ(bench.time.timer_count(), 1U) << "only the deadlines";
}

TEST(SlotStealing, AttemptThatDoesNotLeaveIsNotWaitedFor) {
  Bench bench(2);
  StreamLog& stubborn = bench.Start(1);
  bench.Head(stubborn);
  bench.time.Advance(10);
  StreamLog& other = bench.Start(2);
  bench.Head(other);
  bench.time.Advance(500);
  EXPECT_EQ(bench.pool->Acquire(PartitionId{1}, 1, 1), 0U);
  bench.time.Advance(50);
  EXPECT_TRUE(stubborn.finished);
  EXPECT_FALSE(other.finished);
  bench.time.Advance(100);
  EXPECT_TRUE(other.finished);
}

TEST(SlotStealing, GoesOnWhileStartsWait) {
  Bench bench(3);
  for (uint8_t i = 1; i <= 3; ++i) {
    bench.Head(bench.Start(i));
    bench.time.Advance(1);
  }
  bench.time.Advance(500);
  EXPECT_EQ(bench.pool->Acquire(PartitionId{1}, 5, 5), 0U);
  bench.time.Advance(310);
  for (const auto& stream : bench.client.streams) {
    EXPECT_TRUE(stream->finished);
  }
}

TEST(SlotStealing, AsManyWaitingAttemptsGoAsStartsLackSlots) {
  Bench bench(3);
  for (uint8_t i = 1; i <= 3; ++i) {
    bench.Head(bench.Start(i));
    bench.time.Advance(1);
  }
  bench.time.Advance(500);
  EXPECT_EQ(bench.pool->Acquire(PartitionId{1}, 1, 2), 0U);
  bench.time.Advance(101);
  EXPECT_TRUE(bench.client.streams[0]->finished);
  EXPECT_TRUE(bench.client.streams[1]->finished);
  EXPECT_FALSE(bench.client.streams[2]->finished) << "nobody wants its slot";
}

TEST(SlotStealing, AttemptInARunGoesLastAndAlone) {
  Bench bench(3);
  for (uint8_t i = 1; i <= 3; ++i) {
    StreamLog& stream = bench.Start(i);
    bench.Head(stream);
    if (i < 3) {
      stream.listener->OnData(RunFrame(1));
      static_cast<void>(bench.gateway.Take());
    }
    bench.time.Advance(1);
  }
  bench.time.Advance(500);
  EXPECT_EQ(bench.pool->Acquire(PartitionId{1}, 3, 3), 0U);
  bench.time.Advance(101);
  EXPECT_FALSE(bench.client.streams[0]->finished);
  EXPECT_TRUE(bench.client.streams[2]->finished) << "it only waits";
  bench.time.Advance(100);
  EXPECT_TRUE(bench.client.streams[0]->finished);
  EXPECT_FALSE(bench.client.streams[1]->finished) << "one per look";
}

TEST(SlotStealing, BusyAttemptIsNotDisturbed) {
  Bench bench(1);
  StreamLog& busy = bench.Start(1);
  bench.Head(busy);
  EXPECT_EQ(bench.pool->Acquire(PartitionId{1}, 1, 1), 0U);
  for (int i = 0; i < 20; ++i) {
    bench.time.Advance(50);
    busy.listener->OnData(RunFrame(1));
    static_cast<void>(bench.gateway.Take());
  }
  EXPECT_FALSE(busy.finished);
  bench.time.Advance(250);
  EXPECT_TRUE(busy.finished);
}

}  // namespace
}  // namespace perdure::invoker_test
