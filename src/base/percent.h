// SPDX-License-Identifier: Apache-2.0
//
// Percent-decoding of URL text, the same at both doors. Malformed escapes are passed on as they
// came: whoever uses a value decides whether it makes sense.
#pragma once

#include <string>
#include <string_view>

namespace perdure {

// Decodes %XX; a '%' that is not followed by two hex digits stays as it is. In forms '+' is a
// space.
std::string PercentDecode(std::string_view text, bool plus_is_space = false);

}  // namespace perdure
