// SPDX-License-Identifier: Apache-2.0
//
// What is waited for, as the text of the columns that show it.
#pragma once

#include "perdure/protocol/wait_set.h"

#include <string>

namespace perdure::query {

// {"FirstCompleted":[{"Single":{"SignalIndex":1}},{"AllCompleted":[...]}]}: of each node its
// leaves, then the nodes below it. REQUIRES: not empty.
std::string WaitSetJson(const WaitSet& wait_set);

}  // namespace perdure::query
