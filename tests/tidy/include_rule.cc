// SPDX-License-Identifier: Apache-2.0
//
// The dependency rule, from one table. A file of src/X includes the ports its row names, its own
// folder, src/base, and the third-party headers granted to X. A file of include/perdure includes
// the standard library and other ports. The table says what is allowed; widening it is a decision
// about the architecture and is reviewed as one.
#include "tests/tidy/rules.h"

#include <algorithm>
#include <iterator>
#include <span>
#include <string>
#include <utility>

namespace perdure::tidy {
namespace {

// `files`: "" any file of the module, ".cc" its source files, else the beginning of the file's
// name.
struct Grant {
  std::string_view header;  // a prefix
  std::string_view files;
};

struct Module {
  std::string_view name;
  int layer;               // 0 base, 1 sans-IO, 2 I/O, 3 product; 4, wiring, is src/server
  std::string_view ports;  // folders of include/perdure
  bool posix;              // <unistd.h>, <sys/...>
  bool pure;               // no clock, threads, chance or I/O
  Grant third_party[5];
};

constexpr Grant kJson{"nlohmann/json.hpp", ".cc"};
constexpr Grant kJsonNames{"nlohmann/json_fwd.hpp", ""};

// clang-format off
constexpr Module kModules[] = {
    {"base", 0, "base", true, false,
     {{"spdlog/", "log.cc"}, {"toml++/", "config_toml.cc"}, {"xxhash.h", "hashes.cc"},
      {"openssl/", "base64url.cc"}, {"openssl/", "hashes.cc"}}},
    {"core", 1, "base core protocol schema store", false, true,
     {{"core_rows.pb.h", "row_values.h"}, {"service_protocol.pb.h", "row_codec.cc"}}},
    {"protocol", 1, "base core http protocol schema", false, true,
     {{"service_protocol.pb.h", ".cc"}, {"google/protobuf/", "wire_"}, kJson, kJsonNames,
      {"openssl/", "request_identity.cc"}}},
    {"http", 1, "base http", false, true,
     {{"boost/beast/", "http1_parser.cc"}, {"nghttp2/", "http2_"}}},
    {"net", 2, "base http net", true, false,
     {{"boost/asio/", ""}, {"boost/version.hpp", "asio_impl.cc"}, {"openssl/", ".cc"}}},
    {"store", 2, "base log store", true, false, {{"rocksdb/", ""}, {"lz4.h", "packed_value.cc"}}},
    {"log", 2, "base log store", false, false, {}},
    {"partition", 3, "base core invoker log partition schema store", true, false, {}},
    {"invoker", 3, "base core http invoker partition protocol schema", false, false, {}},
    {"ingress", 3, "base core http ingress partition protocol schema", true, false,
     {kJson, kJsonNames}},
    {"schema", 3, "base core http protocol schema store", false, false,
     {{"schema.pb.h", "schema_rows.cc"}, kJson, kJsonNames}},
    {"query", 3, "base core invoker log partition protocol query schema store", false, false,
     {kJson, kJsonNames}},
    {"admin", 3, "admin base core http partition protocol query schema", false, false,
     {kJson, kJsonNames}},
};
// clang-format on

constexpr std::string_view kWiring = "server";  // layer 4: may include everything
constexpr std::string_view kPorts = "include/perdure/";

// The compilers of this house have no usable <format>, <expected>, <source_location> and <ranges>
// views; <iostream> belongs to main; C headers have their C++ names.
constexpr std::string_view kNeverStd[] = {
    "format",
    "expected",
    "source_location",
    "ranges",
    "iostream",
    "stdint.h",
    "stddef.h",
    "stdlib.h",
    "string.h",
    "stdio.h",
    "assert.h",
    "cassert",
    "strstream"};
constexpr std::string_view kImpureStd[] = {
    "chrono",
    "thread",
    "mutex",
    "shared_mutex",
    "condition_variable",
    "future",
    "semaphore",
    "latch",
    "barrier",
    "stop_token",
    "random",
    "fstream",
    "filesystem",
    "csignal",
    "cstdio"};
constexpr std::string_view kPosix[] = {
    "arpa/",
    "dirent.h",
    "errno.h",
    "fcntl.h",
    "net/",
    "netdb.h",
    "netinet/",
    "poll.h",
    "pthread.h",
    "sched.h",
    "signal.h",
    "sys/",
    "time.h",
    "unistd.h"};

bool Contains(std::span<const std::string_view> set, std::string_view value) {
  return std::find(set.begin(), set.end(), value) != set.end();
}

bool StartsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

bool IsPosix(std::string_view header) {
  return std::any_of(std::begin(kPosix), std::end(kPosix), [header](std::string_view prefix) {
    return prefix.back() == '/' ? StartsWith(header, prefix) : header == prefix;
  });
}

bool IsStd(std::string_view header) {
  return header.find('.') == std::string_view::npos && header.find('/') == std::string_view::npos;
}

struct Include {
  std::string_view header;
  bool quoted = false;
};

// The header that a line includes; empty if it is no include.
Include ParseInclude(std::string_view line) {
  const auto skip_space = [&line] {
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  };
  skip_space();
  if (line.empty() || line.front() != '#') {
    return {};
  }
  line.remove_prefix(1);
  skip_space();
  if (!StartsWith(line, "include")) {
    return {};
  }
  line.remove_prefix(std::string_view("include").size());
  skip_space();
  if (line.empty()) {
    return {};
  }
  const bool quoted = line.front() == '"';
  const size_t end = line.find(quoted ? '"' : '>', 1);
  return {line.substr(1, end == std::string_view::npos ? end : end - 1), quoted};
}

bool Covers(const Grant& grant, std::string_view header, const SourceFile& file) {
  if (grant.header.empty() || !StartsWith(header, grant.header)) {
    return false;
  }
  return grant.files == ".cc" ? file.HasExtension("cc") : StartsWith(file.name(), grant.files);
}

const Module* FindModule(std::string_view name) {
  const auto* found =
      std::find_if(std::begin(kModules), std::end(kModules), [name](const Module& module) {
        return module.name == name;
      });
  return found == std::end(kModules) ? nullptr : found;
}

std::vector<std::string> SplitWords(std::string_view text) {
  constexpr std::string_view kSpace = " \t\n";
  std::vector<std::string> words;
  for (size_t at = text.find_first_not_of(kSpace); at != std::string_view::npos;
       at = text.find_first_not_of(kSpace, at)) {
    const size_t end = std::min(text.find_first_of(kSpace, at), text.size());
    words.emplace_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

bool NamesPort(const Module& module, std::string_view port) {
  return FindWord(module.ports, port) != std::string_view::npos;
}

// Why a file of a module may not include a header; empty if it may.
std::string Refuse(const Module& module, const SourceFile& file, const Include& include) {
  const std::string_view header = include.header;
  const std::string_view folder = header.substr(0, header.find('/'));
  if (include.quoted && folder == "perdure") {
    const std::string_view rest = header.substr(folder.size() + 1);
    const std::string_view port = rest.substr(0, rest.find('/'));
    return NamesPort(module, port)
               ? ""
               : "the ports of " + std::string(port) + " are not for this module";
  }
  if (include.quoted && folder != header && (folder == module.name || folder == "base")) {
    return "";
  }
  for (const Grant& grant : module.third_party) {
    if (Covers(grant, header, file)) {
      return "";
    }
  }
  if (include.quoted) {
    return "neither a port, nor of this module, nor of base, nor granted to this file";
  }
  if (IsStd(header)) {
    return module.pure && Contains(kImpureStd, header)
               ? "no clock, threads, chance or I/O in this module"
               : "";
  }
  if (IsPosix(header)) {
    return module.posix ? "" : "no system calls in this module";
  }
  return "third-party header, not granted to this file";
}

std::string RefuseInPort(const SourceFile& file, const Include& include) {
  const bool of_base = file.IsUnder("include/perdure/base");
  if (include.quoted && StartsWith(include.header, "perdure/")) {
    return of_base && !StartsWith(include.header, "perdure/base/") ? "base knows no other module"
                                                                   : "";
  }
  return !include.quoted && IsStd(include.header)
             ? ""
             : "ports include the standard library and ports only";
}

std::string Judge(const SourceFile& file, const Include& include) {
  const bool in_main = file.path() == "src/server/main.cc";
  if (!include.quoted && Contains(kNeverStd, include.header) &&
      !(in_main && include.header == "iostream")) {
    return "this header is not used here";
  }
  if (StartsWith(file.path(), kPorts)) {
    return RefuseInPort(file, include);
  }
  if (!file.IsUnder("src")) {
    return "";
  }
  const std::string_view path = std::string_view(file.path()).substr(4);
  const std::string_view name = path.substr(0, path.find('/'));
  if (name == kWiring) {
    return "";
  }
  if (const Module* module = FindModule(name)) {
    return Refuse(*module, file, include);
  }
  return "the module is not in the table of tests/tidy/include_rule.cc";
}

}  // namespace

Findings CheckIncludes(const SourceFile& file) {
  Findings findings;
  if (!file.IsCpp()) {
    return findings;
  }
  for (size_t i = 0; i < file.lines().size(); ++i) {
    const Include include = ParseInclude(file.lines()[i]);
    if (include.header.empty()) {
      continue;
    }
    std::string refusal = Judge(file, include);
    if (!refusal.empty()) {
      findings.push_back(
          {file.path(), i + 1, "includes " + std::string(include.header) + ": " + refusal});
    }
  }
  return findings;
}

// The link line repeats the rule: a module is linked to what lies below it. The sans-IO modules may
// know each other; modules with threads and sockets, and the doors, meet through ports.
Findings CheckLinkLine(const SourceFile& file) {
  constexpr std::string_view kCall = "perdure_module(";
  Findings findings;
  if (file.path() != "CMakeLists.txt") {
    return findings;
  }
  const std::string_view text = file.text();
  for (size_t at = text.find(kCall); at != std::string_view::npos; at = text.find(kCall, at + 1)) {
    const size_t begin = at + kCall.size();
    const std::vector<std::string> words =
        SplitWords(text.substr(begin, text.find(')', at) - begin));
    const Module* module = words.empty() ? nullptr : FindModule(words[0]);
    if (module == nullptr) {
      if (words.empty() || words[0] != kWiring) {
        findings.push_back(
            {file.path(), 0, "a module that is not in the table of include_rule.cc"});
      }
      continue;
    }
    bool depends = false;
    for (const std::string& word : words) {
      depends = word != "THIRD_PARTY" && (depends || word == "DEPENDS");
      const Module* other = depends ? FindModule(word) : nullptr;
      const bool below = other != nullptr && (other->layer < module->layer ||
                                              (other->layer == 1 && module->layer == 1));
      if (depends && word != "DEPENDS" && !below) {
        findings.push_back({file.path(), 0, words[0] + " must not be linked to " + word});
      }
    }
  }
  return findings;
}

}  // namespace perdure::tidy
