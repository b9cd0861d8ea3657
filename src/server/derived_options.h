// SPDX-License-Identifier: Apache-2.0
//
// Settings, as each part of the server wants them.
#pragma once

#include "perdure/base/result.h"
#include "perdure/base/settings.h"
#include "perdure/invoker/invoker.h"
#include "perdure/net/server.h"
#include "perdure/protocol/request_identity.h"
#include "perdure/schema/schema.h"
#include "perdure/store/database.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace perdure {

HttpClientOptions ClientOptionsOf(const Settings& settings);
HttpServerOptions IngressListenerOf(const Settings& settings);
HttpServerOptions AdminListenerOf(const Settings& settings);
InvokerOptions InvokerOptionsOf(
    const Settings& settings, size_t io_threads, std::shared_ptr<const RequestIdentity> identity);
SchemaDefaults SchemaDefaultsOf(const Settings& settings);
// The newest version of the service protocol that is offered.
int ProtocolVersionMaxOf(const Settings& settings);
// Reads the key, if one is set (else null), and logs its public half. The error names the setting
// and the file.
Result<std::shared_ptr<const RequestIdentity>> RequestIdentityOf(const Settings& settings);
// Shown to clients that ask where the ingress is.
std::string IngressEndpointOf(const Settings& settings, uint16_t port);

// The number of partitions of the folder: the setting when the folder is new, afterwards what it
// was made with (another setting is warned about).
Result<uint16_t> FixedPartitionCount(Database& database, uint16_t wanted);

}  // namespace perdure
