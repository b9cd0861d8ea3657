// SPDX-License-Identifier: Apache-2.0
//
// See derived_options.h.
#include "server/derived_options.h"

#include "perdure/base/log.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <limits>
#include <string_view>
#include <utility>

namespace perdure {
namespace {

constexpr std::string_view kPartitionCountKey = "partition-count";
constexpr size_t kPemBytesMax = 64 * limits::kKiB;
// What stands around a body in its journal entry: heads, and the headers of an input. Nobody means
// that by a limit of 32 MiB.
constexpr size_t kAroundBodies = limits::kHttpHeadMax + 4 * limits::kKiB;
constexpr DurationMs kIdentityExpirationMin = 1000;

uint32_t Window(size_t bytes) {
  constexpr size_t kHttp2WindowMax = 0x7fffffff;
  return static_cast<uint32_t>(std::min(bytes, kHttp2WindowMax));
}

}  // namespace

HttpClientOptions ClientOptionsOf(const Settings& settings) {
  const InvokerSettings& invoker = settings.invoker;
  HttpClientOptions options;
  options.connect_timeout = invoker.connect_timeout;
  options.keep_alive_interval = invoker.http2_keep_alive_interval;
  options.keep_alive_jitter = invoker.http2_keep_alive_jitter;
  options.keep_alive_timeout = invoker.http2_keep_alive_timeout;
  options.idle_timeout = invoker.http2_idle_connection_timeout;
  options.streams_per_connection = invoker.http2_streams_per_connection_limit;
  options.stream_window = Window(invoker.http2_initial_stream_window_size);
  options.connection_window = Window(invoker.http2_initial_connection_window_size);
  return options;
}

HttpServerOptions IngressListenerOf(const Settings& settings) {
  HttpServerOptions options;
  options.bind_address = settings.ingress.bind_address;
  options.body_size_max = settings.ingress_request_size_limit;
  options.http2_streams_max = settings.ingress_http2_max_concurrent_streams;
  return options;
}

HttpServerOptions AdminListenerOf(const Settings& settings) {
  HttpServerOptions options;
  options.bind_address = settings.admin.bind_address;
  options.body_size_max = settings.message_size_limit;
  return options;
}

InvokerOptions InvokerOptionsOf(
    const Settings& settings, size_t io_threads, std::shared_ptr<const RequestIdentity> identity) {
  InvokerOptions options;
  options.slots = settings.invoker.concurrent_invocations_limit;
  options.message_size_max = settings.invoker.message_size_limit;
  // Half for each direction: an SDK that reads nothing while it writes, or the other way round,
  // holds up nobody who uses the other one.
  const size_t share = settings.invoker.memory_limit / io_threads / 2;
  options.invocation_memory_max = settings.invoker.per_invocation_memory_limit + kAroundBodies;
  options.frame_memory_max =
      std::max(share, std::min(settings.invoker.message_size_limit, options.invocation_memory_max));
  options.sending_memory_max = std::max(share, options.invocation_memory_max);
  options.cluster_name = settings.cluster_name;
  options.identity = std::move(identity);
  return options;
}

SchemaDefaults SchemaDefaultsOf(const Settings& settings) {
  SchemaDefaults defaults;
  defaults.inactivity_timeout = settings.invoker.inactivity_timeout;
  defaults.abort_timeout = settings.invoker.abort_timeout;
  defaults.journal_retention = settings.retention.journal;
  defaults.idempotency_retention = settings.retention.idempotency;
  defaults.workflow_completion_retention = settings.retention.workflow_completion;
  defaults.journal_retention_max = settings.retention.journal_max;
  defaults.idempotency_retention_max = settings.retention.idempotency_max;
  defaults.workflow_completion_retention_max = settings.retention.workflow_completion_max;
  defaults.retry_policy.initial_interval = settings.retry.initial_interval;
  defaults.retry_policy.exponentiation_factor = settings.retry.exponentiation_factor;
  defaults.retry_policy.max_interval = settings.retry.max_interval;
  defaults.retry_policy.max_attempts = settings.retry.max_attempts;
  defaults.retry_policy.on_max_attempts =
      settings.retry.pause_on_max_attempts ? OnMaxAttempts::kPause : OnMaxAttempts::kKill;
  return defaults;
}

int ProtocolVersionMaxOf(const Settings& settings) {
  return settings.experimental_enable_protocol_v7 ? kProtocolVersionExperimental
                                                  : kProtocolVersionMax;
}

std::string IngressEndpointOf(const Settings& settings, uint16_t port) {
  if (settings.ingress.advertised_address) {
    return *settings.ingress.advertised_address;
  }
  const std::string& bind = settings.ingress.bind_address;
  std::string host = bind.substr(0, bind.rfind(':'));
  if (host == "*" || host == "0.0.0.0" || host == "[::]" || host.empty()) {
    host = "localhost";
  }
  return "http://" + host + ":" + std::to_string(port) + "/";
}

Result<std::shared_ptr<const RequestIdentity>> RequestIdentityOf(const Settings& settings) {
  const std::optional<std::string>& path = settings.invoker.request_identity_private_key_pem_file;
  if (!path) {
    return std::shared_ptr<const RequestIdentity>();
  }
  const auto refuse = [&path](const std::string& reason) {
    return InvalidArgument(
        "cannot use the file of worker.invoker.request-identity-private-key-pem-file, " + *path +
        ": " + reason);
  };
  std::ifstream file(*path, std::ios::binary);
  std::string pem(kPemBytesMax, '\0');
  file.read(pem.data(), static_cast<std::streamsize>(pem.size()));
  if (file.bad() || file.gcount() == 0) {
    return refuse("it cannot be read, or is empty");
  }
  pem.resize(static_cast<size_t>(file.gcount()));
  const DurationMs validity =
      std::max(settings.invoker.request_identity_expiration, kIdentityExpirationMin);
  Result<std::shared_ptr<const RequestIdentity>> identity = MakeRequestIdentity(pem, validity);
  if (!identity.ok()) {
    return refuse(identity.error().message);
  }
  PERDURE_LOG(
      kInfo, "loaded request identity key", {{"kid", (*identity)->public_key()}, {"path", *path}});
  return identity;
}

Result<uint16_t> FixedPartitionCount(Database& database, uint16_t wanted) {
  const std::optional<std::string> stored = database.ReadMeta(kPartitionCountKey);
  if (!stored) {
    const Status written = database.WriteMeta(kPartitionCountKey, std::to_string(wanted));
    if (!written.ok()) {
      return written.error();
    }
    return wanted;
  }
  uint16_t count = 0;
  const char* end = stored->data() + stored->size();
  const auto parsed = std::from_chars(stored->data(), end, count);
  if (parsed.ec != std::errc() || parsed.ptr != end || count == 0) {
    return Error{ErrorCode::kCorrupt, "the data folder holds no readable number of partitions"};
  }
  if (count != wanted) {
    PERDURE_LOG(
        kWarn,
        "the number of partitions is fixed when the data folder is made; the setting is ignored",
        {{"partitions", count}, {"default_num_partitions", wanted}});
  }
  return count;
}

}  // namespace perdure
