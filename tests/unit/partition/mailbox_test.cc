// SPDX-License-Identifier: Apache-2.0
//
// The mailbox: order, the windows that can be full, and many threads at once.
#include "partition/mailbox.h"

#include "perdure/base/limits.h"
#include "tests/unit/partition/partition_test_support.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace perdure::test {
namespace {

std::unique_ptr<Envelope> Make(Source source, uint16_t number = 0, uint32_t producer = 0) {
  auto envelope = std::make_unique<Envelope>();
  envelope->source = source;
  envelope->command = Numbered(number);
  envelope->reply_to.slot = producer;
  return envelope;
}

using Lane = std::vector<std::unique_ptr<Envelope>>;

TEST(Mailbox, GivesTheOldestFirstInTwoLanes) {
  Mailbox mailbox;
  EXPECT_TRUE(mailbox.empty());
  const std::vector<Source> sources = {
      Source::kNewWork,
      Source::kStream,
      Source::kPeer,
      Source::kNewWork,
      Source::kControl,
      Source::kSelf,
      Source::kRead};
  for (size_t i = 0; i < sources.size(); ++i) {
    EXPECT_TRUE(mailbox.Put(Make(sources[i], static_cast<uint16_t>(i))));
  }
  EXPECT_FALSE(mailbox.empty());
  Lane accepted;
  Lane new_work;
  mailbox.Take(accepted, new_work);
  EXPECT_TRUE(mailbox.empty());
  std::vector<uint16_t> numbers;
  for (const auto& envelope : accepted) {
    numbers.push_back(NumberOf(envelope->command));
  }
  EXPECT_EQ(numbers, (std::vector<uint16_t>{1, 2, 4, 5}));
  ASSERT_EQ(new_work.size(), 3U);
  EXPECT_EQ(NumberOf(new_work[0]->command), 0);
  EXPECT_EQ(NumberOf(new_work[1]->command), 3);
  EXPECT_EQ(NumberOf(new_work[2]->command), 6);
}

TEST(Mailbox, AppendsToWhatWasTaken) {
  Mailbox mailbox;
  Lane accepted;
  Lane new_work;
  for (uint16_t i = 0; i < 3; ++i) {
    mailbox.Put(Make(Source::kPeer, i));
    mailbox.Take(accepted, new_work);
  }
  ASSERT_EQ(accepted.size(), 3U);
  EXPECT_EQ(NumberOf(accepted[2]->command), 2);
}

TEST(Mailbox, RefusesNewWorkAndControlBeyondTheirWindows) {
  for (const auto& [source, window] :
       {std::pair(Source::kNewWork, limits::kMailboxNewWork),
        std::pair(Source::kRead, limits::kMailboxReads),
        std::pair(Source::kControl, limits::kMailboxControl)}) {
    Mailbox mailbox;
    for (size_t i = 0; i < window; ++i) {
      ASSERT_TRUE(mailbox.Put(Make(source)));
    }
    EXPECT_FALSE(mailbox.Put(Make(source)));
    EXPECT_FALSE(mailbox.Put(Make(source)));
    // Accepted work always gets in.
    for (const Source other : {Source::kStream, Source::kPeer, Source::kSelf}) {
      EXPECT_TRUE(mailbox.Put(Make(other)));
    }
    // Taken is not applied: the window opens when the runner is done with one.
    Lane accepted;
    Lane new_work;
    mailbox.Take(accepted, new_work);
    EXPECT_FALSE(mailbox.Put(Make(source)));
    mailbox.Done(source);
    EXPECT_TRUE(mailbox.Put(Make(source)));
    EXPECT_FALSE(mailbox.Put(Make(source)));
  }
}

TEST(Mailbox, WindowsDoNotTouchEachOther) {
  Mailbox mailbox;
  while (mailbox.Put(Make(Source::kControl))) {
  }
  EXPECT_TRUE(mailbox.Put(Make(Source::kNewWork)));
  EXPECT_TRUE(mailbox.Put(Make(Source::kRead)));
  EXPECT_EQ(mailbox.new_work_waiting(), 1U);
  mailbox.Done(Source::kStream);  // has no window
  EXPECT_FALSE(mailbox.Put(Make(Source::kControl)));
}

TEST(Mailbox, FreesWhatNobodyTook) {
  const auto shared = std::make_shared<int>(0);
  struct Window final : StreamWindow {
    explicit Window(std::shared_ptr<int> k) : keep(std::move(k)) {}
    void Returned() override {}
    std::shared_ptr<int> keep;
  };
  {
    Mailbox mailbox;
    auto envelope = Make(Source::kStream);
    envelope->window = std::make_shared<Window>(shared);
    mailbox.Put(std::move(envelope));
    mailbox.Put(Make(Source::kNewWork));
    EXPECT_EQ(shared.use_count(), 2);
  }
  EXPECT_EQ(shared.use_count(), 1);
}

TEST(Mailbox, LosesAndReordersNothingUnderManyThreads) {
  constexpr uint32_t kProducers = 4;
  constexpr uint32_t kEach = 20'000;
  Mailbox mailbox;
  std::vector<std::thread> producers;
  for (uint32_t producer = 0; producer < kProducers; ++producer) {
    producers.emplace_back([&mailbox, producer] {
      for (uint32_t i = 0; i < kEach; ++i) {
        // Every other one is new work, which may find its window full and tries again.
        const Source source = i % 2 == 0 ? Source::kPeer : Source::kNewWork;
        while (!mailbox.Put(Make(source, static_cast<uint16_t>(i), producer))) {
          std::this_thread::yield();
        }
      }
    });
  }
  std::vector<uint32_t> accepted_seen(kProducers, 0);
  std::vector<uint32_t> new_seen(kProducers, 0);
  uint32_t total = 0;
  while (total < kProducers * kEach) {
    Lane accepted;
    Lane new_work;
    mailbox.Take(accepted, new_work);
    for (const auto& envelope : accepted) {
      uint32_t& seen = accepted_seen[envelope->reply_to.slot];
      ASSERT_EQ(NumberOf(envelope->command), static_cast<uint16_t>(2 * seen++));
    }
    for (const auto& envelope : new_work) {
      uint32_t& seen = new_seen[envelope->reply_to.slot];
      ASSERT_EQ(NumberOf(envelope->command), static_cast<uint16_t>(2 * seen++ + 1));
      mailbox.Done(Source::kNewWork);
    }
    total += static_cast<uint32_t>(accepted.size() + new_work.size());
  }
  for (std::thread& producer : producers) {
    producer.join();
  }
  EXPECT_TRUE(mailbox.empty());
  EXPECT_EQ(mailbox.new_work_waiting(), 0U);
}

}  // namespace
}  // namespace perdure::test
