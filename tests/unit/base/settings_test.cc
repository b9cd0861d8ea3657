// SPDX-License-Identifier: Apache-2.0
//
// Goal: every source sets values, later ones win, wrong values name their key, unknown names do no
// harm, and the dump loads again. Method: feed text to the loader and look at the result.
#include "perdure/base/settings.h"

#include "base/settings_table.h"

#include <gtest/gtest.h>

#include <set>

namespace perdure {
namespace {

Settings Load(std::string_view toml, const std::vector<const char*>& variables = {}) {
  SettingsLoader loader;
  const Status from_toml = loader.LoadToml(toml, "test.toml");
  EXPECT_TRUE(from_toml.ok()) << (from_toml.ok() ? "" : from_toml.error().message);
  std::vector<const char*> environment = variables;
  environment.push_back(nullptr);
  const Status from_env = loader.LoadEnv(environment.data());
  EXPECT_TRUE(from_env.ok()) << (from_env.ok() ? "" : from_env.error().message);
  return loader.Finish().value();
}

std::string EnvError(const char* variable) {
  SettingsLoader loader;
  const char* environment[] = {variable, nullptr};
  const Status status = loader.LoadEnv(environment);
  return status.ok() ? "" : status.error().message;
}

TEST(Settings, DefaultsAreOurs) {
  const Settings settings = Load("");

  EXPECT_EQ(settings.default_num_partitions, 8);
  EXPECT_EQ(settings.base_dir, "restate-data");
  EXPECT_EQ(settings.cluster_name, "localcluster");
  EXPECT_FALSE(settings.node_name.empty());
  EXPECT_EQ(settings.ingress.bind_address, "*:8080");
  EXPECT_EQ(settings.admin.bind_address, "*:9070");
  EXPECT_EQ(settings.invoker.concurrent_invocations_limit, 1000U);
  EXPECT_EQ(settings.retry.max_attempts, 70U);
}

TEST(Settings, LaterSourcesWin) {
  SettingsLoader loader;
  ASSERT_TRUE(
      loader.LoadToml("cluster-name = 'toml'\nbase-dir = 'toml'\nnode-name = 'toml'", "f").ok());
  const char* environment[] = {"RESTATE_BASE_DIR=env", "RESTATE_NODE_NAME=env", nullptr};
  ASSERT_TRUE(loader.LoadEnv(environment).ok());
  ASSERT_TRUE(loader.Set("node-name", "flag").ok());

  const Settings settings = loader.Finish().value();

  EXPECT_EQ(settings.cluster_name, "toml");
  EXPECT_EQ(settings.base_dir, "env");
  EXPECT_EQ(settings.node_name, "flag");
}

TEST(Settings, ReadsNestedNamesFromFileAndEnvironment) {
  const Settings settings = Load(
      "[worker.invoker]\nabort-timeout = 'PT90S'\nmessage-size-limit = '1.5 MiB'\n"
      "[default-retry-policy]\nmax-attempts = 'unlimited'\nexponentiation-factor = 3\n",
      {"RESTATE_WORKER__INVOKER__INACTIVITY_TIMEOUT=1m 30s",
       "RESTATE_DEFAULT_RETRY_POLICY__ON_MAX_ATTEMPTS=kill"});

  EXPECT_EQ(settings.invoker.abort_timeout, 90'000U);
  EXPECT_EQ(settings.invoker.message_size_limit, 1536U * 1024);
  EXPECT_EQ(settings.invoker.inactivity_timeout, 90'000U);
  EXPECT_EQ(settings.retry.max_attempts, std::nullopt);
  EXPECT_DOUBLE_EQ(settings.retry.exponentiation_factor, 3.0);
  EXPECT_FALSE(settings.retry.pause_on_max_attempts);
}

TEST(Settings, Version7OfTheProtocolIsOffUnlessItIsSwitchedOn) {
  EXPECT_FALSE(Load("", {}).experimental_enable_protocol_v7);
  EXPECT_TRUE(Load("experimental-enable-protocol-v7 = true", {}).experimental_enable_protocol_v7);
  EXPECT_TRUE(
      Load("", {"RESTATE_EXPERIMENTAL_ENABLE_PROTOCOL_V7=true"}).experimental_enable_protocol_v7);
}

TEST(Settings, UnreadableValueNamesTheKey) {
  EXPECT_NE(
      EnvError("RESTATE_WORKER__INVOKER__INACTIVITY_TIMEOUT=abc")
          .find("for key \"WORKER.INVOKER.INACTIVITY-TIMEOUT\" in `RESTATE_` environment"),
      std::string::npos);
  SettingsLoader from_file;
  const Status file = from_file.LoadToml("[ingress]\nrequest-size-limit = 'foo'", "x.toml");
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(
      file.error().message,
      "[RT0002] configuration loading error: invalid value: found \"foo\", expected a "
      "human-readable byte count string for key \"ingress.request-size-limit\" in x.toml TOML "
      "file");
}

TEST(Settings, RefusesValuesOutOfRange) {
  for (const char* variable :
       {"RESTATE_DEFAULT_NUM_PARTITIONS=0",
        "RESTATE_DEFAULT_NUM_PARTITIONS=70000",
        "RESTATE_DEFAULT_NUM_PARTITIONS=-1",
        "RESTATE_DEFAULT_NUM_PARTITIONS=",
        "RESTATE_SHUTDOWN_TIMEOUT=0s",
        "RESTATE_SHUTDOWN_TIMEOUT=90",
        "RESTATE_LOG_FORMAT=x",
        "RESTATE_LOG_DISABLE_ANSI_CODES=maybe",
        "RESTATE_BIND_IP=nowhere",
        "RESTATE_INGRESS__BIND_ADDRESS=9000",
        "RESTATE_INGRESS__BIND_ADDRESS=::1:80",
        "RESTATE_INGRESS__BIND_ADDRESS=127.0.0.1:99999",
        "RESTATE_NODE_NAME=a/b",
        "RESTATE_NODE_NAME=",
        "RESTATE_LOG_FILTER=restate=loud",
        "RESTATE_DEFAULT_RETRY_POLICY__MAX_ATTEMPTS=0",
        "RESTATE_DEFAULT_RETRY_POLICY__EXPONENTIATION_FACTOR=nan",
        "RESTATE_WORKER__INVOKER__HTTP2_INITIAL_STREAM_WINDOW_SIZE=1 KiB",
        "RESTATE_INGRESS__REQUEST_SIZE_LIMIT=1 parsec",
        "RESTATE_INGRESS__REQUEST_SIZE_LIMIT=1..5"}) {
    EXPECT_NE(EnvError(variable).find("configuration loading error"), std::string::npos)
        << variable;
  }
}

TEST(Settings, BrokenTomlIsAnError) {
  SettingsLoader loader;
  const Status status = loader.LoadToml("a = \n", "broken.toml");

  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("TOML parse error at line 1"), std::string::npos);
  EXPECT_NE(status.error().message.find("broken.toml"), std::string::npos);
}

TEST(Settings, ArrayForAScalarIsAnError) {
  SettingsLoader loader;
  const Status status = loader.LoadToml("base-dir = ['a', 'b']", "x.toml");

  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("\"base-dir\""), std::string::npos);
}

TEST(Settings, UnknownNamesAreWarnedAboutAndIgnoredOnesListed) {
  SettingsLoader loader;
  ASSERT_TRUE(loader
                  .LoadToml(
                      "what-is-this = 1\nroles = ['worker']\n[bifrost]\ndefault-provider = 'x'\n"
                      "[worker]\nrocket = true\n",
                      "f")
                  .ok());
  const char* environment[] = {
      "RESTATE_ROCKET=1",
      "RESTATE_ROCKSDB_TOTAL_MEMORY_SIZE=1 GiB",
      "RESTATE_TRACING_ENDPOINT=x",
      "RESTATE_CONFIG=/x",
      "OTHER=1",
      "RESTATE_LISTEN_MODE=tcp",
      nullptr};
  ASSERT_TRUE(loader.LoadEnv(environment).ok());

  const std::multiset<std::string> warnings(loader.warnings().begin(), loader.warnings().end());
  const std::multiset<std::string> ignored(loader.ignored().begin(), loader.ignored().end());

  EXPECT_EQ(
      warnings,
      (std::multiset<std::string>{
          "unknown setting \"what-is-this\" is ignored",
          "unknown setting \"worker.rocket\" is ignored",
          "unknown setting \"RESTATE_ROCKET\" is ignored",
          "setting \"RESTATE_TRACING_ENDPOINT\" has no effect in this version",
          "setting \"listen-mode\" has no effect in this version"}));
  EXPECT_EQ(
      ignored,
      (std::multiset<std::string>{
          "roles", "bifrost.default-provider", "RESTATE_ROCKSDB_TOTAL_MEMORY_SIZE"}));
}

TEST(Settings, UnknownFlagIsAnError) {
  SettingsLoader loader;
  EXPECT_FALSE(loader.Set("no-such-key", "1").ok());
}

TEST(Settings, ListeningAddressesAreDerived) {
  const Settings common = Load("bind-ip = '127.0.0.1'\n[admin]\nbind-port = 1234");
  EXPECT_EQ(common.ingress.bind_address, "127.0.0.1:8080");
  EXPECT_EQ(common.admin.bind_address, "127.0.0.1:1234");

  const Settings own = Load("bind-ip = '127.0.0.1'\n[ingress]\nbind-ip = '::1'");
  EXPECT_EQ(own.ingress.bind_address, "[::1]:8080");

  const Settings random = Load("use-random-ports = true\n[admin]\nbind-address = '*:9000'");
  EXPECT_EQ(random.ingress.bind_address, "*:0");
  EXPECT_EQ(random.admin.bind_address, "*:9000");
}

TEST(Settings, NetworkLimitBoundsTheOtherMessageLimits) {
  const Settings raised = Load("[networking]\nmessage-size-limit = '64MiB'");
  EXPECT_EQ(raised.invoker.message_size_limit, 64 * limits::kMiB);
  EXPECT_EQ(raised.ingress_request_size_limit, 64 * limits::kMiB);

  const Settings bounded = Load("[ingress]\nrequest-size-limit = '1.5 GiB'");
  EXPECT_EQ(bounded.ingress_request_size_limit, limits::kMessageSizeDefault);
}

TEST(Settings, EagerStateCanBeSwitchedOff) {
  EXPECT_EQ(
      Load("[worker.invoker]\ndisable-eager-state = true").invoker.eager_state_size_limit, 0U);
}

TEST(Settings, RustLogWinsOverTheFilterVariable) {
  const Settings settings = Load("", {"RUST_LOG=debug", "RESTATE_LOG_FILTER=warn"});
  EXPECT_EQ(settings.log_filter, "debug");
}

TEST(Settings, LogFilterGivesOneLevel) {
  EXPECT_EQ(ParseLogFilter("warn,restate=info").value(), LogLevel::kInfo);
  EXPECT_EQ(ParseLogFilter("info").value(), LogLevel::kInfo);
  EXPECT_EQ(ParseLogFilter("DEBUG").value(), LogLevel::kDebug);
  EXPECT_EQ(ParseLogFilter("debug, perdure=off").value(), LogLevel::kOff);
  EXPECT_EQ(ParseLogFilter("hyper=trace").value(), LogLevel::kError);
  EXPECT_EQ(ParseLogFilter("restate").value(), LogLevel::kTrace);
  EXPECT_EQ(ParseLogFilter("").value(), LogLevel::kError);
  EXPECT_FALSE(ParseLogFilter("restate=").ok());
}

TEST(Settings, DumpOfDefaultsLoadsAgain) {
  const Settings settings = Load("");
  EXPECT_EQ(Load(DumpConfig(settings)), settings) << DumpConfig(settings);
}

TEST(Settings, DumpOfUnusualValuesLoadsAgain) {
  const Settings settings = Load(
      "base-dir = \"/tmp/a \\\"b\\\" \\\\ \\n ü\"\nnode-name = 'n-1'\nbind-ip = '::1'\n"
      "default-thread-pool-size = 3\nmax-journal-retention = '2 days'\nshutdown-timeout = '1.5s'\n"
      "log-format = 'json'\nlisten-mode = 'unix'\n"
      "[default-retry-policy]\nmax-attempts = 'unlimited'\nexponentiation-factor = 1.1\n"
      "on-max-attempts = 'kill'\n"
      "[networking]\nmessage-size-limit = '12345678'\n"
      "[worker.invoker]\nmemory-limit = '1GB'\nmessage-size-limit = '10 MiB'\n"
      "[ingress]\nconcurrent-api-requests-limit = 5\nadvertised-address = 'http://a:1/'\n");

  const std::string dump = DumpConfig(settings);

  EXPECT_EQ(Load(dump), settings) << dump;
  EXPECT_NE(dump.find("message-size-limit = \"12345678 B\""), std::string::npos) << dump;
  EXPECT_NE(dump.find("message-size-limit = \"10.0 MiB\""), std::string::npos) << dump;
}

TEST(Settings, RowsHaveDistinctKeysAndTablesAreContiguous) {
  std::set<std::string_view> keys;
  std::set<std::string_view> tables;
  std::string_view table;
  for (const config::SettingRow& row : config::SettingRows()) {
    EXPECT_TRUE(keys.insert(row.key).second) << row.key;
    const size_t dot = row.key.rfind('.');
    const std::string_view own = dot == std::string_view::npos ? "" : row.key.substr(0, dot);
    if (own != table) {
      EXPECT_TRUE(tables.insert(own).second) << "table written twice: " << own;
      table = own;
    }
    EXPECT_FALSE(row.key.substr(dot + 1).empty());
  }
}

TEST(Settings, RequestIdentityHasTwoNames) {
  const char* const names[] = {
      "RESTATE_REQUEST_IDENTITY_PRIVATE_KEY_PEM_FILE=/k.pem",
      "RESTATE_WORKER__INVOKER__REQUEST_IDENTITY_PRIVATE_KEY_PEM_FILE=/k.pem"};
  for (const char* name : names) {
    const Settings settings = Load("", {name});
    EXPECT_EQ(settings.invoker.request_identity_private_key_pem_file, "/k.pem");
    const std::string dump = DumpConfig(settings);
    EXPECT_EQ(dump.find("private-key"), dump.rfind("private-key")) << dump;
    EXPECT_EQ(Load(dump), settings);
  }
  EXPECT_FALSE(Load("").invoker.request_identity_private_key_pem_file.has_value());
}

}  // namespace
}  // namespace perdure
