// SPDX-License-Identifier: Apache-2.0
//
// The messages of a failed discovery (admin API 5.3, service protocol 1.4). Texts follow the
// reference, because operators search for them; the code stands in front twice, as there.
#pragma once

#include "perdure/http/client.h"
#include "perdure/http/message.h"
#include "perdure/protocol/manifest.h"
#include "perdure/schema/discovery.h"

#include <string>
#include <string_view>

namespace perdure {

// 400: the URI cannot be used.
DiscoveryError BadUri(std::string_view reason);

// The stream failed. `http11`: how we spoke.
DiscoveryError CallFailed(
    std::string_view uri, bool http11, HttpFailure failure, std::string_view message);

// An answer that is not 200.
DiscoveryError BadStatus(int status, const HttpHeaders& headers, std::string_view body);

DiscoveryError BadManifest(const ManifestError& error);

DiscoveryError BodyTooLarge(size_t limit);
DiscoveryError TimedOut(std::string_view uri, DurationMs after);

}  // namespace perdure
