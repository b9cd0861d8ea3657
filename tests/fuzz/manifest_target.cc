// SPDX-License-Identifier: Apache-2.0
//
// What a service answers to a discovery request.
//   input: content type (1 byte), body
#include "perdure/protocol/manifest.h"
#include "perdure/schema/schema.h"
#include "tests/fuzz/target.h"

#include <iterator>
#include <memory>
#include <optional>
#include <string_view>

namespace perdure::fuzz {

void FuzzManifest(BytesView input) {
  static constexpr std::string_view kTypes[] = {
      "application/vnd.restate.endpointmanifest.v1+json",
      "application/vnd.restate.endpointmanifest.v2+json",
      "application/vnd.restate.endpointmanifest.v3+json",
      "application/vnd.restate.endpointmanifest.v4+json",
      "application/json"};
  Cursor in(input);
  const size_t number = in.Byte() % (std::size(kTypes) + 1);
  const std::optional<std::string_view> type =
      number < std::size(kTypes) ? std::optional(kTypes[number]) : std::nullopt;
  const ManifestResult parsed = ParseManifest(type, in.Rest());
  if (!parsed.ok()) {
    PERDURE_ASSERT(!parsed.error().FullMessage().empty());
    return;
  }
  const Manifest& manifest = parsed.manifest();
  PERDURE_ASSERT(manifest.min_protocol_version <= manifest.max_protocol_version);
  DeploymentSchema deployment;
  for (const ServiceSchema& service : manifest.services) {
    PERDURE_ASSERT(!service.name.empty());
    const auto shared = std::make_shared<const ServiceSchema>(service);
    PERDURE_ASSERT(deployment.services.emplace(service.name, shared).second);
  }
  const DeploymentSchema resolved = ResolveOptions(deployment, SchemaDefaults{});
  PERDURE_ASSERT(resolved.services.size() == manifest.services.size());
}

}  // namespace perdure::fuzz
