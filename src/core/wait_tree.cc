// SPDX-License-Identifier: Apache-2.0
//
// Two walks over the flat tree, neither of which needs a stack. Down: whose outcome is asked for.
// Up: parents stand before what is below them, so from the last node to the first each one knows
// all of its children when its turn comes.
#include "core/wait_tree.h"

#include "perdure/base/assert.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace perdure {
namespace {

// What a node knows of its children.
struct Children {
  bool outcome_matters = false;  // of this node, to the one above
  size_t pending = 0;
  bool success = false;
  bool failure = false;
  bool gone = false;  // resolved, or below a node that is

  void Add(Arrival arrival) {
    pending += arrival == Arrival::kNone ? 1 : 0;
    success = success || arrival == Arrival::kSuccess;
    failure = failure || arrival == Arrival::kFailure;
  }
};

bool AsksForOutcomes(Combinator combinator, bool own_outcome_matters) {
  switch (combinator) {
    case Combinator::kUnknown:
    case Combinator::kAllCompleted:
      return false;
    case Combinator::kFirstCompleted:
      return own_outcome_matters;
    case Combinator::kFirstSucceededOrAllFailed:
    case Combinator::kAllSucceededOrFirstFailed:
      return true;
  }
  PERDURE_INVARIANT(false, "a combinator is none that is known");
  return true;
}

// Nothing: the node above asks with which outcome, and only the SDK can tell.
std::optional<Arrival> Combine(Combinator combinator, const Children& children) {
  const bool any = children.success || children.failure;
  const bool all = children.pending == 0;
  switch (combinator) {
    case Combinator::kUnknown:
    case Combinator::kFirstCompleted:
      if (!any) {
        return Arrival::kNone;
      }
      if (!children.outcome_matters) {
        return Arrival::kSuccess;
      }
      // Of two outcomes, which one was first depends on how the SDK reads its journal.
      if (combinator == Combinator::kUnknown || children.success == children.failure) {
        return std::nullopt;
      }
      return children.success ? Arrival::kSuccess : Arrival::kFailure;
    case Combinator::kAllCompleted:
      return all ? Arrival::kSuccess : Arrival::kNone;
    case Combinator::kFirstSucceededOrAllFailed:
      return children.success ? Arrival::kSuccess : all ? Arrival::kFailure : Arrival::kNone;
    case Combinator::kAllSucceededOrFirstFailed:
      return children.failure ? Arrival::kFailure : all ? Arrival::kSuccess : Arrival::kNone;
  }
  PERDURE_INVARIANT(false, "a combinator is none that is known");
  return std::nullopt;
}

// Takes what has come out of one list of leaves.
template <typename Leaf, typename IdOf>
void TakeArrived(
    std::vector<Leaf>& leaves, Children& children, bool asks, const FindArrival& find, IdOf id_of) {
  const auto arrived = [&](const Leaf& leaf) {
    const Arrival arrival = find(id_of(leaf), asks);
    children.Add(arrival);
    return arrival != Arrival::kNone;
  };
  leaves.erase(std::remove_if(leaves.begin(), leaves.end(), arrived), leaves.end());
}

void TakeArrived(WaitNode& node, Children& children, const FindArrival& find) {
  const bool asks = AsksForOutcomes(node.combinator, children.outcome_matters);
  TakeArrived(node.completions, children, asks, find, [](CompletionId id) {
    return NotificationId(CompletionKey{id});
  });
  TakeArrived(node.signals, children, asks, find, [](uint32_t index) {
    return NotificationId(SignalName(index));
  });
  TakeArrived(node.named_signals, children, asks, find, [](const std::string& name) {
    return NotificationId(SignalName(name));
  });
}

// Takes out the nodes that are gone, and what is below them.
void TakeGone(WaitSet& waits, std::vector<Children>& known) {
  std::vector<uint32_t> places(waits.nodes.size());
  uint32_t next = 0;
  for (uint32_t i = 0; i < waits.nodes.size(); ++i) {
    WaitNode& node = waits.nodes[i];
    known[i].gone = known[i].gone || known[node.parent].gone;
    if (known[i].gone) {
      continue;
    }
    node.parent = places[node.parent];
    places[i] = next;
    if (next != i) {
      waits.nodes[next] = std::move(node);
    }
    ++next;
  }
  waits.nodes.resize(next);
}

}  // namespace

bool Settle(WaitSet& waits, const FindArrival& find) {
  PERDURE_ASSERT(!waits.empty());
  std::vector<Children> known(waits.nodes.size());
  for (size_t i = 1; i < waits.nodes.size(); ++i) {
    const uint32_t parent = waits.nodes[i].parent;
    PERDURE_ASSERT(parent < i);
    known[i].outcome_matters =
        AsksForOutcomes(waits.nodes[parent].combinator, known[parent].outcome_matters);
  }
  bool any_gone = false;
  for (size_t i = waits.nodes.size(); i-- > 0;) {
    WaitNode& node = waits.nodes[i];
    TakeArrived(node, known[i], find);
    const std::optional<Arrival> outcome = Combine(node.combinator, known[i]);
    if (!outcome || (i == 0 && *outcome != Arrival::kNone)) {
      return true;
    }
    known[i].gone = *outcome != Arrival::kNone;
    any_gone = any_gone || known[i].gone;
    if (i > 0) {
      known[node.parent].Add(*outcome);
    }
  }
  if (any_gone) {
    TakeGone(waits, known);
  }
  return false;
}

}  // namespace perdure
