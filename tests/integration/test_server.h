// SPDX-License-Identifier: Apache-2.0
//
// The whole server in this process: real sockets on free loopback ports, real threads, a real
// database in a temporary folder. It can be stopped and started again on the same folder.
#pragma once

#include "log/embedded_commit_log.h"
#include "perdure/base/settings.h"
#include "server/server.h"
#include "tests/integration/client.h"
#include "tests/integration/service.h"

#include <nlohmann/json.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace perdure::integration {

using Json = nlohmann::json;

class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Failures of its methods are failures of the test. Thread: the test's.
class TestServer {
 public:
  TestServer();
  ~TestServer();

  void Start();
  // Also closes the folder.
  void Stop();
  void Restart();
  Server& operator*() { return *server_; }
  EmbeddedLog& log() { return server_->log(); }
  uint16_t ingress_port() const { return server_->ingress_port(); }
  uint16_t admin_port() const { return server_->admin_port(); }
  // Where its data lies.
  std::string data_folder() const { return settings.base_dir + "/" + settings.node_name; }

  // `more` is added to the request's JSON. Returns the deployment's id.
  std::string Register(const Service& service, const Json& more = Json::object());
  Reply Call(
      std::string_view target, std::string_view body = "", const RequestHeaders& headers = {});
  // Returns the invocation's id. `query`: "?delay=1s".
  std::string Send(
      const std::string& target,
      std::string_view body,
      const std::string& query = "",
      const RequestHeaders& headers = {});
  Reply AttachTo(const std::string& id);
  Reply Admin(std::string_view method, const std::string& path, std::string_view body = "");
  Json Invocation(const std::string& id);
  bool AwaitStatus(const std::string& id, std::string_view status);

  Settings settings;  // for the next start

 private:
  TemporaryFolder folder_;
  std::unique_ptr<Server> server_;
};

// Nothing becomes durable while it lives.
class PausedSyncer {
 public:
  explicit PausedSyncer(EmbeddedLog& log) : log_(log) { log_.PauseSyncer(); }
  ~PausedSyncer() { log_.ResumeSyncer(); }
  PausedSyncer(const PausedSyncer&) = delete;
  PausedSyncer& operator=(const PausedSyncer&) = delete;

 private:
  EmbeddedLog& log_;
};

}  // namespace perdure::integration
