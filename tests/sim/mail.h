// SPDX-License-Identifier: Apache-2.0
//
// Whoever completes awakeables over the ingress. It learns their ids from handlers, as from a step
// that writes them down, sends each completion until it is acknowledged, now and then a second one
// with another result, and in the end completes what those who should have done it did not live to.
#pragma once

#include "perdure/core/reply.h"
#include "tests/sim/core.h"
#include "tests/sim/oracle.h"
#include "tests/sim/process.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace perdure::sim {

class Mail {
 public:
  // `process` gives the one that runs now, or null.
  Mail(SimCore& core, Oracle& oracle, std::function<Process*()> process)
      : core_(core), oracle_(oracle), process_(std::move(process)) {}

  // An invocation waits for this signal, and says so in every attempt. `from_outside`: nobody else
  // completes it.
  void Await(const InvocationId& target, const SignalName& signal, bool from_outside);
  // Completes what handlers should have completed.
  void FillRest();
  // Connections are gone. Called after the process is.
  void OnCrash();
  bool settled() const;

 private:
  struct Letter {
    InvocationId to;
    SignalName signal;
    SignalResult result;
    std::string text;
    bool settled = false;
    std::optional<ReplyTo> waiting;
  };
  using Awaited = std::pair<InvocationId, SignalName>;

  void Write(const Awaited& awaited, const std::string& what, uint64_t delay_ns);
  void Again(size_t index, uint64_t delay_ns);
  void Send(size_t index);

  SimCore& core_;
  Oracle& oracle_;
  const std::function<Process*()> process_;
  std::set<Awaited> known_;
  std::set<Awaited> unfilled_;  // by handlers, as far as is known here
  std::vector<Letter> letters_;
};

}  // namespace perdure::sim
