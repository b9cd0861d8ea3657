// SPDX-License-Identifier: Apache-2.0
//
// Routes about deployments and services (admin API 5, 6). Reading uses the schema view of the I/O
// thread; registering discovers first, then asks the metadata partition.
#pragma once

#include "admin/call.h"

namespace perdure::admin {

void RegisterDeploymentRoute(const AdminContext& context, AdminCall call);
void ListDeploymentsRoute(const AdminContext& context, AdminCall call);
void GetDeploymentRoute(const AdminContext& context, AdminCall call);
// Deprecated: an alias of PATCH under /v2 only (admin API 5.6).
void PutDeploymentRoute(const AdminContext& context, AdminCall call);

void ListServicesRoute(const AdminContext& context, AdminCall call);
void GetServiceRoute(const AdminContext& context, AdminCall call);
void ListHandlersRoute(const AdminContext& context, AdminCall call);
void GetHandlerRoute(const AdminContext& context, AdminCall call);

}  // namespace perdure::admin
