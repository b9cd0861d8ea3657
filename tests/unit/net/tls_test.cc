// SPDX-License-Identifier: Apache-2.0
//
// Goal: endpoints behind TLS are called over the protocol both sides agree on, and only if they
// prove who they are; what went wrong is said. Method: a real handshake over loopback, with an
// authority of the test's own.
#include "tests/unit/net/net_test_support.h"
#include "tests/unit/net/tls_server.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace perdure {
namespace {

using net_test::Authority;
using net_test::Call;
using net_test::PlainServer;
using net_test::Request;
using net_test::Signal;
using net_test::TlsServer;

constexpr const char* kNames = "DNS:localhost,IP:127.0.0.1";

HttpStreamRequest TlsRequest(
    uint16_t port, const std::string& host = "localhost", bool http11 = false) {
  HttpStreamRequest request = Request(port, "/p", http11);
  request.endpoint.tls = true;
  request.endpoint.host = host;
  return request;
}

class TlsTest : public ::testing::Test {
 public:
  TlsTest() { client_->Start(); }
  ~TlsTest() override { client_->Stop(0); }

 protected:
  std::unique_ptr<Call> Ask(HttpStreamRequest request, std::string body = "body") {
    auto call = std::make_unique<Call>();
    call->Start(*client_, std::move(request), std::move(body));
    EXPECT_TRUE(call->done.Wait());
    return call;
  }

  Authority authority_;
  std::unique_ptr<Network> client_ = MakeNetwork(1, {.connect_timeout = 2000});
};

TEST_F(TlsTest, SpeaksWhatTheServerChooses) {
  struct Row {
    std::vector<std::string> protocols;
    bool http11_only;
    bool http11;
  };
  const Row rows[] = {
      {{"h2", "http/1.1"}, false, false},
      {{"h2"}, false, false},
      {{"http/1.1"}, false, true},
      {{}, false, true},
      {{"h2", "http/1.1"}, true, true},
      {{}, true, true},
  };
  for (const Row& row : rows) {
    TlsServer server(authority_.Issue(kNames), {.protocols = row.protocols, .serve = nullptr});
    for (int i = 0; i < 3; ++i) {
      const auto call = Ask(TlsRequest(server.port(), "localhost", row.http11_only));
      EXPECT_FALSE(call->failed) << call->message;
      EXPECT_EQ(call->http11, row.http11);
      EXPECT_EQ(call->body, "POST localhost:" + std::to_string(server.port()) + "/p body");
    }
    EXPECT_EQ(server.connections(), 1U);
  }
}

TEST_F(TlsTest, LargeBodiesBothWays) {
  const std::string body(10 << 20, 'b');
  for (const bool http11 : {false, true}) {
    TlsServer server(authority_.Issue(kNames), {});
    const auto call = Ask(TlsRequest(server.port(), "localhost", http11), body);
    EXPECT_FALSE(call->failed) << call->message;
    EXPECT_GT(call->body.size(), body.size());
  }
}

// What was read from the socket and not given out is found again when the reader has room.
TEST_F(TlsTest, ReaderThatStopsGoesOn) {
  TlsServer server(authority_.Issue(kNames), {});
  Call call;
  call.return_credit = false;
  call.Start(*client_, TlsRequest(server.port(), "localhost", true), std::string(1 << 20, 'b'));
  ASSERT_TRUE(call.head.Wait());
  // The window is 64 KiB: credit for it comes from here, until the end.
  while (call.done.count() == 0) {
    Signal returned;
    client_->thread(0).Post([&] {
      if (call.stream != nullptr) {
        call.stream->ReturnCredit(call.body.size());
      }
      returned.Set();
    });
    ASSERT_TRUE(returned.Wait());
  }
  EXPECT_FALSE(call.failed) << call.message;
  EXPECT_GT(call.body.size(), size_t{1} << 20);
}

TEST_F(TlsTest, AsksForTheNameAndNotForAnAddress) {
  TlsServer server(authority_.Issue(kNames), {});
  EXPECT_FALSE(Ask(TlsRequest(server.port(), "127.0.0.1"))->failed);
  EXPECT_EQ(server.server_name(), "");
  EXPECT_FALSE(Ask(TlsRequest(server.port(), "localhost"))->failed);
  EXPECT_EQ(server.server_name(), "localhost");
}

TEST_F(TlsTest, RefusesWhoCannotProveTheName) {
  struct Row {
    const char* names;
    const char* host;
    bool expired;
    const char* message;
  };
  const Row rows[] = {
      {"DNS:other.example", "localhost", false, "hostname mismatch"},
      {"DNS:localhost", "127.0.0.1", false, "IP address mismatch"},
      {kNames, "localhost", true, "certificate has expired"},
  };
  for (const Row& row : rows) {
    TlsServer server(authority_.Issue(row.names, row.expired), {});
    const auto call = Ask(TlsRequest(server.port(), row.host));
    EXPECT_EQ(call->failure, HttpFailure::kConnect);
    EXPECT_EQ(call->message, std::string("invalid peer certificate: ") + row.message);
  }
}

TEST_F(TlsTest, RefusesAStrangersCertificate) {
  net_test::Certificate strange;
  {
    const Authority other;
    strange = other.Issue(kNames);
  }
  const Authority own;
  TlsServer server(std::move(strange), {});
  const auto call = Ask(TlsRequest(server.port()));
  EXPECT_EQ(call->failure, HttpFailure::kConnect);
  EXPECT_EQ(call->message.find("invalid peer certificate: "), 0U) << call->message;
}

TEST_F(TlsTest, ServerWithoutACommonProtocol) {
  TlsServer server(authority_.Issue(kNames), {.protocols = {"h2"}, .serve = nullptr});
  const auto call = Ask(TlsRequest(server.port(), "localhost", true));
  EXPECT_EQ(call->failure, HttpFailure::kConnect);
  EXPECT_EQ(call->message, "tls error: tlsv1 alert no application protocol");
}

TEST_F(TlsTest, PeerWithoutTls) {
  const PlainServer server;
  for (const bool answers : {true, false}) {
    Call call;
    call.Start(*client_, TlsRequest(server.port()));
    const auto socket = server.Accept();
    if (answers) {
      socket->Send("HTTP/1.1 400 Bad Request\r\n\r\n");
    }
    socket->EndOutput();
    ASSERT_TRUE(call.done.Wait());
    EXPECT_EQ(call.failure, HttpFailure::kConnect);
    EXPECT_EQ(call.message, answers ? "tls error: wrong version number" : "tls handshake eof");
  }
}

TEST_F(TlsTest, SilentPeerCostsTheConnectTimeout) {
  const PlainServer silent;
  const auto client = MakeNetwork(1, {.connect_timeout = 100});
  client->Start();
  Call call;
  call.Start(*client, TlsRequest(silent.port()));
  ASSERT_TRUE(call.done.Wait());
  EXPECT_EQ(call.failure, HttpFailure::kConnect);
  EXPECT_EQ(call.message, "tls handshake timed out");
  client->Stop(0);
}

// TLS 1.3 says so only after the handshake.
TEST_F(TlsTest, ServerThatWantsACertificateOfOurs) {
  TlsServer server(
      authority_.Issue(kNames),
      {.protocols = {"h2"}, .serve = nullptr, .wants_client_certificate = true});
  const auto call = Ask(TlsRequest(server.port()));
  EXPECT_TRUE(call->failed);
  EXPECT_NE(call->message.find("certificate required"), std::string::npos) << call->message;
}

// A body that ends with the connection may be cut off by anybody, unless TLS says that it ended.
TEST_F(TlsTest, CutOffResponseIsAFailure) {
  for (const bool complete : {true, false}) {
    TlsServer server(
        authority_.Issue(kNames), {.protocols = {"http/1.1"}, .serve = [complete](SSL* ssl) {
                                     char request[4096];
                                     SSL_read(ssl, request, sizeof(request));
                                     const std::string_view answer = "HTTP/1.1 200 OK\r\n\r\nhalf";
                                     SSL_write(ssl, answer.data(), static_cast<int>(answer.size()));
                                     if (complete) {
                                       SSL_shutdown(ssl);
                                     }
                                   }});
    const auto call = Ask(TlsRequest(server.port()), "");
    EXPECT_EQ(call->body, "half");
    EXPECT_EQ(call->failed, !complete) << call->message;
  }
}

}  // namespace
}  // namespace perdure
