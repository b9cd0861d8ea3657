// SPDX-License-Identifier: Apache-2.0
//
// An invocation of Svc/run with an attempt on the wire: where tests of its commands begin.
#pragma once

#include "tests/unit/core/world.h"

#include <cstdint>
#include <string>
#include <vector>

namespace perdure::test {

struct Running {
  explicit Running(uint16_t partitions = 1) : world(partitions) {}
  World world;
  InvocationSpec spec = world.Spec("Svc", "run");
  uint32_t slot = world.CallIn(spec);
  Attempt attempt = world.Begin(spec.id);

  // Named by the CallInvocationIdCompletion at `index`.
  InvocationId Callee(JournalIndex index) { return CalleeOf(world.Entry(spec.id, index)); }
  std::vector<std::string> Journal() { return world.Journal(spec.id); }
  InvocationStatus Status() { return world.StatusOf(spec.id); }
  const std::string& Why() { return why_ = Status().last_failure->error.message; }

 private:
  std::string why_;
};

}  // namespace perdure::test
