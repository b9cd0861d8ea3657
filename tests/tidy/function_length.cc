// SPDX-License-Identifier: Apache-2.0
//
// Functions have at most 70 lines. Found by counting braces: a brace at the level of a namespace or
// a type opens a function when what stands before it has parentheses. Functions inside functions
// belong to the outer one. A heuristic, no parser; the linter measures the same with one.
#include "tests/tidy/rules.h"

#include <algorithm>
#include <string>
#include <utility>

namespace perdure::tidy {
namespace {

constexpr size_t kFunctionLinesMax = 70;

// Takes "template <...>" off the front: its "class" is no type.
std::string_view WithoutTemplate(std::string_view head) {
  while (FindWord(head, "template") == 0) {
    const size_t open = head.find('<');
    if (open == std::string_view::npos) {
      return head;
    }
    size_t depth = 0;
    size_t at = open;
    for (; at < head.size(); ++at) {
      depth += head[at] == '<' ? 1U : 0U;
      depth -= head[at] == '>' ? 1U : 0U;
      if (depth == 0) {
        break;
      }
    }
    head.remove_prefix(std::min(at + 1, head.size()));
    head.remove_prefix(std::min(head.find_first_not_of(' '), head.size()));
  }
  return head;
}

enum class Scope : uint8_t { kOuter, kFunction, kOther };

Scope Classify(std::string_view head) {
  head = WithoutTemplate(head);
  const size_t parenthesis = head.find('(');
  for (const std::string_view word : {"namespace", "class", "struct", "union", "extern"}) {
    const size_t at = FindWord(head, word);
    if (at != std::string_view::npos && at < parenthesis) {
      return Scope::kOuter;
    }
  }
  return parenthesis == std::string_view::npos ? Scope::kOther : Scope::kFunction;
}

class Scanner {
 public:
  explicit Scanner(const SourceFile& file) : file_(file) {}

  Findings Run() {
    bool continued = false;  // a macro's further lines
    for (line_ = 0; line_ < file_.code().size(); ++line_) {
      const std::string& code = file_.code()[line_];
      const size_t first = code.find_first_not_of(' ');
      const bool directive = continued || (first != std::string::npos && code[first] == '#');
      continued = directive && !code.empty() && code.back() == '\\';
      if (!directive) {
        for (const char c : code) {
          Take(c);
        }
        Take(' ');
      }
    }
    return std::move(findings_);
  }

 private:
  void Take(char c) {
    if (inside_ > 0) {  // a function or an initialiser: only its end matters
      inside_ += c == '{' ? 1U : 0U;
      inside_ -= c == '}' ? 1U : 0U;
      if (inside_ == 0) {
        Measure();
        closed_ = true;
      }
      return;
    }
    if (c == ' ' && (closed_ || head_.empty())) {
      return;
    }
    if (std::exchange(closed_, false) && (scope_ == Scope::kOther || (c != ',' && c != '{'))) {
      head_.clear();  // else it was a member's initialiser: `A() : b_{1}, c_{2} {`
    }
    if (c == '{') {
      scope_ = Classify(head_);
      inside_ = scope_ == Scope::kOuter ? 0 : 1;
      if (scope_ == Scope::kOuter) {
        head_.clear();
      }
    } else if (c == ';' || c == '}') {
      head_.clear();
    } else {
      begin_ = head_.empty() ? line_ : begin_;
      head_ += c;
    }
  }

  void Measure() {
    const size_t lines = line_ - begin_ + 1;
    if (scope_ == Scope::kFunction && lines > kFunctionLinesMax) {
      const std::string name = head_.substr(0, head_.find('('));
      findings_.push_back(
          {file_.path(),
           begin_ + 1,
           name + " has " + std::to_string(lines) + " lines, at most 70"});
    }
  }

  const SourceFile& file_;
  Findings findings_;
  std::string head_;  // since the last ';', '{' or '}' of this level
  size_t begin_ = 0;  // line of its first character
  size_t line_ = 0;
  size_t inside_ = 0;    // depth of braces in what is not kOuter
  bool closed_ = false;  // it has just ended; `head_` is still its head
  Scope scope_ = Scope::kOuter;
};

}  // namespace

Findings CheckFunctionLength(const SourceFile& file) {
  if (!file.IsCpp()) {
    return {};
  }
  return Scanner(file).Run();
}

}  // namespace perdure::tidy
