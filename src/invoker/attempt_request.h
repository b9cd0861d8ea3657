// SPDX-License-Identifier: Apache-2.0
//
// The HTTP request of an attempt (service protocol 2.1, 6). A pure function of its arguments.
#pragma once

#include "perdure/core/effect.h"
#include "perdure/http/client.h"
#include "perdure/protocol/request_identity.h"

#include <string>
#include <string_view>

namespace perdure {

// `identity` may be null: the request is not signed. REQUIRES: start.deployment is not null.
HttpStreamRequest MakeAttemptRequest(
    const StartAttempt& start,
    std::string_view cluster_name,
    const RequestIdentity* identity,
    TimeMs now);

// Everything but letters, digits and "-._~" as %XX.
std::string PercentEncode(std::string_view text);

}  // namespace perdure
