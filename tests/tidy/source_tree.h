// SPDX-License-Identifier: Apache-2.0
//
// The files of the checkout as the rules see them: as text, as lines, and, for C++, as code without
// comments and literals. Leaves out what .gitignore leaves out. Does not parse C++.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace perdure::tidy {

// Something that breaks a rule.
struct Finding {
  std::string path;
  size_t line = 0;  // from 1; 0: the file as a whole
  std::string message;
  friend bool operator==(const Finding&, const Finding&) = default;
};
using Findings = std::vector<Finding>;

std::string ToString(const Finding& finding);
std::string ToString(const Findings& findings);

class SourceFile {
 public:
  // `path` is relative to the checkout, with '/'.
  SourceFile(std::string path, std::string text);

  const std::string& path() const { return path_; }
  const std::string& text() const { return text_; }
  // Without line ends.
  const std::vector<std::string>& lines() const { return lines_; }
  // As `lines`, with comments and the insides of literals replaced by spaces. C++ and TypeScript.
  const std::vector<std::string>& code() const { return code_; }

  bool HasExtension(std::string_view extension) const;  // "h", "cc"
  bool IsCpp() const;                                   // .h, .cc
  bool IsScript() const;                                // begins with "#!"
  bool IsUnder(std::string_view folder) const;          // "src/core"
  std::string_view name() const;                        // the last part of the path

 private:
  std::string path_;
  std::string text_;
  std::vector<std::string> lines_;
  std::vector<std::string> code_;
};

// `folder` may not exist; then there are none.
std::vector<SourceFile> LoadTree(const std::string& folder);

std::vector<std::string> SplitLines(std::string_view text);
// Same length, same line ends.
std::string BlankCommentsAndLiterals(std::string_view text);

// Whether `word` stands in `line` with no identifier character around it, from `start` on; npos if
// it does not.
size_t FindWord(std::string_view line, std::string_view word, size_t start = 0);

}  // namespace perdure::tidy
