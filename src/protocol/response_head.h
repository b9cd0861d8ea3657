// SPDX-License-Identifier: Apache-2.0
//
// What the head of an invocation response means (service protocol 4.5). No status is terminal: a
// failure here fails the attempt, and the retry policy decides.
#pragma once

#include "perdure/base/ids.h"
#include "perdure/http/message.h"
#include "protocol/attempt_problem.h"

#include <optional>
#include <string>
#include <string_view>

namespace perdure {

// Nothing: the SDK answers, its frames follow.
std::optional<AttemptProblem> CheckResponseHead(
    int status,
    const HttpHeaders& headers,
    std::string_view expected_content_type,
    TimeMs wall_now);

// Seconds, or an HTTP date in the future (RFC 9110 and the older forms it lists, RFC 2822 zones).
std::optional<DurationMs> ParseRetryAfter(std::string_view value, TimeMs wall_now);

}  // namespace perdure
