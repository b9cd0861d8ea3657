// SPDX-License-Identifier: Apache-2.0
//
// Every rule about code catches its bad sample, and is not fooled by comments, literals and names
// that only look alike.
#include "tests/tidy/rules.h"

#include <gtest/gtest.h>

namespace perdure::tidy {
namespace {

size_t Banned(const char* path, const char* line) {
  return CheckBannedCalls(SourceFile(path, line)).size();
}

TEST(TidyCode, FindsCoroutines) {
  const std::string code = "Task F() { co_await G(); co_return; }\n";
  for (const char* folder : {"core", "protocol", "http", "store", "log", "partition", "net"}) {
    const SourceFile file("src/" + std::string(folder) + "/a.cc", code);
    EXPECT_EQ(CheckCoroutines(file).size(), 2U) << folder;
  }
  EXPECT_EQ(CheckCoroutines(SourceFile("include/perdure/core/a.h", "co_yield x;")).size(), 1U);
  EXPECT_TRUE(CheckCoroutines(SourceFile("src/schema/discovery.cc", code)).empty());
  EXPECT_TRUE(CheckCoroutines(SourceFile("src/core/a.cc", "// co_await is not used\n")).empty());
}

TEST(TidyCode, FindsBannedCalls) {
  EXPECT_EQ(Banned("src/core/a.cc", "strcpy(a, b);"), 1U);
  EXPECT_EQ(Banned("src/core/a.cc", "std::sprintf (a, b);"), 1U);
  EXPECT_EQ(Banned("src/core/a.cc", "int x = rand();"), 1U);
  EXPECT_EQ(Banned("src/net/a.cc", "printf(\"x\");"), 1U);
  EXPECT_EQ(Banned("src/net/a.cc", "std::cout << 1;"), 1U);
  EXPECT_EQ(Banned("tests/unit/a.cc", "std::cerr << 1;"), 1U);
  EXPECT_EQ(Banned("src/net/a.cc", "assert(x);"), 1U);
  EXPECT_EQ(Banned("src/net/a.cc", "thread.detach();"), 1U);
  EXPECT_EQ(Banned("src/core/a.cc", "throw Error();"), 1U);
  EXPECT_EQ(Banned("src/core/a.cc", "auto t = std::chrono::system_clock::now();"), 1U);
  EXPECT_EQ(Banned("src/partition/a.cc", "std::exit(1);"), 1U);
}

TEST(TidyCode, IsNotFooled) {
  EXPECT_EQ(Banned("src/core/a.cc", "// strcpy(a, b) has no bound"), 0U);
  EXPECT_EQ(Banned("src/core/a.cc", "Log(\"strcpy(\");"), 0U);
  EXPECT_EQ(Banned("src/core/a.cc", "const auto c = R\"x(\" strcpy( )x\";"), 0U);
  EXPECT_EQ(Banned("src/core/a.cc", "/* strcpy(\n strcpy( */ int x = 1'000;"), 0U);
  EXPECT_EQ(Banned("src/core/a.cc", "std::snprintf(a, 3, b);"), 0U);
  EXPECT_EQ(Banned("src/core/a.cc", "int operand = Operand(brand());"), 0U);
  EXPECT_EQ(Banned("src/core/a.cc", "static_assert(sizeof(int) == 4); PERDURE_ASSERT(x);"), 0U);
  EXPECT_EQ(Banned("src/http/a.cc", "session.exit(1);"), 0U);
  EXPECT_EQ(Banned("src/server/main.cc", "std::cout << 1; std::printf(\"x\");"), 0U);
  EXPECT_EQ(Banned("src/core/a.cc", "char q = '\"'; strcpy(a, b); char r = '\"';"), 1U);
}

TEST(TidyCode, FindsSleeps) {
  const auto count = [](const char* path, const char* text) {
    return CheckSleeps(SourceFile(path, text)).size();
  };
  EXPECT_EQ(count("src/net/a.cc", "std::this_thread::sleep_for(kPause);"), 1U);
  EXPECT_EQ(count("src/net/a.cc", "// Sleeps: why\nusleep(1);"), 1U);
  EXPECT_EQ(count("tests/unit/a.cc", "std::this_thread::sleep_for(kPause);"), 1U);
  EXPECT_EQ(count("tests/unit/a.cc", "::sleep(1);"), 1U);
  EXPECT_EQ(count("tests/unit/a.cc", "// Sleeps: nothing may happen.\nusleep(1);"), 0U);
  EXPECT_EQ(count("tests/unit/a.cc", "SleepCommand sleep; stream.sleep(1);"), 0U);
  EXPECT_EQ(count("tests/e2e/tests/a.test.ts", "import { x } from \"node:timers/promises\";"), 1U);
  EXPECT_EQ(count("tests/e2e/tests/a.test.ts", "await new Promise((r) => setTimeout(r, 9));"), 1U);
  EXPECT_EQ(count("tests/e2e/tests/a.test.ts", "setTimeout(() => reject(late), 9);"), 0U);
  EXPECT_EQ(count("tests/e2e/services/a.ts", "await ctx.sleep(9);"), 0U);
}

}  // namespace
}  // namespace perdure::tidy
