// SPDX-License-Identifier: Apache-2.0
//
// Goal: what attempts have in memory of journals and states is bounded, and what happens at the
// bound is defined: a stretch of a journal waits, a start comes without what does not fit, and an
// invocation that needs more than one may have is paused. Method: little memory, SDKs that do not
// read.
#include "tests/unit/invoker/fakes.h"

#include <gtest/gtest.h>

namespace perdure::invoker_test {
namespace {

constexpr size_t kChunk = limits::kJournalChunk;

// Memory for two stretches of a journal, and for one entry of as much.
InvokerOptions LittleMemory() {
  return {8, 1 * limits::kMiB, 2 * kChunk, 2 * kChunk, 2 * kChunk, "test-cluster", nullptr};
}

// A replay of three entries of which the first comes with the start.
StartAttempt LongStart(Bench& bench, uint8_t number) {
  StartAttempt start = bench.StartOf(number, 1);
  start.known_entries = 3;
  start.journal.journal_length = 3;
  return start;
}

NotifyAttempt Answer(uint8_t number, JournalChunk chunk) {
  return {IdOf(number), AttemptEpoch{1}, std::move(chunk), false, true};
}

TEST(AttemptMemory, AReadWaitsUntilOthersHaveReadTheirs) {
  Bench bench(LittleMemory());
  StreamLog& first = bench.Start(LongStart(bench, 1));
  StreamLog& second = bench.Start(LongStart(bench, 2));
  StreamLog& third = bench.Start(LongStart(bench, 3));
  EXPECT_EQ(bench.gateway.TakeA<ReadJournal>().id, IdOf(1));
  EXPECT_EQ(bench.gateway.TakeA<ReadJournal>().id, IdOf(2));
  EXPECT_TRUE(bench.gateway.items.empty()) << "there is memory for two";

  // The first has its stretch, but its SDK does not read it: the memory is still in use.
  first.unsent = 100'000;
  bench.host->Notify(Answer(1, {{EntryOf(1, MessageType::kRunCommand, "c")}, 2, 3, 1}));
  EXPECT_TRUE(bench.gateway.items.empty());

  first.unsent = 0;
  first.listener->OnDrained();
  EXPECT_EQ(bench.gateway.TakeA<ReadJournal>().id, IdOf(3)) << "first come, first served";
  EXPECT_TRUE(bench.gateway.items.empty()) << "the first stands behind now";
  // Whoever waits for memory is not given up for being idle.
  bench.time.Advance(2'000'000);
  EXPECT_TRUE(first.open());
  EXPECT_TRUE(second.open());
  EXPECT_TRUE(third.open());

  bench.host->Stop({IdOf(2), AttemptEpoch{1}, StopAttempt::How::kReset});
  EXPECT_EQ(bench.gateway.TakeA<ReadJournal>().id, IdOf(1));
}

TEST(AttemptMemory, AnAttemptThatEndsWaitsNoLonger) {
  Bench bench(LittleMemory());
  bench.Start(LongStart(bench, 1));
  bench.Start(LongStart(bench, 2));
  StreamLog& third = bench.Start(LongStart(bench, 3));
  bench.Start(LongStart(bench, 4));
  bench.gateway.TakeA<ReadJournal>();
  bench.gateway.TakeA<ReadJournal>();
  third.listener->OnFailure(HttpFailure::kConnectionLost, "lost");
  EXPECT_EQ(bench.gateway.TakeA<AttemptFailed>().id, IdOf(3));
  bench.host->Stop({IdOf(1), AttemptEpoch{1}, StopAttempt::How::kReset});
  EXPECT_EQ(bench.gateway.TakeA<ReadJournal>().id, IdOf(4));
}

TEST(AttemptMemory, ALargeEntryTakesItsOwnMemory) {
  Bench bench(LittleMemory());
  StreamLog& stream = bench.Start(LongStart(bench, 1));
  EXPECT_EQ(bench.gateway.TakeA<ReadJournal>().bytes_max, kChunk);
  const size_t large = kChunk + 1000;
  bench.host->Notify(Answer(1, {{}, 1, 3, 1, large}));
  const auto read = bench.gateway.TakeA<ReadJournal>();
  EXPECT_EQ(read.from, 1U);
  EXPECT_EQ(read.bytes_max, large);

  bench.Start(LongStart(bench, 2));
  EXPECT_TRUE(bench.gateway.items.empty()) << "one and a bit is taken, two there are";
  bench.host->Notify(
      Answer(1, {{EntryOf(1, MessageType::kRunCommand, std::string(large, 'x'))}, 2, 3, 1}));
  EXPECT_TRUE(stream.open());
  // Nothing is unsent, so it asks for the next stretch: of the usual size, behind the other one.
  EXPECT_EQ(bench.gateway.TakeA<ReadJournal>().id, IdOf(2));
  const auto next = bench.gateway.TakeA<ReadJournal>();
  EXPECT_EQ(next.id, IdOf(1));
  EXPECT_EQ(next.bytes_max, kChunk);
}

TEST(AttemptMemory, AnEntryBeyondAllBoundsPausesTheInvocation) {
  Bench bench(LittleMemory());
  StreamLog& stream = bench.Start(LongStart(bench, 1));
  bench.gateway.TakeA<ReadJournal>();
  bench.host->Notify(Answer(1, {{}, 1, 3, 1, 2 * kChunk + 1}));
  const auto failed = bench.gateway.TakeA<AttemptFailed>();
  EXPECT_EQ(failed.error.behavior, ErrorBehavior::kPause);
  EXPECT_NE(failed.error.message.find("per-invocation-memory-limit"), std::string::npos);
  EXPECT_NE(failed.error.message.find(std::to_string(2 * kChunk + 1)), std::string::npos);
  EXPECT_TRUE(stream.destroyed);
  EXPECT_EQ(bench.SlotsInUse(), 0U);
}

TEST(AttemptMemory, AnInputBeyondAllBoundsToo) {
  Bench bench(LittleMemory());
  StartAttempt start = bench.StartOf(1, 1);
  start.journal.entries.clear();
  start.journal.next = 0;
  start.journal.next_entry_bytes = 2 * kChunk + 1;
  bench.Start(start);
  EXPECT_EQ(bench.gateway.TakeA<AttemptFailed>().error.behavior, ErrorBehavior::kPause);
  EXPECT_EQ(bench.client.open_count(), 0U);
}

TEST(AttemptMemory, AFrameBeyondAllBoundsToo) {
  Bench bench(LittleMemory());
  StreamLog& stream = bench.Start();
  bench.Head(stream);
  stream.listener->OnData(ProposalFrame(1, std::string(2 * kChunk, 'x')).substr(0, 100));
  const auto failed = bench.gateway.TakeA<AttemptFailed>();
  EXPECT_EQ(failed.error.behavior, ErrorBehavior::kPause);
  EXPECT_NE(failed.error.message.find("per-invocation-memory-limit"), std::string::npos);
  EXPECT_TRUE(stream.destroyed);

  // Beyond the size of messages it is the message that is wrong, and the policy decides.
  StreamLog& other = bench.Start(2);
  bench.Head(other);
  other.listener->OnData(ProposalFrame(1, std::string(limits::kMiB, 'x')).substr(0, 100));
  const auto refused = bench.gateway.TakeA<AttemptFailed>();
  EXPECT_EQ(refused.error.behavior, ErrorBehavior::kRetry);
  EXPECT_EQ(refused.doc_code, "RT0012");
}

TEST(AttemptMemory, AStartComesWithoutWhatDoesNotFit) {
  Bench bench(LittleMemory());
  const auto with_state = [&bench](uint8_t number) {
    StartAttempt start = LongStart(bench, number);
    start.partial_state = false;
    start.state.emplace_back("key", std::string(2 * kChunk - 1000, 's'));
    return start;
  };
  bench.client.unsent_at_open = 100'000;  // nobody reads what is sent
  StreamLog& first = bench.Start(with_state(1));
  EXPECT_GT(first.written.size(), 2 * kChunk - 1000);

  bench.client.unsent_at_open = 0;
  StreamLog& second = bench.Start(with_state(2));
  EXPECT_LT(second.written.size(), 1000U);
  EXPECT_EQ(TypesOf(second.written), (std::vector<MessageType>{MessageType::kStart}));
  EXPECT_TRUE(bench.gateway.items.empty()) << "its journal waits for memory";

  // What the partition tells it meanwhile goes on where the start would have ended.
  NotifyAttempt pushed{IdOf(2), AttemptEpoch{1}, {}, false};
  pushed.chunk = {{EntryOf(3, MessageType::kRunCompletion, "n")}, 4, 4, 3};
  bench.host->Notify(pushed);
  EXPECT_TRUE(second.open());

  first.unsent = 0;
  first.listener->OnDrained();
  const auto read = bench.gateway.TakeA<ReadJournal>();
  EXPECT_EQ(read.id, IdOf(2));
  EXPECT_EQ(read.from, 0U);
  JournalChunk all;
  all.entries = {
      EntryOf(0, MessageType::kInputCommand),
      EntryOf(1, MessageType::kRunCommand, "c"),
      EntryOf(2, MessageType::kRunCommand, "c"),
      EntryOf(3, MessageType::kRunCompletion, "n")};
  all.next = 4;
  all.journal_length = 4;
  bench.host->Notify(Answer(2, all));
  EXPECT_EQ(
      TypesOf(second.written),
      (std::vector<MessageType>{
          MessageType::kStart,
          MessageType::kInputCommand,
          MessageType::kRunCommand,
          MessageType::kRunCommand,
          MessageType::kRunCompletion}));
}

// The process stops: what is given back then must not wake those that stop next.
TEST(AttemptMemory, AnEndOfAllMakesRoomForNobody) {
  Bench bench(LittleMemory());
  for (uint8_t number = 1; number <= 6; ++number) {
    bench.Start(LongStart(bench, number));
  }
  bench.gateway.items.clear();
  bench.host.reset();
  EXPECT_TRUE(bench.gateway.items.empty());
}

TEST(AttemptMemory, SmallStartsNeedNone) {
  Bench bench(LittleMemory());
  bench.Start(LongStart(bench, 1));
  bench.Start(LongStart(bench, 2));
  bench.gateway.TakeA<ReadJournal>();
  bench.gateway.TakeA<ReadJournal>();
  StreamLog& small = bench.Start(3);
  EXPECT_EQ(
      TypesOf(small.written),
      (std::vector<MessageType>{MessageType::kStart, MessageType::kInputCommand}));
}

}  // namespace
}  // namespace perdure::invoker_test
