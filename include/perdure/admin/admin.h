// SPDX-License-Identifier: Apache-2.0
//
// The door for operators (:9070): deployments, services, control of invocations, introspection
// (admin API).
#pragma once

#include "perdure/base/clock.h"
#include "perdure/http/server.h"
#include "perdure/partition/gateway.h"
#include "perdure/partition/io_context.h"
#include "perdure/query/introspection.h"
#include "perdure/schema/discovery.h"

#include <memory>
#include <optional>
#include <string>

namespace perdure {

struct AdminOptions {
  std::string ingress_endpoint;  // shown in /version
  std::string cluster_name = "localcluster";
  std::string perdure_version;
  bool protocol_v7 = false;  // shown in /version
};

// The returned handler is used on every I/O thread; everything passed in outlives it.
std::unique_ptr<HttpHandler> MakeAdmin(
    const AdminOptions& options,
    PartitionGateway& gateway,
    IoContexts& contexts,
    Discovery& discovery,
    Introspection& introspection,
    const Clock& clock);

}  // namespace perdure
