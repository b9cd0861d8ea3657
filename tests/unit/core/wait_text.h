// SPDX-License-Identifier: Apache-2.0
//
// Wait sets as short texts: "first(s1 settled(c1 c2 \"go\"))". A leaf is a completion (c1), a
// signal (s1) or a signal's name; the combinators are any (of unknown kind), first, settled (all
// completed), some (first succeeded or all failed) and all (all succeeded or first failed), after
// what SDKs call them.
#pragma once

#include "perdure/protocol/wait_set.h"

#include <string>
#include <string_view>

namespace perdure::test {

// REQUIRES: a text as above.
WaitSet Waits(std::string_view text);
std::string TextOf(const WaitSet& waits);

}  // namespace perdure::test
