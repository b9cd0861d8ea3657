// SPDX-License-Identifier: Apache-2.0
//
// What runs, for people: lists and details of invocations as JSON with the column names of
// sys_invocation (introspection 1). Reads a snapshot of the database and the live attempts, on a
// thread of its own; never on partition or I/O threads. Shows nothing that is not durable.
#pragma once

#include "perdure/base/executor.h"
#include "perdure/base/ids.h"
#include "perdure/base/result.h"
#include "perdure/invoker/attempt_host.h"
#include "perdure/log/commit_log.h"
#include "perdure/store/state.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace perdure {

struct InvocationFilter {
  std::optional<std::string> status;  // a value of sys_invocation.status
  std::optional<std::string> service;
  size_t limit = 100;
  std::optional<InvocationId> after;
};

// Thread: any. `done` is called on `reply_on`.
class Introspection {
 public:
  using Done = MoveFunction<void(Result<std::string>)>;

  virtual ~Introspection() = default;
  // {"invocations":[...]}, and "next" with the id to give as `after` when there is more.
  // kOverloaded when too many questions wait.
  virtual void List(InvocationFilter filter, Executor& reply_on, Done done) = 0;
  // One invocation with its `journal`; kNotFound.
  virtual void Get(InvocationId id, Executor& reply_on, Done done) = 0;
};

// Collects the live attempts of all I/O threads and calls back on any thread.
using LiveAttemptsSource =
    std::function<void(MoveFunction<void(std::vector<AttemptHost::LiveAttempt>)>)>;

std::unique_ptr<Introspection> MakeIntrospection(
    StateStore& store, CommitLog& log, LiveAttemptsSource live_attempts);

}  // namespace perdure
