// SPDX-License-Identifier: Apache-2.0
//
// Rules about code: what may not be called or written where. Comments and literals do not count.
#include "tests/tidy/rules.h"

#include <string>

namespace perdure::tidy {
namespace {

// `word` is looked for as a whole word, and as a call if `call` is set. Allowed in the file
// `except`, or in everything that lies under it.
struct Ban {
  std::string_view word;
  bool call;
  std::string_view folder;
  std::string_view except;
  std::string_view reason;
};

constexpr Ban kBans[] = {
    {"strcpy", true, "", "", "no bound"},
    {"strcat", true, "", "", "no bound"},
    {"sprintf", true, "", "", "no bound"},
    {"vsprintf", true, "", "", "no bound"},
    {"gets", true, "", "", "no bound"},
    {"alloca", true, "", "", "no bound"},
    {"strtok", true, "", "", "hidden state"},
    {"rand", true, "", "", "not random, not seeded: entropy is an argument"},
    {"srand", true, "", "", "not random, not seeded: entropy is an argument"},
    {"atoi", true, "", "", "hides errors: std::from_chars"},
    {"atol", true, "", "", "hides errors: std::from_chars"},
    {"system", true, "src", "", "no shell"},
    {"std::async", false, "", "", "a thread nobody owns"},
    {"detach", true, "src", "", "a thread nobody owns"},
    {"const_cast", false, "src/core", "", "the machine is pure"},
    {"std::cout", false, "", "src/server/main.cc", "log.h, or the caller prints"},
    {"std::cerr", false, "", "src/server/main.cc", "log.h, or the caller prints"},
    {"printf", true, "src", "src/server/main.cc", "log.h, or main prints"},
    {"fprintf", true, "src", "src/server/main.cc", "log.h, or main prints"},
    {"puts", true, "src", "src/server/main.cc", "log.h, or main prints"},
    {"exit", true, "src", "src/server/main.cc", "only main ends the process in order"},
    {"assert", true, "src", "", "PERDURE_ASSERT stays on in release"},
    {"assert", true, "include", "", "PERDURE_ASSERT stays on in release"},
    {"getenv", true, "src", "src/server", "settings are arguments"},
    {"system_clock", false, "src", "src/base", "time is an argument or a Clock"},
    {"gettimeofday", true, "src", "", "time is an argument or a Clock"},
    {"clock_gettime", true, "src", "src/base", "time is an argument or a Clock"},
    {"throw", false, "src/core", "", "errors are values"},
    {"throw", false, "src/protocol", "", "errors are values"},
    {"throw", false, "src/http", "", "errors are values"},
};

constexpr std::string_view kCoroutineWords[] = {"co_await", "co_return", "co_yield"};

constexpr std::string_view kSleepCalls[] = {
    "sleep_for", "sleep_until", "usleep", "nanosleep", "sleep"};

// A sleep in a test needs this comment, on its line or the one above: the reason why no event can
// be waited for (a loop that asks until a deadline, or a proof that nothing happens).
constexpr std::string_view kSleepMark = "// Sleeps: ";

bool IsCallAt(std::string_view line, size_t end) {
  const size_t at = line.find_first_not_of(' ', end);
  return at != std::string_view::npos && line[at] == '(';
}

// Member functions of ours may carry the name of a banned function.
bool IsMemberAt(std::string_view line, size_t at) {
  return at > 0 && (line[at - 1] == '.' || (at > 1 && line.substr(at - 2, 2) == "->"));
}

bool Holds(std::string_view line, std::string_view word, bool call) {
  for (size_t at = FindWord(line, word); at != std::string_view::npos;
       at = FindWord(line, word, at + 1)) {
    if (!call ||
        (IsCallAt(line, at + word.size()) && (word == "detach" || !IsMemberAt(line, at)))) {
      return true;
    }
  }
  return false;
}

bool Applies(const Ban& ban, const SourceFile& file) {
  if (!ban.folder.empty() && !file.IsUnder(ban.folder)) {
    return false;
  }
  return ban.except.empty() || (file.path() != ban.except && !file.IsUnder(ban.except));
}

bool IsMarked(const SourceFile& file, size_t line) {
  const auto marked = [&file](size_t i) {
    return file.lines()[i].find(kSleepMark) != std::string::npos;
  };
  return marked(line) || (line > 0 && marked(line - 1));
}

Findings CheckSleepsInCpp(const SourceFile& file) {
  Findings findings;
  for (size_t i = 0; i < file.code().size(); ++i) {
    for (const std::string_view call : kSleepCalls) {
      if (!Holds(file.code()[i], call, true)) {
        continue;
      }
      if (!file.IsUnder("tests")) {
        findings.push_back({file.path(), i + 1, std::string(call) + ": wait for an event instead"});
      } else if (!IsMarked(file, i)) {
        findings.push_back(
            {file.path(),
             i + 1,
             std::string(call) + " without \"" + std::string(kSleepMark) + "why\""});
      }
    }
  }
  return findings;
}

// Test files wait with the helpers of tests/*/lib, which ask again until a deadline.
Findings CheckSleepsInTypeScript(const SourceFile& file) {
  Findings findings;
  for (size_t i = 0; i < file.lines().size(); ++i) {
    const bool timers = file.lines()[i].find("timers/promises") != std::string::npos;
    const bool fixed =
        Holds(file.code()[i], "setTimeout", true) && !Holds(file.code()[i], "reject", true);
    if (timers || fixed) {
      findings.push_back({file.path(), i + 1, "a fixed pause: wait for an event instead"});
    }
  }
  return findings;
}

}  // namespace

// g++ 12 miscompiles ordinary coroutine code. Discovery and tests may use the safe subset.
Findings CheckCoroutines(const SourceFile& file) {
  Findings findings;
  const bool concerned =
      file.IsUnder("include") || (file.IsUnder("src") && !file.IsUnder("src/schema"));
  if (!file.IsCpp() || !concerned) {
    return findings;
  }
  for (size_t i = 0; i < file.code().size(); ++i) {
    for (const std::string_view word : kCoroutineWords) {
      if (Holds(file.code()[i], word, false)) {
        findings.push_back({file.path(), i + 1, std::string(word) + ": no coroutines here"});
      }
    }
  }
  return findings;
}

Findings CheckBannedCalls(const SourceFile& file) {
  Findings findings;
  if (!file.IsCpp()) {
    return findings;
  }
  for (size_t i = 0; i < file.code().size(); ++i) {
    for (const Ban& ban : kBans) {
      if (Applies(ban, file) && Holds(file.code()[i], ban.word, ban.call)) {
        findings.push_back(
            {file.path(), i + 1, std::string(ban.word) + ": " + std::string(ban.reason)});
      }
    }
  }
  return findings;
}

Findings CheckSleeps(const SourceFile& file) {
  if (file.IsCpp()) {
    return CheckSleepsInCpp(file);
  }
  if (file.HasExtension("ts") && file.path().find(".test.ts") != std::string::npos) {
    return CheckSleepsInTypeScript(file);
  }
  return {};
}

}  // namespace perdure::tidy
