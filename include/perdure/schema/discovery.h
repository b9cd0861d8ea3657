// SPDX-License-Identifier: Apache-2.0
//
// Asks an endpoint what it serves (service protocol 1), with retries. Turns the answer into a
// deployment, not yet registered.
#pragma once

#include "perdure/base/clock.h"
#include "perdure/base/executor.h"
#include "perdure/base/ids.h"
#include "perdure/http/client.h"
#include "perdure/protocol/message_type.h"
#include "perdure/protocol/request_identity.h"
#include "perdure/schema/schema.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

namespace perdure {

struct DiscoveryRequest {
  std::string uri;  // absolute http(s) URI
  bool use_http_11 = false;
  HttpHeaders additional_headers;
  std::map<std::string, std::string> metadata;
};

// Admin API 2.1, 5.2.
struct DiscoveryError {
  int status = 500;
  std::string code;  // "META0003"; empty: restate_code null
  std::string message;
};
using DiscoveryResult = std::variant<std::shared_ptr<const DeploymentSchema>, DiscoveryError>;

// Where a deployment URI points to.
struct DeploymentAddress {
  std::string uri;  // normalised, as shown (admin API 3)
  HttpEndpoint endpoint;
  std::string path_prefix;  // without trailing '/', may be empty
  std::string query;        // with '?', may be empty
};

// Same authority and same path (admin API 5.2 step 3). Scheme, query and a trailing '/' do not
// count.
inline bool SameDeployment(
    const DeploymentSchema& deployment,
    const HttpEndpoint& endpoint,
    std::string_view path_prefix) {
  return deployment.endpoint.host == endpoint.host && deployment.endpoint.port == endpoint.port &&
         deployment.path_prefix == path_prefix;
}

// Thread: the I/O thread of the given client, except ParseUri (any).
class Discovery {
 public:
  using Done = MoveFunction<void(DiscoveryResult)>;
  virtual ~Discovery() = default;
  // Checks a URI without asking anybody; the error is a 400.
  virtual std::variant<DeploymentAddress, DiscoveryError> ParseUri(
      std::string_view uri, bool use_http_11) const = 0;
  // Checks the URI first (400), then asks. `id` becomes the id of a new deployment. `done` is
  // called exactly once, later, unless the discovery is destroyed before.
  virtual void Discover(
      DiscoveryRequest request,
      DeploymentId id,
      Executor& executor,
      HttpClient& client,
      Done done) = 0;
};

struct DiscoveryOptions {
  std::string cluster_name;                         // x-restate-cluster-name
  std::shared_ptr<const RequestIdentity> identity;  // null: requests are not signed
  int protocol_version_max = kProtocolVersionMax;   // the newest that is offered
};
std::unique_ptr<Discovery> MakeDiscovery(const DiscoveryOptions& options, const Clock& clock);

}  // namespace perdure
