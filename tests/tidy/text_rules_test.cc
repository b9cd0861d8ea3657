// SPDX-License-Identifier: Apache-2.0
//
// Every rule about text catches its bad sample and lets the good one pass.
#include "tests/tidy/rules.h"

#include <gtest/gtest.h>

namespace perdure::tidy {
namespace {

constexpr const char* kLicence = "// SPDX-License-Identifier: Apache-2.0\n";

SourceFile File(const char* path, const std::string& text) {
  return {path, text};
}
std::string Lines(size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    text += "\n";
  }
  return text;
}

TEST(TidyText, WantsTheLicenceFirst) {
  EXPECT_EQ(CheckLicenceLine(File("src/a.cc", "")).size(), 1U);
  EXPECT_EQ(CheckLicenceLine(File("src/a.cc", std::string("\n") + kLicence)).size(), 1U);
  EXPECT_EQ(CheckLicenceLine(File("a.py", kLicence)).size(), 1U);
  EXPECT_EQ(CheckLicenceLine(File("scripts/a", "#!/bin/sh\necho\n")).size(), 1U);
  EXPECT_EQ(CheckLicenceLine(File("docker/Dockerfile", "FROM a\n")).size(), 1U);
  EXPECT_TRUE(CheckLicenceLine(File("src/a.cc", kLicence)).empty());
  EXPECT_TRUE(
      CheckLicenceLine(File("scripts/a", "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n"))
          .empty());
  EXPECT_TRUE(CheckLicenceLine(File("README.md", "# Perdure\n")).empty());
}

TEST(TidyText, WantsToKnowWhatAFileIsFor) {
  const std::string licence = kLicence;
  EXPECT_EQ(CheckHeaderComment(File("a.cc", licence + "#include <string>\n")).size(), 1U);
  EXPECT_EQ(CheckHeaderComment(File("a.cc", licence + "//\nint x;\n")).size(), 1U);
  std::string novel = licence;
  for (int i = 0; i < 16; ++i) {
    novel += "// and so on\n";
  }
  EXPECT_EQ(CheckHeaderComment(File("a.h", novel)).size(), 1U);
  EXPECT_TRUE(CheckHeaderComment(File("a.cc", licence + "//\n// Adds.\nint x;\n")).empty());
  EXPECT_TRUE(CheckHeaderComment(File("a.py", "# licence\n\"\"\"Counts.\"\"\"\n")).empty());
}

TEST(TidyText, CountsColumnsAsCharacters) {
  EXPECT_EQ(CheckColumns(File("a.cc", std::string(101, 'x'))).size(), 1U);
  EXPECT_TRUE(CheckColumns(File("a.cc", std::string(100, 'x'))).empty());
  EXPECT_TRUE(CheckColumns(File("a.cc", std::string(99, 'x') + "\xc3\xa9")).empty());
  EXPECT_TRUE(CheckColumns(File("a.md", std::string(300, 'x'))).empty());
}

TEST(TidyText, LimitsTheLengthOfFiles) {
  for (const char* path : {"a.h", "a.cc", "a.ts", "a.py", "a.sh"}) {
    EXPECT_EQ(CheckFileLength(File(path, Lines(501))).size(), 1U) << path;
    EXPECT_TRUE(CheckFileLength(File(path, Lines(500))).empty()) << path;
  }
  EXPECT_EQ(CheckFileLength(File("scripts/a", "#!/bin/sh\n" + Lines(500))).size(), 1U);
  EXPECT_TRUE(CheckFileLength(File("package-lock.json", Lines(5000))).empty());
}

TEST(TidyText, WantsOnePragmaOnce) {
  EXPECT_EQ(CheckPragmaOnce(File("a.h", "int x;\n")).size(), 1U);
  EXPECT_EQ(CheckPragmaOnce(File("a.h", "// #pragma once\n")).size(), 1U);
  EXPECT_EQ(CheckPragmaOnce(File("a.h", "#pragma once\n#pragma once\n")).size(), 1U);
  EXPECT_TRUE(CheckPragmaOnce(File("a.h", "#pragma once\n")).empty());
  EXPECT_TRUE(CheckPragmaOnce(File("a.cc", "int x;\n")).empty());
}

TEST(TidyText, FindsPathsOfAMachine) {
  for (const char* bad :
       {"cd /wo"
        "rk/a",
        "x=\"/ro"
        "ot/.npmrc\"",
        "`/ho"
        "me/me/a`",
        "see /tmp/r"
        "ef/b"}) {
    EXPECT_EQ(CheckMachinePaths(File("README.md", bad)).size(), 1U) << bad;
  }
  for (const char* good :
       {"src/wo"
        "rk/a.cc",
        "$out/ro"
        "otfs",
        "https://a.b/ho"
        "me/",
        "/tmp/a"}) {
    EXPECT_TRUE(CheckMachinePaths(File("README.md", good)).empty()) << good;
  }
}

TEST(TidyText, FindsRegistries) {
  EXPECT_EQ(
      CheckHostNames(File(
                         "a.ts",
                         "https://registry.npm"
                         "js.org/x"))
          .size(),
      1U);
  EXPECT_EQ(
      CheckHostNames(File(
                         "scripts/a",
                         "http://deb.deb"
                         "ian.org/debian"))
          .size(),
      1U);
  EXPECT_EQ(CheckHostNames(File("t/package-lock.json", "  \"resolved\": \"a\",\n")).size(), 1U);
  const std::string index =
      "source = \"registry+https://github.com/rust-lang/crates"
      ".io-index\"";
  EXPECT_TRUE(CheckHostNames(File("a/Cargo.lock", index)).empty());
  EXPECT_EQ(CheckHostNames(File("a/Cargo.toml", index)).size(), 1U);
  EXPECT_TRUE(CheckHostNames(File("a.ts", "https://example.org")).empty());
  EXPECT_TRUE(CheckHostNames(File("a.ts", "const x = { \"resolved\": 1 };")).empty());
}

TEST(TidyText, FindsWhatIsUnfinished) {
  EXPECT_EQ(
      CheckLeftovers(File(
                         "a.cc",
                         "// TO"
                         "DO: later"))
          .size(),
      1U);
  EXPECT_EQ(
      CheckLeftovers(File(
                         "a.py",
                         "# FIX"
                         "ME"))
          .size(),
      1U);
  EXPECT_EQ(
      CheckLeftovers(File(
                         "a.cc",
                         "<<<<"
                         "<<< HEAD"))
          .size(),
      1U);
  EXPECT_TRUE(CheckLeftovers(File(
                                 "a.cc",
                                 "int kTO"
                                 "DO_COUNT = 1;"))
                  .empty());
  EXPECT_TRUE(CheckLeftovers(File("a.sh", "mktemp a-XXXXXX")).empty());
}

}  // namespace
}  // namespace perdure::tidy
