// SPDX-License-Identifier: Apache-2.0
//
// The answer to an attach that needs no turn: the result of an invocation that completed earlier
// (ingress API 6).
#pragma once

#include "perdure/base/ids.h"
#include "perdure/core/reply.h"
#include "perdure/store/state.h"

#include <optional>

namespace perdure {

// What the machine would answer to Attach, if the invocation is completed and its rows are in
// memory; else nothing. The rows are read one by one.
// REQUIRES: the partition of `id` writes nothing meanwhile, or the answer is thrown away.
// Thread: any.
std::optional<InvocationResult> FindStoredResult(const StateStore& store, const InvocationId& id);

}  // namespace perdure
