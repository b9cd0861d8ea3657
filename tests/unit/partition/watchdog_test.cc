// SPDX-License-Identifier: Apache-2.0
//
// What is a hang, what is a stall, and what is neither (design 5, watchdog).
#include "partition/watchdog.h"

#include <gtest/gtest.h>

#include <future>

namespace perdure::test {
namespace {

using Verdict = HangJudge::Verdict;
using Sample = HangJudge::Sample;

constexpr WatchdogOptions kOptions{1000, 3, 2};

TEST(HangJudge, AThreadWithWorkAndWithoutStepsIsStuck) {
  HangJudge judge(kOptions);
  EXPECT_EQ(judge.Look({7, 4, false}), Verdict::kFine);  // the first look compares with nothing
  EXPECT_EQ(judge.Look({7, 4, false}), Verdict::kFine);
  EXPECT_EQ(judge.Look({7, 4, false}), Verdict::kFine);
  EXPECT_EQ(judge.Look({7, 4, false}), Verdict::kStuck);
}

TEST(HangJudge, AStepOrSleepBeginsAnew) {
  for (const Sample& between : {Sample{8, 4, false}, Sample{7, 4, true}}) {
    HangJudge judge(kOptions);
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(judge.Look({7, 4, false}), Verdict::kFine);
    }
    EXPECT_EQ(judge.Look(between), Verdict::kFine);
    const Sample after{between.steps, between.storage, false};
    if (between.idle) {
      EXPECT_EQ(judge.Look(after), Verdict::kFine);
    }
    EXPECT_EQ(judge.Look(after), Verdict::kFine);
    EXPECT_EQ(judge.Look(after), Verdict::kFine);
    EXPECT_EQ(judge.Look(after), Verdict::kStuck);
  }
}

TEST(HangJudge, WaitingForTheDiskIsAStallAndNeverAHang) {
  HangJudge judge(kOptions);
  EXPECT_EQ(judge.Look({7, 5, false}), Verdict::kFine);
  EXPECT_EQ(judge.Look({7, 5, false}), Verdict::kFine);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(judge.Look({7, 5, false}), Verdict::kStalled);
  }
  EXPECT_EQ(judge.Look({8, 6, false}), Verdict::kFine);
}

// A loop over rows that does not end is in the storage at nearly every look, but never in one call.
TEST(HangJudge, ReadingInCirclesIsAHang) {
  HangJudge judge(kOptions);
  EXPECT_EQ(judge.Look({7, 5, false}), Verdict::kFine);
  EXPECT_EQ(judge.Look({7, 105, false}), Verdict::kFine);
  EXPECT_EQ(judge.Look({7, 205, false}), Verdict::kFine);
  EXPECT_EQ(judge.Look({7, 305, false}), Verdict::kStuck);
}

TEST(HangJudge, AnIdleThreadMayBeIdleForEver) {
  HangJudge judge(kOptions);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(judge.Look({7, 4, true}), Verdict::kFine);
  }
}

TEST(Watchdog, TellsWhichThreadHangsAndThatTheDiskDoes) {
  Progress good;
  Progress hanging;
  Progress waiting;
  hanging.idle.store(false);
  waiting.idle.store(false);
  Progress::Grow(waiting.storage);
  std::promise<size_t> stuck;
  bool told = false;
  Watchdog watchdog({1, 20, 2}, {&good, &hanging, &waiting}, [&](size_t thread) {
    if (!std::exchange(told, true)) {
      stuck.set_value(thread);
    }
  });
  watchdog.Start();
  EXPECT_EQ(stuck.get_future().get(), 1U);
  EXPECT_TRUE(watchdog.stalled());  // that takes fewer beats
  watchdog.Stop();
}

TEST(InStorage, CountsTheOutermostOnTheThreadThatIsWatched) {
  { const InStorage unwatched; }
  Progress progress;
  thread_progress = &progress;
  {
    const InStorage outer;
    EXPECT_EQ(progress.storage.load(), 1U);
    const InStorage inner;
    EXPECT_EQ(progress.storage.load(), 1U);
  }
  EXPECT_EQ(progress.storage.load(), 2U);
  thread_progress = nullptr;
}

}  // namespace
}  // namespace perdure::test
