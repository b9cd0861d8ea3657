// SPDX-License-Identifier: Apache-2.0
//
// The discovery manifest: what a deployment says about itself (service protocol 1, admin API 5.2).
// Parsing and checking only; fetching it, and comparing it with what is registered, is done
// elsewhere.
#pragma once

#include "perdure/base/bytes.h"
#include "perdure/base/result.h"
#include "perdure/protocol/message_type.h"
#include "perdure/schema/schema.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace perdure {

// The value of the `accept` header of a discovery request.
extern const std::string_view kDiscoveryAccept;

struct Manifest {
  int min_protocol_version = 0;
  int max_protocol_version = 0;
  bool bidirectional = true;
  // Options as given, nothing resolved; deployment_id and revision are not set.
  std::vector<ServiceSchema> services;
};

struct ManifestError {
  int status = 500;            // of the admin API's answer
  std::string_view code;       // "META0013"; empty: no code
  std::string message;         // without the code prefix
  bool from_discovery = true;  // the code stands twice in front of these messages

  // As the admin API shows it (admin API 2.1): "[META0013] [META0013] received ...".
  std::string FullMessage() const;
};

class [[nodiscard]] ManifestResult {
 public:
  ManifestResult(Manifest manifest) : manifest_(std::move(manifest)) {}  // NOLINT: implicit
  ManifestResult(ManifestError error) : error_(std::move(error)) {}      // NOLINT: implicit
  bool ok() const { return manifest_.has_value(); }
  const Manifest& manifest() const {
    PERDURE_ASSERT(ok());
    return *manifest_;
  }
  const ManifestError& error() const {
    PERDURE_ASSERT(error_.has_value());
    return *error_;
  }

 private:
  std::optional<Manifest> manifest_;
  std::optional<ManifestError> error_;
};

// `content_type` is the header of a 200 response, absent if there was none. The versions of the
// service protocol up to `protocol_version_max` are offered: an SDK that speaks none of them is
// refused.
ManifestResult ParseManifest(
    std::optional<std::string_view> content_type,
    BytesView body,
    int protocol_version_max = kProtocolVersionMax);

// Fills the resolved values of every service and handler: handler before service before default,
// the retry policy field by field, retentions clamped to their maxima (service protocol 1.3).
DeploymentSchema ResolveOptions(const DeploymentSchema& deployment, const SchemaDefaults& defaults);

}  // namespace perdure
