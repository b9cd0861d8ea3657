// SPDX-License-Identifier: Apache-2.0
//
// What a simulated handler does: a list of steps that follows from the bytes it was called with and
// from nothing else, so every attempt of an invocation runs the same program. Call trees cannot
// wait for themselves: who holds an object waits only for objects with a higher number.
#pragma once

#include "perdure/base/ids.h"
#include "perdure/core/target.h"
#include "tests/sim/random.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace perdure::sim {

// The body of every call. `token` is unique for each logical call.
struct Task {
  std::string token;
  uint64_t seed = 0;
  uint64_t depth = 0;     // calls below this one
  uint64_t min_rank = 0;  // objects below this number must not be waited for
  bool leaf = false;      // runs and sleeps only

  std::string Encode() const;
  // Nothing: the bytes are not those of a task.
  static std::optional<Task> Decode(std::string_view text);
};

enum class StepKind {
  kRun,
  kSleep,
  kAdd,   // counter of the object: read, then write
  kLook,  // counter of the object: read
  kKeys,  // names of the object's state
  kCall,
  kSend,
  kFail,  // ends the program with a failure
};

struct Step {
  StepKind kind = StepKind::kRun;
  // Its result is waited for at once, else at the end of the program.
  bool wait_now = true;
  uint64_t failures = 0;        // run: the first executions fail
  bool fails_for_good = false;  // run: proposes a failure
  DurationMs ms = 0;            // sleep, delay of a send
  uint64_t padding = 0;         // bytes added to a value
  uint64_t add = 0;
  Target callee;
  Task task;
  std::optional<std::string> idempotency_key;
};

constexpr uint64_t kObjectCount = 5;
std::string ObjectKey(uint64_t number);

std::vector<Step> MakeProgram(const Task& task, const Target& target);

// A random target that may be called, and waited for, by a task.
Target AnyTarget(Rng& rng, uint64_t min_rank);
// The task for a call to `target`.
Task TaskFor(Rng& rng, const Target& target, std::string token, uint64_t depth, uint64_t min_rank);

}  // namespace perdure::sim
