// SPDX-License-Identifier: Apache-2.0
//
// The timer heap against a simple model: order, cancelling, and ids that outlive their timers.
#include "net/timer_queue.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <utility>
#include <vector>

namespace perdure {
namespace {

void RunDue(TimerQueue& queue, uint64_t now) {
  while (MoveFunction<void()> work = queue.TakeDue(now)) {
    work();
  }
}

TEST(TimerQueue, FiresInOrderOfDeadlineThenOfStart) {
  TimerQueue queue;
  std::vector<int> fired;
  queue.Add(30, [&] { fired.push_back(3); });
  queue.Add(10, [&] { fired.push_back(1); });
  queue.Add(10, [&] { fired.push_back(2); });
  EXPECT_EQ(queue.next_deadline_ns(), 10U);
  RunDue(queue, 9);
  EXPECT_TRUE(fired.empty());
  RunDue(queue, 30);
  EXPECT_EQ(fired, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(queue.next_deadline_ns(), std::nullopt);
}

TEST(TimerQueue, StaleIdsAreIgnored) {
  TimerQueue queue;
  int fired = 0;
  const TimerQueue::TimerId first = queue.Add(1, [&] { ++fired; });
  EXPECT_NE(first, 0U);
  RunDue(queue, 1);
  const TimerQueue::TimerId second = queue.Add(2, [&] { ++fired; });
  queue.Cancel(first);
  queue.Cancel(0);
  queue.Cancel(UINT64_MAX);
  EXPECT_EQ(queue.size(), 1U);
  queue.Cancel(second);
  queue.Cancel(second);
  RunDue(queue, 100);
  EXPECT_EQ(fired, 1);
}

TEST(TimerQueue, AgreesWithAModel) {
  std::mt19937 random(1);
  TimerQueue queue;
  std::map<std::pair<uint64_t, int>, TimerQueue::TimerId> model;
  std::vector<int> fired;
  std::vector<int> expected;
  uint64_t now = 0;
  for (int i = 0; i < 20'000; ++i) {
    const uint64_t dice = random() % 10;
    if (dice < 5) {
      const uint64_t deadline = now + random() % 100;
      model[{deadline, i}] = queue.Add(deadline, [&fired, i] { fired.push_back(i); });
    } else if (dice < 8 && !model.empty()) {
      auto it = model.begin();
      std::advance(it, static_cast<long>(random() % model.size()));
      queue.Cancel(it->second);
      model.erase(it);
    } else {
      now += random() % 20;
      RunDue(queue, now);
      while (!model.empty() && model.begin()->first.first <= now) {
        expected.push_back(model.begin()->first.second);
        model.erase(model.begin());
      }
    }
    ASSERT_EQ(queue.size(), model.size());
  }
  EXPECT_EQ(fired, expected);
}

}  // namespace
}  // namespace perdure
