// SPDX-License-Identifier: Apache-2.0
//
// One event is one line on standard error, whatever is in its values; a broken assertion says
// where.
#include "perdure/base/log.h"

#include "perdure/base/assert.h"
#include "perdure/base/clock.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace perdure {
namespace {

std::string Logged(const LogOptions& options, LogLevel level) {
  testing::internal::CaptureStderr();
  InitLogging(options);
  Log(level,
      "something \"happened\"",
      {{"n", 7}, {"quiet", true}, {"text", "a b\n\x01\""}, {"empty", ""}});
  return testing::internal::GetCapturedStderr();
}

TEST(Log, CompactIsOneLine) {
  const std::string line = Logged(
      {.format = LogFormat::kCompact, .level = LogLevel::kInfo, .ansi_colors = false},
      LogLevel::kInfo);
  EXPECT_NE(
      line.find(
          "Z info something \\\"happened\\\" n=7 quiet=true text=\"a b\\n\\x01\\\"\" empty=\"\"\n"),
      std::string::npos)
      << line;
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1) << line;
}

TEST(Log, JsonIsJson) {
  const std::string line = Logged(
      {.format = LogFormat::kJson, .level = LogLevel::kInfo, .ansi_colors = true},
      LogLevel::kError);
  EXPECT_EQ(line.rfind("{\"timestamp\":\"", 0), 0U) << line;
  EXPECT_NE(
      line.find("\"level\":\"ERROR\",\"message\":\"something \\\"happened\\\"\",\"n\":\"7\","
                "\"quiet\":\"true\",\"text\":\"a b\\n\\u0001\\\"\",\"empty\":\"\"}\n"),
      std::string::npos)
      << line;
}

TEST(Log, LevelsBelowAreSilent) {
  EXPECT_EQ(
      Logged(
          {.format = LogFormat::kPretty, .level = LogLevel::kError, .ansi_colors = false},
          LogLevel::kWarn),
      "");
  EXPECT_FALSE(LogEnabled(LogLevel::kWarn));
  EXPECT_TRUE(LogEnabled(LogLevel::kError));
  EXPECT_EQ(
      Logged(
          {.format = LogFormat::kPretty, .level = LogLevel::kOff, .ansi_colors = false},
          LogLevel::kError),
      "");
}

TEST(AssertDeathTest, SaysWhere) {
  EXPECT_DEATH(PERDURE_ASSERT(1 + 1 == 3), "assertion failed: 1 \\+ 1 == 3 \\(.*log_test.cc:");
  EXPECT_DEATH(PERDURE_INVARIANT(false, "the reason"), "false: the reason");
}

TEST(Clock, Goes) {
  const uint64_t before = SystemClock().MonotonicNs();
  EXPECT_GT(SystemClock().WallMs(), 1'700'000'000'000U);
  EXPECT_GE(SystemClock().MonotonicNs(), before);
}

}  // namespace
}  // namespace perdure
