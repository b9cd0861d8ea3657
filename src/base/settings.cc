// SPDX-License-Identifier: Apache-2.0
//
// The sources of settings, one after the other, into one struct; and its dump. Wrong values stop
// the load with a message that names the key; unknown names are only noted, so that files and
// environments made for restate-server keep working.
#include "perdure/base/settings.h"

#include "base/config_toml.h"
#include "base/settings_table.h"

#include <unistd.h>

#include <algorithm>
#include <array>

namespace perdure {
namespace {

constexpr std::string_view kEnvPrefix = "RESTATE_";
constexpr uint16_t kIngressPort = 8080;
constexpr uint16_t kAdminPort = 9070;

std::string HostName() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') {
    return "localhost";
  }
  return name.data();
}

std::string Upper(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return out;
}

// "WORKER__INVOKER__ABORT_TIMEOUT" is worker.invoker.abort-timeout.
std::string KeyOfVariable(std::string_view name) {
  std::string key;
  for (size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (c == '_' && i + 1 < name.size() && name[i + 1] == '_') {
      key += '.';
      ++i;
    } else if (c == '_') {
      key += '-';
    } else {
      key += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
  }
  return key;
}

std::string ListenOn(
    const DoorSettings& door, const std::optional<std::string>& common_ip, uint16_t port_default) {
  std::string host = door.bind_ip.value_or(common_ip.value_or("*"));
  if (host.find(':') != std::string::npos) {
    host = "[" + host + "]";
  }
  return host + ":" + std::to_string(door.bind_port.value_or(port_default));
}

}  // namespace

// Where a value was given, as messages say it.
struct SettingsLoader::Origin {
  std::string place;
  bool upper_case = false;

  std::string Shown(std::string_view key) const {
    return upper_case ? Upper(key) : std::string(key);
  }
};

SettingsLoader::SettingsLoader() {
  settings_.node_name = HostName();
}

Status SettingsLoader::LoadToml(std::string_view text, std::string_view file_name) {
  const Origin origin{std::string(file_name) + " TOML file", false};
  Result<std::vector<config::TomlEntry>> entries = config::ReadToml(text);
  if (!entries.ok()) {
    return InvalidArgument(
        "[RT0002] configuration loading error: " + entries.error().message + " in " + origin.place);
  }
  for (const config::TomlEntry& entry : *entries) {
    if (config::FindSetting(entry.key) == nullptr) {
      NoteOther(entry.key, entry.key);
      continue;
    }
    if (!entry.scalar) {
      return InvalidArgument(
          "[RT0002] configuration loading error: invalid type: found sequence for key \"" +
          entry.key + "\" in " + origin.place);
    }
    Status applied = Apply(entry.key, *entry.scalar, origin);
    if (!applied.ok()) {
      return applied;
    }
  }
  return OkStatus();
}

Status SettingsLoader::LoadEnv(const char* const* environment) {
  const Origin origin{"`RESTATE_` environment variable(s)", true};
  std::optional<std::string_view> rust_log;
  for (; *environment != nullptr; ++environment) {
    const std::string_view line = *environment;
    const size_t equals = line.find('=');
    if (equals == std::string_view::npos) {
      continue;
    }
    const std::string_view name = line.substr(0, equals);
    const std::string_view value = line.substr(equals + 1);
    if (name == "RUST_LOG" && !value.empty()) {
      rust_log = value;
    }
    // RESTATE_CONFIG names the file; it is read before the environment.
    if (name.substr(0, kEnvPrefix.size()) != kEnvPrefix || name == "RESTATE_CONFIG") {
      continue;
    }
    const std::string key = KeyOfVariable(name.substr(kEnvPrefix.size()));
    if (config::FindSetting(key) == nullptr) {
      NoteOther(key, name);
      continue;
    }
    Status applied = Apply(key, value, origin);
    if (!applied.ok()) {
      return applied;
    }
  }
  return rust_log ? Apply("log-filter", *rust_log, Origin{"`RUST_LOG`", false}) : OkStatus();
}

Status SettingsLoader::Set(std::string_view key, std::string_view value) {
  if (config::FindSetting(key) == nullptr) {
    return InvalidArgument("unknown setting \"" + std::string(key) + "\"");
  }
  return Apply(key, value, Origin{"command line", false});
}

Status SettingsLoader::Apply(std::string_view key, std::string_view value, const Origin& origin) {
  const config::SettingRow* row = config::FindSetting(key);
  PERDURE_ASSERT(row != nullptr);
  const Status set = row->set(settings_, value);
  if (!set.ok()) {
    return InvalidArgument(
        "[RT0002] configuration loading error: " + set.error().message + " for key \"" +
        origin.Shown(key) + "\" in " + origin.place);
  }
  if (given_.insert(std::string(key)).second && !row->in_effect) {
    warnings_.push_back("setting \"" + std::string(key) + "\" has no effect in this version");
  }
  return OkStatus();
}

void SettingsLoader::NoteOther(std::string_view key, std::string_view shown_as) {
  switch (config::ClassifyOther(key)) {
    case config::OtherKey::kIgnored:
      ignored_.emplace_back(shown_as);
      return;
    case config::OtherKey::kNotYet:
      warnings_.push_back(
          "setting \"" + std::string(shown_as) + "\" has no effect in this version");
      return;
    case config::OtherKey::kUnknown:
      warnings_.push_back("unknown setting \"" + std::string(shown_as) + "\" is ignored");
      return;
  }
}

Result<Settings> SettingsLoader::Finish() const {
  Settings settings = settings_;
  const auto bounded = [this, &settings](std::string_view key, size_t value) {
    const bool given = given_.find(key) != given_.end();
    return given ? std::min(value, settings.message_size_limit) : settings.message_size_limit;
  };
  settings.invoker.message_size_limit =
      bounded("worker.invoker.message-size-limit", settings.invoker.message_size_limit);
  settings.ingress_request_size_limit =
      bounded("ingress.request-size-limit", settings.ingress_request_size_limit);
  if (settings.invoker.disable_eager_state) {
    settings.invoker.eager_state_size_limit = 0;
  }
  if (settings.ingress.bind_address.empty()) {
    settings.ingress.bind_address = ListenOn(
        settings.ingress, settings.bind_ip, settings.use_random_ports ? uint16_t{0} : kIngressPort);
  }
  if (settings.admin.bind_address.empty()) {
    settings.admin.bind_address = ListenOn(
        settings.admin, settings.bind_ip, settings.use_random_ports ? uint16_t{0} : kAdminPort);
  }
  return settings;
}

std::string DumpConfig(const Settings& settings) {
  std::string out;
  std::string_view table;
  for (const config::SettingRow& row : config::SettingRows()) {
    const std::optional<std::string> value = row.print(settings);
    if (!value) {
      continue;
    }
    const size_t dot = row.key.rfind('.');
    const std::string_view row_table =
        dot == std::string_view::npos ? std::string_view{} : row.key.substr(0, dot);
    if (row_table != table) {
      table = row_table;
      out += "\n[" + std::string(table) + "]\n";
    }
    out += std::string(dot == std::string_view::npos ? row.key : row.key.substr(dot + 1));
    out += " = " + *value + "\n";
  }
  return out;
}

}  // namespace perdure
