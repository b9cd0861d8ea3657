// SPDX-License-Identifier: Apache-2.0
//
// Deployments, services and handlers as the admin API shows them (admin API 5, 6, 19), as JSON
// text. Lists are sorted by name or id.
#pragma once

#include "perdure/schema/schema.h"

#include <string>

namespace perdure::admin {

// The answer to a registration.
std::string RegistrationJson(const DeploymentSchema& deployment);
// {"deployments":[...]} with names and revisions of services.
std::string DeploymentListJson(const SchemaView& view);
// One deployment with its services in full.
std::string DeploymentJson(const DeploymentSchema& deployment);

// {"services":[...]}, active revisions.
std::string ServiceListJson(const SchemaView& view);
std::string ServiceJson(const SchemaView& view, const ServiceSchema& service);
std::string HandlerListJson(const SchemaView& view, const ServiceSchema& service);
std::string HandlerJson(
    const SchemaView& view, const ServiceSchema& service, const HandlerSchema& handler);

}  // namespace perdure::admin
