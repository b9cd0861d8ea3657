// SPDX-License-Identifier: Apache-2.0
//
// The brace counter finds long functions in every place where they can hide.
#include "tests/tidy/rules.h"

#include <gtest/gtest.h>

namespace perdure::tidy {
namespace {

std::string Body(size_t lines) {
  std::string text;
  for (size_t i = 0; i < lines; ++i) {
    text += "  if (x) { y(\"}\"); }  // {\n";
  }
  return text;
}

Findings Check(const std::string& before, size_t lines, const std::string& behind = "}\n") {
  return CheckFunctionLength(SourceFile("src/core/a.cc", before + Body(lines) + behind));
}

TEST(TidyFunctionLength, FindsLongFunctions) {
  for (const char* head :
       {"void F() {\n",
        "namespace a {\nnamespace {\nint F(int x) {\n",
        "class A {\n public:\n  void F() const override {\n",
        "struct A final : B {\n  A() : b_(1), c_{2} {\n",
        "template <class T, typename U = B<int>>\nT F(U u) {\n",
        "A::A(int x) noexcept\n    : x_(x) {\n",
        "TEST(Suite, Name) {\n",
        "enum class E : uint8_t { kA = 1 };\nvoid F() {\n",
        "constexpr int kRows[] = {1, 2};\nauto F() -> int {\n",
        "#define M(x) {\\\n  (x)\nvoid F() {\n"}) {
    EXPECT_EQ(Check(head, 75).size(), 1U) << head;
    EXPECT_EQ(Check(head, 50).size(), 0U) << head;
  }
}

TEST(TidyFunctionLength, CountsFromTheHeadToTheBrace) {
  EXPECT_EQ(Check("void F() {\n", 69).size(), 1U);  // 71 lines
  EXPECT_EQ(Check("void F() {\n", 68).size(), 0U);  // 70 lines
  const Findings findings = Check("int x;\n\nint F(\n    int y) {\n", 80);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].line, 3U);
  EXPECT_NE(findings[0].message.find("int F has 83 lines"), std::string::npos)
      << findings[0].message;
}

TEST(TidyFunctionLength, LeavesTablesAndTypesAlone) {
  EXPECT_TRUE(Check("constexpr Row kRows[] = {\n", 100, "};\n").empty());
  EXPECT_TRUE(Check("class A {\n", 0, Body(0) + std::string(100, '\n') + "};\n").empty());
  EXPECT_TRUE(Check("enum class E {\n", 100, "};\n").empty());
}

}  // namespace
}  // namespace perdure::tidy
