// SPDX-License-Identifier: Apache-2.0
//
// Runs every rule over every file of the checkout. A failure lists all findings of its rule.
#include "tests/tidy/rules.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <string>

namespace perdure::tidy {

void PrintTo(const Rule& rule, std::ostream* out) {
  *out << rule.name;
}

namespace {

const std::vector<SourceFile>& Tree() {
  static const std::vector<SourceFile> kTree = LoadTree(PERDURE_SOURCE_DIR);
  return kTree;
}

class TidyTree : public testing::TestWithParam<Rule> {};

TEST_P(TidyTree, IsClean) {
  Findings findings;
  for (const SourceFile& file : Tree()) {
    const Findings found = GetParam().check(file);
    findings.insert(findings.end(), found.begin(), found.end());
  }
  EXPECT_TRUE(findings.empty()) << findings.size() << " findings\n" << ToString(findings);
}

INSTANTIATE_TEST_SUITE_P(
    Rules, TidyTree, testing::ValuesIn(AllRules()), [](const testing::TestParamInfo<Rule>& tested) {
      return std::string(tested.param.name);
    });

bool Holds(std::string_view path) {
  return std::any_of(
      Tree().begin(), Tree().end(), [path](const SourceFile& file) { return file.path() == path; });
}

// An empty tree would pass every rule.
TEST(TidyTree, IsTheWholeCheckout) {
  for (const char* path :
       {"CMakeLists.txt",
        "include/perdure/core/machine.h",
        "src/core/partition_machine.cc",
        "src/store/rocks_database.cc",
        "tests/tidy/tree_test.cc",
        "scripts/test"}) {
    EXPECT_TRUE(Holds(path)) << path;
  }
  for (const std::string_view path : FilesWithPinnedEnums()) {
    EXPECT_TRUE(Holds(path)) << path;
  }
  for (const SourceFile& file : Tree()) {
    EXPECT_EQ(file.path().find("node_modules/"), std::string::npos) << file.path();
    EXPECT_FALSE(file.IsUnder("build")) << file.path();
  }
}

}  // namespace
}  // namespace perdure::tidy
