// SPDX-License-Identifier: Apache-2.0
//
// What an operator may set: the values, where they come from, and how they are printed. Sources,
// the later one wins: default, TOML file, environment, flags; the caller feeds them in that order.
// The names are those of restate-server, so that its files and variables work here. Reads no file
// and no variable by itself, and touches nothing outside the loader.
#pragma once

#include "perdure/base/ids.h"
#include "perdure/base/limits.h"
#include "perdure/base/log.h"
#include "perdure/base/result.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace perdure {

enum class ListenMode : uint8_t { kAll, kUnix, kTcp };

struct RetrySettings {
  DurationMs initial_interval = 500;
  double exponentiation_factor = 2.0;
  DurationMs max_interval = 60'000;
  std::optional<uint32_t> max_attempts = 70;  // absent: unlimited
  bool pause_on_max_attempts = true;          // else kill
  friend bool operator==(const RetrySettings&, const RetrySettings&) = default;
};

struct RetentionSettings {
  DurationMs journal = 86'400'000;
  DurationMs idempotency = 86'400'000;
  DurationMs workflow_completion = 86'400'000;
  std::optional<DurationMs> journal_max;
  std::optional<DurationMs> idempotency_max;
  std::optional<DurationMs> workflow_completion_max;
  friend bool operator==(const RetentionSettings&, const RetentionSettings&) = default;
};

struct InvokerSettings {
  DurationMs inactivity_timeout = 60'000;
  DurationMs abort_timeout = 600'000;
  size_t concurrent_invocations_limit = limits::kSlotsDefault;
  size_t message_size_limit = limits::kMessageSizeDefault;  // at most networking.message-size-limit
  size_t message_size_warning = 10 * limits::kMiB;
  size_t eager_state_size_limit = limits::kEagerStateMax;  // 0 if disable_eager_state
  bool disable_eager_state = false;
  size_t memory_limit =
      128 * limits::kMiB;  // what is in memory of frames and journals, all together
  size_t per_invocation_memory_limit = 32 * limits::kMiB;
  DurationMs connect_timeout = 10'000;
  DurationMs http2_keep_alive_interval = 40'000;
  DurationMs http2_keep_alive_timeout = 20'000;
  double http2_keep_alive_jitter = 0.2;
  uint32_t http2_streams_per_connection_limit = limits::kStreamsPerConnection;
  DurationMs http2_idle_connection_timeout = 300'000;
  size_t http2_initial_stream_window_size = limits::kStreamWindow;
  size_t http2_initial_connection_window_size = limits::kConnectionWindow;
  size_t http2_max_frame_size = 16 * limits::kKiB;
  uint32_t max_awaited_future_depth = 1000;
  std::optional<std::string> request_identity_private_key_pem_file;  // unset: requests are unsigned
  DurationMs request_identity_expiration = 60'000;
  friend bool operator==(const InvokerSettings&, const InvokerSettings&) = default;
};

// A listener. `bind_address` is what to listen on, "ip:port" or "*:port"; the loader fills it from
// the other two when it is not given.
struct DoorSettings {
  std::string bind_address;
  std::optional<std::string> bind_ip;
  std::optional<uint16_t> bind_port;
  std::optional<std::string> advertised_address;
  std::optional<size_t> concurrent_api_requests_limit;
  friend bool operator==(const DoorSettings&, const DoorSettings&) = default;
};

struct Settings {
  std::string base_dir = "restate-data";  // data lies in <base_dir>/<node_name>/
  std::string node_name;                  // the host's name unless set
  std::string cluster_name = "localcluster";
  std::optional<std::string> bind_ip;
  uint16_t bind_port = 5122;
  std::optional<std::string> bind_address;
  std::optional<std::string> advertised_address;
  bool use_random_ports = false;
  ListenMode listen_mode = ListenMode::kAll;
  uint16_t default_num_partitions = 8;
  std::optional<uint32_t> default_thread_pool_size;  // partition threads
  DurationMs shutdown_timeout = 60'000;
  std::string log_filter = "warn,restate=info";
  LogFormat log_format = LogFormat::kPretty;
  bool log_disable_ansi_codes = false;
  RetrySettings retry;
  RetentionSettings retention;
  DurationMs cleanup_interval = 3'600'000;
  std::optional<uint64_t> num_timers_in_memory_limit;
  InvokerSettings invoker;
  DoorSettings ingress;
  size_t ingress_request_size_limit = limits::kMessageSizeDefault;
  uint32_t ingress_http2_max_concurrent_streams = 200;
  DoorSettings admin;
  bool admin_disable_web_ui = false;
  size_t query_memory_size = 64 * limits::kMiB;
  size_t message_size_limit = limits::kMessageSizeDefault;  // networking.message-size-limit
  bool disable_prometheus = false;
  bool disable_telemetry = false;
  bool experimental_enable_protocol_v7 = false;  // of the service protocol

  friend bool operator==(const Settings&, const Settings&) = default;
};

// Collects the sources. Not thread-safe. An error names the key and where it was given; after an
// error the loader is not used any more.
class SettingsLoader {
 public:
  SettingsLoader();

  // `file_name` is for messages.
  Status LoadToml(std::string_view text, std::string_view file_name);
  // `environment`: "NAME=value" pointers, ended by a null pointer. Reads RESTATE_* and RUST_LOG,
  // which wins over RESTATE_LOG_FILTER.
  Status LoadEnv(const char* const* environment);
  // A flag. REQUIRES: `key` is a known one ("base-dir"), else the answer is an error.
  Status Set(std::string_view key, std::string_view value);

  // The effective values: bounds between keys applied, listening addresses filled in.
  Result<Settings> Finish() const;

  // Names nobody knows, and names whose value changes nothing in this version: one line each.
  const std::vector<std::string>& warnings() const { return warnings_; }
  // Names that have no meaning here (replication, storage tuning); meant for one info line.
  const std::vector<std::string>& ignored() const { return ignored_; }

 private:
  struct Origin;
  Status Apply(std::string_view key, std::string_view value, const Origin& origin);
  void NoteOther(std::string_view key, std::string_view shown_as);

  Settings settings_;
  std::set<std::string, std::less<>> given_;
  std::vector<std::string> warnings_;
  std::vector<std::string> ignored_;
};

// TOML of the effective values. Loading it gives the same values.
std::string DumpConfig(const Settings& settings);

// The level of a filter such as "info" or "warn,restate=info": the directive for `restate` or
// `perdure`, else the one without a target, else errors only. Directives for other targets are
// skipped: this server does not log by crate.
Result<LogLevel> ParseLogFilter(std::string_view filter);

}  // namespace perdure
