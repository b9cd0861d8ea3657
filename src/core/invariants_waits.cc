// SPDX-License-Identifier: Apache-2.0
//
// The wait set of a suspended invocation: it names only what is still to come, and no node that has
// nothing left in it, or the invocation would go on. See invariants.h and wait_tree.h.
#include "core/invariants.h"
#include "core/keys.h"

#include <algorithm>

namespace perdure {
namespace {

bool AnyCame(const StateReader& reader, const InvocationId& id, Birth birth, const WaitNode& node) {
  const auto came = [&reader](const std::string& key) {
    return reader.Get(Family::kIndex, key).has_value();
  };
  const auto any = [](const auto& leaves, auto has) {
    return std::any_of(leaves.begin(), leaves.end(), has);
  };
  return any(node.completions,
             [&](CompletionId leaf) { return came(keys::Completion(id, birth, leaf)); }) ||
         any(node.signals,
             [&](uint32_t leaf) { return came(keys::Signal(id, birth, SignalName(leaf))); }) ||
         any(node.named_signals, [&](const std::string& leaf) {
           return came(keys::Signal(id, birth, SignalName(leaf)));
         });
}

}  // namespace

Violations CheckWaitSet(
    const StateReader& reader, const InvocationId& id, const InvocationStatus& status) {
  Violations violations;
  const std::vector<WaitNode>& nodes = status.wait_set.nodes;
  if ((status.state == InvocationState::kSuspended) == nodes.empty()) {
    violations.emplace_back("waits for something exactly while it is not suspended");
  }
  std::vector<size_t> left(nodes.size());
  bool any_came = false;
  for (size_t i = nodes.size(); i-- > 0;) {
    const WaitNode& node = nodes[i];
    if (node.parent > i || (node.parent == i && i > 0)) {
      violations.emplace_back("waits for a node that stands before its parent");
      return violations;
    }
    any_came = any_came || AnyCame(reader, id, status.birth, node);
    left[i] += node.leaves();
    if (left[i] == 0) {
      violations.emplace_back("waits for a node in which nothing is left");
    }
    ++left[node.parent];
  }
  if (any_came) {
    violations.emplace_back("is suspended although what it waits for is there");
  }
  return violations;
}

}  // namespace perdure
