// SPDX-License-Identifier: Apache-2.0
//
// The services of a simulated deployment, with timeouts and retries by seed. See program.cc for
// what they are called and do.
#pragma once

#include "perdure/schema/schema.h"
#include "tests/sim/random.h"

#include <cstdint>
#include <memory>
#include <string>

namespace perdure::sim {

// What a run uses for all its deployments.
struct ServiceOptions {
  DurationMs inactivity_timeout = 0;
  DurationMs abort_timeout = 0;
  bool lazy_state = false;
};
ServiceOptions AnyServiceOptions(Rng& rng);

inline std::string HostOf(uint8_t deployment) {
  return "sdk-" + std::to_string(deployment);
}
std::shared_ptr<const DeploymentSchema> MakeDeployment(
    uint8_t number, const ServiceOptions& options);

}  // namespace perdure::sim
