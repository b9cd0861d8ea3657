// SPDX-License-Identifier: Apache-2.0
//
// Rules about text: the licence line, the comment at the head, widths and lengths, and words that
// must not be in the tree. Words that these rules look for are written in pieces here, so that this
// file passes them.
#include "tests/tidy/rules.h"

#include <algorithm>
#include <initializer_list>

namespace perdure::tidy {
namespace {

constexpr size_t kColumnsMax = 100;
constexpr size_t kFileLinesMax = 500;
constexpr size_t kHeaderCommentLinesMax = 15;
constexpr std::string_view kLicence = "SPDX-License-Identifier: Apache-2.0";

bool HasAnyExtension(const SourceFile& file, std::initializer_list<std::string_view> extensions) {
  return std::any_of(extensions.begin(), extensions.end(), [&file](std::string_view extension) {
    return file.HasExtension(extension);
  });
}

// Files that people write and read as source text.
bool IsSource(const SourceFile& file) {
  return HasAnyExtension(file, {"h", "cc", "cpp", "proto", "ts", "py", "sh", "cmake", "yaml"}) ||
         file.IsScript() || file.name() == "CMakeLists.txt" || file.name() == "Dockerfile";
}

bool UsesSlashes(const SourceFile& file) {
  return HasAnyExtension(file, {"h", "cc", "cpp", "proto", "ts"});
}

bool StartsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

size_t CountColumns(std::string_view line) {
  return static_cast<size_t>(std::count_if(line.begin(), line.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;  // the bytes that continue a character
  }));
}

// Behind the line that names the interpreter.
size_t FirstOwnLine(const SourceFile& file) {
  return file.IsScript() ? 1 : 0;
}

// A path of the machine on which somebody worked, at the beginning of a word.
bool HoldsPath(std::string_view line, std::string_view path) {
  for (size_t at = line.find(path); at != std::string_view::npos; at = line.find(path, at + 1)) {
    const char before = at == 0 ? ' ' : line[at - 1];
    if (std::string_view(" \t\"'`=:(,<>[").find(before) != std::string_view::npos) {
      return true;
    }
  }
  return false;
}

Findings FindInLines(
    const SourceFile& file,
    bool (*holds)(std::string_view line, std::string_view word),
    std::initializer_list<std::string_view> words,
    std::string_view what) {
  Findings findings;
  for (size_t i = 0; i < file.lines().size(); ++i) {
    for (const std::string_view word : words) {
      if (holds(file.lines()[i], word)) {
        findings.push_back({file.path(), i + 1, std::string(what) + " " + std::string(word)});
      }
    }
  }
  return findings;
}

}  // namespace

Findings CheckLicenceLine(const SourceFile& file) {
  if (!IsSource(file)) {
    return {};
  }
  const size_t first = FirstOwnLine(file);
  const std::string expected = (UsesSlashes(file) ? "// " : "# ") + std::string(kLicence);
  if (file.lines().size() > first && file.lines()[first] == expected) {
    return {};
  }
  return {{file.path(), first + 1, "the line must be: " + expected}};
}

Findings CheckHeaderComment(const SourceFile& file) {
  if (!HasAnyExtension(file, {"h", "cc", "proto", "ts", "py", "sh"}) && !file.IsScript()) {
    return {};
  }
  const std::string_view mark = UsesSlashes(file) ? "//" : "#";
  size_t at = FirstOwnLine(file) + 1;
  size_t said = 0;
  for (; at < file.lines().size() && StartsWith(file.lines()[at], mark); ++at) {
    said += file.lines()[at].size() > mark.size() + 1 ? 1U : 0U;
  }
  const bool docstring = at < file.lines().size() && StartsWith(file.lines()[at], "\"\"\"");
  if (said == 0 && !docstring) {
    return {{file.path(), 2, "a comment must say what the file is for"}};
  }
  // Scripts carry their usage in this comment.
  if (file.IsCpp() && said > kHeaderCommentLinesMax) {
    return {{file.path(), 2, "the comment at the head is longer than 15 lines"}};
  }
  return {};
}

Findings CheckColumns(const SourceFile& file) {
  Findings findings;
  if (!HasAnyExtension(file, {"h", "cc", "proto"})) {
    return findings;
  }
  for (size_t i = 0; i < file.lines().size(); ++i) {
    const size_t columns = CountColumns(file.lines()[i]);
    if (columns > kColumnsMax) {
      findings.push_back({file.path(), i + 1, std::to_string(columns) + " columns, at most 100"});
    }
  }
  return findings;
}

Findings CheckFileLength(const SourceFile& file) {
  if (!IsSource(file) || file.lines().size() <= kFileLinesMax) {
    return {};
  }
  return {{file.path(), 0, std::to_string(file.lines().size()) + " lines, at most 500"}};
}

Findings CheckPragmaOnce(const SourceFile& file) {
  if (!file.HasExtension("h")) {
    return {};
  }
  const auto count = std::count(file.lines().begin(), file.lines().end(), "#pragma once");
  if (count == 1) {
    return {};
  }
  return {{file.path(), 0, "exactly one #pragma once"}};
}

// NOLINTBEGIN(bugprone-suspicious-missing-comma): words in pieces, see above.
Findings CheckMachinePaths(const SourceFile& file) {
  // The clean room is a machine of its own, whose home is this.
  if (file.path() == "scripts/clean-room") {
    return {};
  }
  return FindInLines(
      file,
      &HoldsPath,
      {"/wo"
       "rk/",
       "/ro"
       "ot/",
       "/ho"
       "me/",
       "/Us"
       "ers/",
       "/tmp/r"
       "ef",
       "/tmp/bu"
       "ild"},
      "path of one machine:");
}

Findings CheckHostNames(const SourceFile& file) {
  // The name of the index is part of the format: cargo writes it beside every package.
  if (file.name() == "Cargo.lock") {
    return {};
  }
  Findings findings = FindInLines(
      file,
      [](std::string_view line, std::string_view host) {
        return line.find(host) != std::string_view::npos;
      },
      {"npm"
       "js.org",
       "npm"
       "js.com",
       "yarn"
       "pkg.com",
       "deb.deb"
       "ian.org",
       "security.deb"
       "ian.org",
       "snapshot.deb"
       "ian.org",
       "pypi"
       ".org",
       "python"
       "hosted.org",
       "proxy.go"
       "lang.org",
       "sum.go"
       "lang.org",
       "crates"
       ".io",
       "repo1.ma"
       "ven.org",
       "repo.ma"
       "ven.apache.org",
       "rubygems"
       ".org"},
      "name of a registry:");
  if (file.name() != "package-lock.json") {
    return findings;
  }
  // npm finds packages by name and checks them by hash; the address belongs to the machine.
  for (size_t i = 0; i < file.lines().size(); ++i) {
    if (file.lines()[i].find("\"resolved\"") != std::string::npos) {
      findings.push_back(
          {file.path(), i + 1, "address of a package (omit-lockfile-registry-resolved)"});
    }
  }
  return findings;
}

Findings CheckLeftovers(const SourceFile& file) {
  if (!IsSource(file)) {
    return {};
  }
  return FindInLines(
      file,
      [](std::string_view line, std::string_view word) {
        return FindWord(line, word) != std::string_view::npos;
      },
      {"TO"
       "DO",
       "FIX"
       "ME",
       "XX"
       "X",
       "HA"
       "CK",
       "<<<<"
       "<<<",
       ">>>>"
       ">>>"},
      "unfinished:");
}
// NOLINTEND(bugprone-suspicious-missing-comma)

}  // namespace perdure::tidy
