// SPDX-License-Identifier: Apache-2.0
//
// Goal: slots never leak, whoever waits is woken, and waiting is measured from the last slot given.
// Method: partitions are played by the test; the gateway shows who was woken.
#include "tests/unit/invoker/fakes.h"

#include <gtest/gtest.h>

#include <thread>

namespace perdure::invoker_test {
namespace {

constexpr PartitionId kA{1};
constexpr PartitionId kB{2};

std::vector<PartitionId> Woken(FakeGateway& gateway) {
  std::vector<PartitionId> woken;
  while (!gateway.items.empty()) {
    EXPECT_EQ(gateway.items.front().source, Source::kSelf);
    EXPECT_TRUE(std::holds_alternative<SlotsFreed>(gateway.items.front().command));
    woken.push_back(gateway.items.front().partition);
    gateway.items.pop_front();
  }
  return woken;
}

TEST(SlotPool, GivesWhatThereIs) {
  FakeGateway gateway;
  const auto pool = MakeSlotPool(3, gateway);

  EXPECT_EQ(pool->Acquire(kA, 2, 2), 2U);
  EXPECT_EQ(pool->Acquire(kA, 2, 2), 1U);
  EXPECT_EQ(pool->Acquire(kB, 1, 1), 0U);
  pool->Release(3);
  EXPECT_EQ(pool->Acquire(kB, 5, 5), 3U);
}

TEST(SlotPool, WakesEverybodyWhoWaitsOnceAndNobodyElse) {
  FakeGateway gateway;
  const auto pool = MakeSlotPool(2, gateway);
  EXPECT_EQ(pool->Acquire(kA, 2, 2), 2U);
  pool->Release(1);
  EXPECT_TRUE(Woken(gateway).empty());
  EXPECT_EQ(pool->Acquire(kA, 2, 2), 1U);
  EXPECT_EQ(pool->Acquire(kB, 1, 1), 0U);

  pool->Release(1);
  EXPECT_EQ(Woken(gateway), (std::vector<PartitionId>{kA, kB}));
  pool->Release(1);
  EXPECT_TRUE(Woken(gateway).empty());
}

TEST(SlotPool, ServedPartitionIsNotWoken) {
  FakeGateway gateway;
  const auto pool = MakeSlotPool(1, gateway);
  EXPECT_EQ(pool->Acquire(kA, 1, 1), 1U);
  EXPECT_EQ(pool->Acquire(kB, 1, 1), 0U);
  pool->Release(1);
  EXPECT_EQ(Woken(gateway).size(), 1U);
  EXPECT_EQ(pool->Acquire(kB, 1, 1), 1U);

  pool->Release(1);
  EXPECT_TRUE(Woken(gateway).empty());
}

TEST(SlotPool, StarvingIsMeasuredFromTheLastSlot) {
  FakeGateway gateway;
  const auto pool = MakeSlotPool(1, gateway);
  int starved = 0;
  pool->Watch([&starved] { ++starved; });
  EXPECT_EQ(pool->Acquire(kA, 1, 1), 1U);
  EXPECT_EQ(starved, 0);
  EXPECT_FALSE(pool->StarvingSince(pool->Mark()));

  EXPECT_EQ(pool->Acquire(kB, 2, 2), 0U);
  EXPECT_EQ(starved, 1);
  const uint64_t mark = pool->Mark();
  EXPECT_TRUE(pool->StarvingSince(mark));
  EXPECT_EQ(pool->Acquire(kB, 2, 2), 0U);
  EXPECT_EQ(starved, 1) << "it waits already";
  EXPECT_TRUE(pool->StarvingSince(mark));

  // It got one: it waits anew. Served in full: it waits no more.
  pool->Release(1);
  EXPECT_FALSE(pool->StarvingSince(pool->Mark())) << "woken, not heard of yet";
  EXPECT_EQ(pool->Acquire(kB, 2, 2), 1U);
  EXPECT_FALSE(pool->StarvingSince(mark));
  EXPECT_TRUE(pool->StarvingSince(pool->Mark()));
  pool->Release(1);
  EXPECT_EQ(pool->Acquire(kB, 1, 1), 1U);
  EXPECT_FALSE(pool->StarvingSince(pool->Mark()));
}

TEST(SlotPool, CountsRightBetweenThreads) {
  FakeGateway gateway;
  const auto pool = MakeSlotPool(100, gateway);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&pool] {
      for (int i = 0; i < 2000; ++i) {
        // 4 x 25: nobody ever gets less, so the gateway is never called.
        const size_t got = pool->Acquire(kA, 25, 25);
        EXPECT_EQ(got, 25U);
        pool->Release(got);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(pool->Acquire(kA, 100, 100), 100U);
}

TEST(SlotPoolDeathTest, GivingBackWhatWasNotTakenIsABrokenInvariant) {
  FakeGateway gateway;
  const auto pool = MakeSlotPool(1, gateway);
  EXPECT_DEATH(pool->Release(1), "before \\+ count <= slots_");
}

}  // namespace
}  // namespace perdure::invoker_test
