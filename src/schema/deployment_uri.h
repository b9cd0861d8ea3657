// SPDX-License-Identifier: Apache-2.0
//
// The URI under which a deployment is registered (admin API 5.2 step 1). What is not an absolute
// http or https URI is refused here, so that nothing strange ever reaches a request line. A
// fragment is dropped, as it never travels; credentials in the authority are refused, because they
// would be stored and shown but never sent.
#pragma once

#include "perdure/base/result.h"
#include "perdure/schema/discovery.h"

#include <string_view>

namespace perdure {

// The message of the error is the reason alone.
Result<DeploymentAddress> ParseDeploymentUri(std::string_view text, bool use_http_11);

}  // namespace perdure
