// SPDX-License-Identifier: Apache-2.0
//
// Both ports speak HTTP/1.0, HTTP/1.1 and HTTP/2 with prior knowledge, told apart by the first
// bytes of a connection. Anything else gets an error and changes nothing.
#include "tests/integration/test_server.h"
#include "tests/unit/net/net_test_support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace perdure::integration {
namespace {

enum class Port { kIngress, kAdmin };

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr char kGoAway = 7;
constexpr size_t kFrameHead = 9;

// Whether these bytes are frames of HTTP/2 with one of this type among them.
bool HoldsFrame(std::string_view bytes, char type) {
  while (bytes.size() >= kFrameHead) {
    if (bytes[3] == type) {
      return true;
    }
    size_t length = 0;
    for (const char c : bytes.substr(0, 3)) {
      length = length << 8 | static_cast<uint8_t>(c);
    }
    bytes.remove_prefix(std::min(bytes.size(), kFrameHead + length));
  }
  return false;
}

class ProtocolsTest : public testing::TestWithParam<Port> {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(server_.Start());
    server_.Register(service_);
    port_ = GetParam() == Port::kIngress ? server_.ingress_port() : server_.admin_port();
    health_ = GetParam() == Port::kIngress ? "/restate/health" : "/health";
  }

  Service service_;
  TestServer server_;
  uint16_t port_ = 0;
  std::string health_;
};

TEST_P(ProtocolsTest, AnswersHttp10AndCloses) {
  ClientSocket socket(port_);
  socket.Send("GET " + health_ + " HTTP/1.0\r\n\r\n");
  const Reply reply = socket.ReadReply();
  EXPECT_EQ(reply.version, "HTTP/1.0");
  EXPECT_EQ(reply.status, 200);
  EXPECT_TRUE(socket.AwaitClose());
}

TEST_P(ProtocolsTest, KeepsHttp11ConnectionsOpen) {
  ClientSocket socket(port_);
  for (int i = 0; i < 3; ++i) {
    socket.Send(RequestText("GET", health_));
    const Reply reply = socket.ReadReply();
    EXPECT_EQ(reply.version, "HTTP/1.1");
    EXPECT_EQ(reply.status, 200);
  }
  socket.Send(RequestText("GET", health_, "", {{"connection", "close"}}));
  EXPECT_EQ(socket.ReadReply().status, 200);
  EXPECT_TRUE(socket.AwaitClose());
}

TEST_P(ProtocolsTest, AnswersPipelinedRequestsInOrder) {
  ClientSocket socket(port_);
  socket.Send(
      RequestText("GET", health_) + RequestText("GET", "/no/such/path/at/all") +
      RequestText("OPTIONS", health_) + RequestText("GET", health_));
  EXPECT_EQ(socket.ReadReply().status, 200);
  EXPECT_EQ(socket.ReadReply().status, 404);
  EXPECT_NE(socket.ReadReply().status, 404);
  EXPECT_EQ(socket.ReadReply().status, 200);
}

TEST_P(ProtocolsTest, AnswersHttp2WithPriorKnowledge) {
  const auto network = MakeNetwork(1, {});
  network->Start();
  net_test::Call health;
  net_test::Call missing;
  HttpStreamRequest request = net_test::Request(port_, health_);
  request.method = "GET";
  health.Start(*network, request);
  request.path = "/no/such/path/at/all";
  missing.Start(*network, request);
  EXPECT_TRUE(health.done.Wait());
  EXPECT_TRUE(missing.done.Wait());
  EXPECT_EQ(health.status, 200) << health.message;
  EXPECT_EQ(missing.status, 404) << missing.message;
  network->Stop(0);
}

TEST_P(ProtocolsTest, RecognizesAPrefaceThatComesByteByByte) {
  ClientSocket socket(port_);
  for (const char& byte : kPreface) {
    socket.Send({&byte, 1});
  }
  socket.Send(std::string_view("\0\0\0\4\0\0\0\0\0", kFrameHead));
  const std::string bytes = socket.ReadBytes(kFrameHead);
  ASSERT_GE(bytes.size(), kFrameHead);
  EXPECT_EQ(bytes[3], 4) << "the first frame of a server is SETTINGS";
}

TEST_P(ProtocolsTest, RefusesOtherFirstBytesAndChangesNothing) {
  using std::string_literals::operator""s;
  const std::string deployments = server_.Admin("GET", "/deployments").body;
  const Ticket before = server_.log().newest();
  const std::string refused[] = {
      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a client that speaks TLS\r\n\r\n"s,
      "SSH-2.0-OpenSSH_9.2\r\n\r\n",
      "\0\0\0\0\0\0\0\0\r\n\r\n"s,
      "GET " + health_ + " HTTP/3.0\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\nSN\r\n\r\n",
      "GET " + health_ + " HTTP/1.1\r\nno colon here\r\n\r\n",
      "POST /Test/echo HTTP/1.1\r\ncontent-length: -1\r\n\r\n"};
  for (const std::string& bytes : refused) {
    ClientSocket socket(port_);
    socket.Send(bytes);
    const Reply reply = socket.ReadReply();
    EXPECT_EQ(reply.status, 400) << testing::PrintToString(bytes) << "\n" << reply;
    EXPECT_TRUE(socket.AwaitClose()) << testing::PrintToString(bytes);
  }
  ClientSocket socket(port_);
  socket.Send(std::string(kPreface) + "this is no frame of any kind that a client may send now");
  EXPECT_TRUE(HoldsFrame(socket.ReadToEnd(), kGoAway));

  EXPECT_EQ(server_.log().newest(), before);
  EXPECT_EQ(server_.Admin("GET", "/deployments").body, deployments);
  EXPECT_EQ(service_.attempts("Test/echo"), 0U);
  EXPECT_EQ(server_.Call("Test/echo", "fine").body, "fine");
}

INSTANTIATE_TEST_SUITE_P(
    All, ProtocolsTest, testing::Values(Port::kIngress, Port::kAdmin), [](const auto& param_info) {
      return param_info.param == Port::kIngress ? "Ingress" : "Admin";
    });

TEST(Protocols, CallsMixOnOneServer) {
  Service service;
  TestServer server;
  ASSERT_NO_FATAL_FAILURE(server.Start());
  server.Register(service);
  const auto network = MakeNetwork(1, {});
  network->Start();
  net_test::Call http2;
  HttpStreamRequest request = net_test::Request(server.ingress_port(), "/Test/echo");
  request.headers.Add("content-type", "application/json");
  http2.Start(*network, std::move(request), "two");
  ClientSocket http10(server.ingress_port());
  http10.Send(
      "POST /Test/echo HTTP/1.0\r\ncontent-type: application/json\r\n"
      "content-length: 3\r\n\r\none");
  EXPECT_EQ(http10.ReadReply().body, "one");
  EXPECT_EQ(server.Call("Test/echo", "eleven").body, "eleven");
  EXPECT_TRUE(http2.done.Wait());
  EXPECT_EQ(http2.body, "two");
  network->Stop(0);
}

}  // namespace
}  // namespace perdure::integration
