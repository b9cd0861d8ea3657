// SPDX-License-Identifier: Apache-2.0
//
// The whole server by seed. `sim --seed N` repeats one seed and prints its story; `--seeds N` runs
// as many as asked for. A seed that ends in an abort names itself first. Bugs planted on purpose
// must be found within the same number of seeds.
#include "tests/sim/simulation.h"

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

namespace perdure::sim {
namespace {

constexpr size_t kStoryLines = 400;

struct Flags {
  std::optional<uint64_t> seed;
  uint64_t seeds = 200;
  bool story = false;
};
Flags flags;  // set by main, before the tests

// For the handler of SIGABRT.
const Simulation* running = nullptr;
uint64_t running_seed = 0;

void PrintStory(const std::deque<std::string>& story) {
  for (const std::string& line : story) {
    std::fprintf(stderr, "%s\n", line.c_str());
  }
}

// The process is lost: whatever can still be told helps.
void OnAbort(int) {
  static_cast<void>(std::signal(SIGABRT, SIG_DFL));
  if (running != nullptr) {
    PrintStory(running->story().lines());
    const std::string seed = std::to_string(running_seed);
    std::fprintf(
        stderr, "aborted in seed %s, repeat it with --seed %s\n", seed.c_str(), seed.c_str());
  }
}

Outcome RunSeed(uint64_t seed, Bug bug, size_t keep_lines) {
  Simulation simulation(seed, bug, keep_lines);
  running = &simulation;
  running_seed = seed;
  Outcome outcome = simulation.Run();
  running = nullptr;
  return outcome;
}

std::string Told(uint64_t seed, const Outcome& outcome) {
  std::string text = "seed " + std::to_string(seed) + ":\n";
  for (const std::string& violation : outcome.violations) {
    text += "  " + violation + "\n";
  }
  return text + "repeat it with --seed " + std::to_string(seed);
}

uint64_t FirstSeed() {
  return flags.seed.value_or(1);
}
uint64_t LastSeed() {
  return flags.seed.value_or(flags.seeds);
}

TEST(Sim, EverySeedComesToAGoodEnd) {
  Coverage total;
  for (uint64_t seed = FirstSeed(); seed <= LastSeed(); ++seed) {
    const Outcome outcome = RunSeed(seed, Bug::kNone, kStoryLines);
    if (!outcome.violations.empty() || flags.story) {
      PrintStory(outcome.story);
    }
    ASSERT_TRUE(outcome.violations.empty()) << Told(seed, outcome);
    for (const auto& [what, times] : outcome.coverage) {
      total[what] += times;
    }
  }
  for (const auto& [what, times] : total) {
    std::printf("  %s %s\n", std::to_string(times).c_str(), what.c_str());
  }
  if (flags.seed || flags.seeds < 100) {
    return;
  }
  // A run that avoids what it is there for would pass for ever.
  for (const char* what :
       {"crashes",
        "write sets lost",
        "refusals",
        "suspensions",
        "suspensions on a tree",
        "runs acknowledged",
        "attempts with a replay",
        "attempts that went wrong",
        "attempts that found nobody",
        "attempts answered with another status",
        "late or repeated frames",
        "repeated messages",
        "steps run again",
        "steps that failed",
        "cancellations seen",
        "kills",
        "resumes",
        "idempotent repeats",
        "clients that hung up",
        "workflows that ran already",
        "lazy reads",
        "eager reads",
        "additions",
        "calls",
        "one-way calls",
        "lagging streams",
        "jumps of the clock",
        "suspensions on a signal",
        "signals there before they are awaited",
        "signals sent",
        "signals seen",
        "awakeables completed from outside",
        "awakeables completed by a handler",
        "awakeables rejected by a handler",
        "cancels by a handler",
        "cancels acknowledged",
        "cancels of what had not started",
        "kills acknowledged",
        "promises got",
        "promises peeked at",
        "promises seen",
        "promises completed",
        "promises completed again",
        "messages checked"}) {
    EXPECT_GT(total[what], 10U) << what;
  }
}

TEST(Sim, TheSameSeedTellsTheSameStory) {
  for (uint64_t seed = FirstSeed(); seed <= std::min(LastSeed(), FirstSeed() + 4); ++seed) {
    const Outcome first = RunSeed(seed, Bug::kNone, kStoryLines);
    const Outcome second = RunSeed(seed, Bug::kNone, kStoryLines);
    EXPECT_EQ(first.hash, second.hash) << "seed " << seed;
    EXPECT_EQ(first.story, second.story) << "seed " << seed;
    EXPECT_NE(first.hash, RunSeed(seed + 1000, Bug::kNone, kStoryLines).hash);
  }
}

// In a process of its own, because a bug may end it. True: the bug was noticed.
bool Notices(uint64_t seed, Bug bug) {
  const pid_t child = fork();
  if (child == 0) {
    static_cast<void>(std::signal(SIGABRT, SIG_DFL));
    static_cast<void>(std::freopen("/dev/null", "w", stderr));
    const Outcome outcome = RunSeed(seed, bug, 1);
    if (!outcome.violations.empty()) {
      std::printf("  %s\n", outcome.violations.front().c_str());
      static_cast<void>(std::fflush(stdout));
    }
    _exit(outcome.violations.empty() ? 0 : 1);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

class PlantedBug : public testing::TestWithParam<Bug> {};

TEST_P(PlantedBug, IsFound) {
  for (uint64_t seed = 1; seed <= flags.seeds; ++seed) {
    if (Notices(seed, GetParam())) {
      std::printf("found by seed %s\n", std::to_string(seed).c_str());
      return;
    }
  }
  FAIL() << "no seed finds it";
}

std::string NameOf(const testing::TestParamInfo<Bug>& tested) {
  switch (tested.param) {
    case Bug::kNone:
      break;
    case Bug::kEarlyRelease:
      return "EarlyRelease";
    case Bug::kNoDedup:
      return "NoDedup";
    case Bug::kNoFence:
      return "NoFence";
    case Bug::kLostWake:
      return "LostWake";
  }
  return "None";
}

INSTANTIATE_TEST_SUITE_P(
    Sim,
    PlantedBug,
    testing::Values(Bug::kEarlyRelease, Bug::kNoDedup, Bug::kNoFence, Bug::kLostWake),
    NameOf);

std::optional<uint64_t> NumberAfter(int argc, char** argv, std::string_view flag) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view arg = argv[i];
    if (arg == flag && i + 1 < argc) {
      return std::strtoull(argv[i + 1], nullptr, 10);
    }
    if (arg.size() > flag.size() && arg.substr(0, flag.size()) == flag && arg[flag.size()] == '=') {
      return std::strtoull(arg.data() + flag.size() + 1, nullptr, 10);
    }
  }
  return std::nullopt;
}

}  // namespace

void ReadFlags(int argc, char** argv) {
  flags.seed = NumberAfter(argc, argv, "--seed");
  flags.seeds = NumberAfter(argc, argv, "--seeds").value_or(flags.seeds);
  flags.story = flags.seed.has_value();
  static_cast<void>(std::signal(SIGABRT, OnAbort));
}

}  // namespace perdure::sim

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  perdure::sim::ReadFlags(argc, argv);
  return RUN_ALL_TESTS();
}
