// SPDX-License-Identifier: Apache-2.0
//
// Which bodies and content types a handler takes (ingress API 4.2). Looks at the header and at
// whether there is a body, never into it: a JSON schema is enforced by the SDK.
#pragma once

#include "perdure/schema/schema.h"

#include <optional>
#include <string>
#include <string_view>

namespace perdure::ingress {

// Absent: the request passes. Else why not.
std::optional<std::string> CheckInput(
    const InputSchema& input, std::optional<std::string_view> content_type, bool body_empty);

}  // namespace perdure::ingress
