// SPDX-License-Identifier: Apache-2.0
//
// What has come of what a suspended invocation waits for (service protocol 3.12). Pure: the caller
// says what is there. What has come is taken out of the tree, so that a stored wait set names only
// what is still to come, and one more notification needs no look at the others.
#pragma once

#include "perdure/protocol/notifications.h"
#include "perdure/protocol/wait_set.h"

#include <cstdint>
#include <functional>

namespace perdure {

enum class Arrival : uint8_t { kNone, kSuccess, kFailure };

// What has come of one leaf. Without `outcome_matters`, either outcome will do for what has come.
using FindArrival = std::function<Arrival(const NotificationId& id, bool outcome_matters)>;

// True: the invocation goes on, and `waits` means nothing any more. False: all that is in `waits`
// is still to come.
//
// A combinator decides as its row in the table says, from what has come so far in any order. Where
// that leaves open with which outcome, and the node above asks for it, the invocation goes on: to
// resume too early is safe, the SDK decides and suspends again.
// REQUIRES: `waits` is not empty, nor is one of its nodes.
bool Settle(WaitSet& waits, const FindArrival& find);

}  // namespace perdure
