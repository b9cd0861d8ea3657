// SPDX-License-Identifier: Apache-2.0
//
// A stop takes at most five seconds, whoever is connected and however a service behaves, and what
// was accepted goes on after the next start on the same folder.
#include "tests/integration/process.h"
#include "tests/integration/test_server.h"

#include <gtest/gtest.h>

#include <csignal>
#include <memory>
#include <string>
#include <vector>

namespace perdure::integration {
namespace {

constexpr auto kStopMax = std::chrono::seconds(5);

// Connections on which nothing happens, on both ports, before and after a request.
std::vector<std::unique_ptr<ClientSocket>> IdleConnections(uint16_t ingress, uint16_t admin) {
  std::vector<std::unique_ptr<ClientSocket>> idle;
  for (const uint16_t port : {ingress, admin}) {
    idle.push_back(std::make_unique<ClientSocket>(port));
    idle.push_back(std::make_unique<ClientSocket>(port));
    idle.back()->Send(RequestText("GET", port == admin ? "/health" : "/restate/health"));
    EXPECT_EQ(idle.back()->ReadReply().status, 200);
    idle.push_back(std::make_unique<ClientSocket>(port));
    idle.back()->Send("POST /Test/echo HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf");
    idle.push_back(std::make_unique<ClientSocket>(port));
    idle.back()->Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  }
  return idle;
}

TEST(Stop, TakesNoMoreThanFiveSecondsAndLosesNothing) {
  Service service;
  TestServer server;
  server.settings.shutdown_timeout = Settings().shutdown_timeout;
  ASSERT_NO_FATAL_FAILURE(server.Start());
  server.Register(service);
  const auto idle = IdleConnections(server.ingress_port(), server.admin_port());
  ClientSocket call(server.ingress_port());
  call.Send(RequestText("POST", "/Test/held", "open", {{"idempotency-key", "k"}}));
  ASSERT_NE(service.NextAttempt("Test/held"), nullptr);

  const auto begun = SteadyClock::now();
  server.Stop();
  EXPECT_LT(SteadyClock::now() - begun, kStopMax);

  EXPECT_TRUE(call.AwaitClose()) << "a call without a result must not be answered";
  for (const auto& connection : idle) {
    connection->ReadToEnd();
    EXPECT_TRUE(connection->AwaitClose());
  }
  ASSERT_NO_FATAL_FAILURE(server.Start());
  const auto attempt = service.NextAttempt("Test/held");
  ASSERT_NE(attempt, nullptr);
  EXPECT_EQ(attempt->input(), "open");
  attempt->Complete("done");
  EXPECT_EQ(server.Call("Test/held", "open", {{"idempotency-key", "k"}}).body, "done");
  EXPECT_EQ(service.attempts("Test/held"), 2U);
}

TEST(Stop, DoesNotWaitForAServiceThatHangs) {
  TestServer server;
  server.settings.shutdown_timeout = Settings().shutdown_timeout;
  ASSERT_NO_FATAL_FAILURE(server.Start());
  std::string id;
  {
    Service service;
    server.Register(service);
    service.Freeze();
    Service unknown;
    unknown.Freeze();
    ClientSocket registration(server.admin_port());
    registration.Send(RequestText("POST", "/deployments", Json{{"uri", unknown.uri()}}.dump()));
    id = server.Send("Test/echo", "never read");
    ASSERT_TRUE(server.AwaitStatus(id, "running"));

    const auto begun = SteadyClock::now();
    server.Stop();
    EXPECT_LT(SteadyClock::now() - begun, kStopMax);
  }
  ASSERT_NO_FATAL_FAILURE(server.Start());
  Service replacement;
  server.Register(replacement);
  EXPECT_EQ(server.AttachTo(id).body, "never read");
}

TEST(Stop, SecondStopDoesNothing) {
  TestServer server;
  ASSERT_NO_FATAL_FAILURE(server.Start());
  (*server).Stop();
  (*server).Stop();
}

TEST(Stop, SigtermEndsTheProcessInOrder) {
  const TemporaryFolder folder;
  Service service;
  std::string id;
  {
    ServerProcess process(folder.path());
    ASSERT_TRUE(process.AwaitReady()) << process.log();
    const Reply registered =
        Fetch(process.admin_port(), "POST", "/deployments", Json{{"uri", service.uri()}}.dump());
    ASSERT_EQ(registered.status, 201) << registered;
    const auto idle = IdleConnections(process.ingress_port(), process.admin_port());
    const Reply sent = Fetch(process.ingress_port(), "POST", "/Test/held/send", "open");
    ASSERT_EQ(sent.status, 202) << sent;
    id = Json::parse(sent.body).at("invocationId");
    ClientSocket call(process.ingress_port());
    call.Send(RequestText("POST", "/Test/held", "waiting"));
    ASSERT_NE(service.NextAttempt("Test/held"), nullptr);
    ASSERT_NE(service.NextAttempt("Test/held"), nullptr);

    const auto begun = SteadyClock::now();
    process.Signal(SIGTERM);
    EXPECT_EQ(process.AwaitExit(), 0) << process.log();
    EXPECT_LT(SteadyClock::now() - begun, kStopMax);
    EXPECT_NE(process.log().find("\"message\":\"stopping\""), std::string::npos) << process.log();
  }
  ServerProcess process(folder.path());
  ASSERT_TRUE(process.AwaitReady()) << process.log();
  for (int i = 0; i < 2; ++i) {
    const auto attempt = service.NextAttempt("Test/held");
    ASSERT_NE(attempt, nullptr);
    attempt->Complete("done " + attempt->input());
  }
  const Reply result =
      Fetch(process.ingress_port(), "GET", "/restate/invocation/" + id + "/attach");
  EXPECT_EQ(result.body, "done open") << result;
}

}  // namespace
}  // namespace perdure::integration
