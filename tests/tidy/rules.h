// SPDX-License-Identifier: Apache-2.0
//
// The rules of the house, each a pure function from one file to what breaks it. tree_test.cc runs
// them over the checkout; every rule also has a test with a sample that it must catch. To add a
// rule: declare it here, list it in rules.cc, add its bad sample to the test beside it.
#pragma once

#include "tests/tidy/source_tree.h"

#include <string_view>
#include <vector>

namespace perdure::tidy {

// include_rule.cc: who may include what, from one table.
Findings CheckIncludes(const SourceFile& file);
Findings CheckLinkLine(const SourceFile& file);

// text_rules.cc
Findings CheckLicenceLine(const SourceFile& file);
Findings CheckHeaderComment(const SourceFile& file);
Findings CheckColumns(const SourceFile& file);
Findings CheckFileLength(const SourceFile& file);
Findings CheckPragmaOnce(const SourceFile& file);
Findings CheckMachinePaths(const SourceFile& file);
Findings CheckHostNames(const SourceFile& file);
Findings CheckLeftovers(const SourceFile& file);

// code_rules.cc
Findings CheckCoroutines(const SourceFile& file);
Findings CheckBannedCalls(const SourceFile& file);
Findings CheckSleeps(const SourceFile& file);

// function_length.cc
Findings CheckFunctionLength(const SourceFile& file);

// disk_enums.cc: numbers that lie on disk.
Findings CheckDiskEnums(const SourceFile& file);
std::vector<std::string_view> FilesWithPinnedEnums();

struct Rule {
  std::string_view name;
  Findings (*check)(const SourceFile&);
};
const std::vector<Rule>& AllRules();

}  // namespace perdure::tidy
