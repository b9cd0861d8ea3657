// SPDX-License-Identifier: Apache-2.0
//
// Goal: room is given whole, in order, and never lost.
#include "invoker/frame_memory.h"

#include <gtest/gtest.h>

#include <string>

namespace perdure {
namespace {

TEST(FrameMemory, GivesAtOnceWhileThereIsRoom) {
  FrameMemory memory(100);
  EXPECT_EQ(memory.Take(60, [] { FAIL(); }), 0U);
  EXPECT_EQ(memory.Take(40, [] { FAIL(); }), 0U);
  EXPECT_EQ(memory.bytes_taken(), 100U);
}

TEST(FrameMemory, SmallOnesDoNotOvertake) {
  FrameMemory memory(100);
  std::string order;
  EXPECT_EQ(memory.Take(50, [] { FAIL(); }), 0U);
  EXPECT_NE(memory.Take(80, [&order] { order += 'a'; }), 0U);
  EXPECT_NE(memory.Take(10, [&order] { order += 'b'; }), 0U);
  EXPECT_EQ(order, "");

  memory.GiveBack(50);
  EXPECT_EQ(order, "ab");
  EXPECT_EQ(memory.bytes_taken(), 90U);
}

TEST(FrameMemory, ForgettingTheFirstLetsTheNextIn) {
  FrameMemory memory(100);
  std::string order;
  EXPECT_EQ(memory.Take(50, [] { FAIL(); }), 0U);
  const FrameMemory::WaiterId large = memory.Take(80, [&order] { order += 'a'; });
  EXPECT_NE(memory.Take(10, [&order] { order += 'b'; }), 0U);

  memory.Forget(large);
  EXPECT_EQ(order, "b");
  memory.Forget(large);  // unknown by now
  memory.GiveBack(50);
  EXPECT_EQ(order, "b");
  EXPECT_EQ(memory.bytes_taken(), 10U);
}

}  // namespace
}  // namespace perdure
