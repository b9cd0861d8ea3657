// SPDX-License-Identifier: Apache-2.0
//
// The list of rules that tree_test.cc runs.
#include "tests/tidy/rules.h"

namespace perdure::tidy {

const std::vector<Rule>& AllRules() {
  static const std::vector<Rule> kRules{
      {"Includes", &CheckIncludes},
      {"LinkLine", &CheckLinkLine},
      {"LicenceLine", &CheckLicenceLine},
      {"HeaderComment", &CheckHeaderComment},
      {"Columns", &CheckColumns},
      {"FileLength", &CheckFileLength},
      {"PragmaOnce", &CheckPragmaOnce},
      {"MachinePaths", &CheckMachinePaths},
      {"HostNames", &CheckHostNames},
      {"Leftovers", &CheckLeftovers},
      {"Coroutines", &CheckCoroutines},
      {"BannedCalls", &CheckBannedCalls},
      {"Sleeps", &CheckSleeps},
      {"FunctionLength", &CheckFunctionLength},
      {"DiskEnums", &CheckDiskEnums}};
  return kRules;
}

}  // namespace perdure::tidy
