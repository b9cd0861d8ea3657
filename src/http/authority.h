// SPDX-License-Identifier: Apache-2.0
//
// How an endpoint is named in a request: the scheme, and the host with its port unless that is the
// scheme's own. For both client codecs. Does not check the host.
#pragma once

#include "perdure/http/client.h"

#include <string>
#include <string_view>

namespace perdure {

inline std::string_view SchemeOf(const HttpEndpoint& endpoint) {
  return endpoint.tls ? "https" : "http";
}

// "svc.test:9080", "svc.test", "[fd00::2]:9080".
std::string AuthorityOf(const HttpEndpoint& endpoint);

}  // namespace perdure
