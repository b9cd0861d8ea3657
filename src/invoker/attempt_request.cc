// SPDX-License-Identifier: Apache-2.0
//
// Service and handler names need no escaping: discovery admits only names that are valid in a path.
#include "invoker/attempt_request.h"

#include "perdure/base/assert.h"
#include "perdure/protocol/invocation_stream.h"

namespace perdure {

std::string PercentEncode(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 0xf];
    }
  }
  return out;
}

HttpStreamRequest MakeAttemptRequest(
    const StartAttempt& start,
    std::string_view cluster_name,
    const RequestIdentity* identity,
    TimeMs now) {
  PERDURE_ASSERT(start.deployment != nullptr);
  const DeploymentSchema& deployment = *start.deployment;
  HttpStreamRequest request;
  request.endpoint = deployment.endpoint;
  request.method = "POST";
  const std::string path = "/invoke/" + start.target.service + "/" + start.target.handler;
  request.path = deployment.path_prefix + path + deployment.query;
  const std::string content_type = InvocationContentType(start.protocol_version);
  request.headers.Add("content-type", content_type);
  request.headers.Add("accept", content_type);
  request.headers.Add("x-restate-invocation-id", start.id.ToString());
  if (start.target.keyed()) {
    request.headers.Add("x-restate-service-key", PercentEncode(start.target.key));
  }
  request.headers.Add("x-restate-cluster-name", std::string(cluster_name));
  for (const HttpHeader& header : deployment.additional_headers.items()) {
    request.headers.Add(header.name, header.value);
  }
  if (identity != nullptr) {
    identity->Sign(path, start.target.keyed() ? start.target.key : "", now, &request.headers);
  }
  return request;
}

}  // namespace perdure
