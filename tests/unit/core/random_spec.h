// SPDX-License-Identifier: Apache-2.0
//
// Invocations for the model test: of every kind, some with an id that others have, some delayed.
#pragma once

#include "tests/unit/core/world.h"

#include <functional>
#include <string>
#include <vector>

namespace perdure::test {

// `pick(n)` is a number below n.
inline InvocationSpec RandomSpec(World& world, const std::function<size_t(size_t)>& pick) {
  static const std::vector<std::string> kKeys = {world.KeyIn(0), world.KeyIn(1)};
  const std::string& key = kKeys[pick(2)];
  InvocationSpec spec;
  switch (pick(9)) {
    case 0:
      spec = world.Spec("Svc", "run", "", static_cast<uint16_t>(pick(2)));
      break;
    case 1:
      spec = world.Spec("Svc", "other", "", static_cast<uint16_t>(pick(2)));
      spec.retention = {0, 0};
      break;
    case 2:
      spec = world.IdempotentSpec("Svc", "run", "", pick(2) == 0 ? "a" : "b");
      spec.retention.journal = 1000;
      break;
    case 3:
      spec = world.IdempotentSpec("Obj", "add", key, "a");
      break;
    case 4:
      spec = world.Spec("Obj", "peek", key);
      break;
    case 5:
      spec = world.Spec("Wf", "run", "w" + std::to_string(pick(2)));
      break;
    case 6:
    case 7:
      spec = world.Spec("Wf", "status", "w" + std::to_string(pick(2)));
      break;
    default:
      spec = world.Spec("Obj", "add", key);
      break;
  }
  if (pick(5) == 0) {
    spec.start_at = world.now + pick(6000);
  }
  return spec;
}

}  // namespace perdure::test
