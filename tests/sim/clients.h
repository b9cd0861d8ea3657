// SPDX-License-Identifier: Apache-2.0
//
// Clients of the ingress and an operator at the admin door: they call, send, attach, come again
// with the same idempotency key, lose patience, cancel and kill, and begin anew after a crash with
// what they know. Every logical call is settled in the end.
#pragma once

#include "perdure/core/reply.h"
#include "tests/sim/core.h"
#include "tests/sim/oracle.h"
#include "tests/sim/process.h"
#include "tests/sim/program.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace perdure::sim {

class Clients {
 public:
  // `process` gives the one that runs now, or null.
  Clients(SimCore& core, Oracle& oracle, std::function<Process*()> process)
      : core_(core), oracle_(oracle), process_(std::move(process)) {}

  // Makes `count` calls within `span_ns` from now.
  void Plan(size_t count, uint64_t span_ns);
  // Runs every workflow, and a handler that completes all promises of it.
  void SettleFlows();
  // Connections are gone. Called after the process is.
  void OnCrash();
  bool settled() const;
  // The first call that is not, for a reader.
  std::string Unsettled() const;

 private:
  struct Op {
    std::string token;
    Target target;
    Task task;
    std::optional<std::string> idempotency_key;
    bool wait = true;
    DurationMs delay = 0;
    uint64_t repeats = 0;  // of an idempotent call, after its result
    InvocationId id;
    bool submitted = false;
    bool acknowledged = false;
    bool settled = false;
    uint64_t turn = 0;  // counts tries: an answer to an old one is late
    std::optional<ReplyTo> waiting;
  };

  Op MakeOp(size_t number);
  void Again(size_t index, uint64_t delay_ns);
  void Try(size_t index);
  InvocationSpec SpecFor(const Op& op, const HandlerSchema& handler, const Target& target);
  void Send(size_t index, bool attach, bool wait);
  void LosePatience(size_t index, uint64_t turn);
  void OnReply(size_t index, const Reply& reply);
  void OnResult(size_t index, const InvocationResult& result);
  void Settle(size_t index);
  enum class Order { kCancel, kKill, kResume };
  void Control(size_t index, Order order);
  void OnControlled(const InvocationId& id, Order order, const Reply& reply);

  SimCore& core_;
  Oracle& oracle_;
  const std::function<Process*()> process_;
  std::vector<Op> ops_;
};

}  // namespace perdure::sim
