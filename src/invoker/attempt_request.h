// SPDX-License-Identifier: Apache-2.0
//
// The HTTP request of an attempt (service protocol 2.1). A pure function of the start.
#pragma once

#include "perdure/core/effect.h"
#include "perdure/http/client.h"

#include <string>
#include <string_view>

namespace perdure {

// REQUIRES: start.deployment is not null.
HttpStreamRequest MakeAttemptRequest(const StartAttempt& start, std::string_view cluster_name);

// Everything but letters, digits and "-._~" as %XX.
std::string PercentEncode(std::string_view text);

}  // namespace perdure
