// SPDX-License-Identifier: Apache-2.0
//
// The HTTP/2 server codec, behind the port so that nghttp2's header stays in the .cc.
#pragma once

#include "perdure/http/server_codec.h"

#include <memory>

namespace perdure {

// Expects the connection preface first.
std::unique_ptr<ServerCodec> MakeHttp2ServerCodec(
    const ServerCodecOptions& options, ServerCodecEvents& events);

}  // namespace perdure
