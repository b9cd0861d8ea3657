// SPDX-License-Identifier: Apache-2.0
//
// The door for callers (:8080): calls, sends, attach and output, health (ingress API).
#pragma once

#include "perdure/base/clock.h"
#include "perdure/http/server.h"
#include "perdure/partition/gateway.h"
#include "perdure/partition/io_context.h"

#include <cstddef>
#include <memory>

namespace perdure {

struct IngressOptions {
  size_t requests_in_flight_max = 100'000;  // of this process; beyond: 503 overloaded
};

// The returned handler is used on every I/O thread; everything passed in outlives it.
std::unique_ptr<HttpHandler> MakeIngress(
    const IngressOptions& options,
    PartitionGateway& gateway,
    IoContexts& contexts,
    const Clock& clock);

}  // namespace perdure
