// SPDX-License-Identifier: Apache-2.0
//
// A renumbered, removed or forgotten number on disk is found.
#include "tests/tidy/rules.h"

#include <gtest/gtest.h>

namespace perdure::tidy {
namespace {

constexpr const char* kPath = "include/perdure/store/state.h";
constexpr const char* kGood =
    "// Families. ON DISK.\nenum class Family : uint8_t {\n  kMeta = 0,  // few\n  kStatus = 1,\n"
    "  kJournal = 2,\n  kState = 3,\n  kQueue = 4,\n  kIndex = 5,\n};\n";

size_t Count(const std::string& text, const char* path = kPath) {
  return CheckDiskEnums(SourceFile(path, text)).size();
}

std::string Replace(std::string text, const std::string& what, const std::string& by) {
  const size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), by);
}

TEST(TidyDiskEnums, AcceptsThePinnedNumbers) {
  EXPECT_EQ(Count(kGood), 0U);
}

TEST(TidyDiskEnums, FindsChangedNumbers) {
  EXPECT_EQ(Count(Replace(kGood, "kState = 3", "kState = 7")), 1U);
  EXPECT_EQ(Count(Replace(kGood, "kState = 3", "kRows = 3")), 1U);
  EXPECT_EQ(Count(Replace(kGood, "kState = 3", "kState")), 1U);
  EXPECT_EQ(Count(Replace(kGood, "  kState = 3,\n", "")), 1U);
  EXPECT_EQ(Count(Replace(kGood, "kIndex = 5,", "kIndex = 5, kMore = 6,")), 1U);
  EXPECT_EQ(Count("int x;\n"), 1U);  // gone
}

TEST(TidyDiskEnums, FindsNumbersThatNobodyPinned) {
  EXPECT_EQ(Count("enum class New : int { kA = 1 };  // ON DISK\n", "src/core/a.h"), 1U);
  EXPECT_EQ(Count("// ON DISK:\n// yes\nenum class New : int { kA = 1 };\n", "src/core/a.h"), 1U);
  EXPECT_EQ(Count("enum class New : int { kA = 1 };\n", "src/core/a.h"), 0U);
  EXPECT_EQ(Count("// ON DISK\nint x;\nenum class New : int { kA };\n", "src/core/a.h"), 0U);
}

}  // namespace
}  // namespace perdure::tidy
