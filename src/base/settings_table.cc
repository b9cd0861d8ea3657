// SPDX-License-Identifier: Apache-2.0
//
// One row per key. A row is made from a kind (how to read and print) and the path to its member.
// Keys without a row are either known to have no meaning here, known to come later, or unknown.
#include "base/settings_table.h"

#include "base/config_values.h"

#include <algorithm>
#include <array>

namespace perdure::config {
namespace {

template <typename T>
inline constexpr bool kIsOptional = false;
template <typename T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

template <typename Kind, auto... kPath>
Status SetMember(Settings& settings, std::string_view value) {
  auto parsed = Kind::Parse(value);
  if (!parsed.ok()) {
    return parsed.error();
  }
  (settings.*....*kPath) = std::move(parsed).value();
  return OkStatus();
}

template <typename Kind, auto... kPath>
std::optional<std::string> PrintMember(const Settings& settings) {
  const auto& member = (settings.*....*kPath);
  using Member = std::decay_t<decltype(member)>;
  if constexpr (kIsOptional<Member> && !kIsOptional<typename Kind::Type>) {
    if (!member) {
      return std::nullopt;
    }
    return Kind::Print(*member);
  } else {
    return Kind::Print(member);
  }
}

template <typename Kind, auto... kPath>
constexpr SettingRow Row(std::string_view key) {
  return {key, true, &SetMember<Kind, kPath...>, &PrintMember<Kind, kPath...>};
}
// Read, checked and printed; nothing depends on it yet.
template <typename Kind, auto... kPath>
constexpr SettingRow Accepted(std::string_view key) {
  return {key, false, &SetMember<Kind, kPath...>, &PrintMember<Kind, kPath...>};
}
std::optional<std::string> PrintNothing(const Settings&) {
  return std::nullopt;
}
// An older name of another row: read, not printed.
template <typename Kind, auto... kPath>
constexpr SettingRow Alias(std::string_view key) {
  return {key, true, &SetMember<Kind, kPath...>, &PrintNothing};
}

using S = Settings;
using I = InvokerSettings;
using D = DoorSettings;
using Port = CountKind<uint16_t>;
using Count32 = CountKind<uint32_t, 1>;
using CountSize = CountKind<size_t, 1>;

constexpr std::array kRows{
    Row<TextKind, &S::base_dir>("base-dir"),
    Row<NodeNameKind, &S::node_name>("node-name"),
    Row<TextKind, &S::cluster_name>("cluster-name"),
    Row<IpKind, &S::bind_ip>("bind-ip"),
    Accepted<Port, &S::bind_port>("bind-port"),
    Accepted<AddressKind, &S::bind_address>("bind-address"),
    Accepted<TextKind, &S::advertised_address>("advertised-address"),
    Row<SwitchKind, &S::use_random_ports>("use-random-ports"),
    Accepted<ListenModeKind, &S::listen_mode>("listen-mode"),
    Row<CountKind<uint16_t, 1>, &S::default_num_partitions>("default-num-partitions"),
    Row<Count32, &S::default_thread_pool_size>("default-thread-pool-size"),
    Row<NonZeroDurationKind, &S::shutdown_timeout>("shutdown-timeout"),
    Row<LogFilterKind, &S::log_filter>("log-filter"),
    Row<LogFormatKind, &S::log_format>("log-format"),
    Row<SwitchKind, &S::log_disable_ansi_codes>("log-disable-ansi-codes"),
    Accepted<SwitchKind, &S::disable_prometheus>("disable-prometheus"),
    Row<SwitchKind, &S::disable_telemetry>("disable-telemetry"),
    Row<SwitchKind, &S::experimental_enable_protocol_v7>("experimental-enable-protocol-v7"),
    Alias<TextKind, &S::invoker, &I::request_identity_private_key_pem_file>(
        "request-identity-private-key-pem-file"),
    Row<DurationKind, &S::retention, &RetentionSettings::journal>("default-journal-retention"),
    Row<DurationKind, &S::retention, &RetentionSettings::journal_max>("max-journal-retention"),
    Row<DurationKind, &S::retention, &RetentionSettings::idempotency>(
        "default-idempotency-retention"),
    Row<DurationKind, &S::retention, &RetentionSettings::idempotency_max>(
        "max-idempotency-retention"),
    Row<DurationKind, &S::retention, &RetentionSettings::workflow_completion>(
        "default-workflow-completion-retention"),
    Row<DurationKind, &S::retention, &RetentionSettings::workflow_completion_max>(
        "max-workflow-completion-retention"),

    Row<NonZeroDurationKind, &S::retry, &RetrySettings::initial_interval>(
        "default-retry-policy.initial-interval"),
    Row<FactorKind, &S::retry, &RetrySettings::exponentiation_factor>(
        "default-retry-policy.exponentiation-factor"),
    Row<NonZeroDurationKind, &S::retry, &RetrySettings::max_interval>(
        "default-retry-policy.max-interval"),
    Row<AttemptsKind, &S::retry, &RetrySettings::max_attempts>("default-retry-policy.max-attempts"),
    Row<OnMaxAttemptsKind, &S::retry, &RetrySettings::pause_on_max_attempts>(
        "default-retry-policy.on-max-attempts"),

    Accepted<NonZeroDurationKind, &S::cleanup_interval>("worker.cleanup-interval"),
    Accepted<CountKind<uint64_t, 1>, &S::num_timers_in_memory_limit>(
        "worker.num-timers-in-memory-limit"),

    Row<DurationKind, &S::invoker, &I::inactivity_timeout>("worker.invoker.inactivity-timeout"),
    Row<DurationKind, &S::invoker, &I::abort_timeout>("worker.invoker.abort-timeout"),
    Row<CountSize, &S::invoker, &I::concurrent_invocations_limit>(
        "worker.invoker.concurrent-invocations-limit"),
    Row<SizeKind, &S::invoker, &I::message_size_limit>("worker.invoker.message-size-limit"),
    Accepted<SizeKind, &S::invoker, &I::message_size_warning>(
        "worker.invoker.message-size-warning"),
    Row<SizeKind, &S::invoker, &I::eager_state_size_limit>("worker.invoker.eager-state-size-limit"),
    Row<SwitchKind, &S::invoker, &I::disable_eager_state>("worker.invoker.disable-eager-state"),
    Row<SizeKind, &S::invoker, &I::memory_limit>("worker.invoker.memory-limit"),
    Row<SizeKind, &S::invoker, &I::per_invocation_memory_limit>(
        "worker.invoker.per-invocation-memory-limit"),
    Row<NonZeroDurationKind, &S::invoker, &I::connect_timeout>("worker.invoker.connect-timeout"),
    Row<NonZeroDurationKind, &S::invoker, &I::http2_keep_alive_interval>(
        "worker.invoker.http2-keep-alive-interval"),
    Row<NonZeroDurationKind, &S::invoker, &I::http2_keep_alive_timeout>(
        "worker.invoker.http2-keep-alive-timeout"),
    Row<FactorKind, &S::invoker, &I::http2_keep_alive_jitter>(
        "worker.invoker.http2-keep-alive-jitter"),
    Row<Count32, &S::invoker, &I::http2_streams_per_connection_limit>(
        "worker.invoker.http2-streams-per-connection-limit"),
    Row<NonZeroDurationKind, &S::invoker, &I::http2_idle_connection_timeout>(
        "worker.invoker.http2-idle-connection-timeout"),
    Row<WindowKind, &S::invoker, &I::http2_initial_stream_window_size>(
        "worker.invoker.http2-initial-stream-window-size"),
    Row<WindowKind, &S::invoker, &I::http2_initial_connection_window_size>(
        "worker.invoker.http2-initial-connection-window-size"),
    Accepted<SizeKind, &S::invoker, &I::http2_max_frame_size>(
        "worker.invoker.http2-max-frame-size"),
    Accepted<Count32, &S::invoker, &I::max_awaited_future_depth>(
        "worker.invoker.max-awaited-future-depth"),
    Row<TextKind, &S::invoker, &I::request_identity_private_key_pem_file>(
        "worker.invoker.request-identity-private-key-pem-file"),
    Row<NonZeroDurationKind, &S::invoker, &I::request_identity_expiration>(
        "worker.invoker.request-identity-expiration"),

    Row<AddressKind, &S::ingress, &D::bind_address>("ingress.bind-address"),
    Row<IpKind, &S::ingress, &D::bind_ip>("ingress.bind-ip"),
    Row<Port, &S::ingress, &D::bind_port>("ingress.bind-port"),
    Accepted<TextKind, &S::ingress, &D::advertised_address>("ingress.advertised-address"),
    Accepted<CountSize, &S::ingress, &D::concurrent_api_requests_limit>(
        "ingress.concurrent-api-requests-limit"),
    Row<SizeKind, &S::ingress_request_size_limit>("ingress.request-size-limit"),
    Row<Count32, &S::ingress_http2_max_concurrent_streams>("ingress.http2-max-concurrent-streams"),

    Row<AddressKind, &S::admin, &D::bind_address>("admin.bind-address"),
    Row<IpKind, &S::admin, &D::bind_ip>("admin.bind-ip"),
    Row<Port, &S::admin, &D::bind_port>("admin.bind-port"),
    Accepted<TextKind, &S::admin, &D::advertised_address>("admin.advertised-address"),
    Accepted<CountSize, &S::admin, &D::concurrent_api_requests_limit>(
        "admin.concurrent-api-requests-limit"),
    Accepted<SwitchKind, &S::admin_disable_web_ui>("admin.disable-web-ui"),
    Accepted<SizeKind, &S::query_memory_size>("admin.query-engine.memory-size"),

    Row<SizeKind, &S::message_size_limit>("networking.message-size-limit"),
};

// A name that ends in '*' stands for everything that begins so.
constexpr std::array<std::string_view, 30> kIgnored{
    "roles",
    "auto-provision",
    "production",
    "use-tls",
    "location",
    "force-node-id",
    "metadata-*",
    "bifrost.*",
    "log-server.*",
    "gossip-*",
    "rocksdb-*",
    "networking.*",
    "hlc-*",
    "worker.storage.*",
    "worker.snapshots.*",
    "worker.shuffle.*",
    "worker.internal-queue-length",
    "worker.max-command-*",
    "worker.trim-*",
    "worker.data-service-*",
    "worker.rule-book-*",
    "worker.self-proposal-*",
    "network-error-retry-policy.*",
    "initialization-timeout",
    "default-replication",
    "no-logo",
    "ingress.ingestion.*",
    "admin.heartbeat-*",
    "storage-*",
    "tokio_console_*"};

constexpr std::array<std::string_view, 11> kNotYet{
    "worker.invoker.additional-request-headers*",
    "worker.invoker.request-compression-threshold",
    "worker.invoker.in-memory-queue-length-limit",
    "worker.invoker.per-invocation-initial-memory",
    "experimental-*",
    "ingress.kafka-clusters*",
    "admin.deployment-routing-headers*",
    "tracing-*",
    "advertised-host",
    "ingress.tls.*",
    "admin.tls.*"};

template <size_t kSize>
bool Matches(const std::array<std::string_view, kSize>& names, std::string_view key) {
  return std::any_of(names.begin(), names.end(), [key](std::string_view name) {
    const bool open = name.back() == '*';
    return open ? key.substr(0, name.size() - 1) == name.substr(0, name.size() - 1) : key == name;
  });
}

}  // namespace

std::span<const SettingRow> SettingRows() {
  return kRows;
}

const SettingRow* FindSetting(std::string_view key) {
  const auto* row = std::find_if(kRows.begin(), kRows.end(), [key](const SettingRow& candidate) {
    return candidate.key == key;
  });
  return row == kRows.end() ? nullptr : row;
}

OtherKey ClassifyOther(std::string_view key) {
  if (Matches(kNotYet, key)) {
    return OtherKey::kNotYet;
  }
  return Matches(kIgnored, key) ? OtherKey::kIgnored : OtherKey::kUnknown;
}

}  // namespace perdure::config
