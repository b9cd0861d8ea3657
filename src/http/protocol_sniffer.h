// SPDX-License-Identifier: Apache-2.0
//
// Tells HTTP/2 with prior knowledge from HTTP/1 by the first bytes of a connection. Nothing else:
// no Upgrade, no TLS.
#pragma once

#include "perdure/base/bytes.h"

#include <cstdint>

namespace perdure {

enum class WireProtocol : uint8_t { kUndecided, kHttp1, kHttp2 };

// The connection preface of HTTP/2 (RFC 9113 3.4).
inline constexpr BytesView kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// `first_bytes` is everything that has come so far.
WireProtocol SniffProtocol(BytesView first_bytes);

}  // namespace perdure
