// SPDX-License-Identifier: Apache-2.0
//
// Reading the tree, and the small lexer that tells code from comments and literals. It knows raw
// strings and digit separators; it does not expand macros.
#include "tests/tidy/source_tree.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

namespace perdure::tidy {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 7> kSkippedFolders{
    ".git", "node_modules", "__pycache__", "restate-data", ".cache", ".vscode", ".idea"};
constexpr uintmax_t kFileBytesMax = 4 << 20;  // larger ones are data

bool IsSkippedFolder(std::string_view name) {
  return name == "build" || name.substr(0, 6) == "build-" ||
         std::find(kSkippedFolders.begin(), kSkippedFolders.end(), name) != kSkippedFolders.end();
}

bool IsWordChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Replaces [begin, end) by spaces, keeping line ends.
void Blank(std::string& out, size_t begin, size_t end) {
  for (size_t i = begin; i < std::min(end, out.size()); ++i) {
    if (out[i] != '\n') {
      out[i] = ' ';
    }
  }
}

// The position behind a literal that opens at `open` and closes with the same character.
size_t LiteralEnd(std::string_view text, size_t open) {
  const char quote = text[open];
  for (size_t i = open + 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == quote || (text[i] == '\n' && quote != '`')) {
      return i + 1;
    }
  }
  return text.size();
}

// The position behind R"tag(...)tag"; `open` is the quote.
size_t RawLiteralEnd(std::string_view text, size_t open) {
  const size_t parenthesis = text.find('(', open);
  if (parenthesis == std::string_view::npos) {
    return text.size();
  }
  std::string closing = ")";
  closing += text.substr(open + 1, parenthesis - open - 1);
  closing += '"';
  const size_t end = text.find(closing, parenthesis);
  return end == std::string_view::npos ? text.size() : end + closing.size();
}

bool IsRawPrefix(std::string_view text, size_t quote) {
  return quote > 0 && text[quote - 1] == 'R' && (quote < 2 || !IsWordChar(text[quote - 2]));
}

bool IsDigitSeparator(std::string_view text, size_t quote) {
  return quote > 0 && quote + 1 < text.size() && IsWordChar(text[quote - 1]) &&
         IsWordChar(text[quote + 1]) && text[quote - 1] != 'u' && text[quote - 1] != 'L';
}

}  // namespace

std::string ToString(const Finding& finding) {
  std::string out = finding.path;
  if (finding.line != 0) {
    out += ":" + std::to_string(finding.line);
  }
  return out + ": " + finding.message;
}

std::string ToString(const Findings& findings) {
  std::string out;
  for (const Finding& finding : findings) {
    out += ToString(finding) + "\n";
  }
  return out;
}

std::vector<std::string> SplitLines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) {
      break;
    }
    text.remove_prefix(end + 1);
  }
  return lines;
}

std::string BlankCommentsAndLiterals(std::string_view text) {
  std::string out(text);
  size_t i = 0;
  while (i < text.size()) {
    const std::string_view two = text.substr(i, 2);
    if (two == "//") {
      const size_t end = std::min(text.find('\n', i), text.size());
      Blank(out, i, end);
      i = end;
    } else if (two == "/*") {
      const size_t close = text.find("*/", i + 2);
      const size_t end = close == std::string_view::npos ? text.size() : close + 2;
      Blank(out, i, end);
      i = end;
    } else if (text[i] == '"' || text[i] == '`' || text[i] == '\'') {
      if (text[i] == '\'' && IsDigitSeparator(text, i)) {
        ++i;
        continue;
      }
      const bool raw = text[i] == '"' && IsRawPrefix(text, i);
      const size_t end = raw ? RawLiteralEnd(text, i) : LiteralEnd(text, i);
      Blank(out, i + 1, end - 1);
      i = end;
    } else {
      ++i;
    }
  }
  return out;
}

size_t FindWord(std::string_view line, std::string_view word, size_t start) {
  for (size_t at = line.find(word, start); at != std::string_view::npos;
       at = line.find(word, at + 1)) {
    const size_t end = at + word.size();
    const bool clear_before = at == 0 || !IsWordChar(line[at - 1]) || !IsWordChar(word.front());
    const bool clear_behind =
        end == line.size() || !IsWordChar(line[end]) || !IsWordChar(word.back());
    if (clear_before && clear_behind) {
      return at;
    }
  }
  return std::string_view::npos;
}

SourceFile::SourceFile(std::string path, std::string text)
    : path_(std::move(path)),
      text_(std::move(text)),
      lines_(SplitLines(text_)),
      code_(IsCpp() || HasExtension("ts") ? SplitLines(BlankCommentsAndLiterals(text_)) : lines_) {}

bool SourceFile::HasExtension(std::string_view extension) const {
  const std::string_view file = name();
  const size_t dot = file.rfind('.');
  return dot != std::string_view::npos && dot > 0 && file.substr(dot + 1) == extension;
}

bool SourceFile::IsCpp() const {
  return HasExtension("h") || HasExtension("cc");
}

bool SourceFile::IsScript() const {
  return std::string_view(text_).substr(0, 2) == "#!";
}

bool SourceFile::IsUnder(std::string_view folder) const {
  return path_.size() > folder.size() && path_[folder.size()] == '/' &&
         std::string_view(path_).substr(0, folder.size()) == folder;
}

std::string_view SourceFile::name() const {
  const std::string_view path = path_;
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::vector<SourceFile> LoadTree(const std::string& folder) {
  std::vector<SourceFile> files;
  std::error_code error;
  fs::recursive_directory_iterator it(folder, error);
  for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    if (it->is_directory()) {
      if (IsSkippedFolder(it->path().filename().string())) {
        it.disable_recursion_pending();
      }
      continue;
    }
    if (it->is_symlink() || !it->is_regular_file() || it->file_size() > kFileBytesMax) {
      continue;
    }
    std::ifstream in(it->path(), std::ios::binary);
    std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    if (text.find('\0') == std::string::npos) {
      files.emplace_back(it->path().lexically_relative(folder).generic_string(), std::move(text));
    }
  }
  std::sort(files.begin(), files.end(), [](const SourceFile& left, const SourceFile& right) {
    return left.path() < right.path();
  });
  return files;
}

}  // namespace perdure::tidy
