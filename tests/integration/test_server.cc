// SPDX-License-Identifier: Apache-2.0
//
// See test_server.h.
#include "tests/integration/test_server.h"

#include "perdure/base/assert.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

namespace perdure::integration {

TemporaryFolder::TemporaryFolder() : path_(testing::TempDir() + "perdure-integration-XXXXXX") {
  PERDURE_ASSERT(::mkdtemp(path_.data()) != nullptr);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

TestServer::TestServer() {
  settings.base_dir = folder_.path();
  settings.node_name = "node";
  settings.ingress.bind_address = "127.0.0.1:0";
  settings.admin.bind_address = "127.0.0.1:0";
  settings.default_num_partitions = 2;
  settings.retry.initial_interval = 10;
  settings.retry.exponentiation_factor = 1;
  settings.shutdown_timeout = 400;  // most tests stop with something still open
}

TestServer::~TestServer() {
  Stop();
}

void TestServer::Start() {
  Result<std::unique_ptr<Server>> server = Server::Start(settings);
  ASSERT_TRUE(server.ok()) << server.error().message;
  server_ = std::move(server).value();
}

void TestServer::Stop() {
  if (server_ != nullptr) {
    server_->Stop();
    server_.reset();
  }
}

void TestServer::Restart() {
  Stop();
  Start();
}

std::string TestServer::Register(const Service& service, const Json& more) {
  Json request = more;
  request["uri"] = service.uri();
  const Reply reply = Admin("POST", "/deployments", request.dump());
  EXPECT_EQ(reply.status, 201) << reply;
  return reply.status == 201 ? Json::parse(reply.body).at("id").get<std::string>() : "";
}

Reply TestServer::Call(
    std::string_view target, std::string_view body, const RequestHeaders& headers) {
  return Fetch(ingress_port(), "POST", "/" + std::string(target), body, headers);
}

std::string TestServer::Send(
    const std::string& target,
    std::string_view body,
    const std::string& query,
    const RequestHeaders& headers) {
  const Reply reply = Call(target + "/send" + query, body, headers);
  EXPECT_EQ(reply.status, 202) << reply;
  return reply.status == 202 ? Json::parse(reply.body).at("invocationId").get<std::string>() : "";
}

Reply TestServer::AttachTo(const std::string& id) {
  return Fetch(ingress_port(), "GET", "/restate/invocation/" + id + "/attach");
}

Reply TestServer::Admin(std::string_view method, const std::string& path, std::string_view body) {
  return Fetch(admin_port(), method, path, body);
}

Json TestServer::Invocation(const std::string& id) {
  const Reply reply = Admin("GET", "/invocations/" + id);
  EXPECT_EQ(reply.status, 200) << reply;
  return reply.status == 200 ? Json::parse(reply.body) : Json::object();
}

bool TestServer::AwaitStatus(const std::string& id, std::string_view status) {
  return Eventually([&] { return Invocation(id).value("status", "") == status; });
}

}  // namespace perdure::integration
