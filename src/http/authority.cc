// SPDX-License-Identifier: Apache-2.0
//
// Names of endpoints (RFC 9110 4.2, RFC 3986 3.2.2): see authority.h.
#include "http/authority.h"

namespace perdure {

std::string AuthorityOf(const HttpEndpoint& endpoint) {
  const uint16_t usual_port = endpoint.tls ? 443 : 80;
  const bool is_ipv6 = endpoint.host.find(':') != std::string::npos;
  std::string out = is_ipv6 ? "[" + endpoint.host + "]" : endpoint.host;
  if (endpoint.port != usual_port) {
    out += ":" + std::to_string(endpoint.port);
  }
  return out;
}

}  // namespace perdure
