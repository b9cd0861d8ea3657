// SPDX-License-Identifier: Apache-2.0
//
// What a simulated handler does: a list of steps that follows from the bytes it was called with and
// from nothing else, so every attempt of an invocation runs the same program. Call trees cannot
// wait for themselves: who holds an object waits only for objects with a higher number.
#pragma once

#include "perdure/base/ids.h"
#include "perdure/core/target.h"
#include "perdure/protocol/messages.h"
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
  bool leaf = false;      // calls nobody
  // What it waits for from its caller: 0 nothing, 1 a signal by name, 2 one by index.
  uint64_t awaits = 0;
  std::string awakeable;  // to be completed, or none

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
  kAwait,     // a signal: an awakeable, or what the caller tells
  kTell,      // the signal that a task awaits
  kCancel,    // of what was sent before
  kComplete,  // the awakeable of the task
  kPromiseGet,
  kPromisePeek,
  kPromiseComplete,
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
  Task task;  // of the callee, also in what is told to it later
  // Awaited or told. Of a send: the awakeable that goes with it.
  SignalName signal;
  bool from_outside = false;  // awakeable: clients complete it
  std::string promise;
  std::optional<std::string> idempotency_key;
};

constexpr uint64_t kObjectCount = 5;
std::string ObjectKey(uint64_t number);
constexpr uint64_t kFlowCount = 4;
std::string FlowKey(uint64_t number);
constexpr uint64_t kPromiseCount = 3;
// The first awakeable of an SDK (service protocol 3.8).
constexpr uint32_t kFirstAwakeable = 17;

std::vector<Step> MakeProgram(const Task& task, const Target& target);

// A random target that may be called, and waited for, by a task.
Target AnyTarget(Rng& rng, uint64_t min_rank);
// The task for a call to `target`.
Task TaskFor(Rng& rng, const Target& target, std::string token, uint64_t depth, uint64_t min_rank);

}  // namespace perdure::sim
