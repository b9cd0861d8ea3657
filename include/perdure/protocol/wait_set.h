// SPDX-License-Identifier: Apache-2.0
//
// What a suspended invocation waits for: a tree (service protocol 3.12). The leaves of a node are
// notifications, its combinator says what of them and of the nodes below it has to come. The tree
// lies flat, so that nothing that walks it needs a stack.
#pragma once

#include "perdure/base/ids.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace perdure {

// ON DISK and on the wire (service protocol 2.5): append only, DO NOT RENUMBER.
enum class Combinator : uint8_t {
  kUnknown = 0,  // any one; only the SDK knows with which outcome
  kFirstCompleted = 1,
  kAllCompleted = 2,
  kFirstSucceededOrAllFailed = 3,
  kAllSucceededOrFirstFailed = 4,
};

struct WaitNode {
  std::vector<CompletionId> completions;
  std::vector<uint32_t> signals;
  std::vector<std::string> named_signals;
  Combinator combinator = Combinator::kUnknown;
  uint32_t parent = 0;  // its place in WaitSet::nodes, before this one's; 0 for the root too

  size_t leaves() const { return completions.size() + signals.size() + named_signals.size(); }
  friend bool operator==(const WaitNode&, const WaitNode&) = default;
};

// The root is the first node. No node: it waits for nothing.
struct WaitSet {
  std::vector<WaitNode> nodes;

  // The flat lists of versions 5 and 6.
  static WaitSet AnyOf(
      std::vector<CompletionId> completions,
      std::vector<uint32_t> signals = {},
      std::vector<std::string> named_signals = {}) {
    WaitSet waits;
    WaitNode root{std::move(completions), std::move(signals), std::move(named_signals)};
    if (root.leaves() > 0) {
      waits.nodes.push_back(std::move(root));
    }
    return waits;
  }

  bool empty() const { return nodes.empty(); }
  friend bool operator==(const WaitSet&, const WaitSet&) = default;
};

}  // namespace perdure
