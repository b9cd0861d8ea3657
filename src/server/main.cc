// SPDX-License-Identifier: Apache-2.0
//
// Flags, exit codes, signals. 0: stopped on request; 1: could not start; 2: bad flags.
#include "perdure/base/log.h"
#include "perdure/base/settings.h"
#include "perdure/net/server.h"
#include "server/server.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

namespace {

using perdure::SettingsLoader;

struct ValueFlag {
  const char* flag;
  const char* key;  // of the setting
  const char* help;
};
constexpr ValueFlag kValueFlags[] = {
    {"--listen-mode", "listen-mode", "all, unix or tcp"},
    {"--bind-ip", "bind-ip", "IP of every port"},
    {"--bind-port", "bind-port", "Node port"},
    {"--bind-address", "bind-address", "Node address"},
    {"--advertised-address", "advertised-address", "Node address told to others"},
    {"--node-name", "node-name", "Name of the folder below the base folder (default: host name)"},
    {"--cluster-name", "cluster-name", "Sent to services as x-restate-cluster-name"},
    {"--base-dir", "base-dir", "Data folder (default: restate-data)"},
    {"--default-num-partitions", "default-num-partitions", "Fixed when the folder is made"},
    {"--shutdown-timeout", "shutdown-timeout", "How long a stop may take (at most 5s)"},
    {"--log-filter", "log-filter", "Like warn,restate=info"},
    {"--log-format", "log-format", "pretty, compact or json"},
    {"--tracing-endpoint", nullptr, "Not supported yet"},
    {"--tracing-runtime-endpoint", nullptr, "Not supported yet"},
    {"--tracing-services-endpoint", nullptr, "Not supported yet"},
    {"--tracing-json-path", nullptr, "Not supported yet"},
    {"--tracing-filter", nullptr, "Not supported yet"},
    {"--roles", nullptr, "Accepted, without effect"},
    {"--auto-provision", nullptr, "Accepted, without effect"},
};
struct SwitchFlag {
  const char* flag;
  const char* key;
  const char* help;
};
constexpr SwitchFlag kSwitchFlags[] = {
    {"--log-disable-ansi-codes", "log-disable-ansi-codes", "No colours"},
    {"--use-random-ports", "use-random-ports", "Free ports instead of the usual ones"},
    {"--no-logo", nullptr, "Accepted, without effect"},
    {"--production", nullptr, "Accepted, without effect"},
};

int Fail(const std::string& message) {
  std::cerr << "perdure: " << message << "\n";
  return 1;
}

std::optional<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return std::nullopt;
  }
  return std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

struct Flags {
  std::string config_file;
  bool dump_config = false;
  std::vector<std::string> values = std::vector<std::string>(std::size(kValueFlags));
  std::vector<bool> switches = std::vector<bool>(std::size(kSwitchFlags));
};

// Defaults < file < environment < flags.
perdure::Status Load(const Flags& flags, SettingsLoader& loader) {
  std::string path = flags.config_file;
  if (path.empty()) {
    // No thread runs yet. NOLINTNEXTLINE(concurrency-mt-unsafe)
    const char* from_environment = std::getenv("RESTATE_CONFIG");
    path = from_environment == nullptr ? "" : from_environment;
  }
  if (!path.empty()) {
    const std::optional<std::string> text = ReadFile(path);
    if (!text) {
      return perdure::InvalidArgument("cannot read the configuration file " + path);
    }
    if (perdure::Status status = loader.LoadToml(*text, path); !status.ok()) {
      return status;
    }
  }
  if (perdure::Status status = loader.LoadEnv(environ); !status.ok()) {
    return status;
  }
  for (size_t i = 0; i < std::size(kValueFlags); ++i) {
    if (kValueFlags[i].key != nullptr && !flags.values[i].empty()) {
      if (perdure::Status status = loader.Set(kValueFlags[i].key, flags.values[i]); !status.ok()) {
        return status;
      }
    }
  }
  for (size_t i = 0; i < std::size(kSwitchFlags); ++i) {
    if (kSwitchFlags[i].key != nullptr && flags.switches[i]) {
      if (perdure::Status status = loader.Set(kSwitchFlags[i].key, "true"); !status.ok()) {
        return status;
      }
    }
  }
  return perdure::OkStatus();
}

int Serve(const perdure::Settings& settings, const SettingsLoader& loader) {
  perdure::LogOptions logging;
  logging.format = settings.log_format;
  logging.ansi_colors = !settings.log_disable_ansi_codes && isatty(STDOUT_FILENO) == 1;
  const perdure::Result<perdure::LogLevel> level = perdure::ParseLogFilter(settings.log_filter);
  if (!level.ok()) {
    return Fail(level.error().message);
  }
  logging.level = level.value();
  perdure::InitLogging(logging);
  for (const std::string& warning : loader.warnings()) {
    PERDURE_LOG(kWarn, warning);
  }
  if (!loader.ignored().empty()) {
    std::string names;
    for (const std::string& name : loader.ignored()) {
      names += (names.empty() ? "" : ", ") + name;
    }
    PERDURE_LOG(kInfo, "settings without a meaning in this server", {{"names", names}});
  }

  perdure::BlockSignals();
  perdure::Result<std::unique_ptr<perdure::Server>> server = perdure::Server::Start(settings);
  if (!server.ok()) {
    return Fail(server.error().message);
  }
  PERDURE_LOG(
      kInfo,
      "ready",
      {{"version", perdure::kPerdureVersion},
       {"ingress_port", (*server)->ingress_port()},
       {"admin_port", (*server)->admin_port()}});
  perdure::MoveFunction<void()> dump = [&settings] {
    std::cerr << perdure::DumpConfig(settings) << std::flush;
  };
  const int signal = perdure::WaitForStopSignal(&dump);
  PERDURE_LOG(kInfo, "stopping", {{"signal", signal}});
  (*server)->Stop();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Perdure, a durable-execution server", "perdure");
  app.set_version_flag("-V,--version", std::string("perdure ") + perdure::kPerdureVersion);
  Flags flags;
  app.add_option("-c,--config-file", flags.config_file, "TOML file (also RESTATE_CONFIG)");
  app.add_flag("--dump-config", flags.dump_config, "Print the effective settings and exit");
  for (size_t i = 0; i < std::size(kValueFlags); ++i) {
    app.add_option(kValueFlags[i].flag, flags.values[i], kValueFlags[i].help);
  }
  for (size_t i = 0; i < std::size(kSwitchFlags); ++i) {
    app.add_flag_callback(
        kSwitchFlags[i].flag, [&flags, i] { flags.switches[i] = true; }, kSwitchFlags[i].help);
  }
  app.footer("Settings: TOML keys as RESTATE_<PATH> in the environment, see README.md.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : 2;
  }
  SettingsLoader loader;
  if (const perdure::Status loaded = Load(flags, loader); !loaded.ok()) {
    return Fail(loaded.error().message);
  }
  const perdure::Result<perdure::Settings> settings = loader.Finish();
  if (!settings.ok()) {
    return Fail(settings.error().message);
  }
  if (flags.dump_config) {
    std::cout << perdure::DumpConfig(*settings);
    return 0;
  }
  return Serve(*settings, loader);
}
