// SPDX-License-Identifier: Apache-2.0
//
// How the stored result of a completed invocation is found and read, for every reader of it.
#pragma once

#include "perdure/core/reply.h"
#include "perdure/core/rows.h"

#include <string>

namespace perdure {

// The journal row that holds the result. REQUIRES: completed, and the status holds no failure.
std::string KeyOfResult(const InvocationId& id, const InvocationStatus& status);
// The result in that row.
ValueOrFailure DecodeResult(const InvocationStatus& status, std::string row);
// REQUIRES: `result` is the stored one.
InvocationResult MakeInvocationResult(
    const InvocationId& id, const InvocationStatus& status, ValueOrFailure result);

}  // namespace perdure
