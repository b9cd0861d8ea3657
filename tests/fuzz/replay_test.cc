// SPDX-License-Identifier: Apache-2.0
//
// The seeds of the fuzzer as a test of every build: whole, cut at every byte, and with every byte
// damaged. What is wrong aborts; the bytes are printed before.
#include "tests/fuzz/target.h"
#include "tests/unit/protocol/helpers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>

namespace perdure::fuzz {
namespace {

// Of a seed longer than this, as many bytes are cut and damaged.
constexpr size_t kDamagedMax = 200;

TEST(Seeds, FramesAreWhole) {
  for (const std::string& frame : GoldenFrames()) {
    const size_t payload = frame.size() - FrameHeader::kBytes;
    const size_t length = FrameHeader::Parse(frame).length;
    // The last one is only announced.
    EXPECT_EQ(length, &frame == &GoldenFrames().back() ? 4096U : payload) << test::ToHex(frame);
  }
}

class ReplayTest : public testing::TestWithParam<size_t> {};

TEST_P(ReplayTest, SeedsWholeCutAndDamaged) {
  const Target target = Targets()[GetParam()];
  ASSERT_FALSE(target.seeds.empty());
  for (const std::string& seed : target.seeds) {
    SCOPED_TRACE(test::ToHex(std::string_view(seed).substr(0, kDamagedMax)));
    target.run(seed);
    const size_t size = std::min(seed.size(), kDamagedMax);
    for (size_t at = 0; at < size; ++at) {
      target.run(std::string_view(seed).substr(0, at));
      for (const int flip : {0x01, 0x80, 0xff}) {
        std::string damaged = seed.substr(0, kDamagedMax);
        damaged[at] = static_cast<char>(damaged[at] ^ flip);
        target.run(damaged);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Of, ReplayTest, testing::Range(size_t{0}, Targets().size()), [](const auto& param_info) {
      return std::string(Targets()[param_info.param].name);
    });

}  // namespace
}  // namespace perdure::fuzz
