// SPDX-License-Identifier: Apache-2.0
//
// The HTTP/1.1 client session against bytes, and against our own server codec.
#include "tests/unit/http/http_test_support.h"

#include <gtest/gtest.h>

#include <string>

namespace perdure {
namespace {

using http_test::Echo;
using http_test::Listener;
using http_test::Pump;
using http_test::Request;
using http_test::Server;

std::string Sent(ClientSession& session) {
  std::string out;
  session.Produce(out, 1 << 20);
  return out;
}

TEST(Http1Client, GetWithoutBody) {
  const auto client = MakeHttp1ClientSession({});
  Listener listener;
  HttpStreamRequest request = Request("GET", "/discover");
  request.headers.Add("accept", "a/b");
  const ClientStreamId id = client->Open(request, listener);
  EXPECT_FALSE(client->has_output());
  client->FinishBody(id);
  EXPECT_EQ(Sent(*client), "GET /discover HTTP/1.1\r\nhost: svc.test:9080\r\naccept: a/b\r\n\r\n");
  EXPECT_EQ(client->free_slots(), 0U);
  const std::string response =
      "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"
      "HTTP/1.1 200 OK\r\nContent-Type: t\r\ncontent-length: 3\r\n\r\nabc";
  for (const char c : response) {
    client->Feed(BytesView(&c, 1));
  }
  EXPECT_EQ(listener.log, "head end ");
  EXPECT_EQ(listener.body, "abc");
  EXPECT_EQ(listener.headers.items().size(), 2U);
  EXPECT_EQ(listener.headers.Get("content-type"), "t");
  EXPECT_EQ(client->free_slots(), 1U);
  EXPECT_FALSE(client->wants_close());
}

TEST(Http1Client, PostIsChunkedAndKeepsTheConnection) {
  Server server;
  server.handler = Echo;
  const auto client = MakeHttp1ClientSession({});
  for (int i = 0; i < 3; ++i) {
    Listener listener;
    const ClientStreamId id = client->Open(Request("POST", "/p"), listener);
    client->Write(id, std::string("abc"));
    Pump(*client, server, 1);
    client->Write(id, SharedBytes::Copy(std::string(100'000, 'd')));
    client->FinishBody(id);
    listener.on_data = [&](BytesView data) { client->ReturnCredit(id, data.size()); };
    Pump(*client, server, 5000);
    EXPECT_EQ(listener.log, "head end ");
    EXPECT_EQ(listener.body, "POST /p abc" + std::string(100'000, 'd'));
    EXPECT_EQ(client->free_slots(), 1U);
  }
}

TEST(Http1Client, PostWithoutBodyHasLengthZero) {
  const auto client = MakeHttp1ClientSession({});
  Listener listener;
  client->FinishBody(client->Open(Request("POST", "/"), listener));
  EXPECT_NE(Sent(*client).find("content-length: 0\r\n"), std::string::npos);
}

TEST(Http1Client, BodyUntilTheEndOfTheConnection) {
  const auto client = MakeHttp1ClientSession({});
  Listener listener;
  client->FinishBody(client->Open(Request("GET", "/"), listener));
  (void)Sent(*client);
  client->Feed("HTTP/1.0 200 OK\r\n\r\nall of");
  client->Feed(" it");
  EXPECT_EQ(listener.log, "head ");
  client->FeedEnd();
  EXPECT_EQ(listener.log, "head end ");
  EXPECT_EQ(listener.body, "all of it");
  EXPECT_TRUE(client->wants_close());
}

TEST(Http1Client, EarlyAnswerEndsTheStream) {
  const auto client = MakeHttp1ClientSession({});
  Listener listener;
  const ClientStreamId id = client->Open(Request("POST", "/"), listener);
  client->Write(id, std::string("x"));
  (void)Sent(*client);
  client->Feed("HTTP/1.1 415 No\r\ncontent-length: 0\r\n\r\n");
  EXPECT_EQ(listener.log, "head end ");
  EXPECT_EQ(client->free_slots(), 0U) << "the request is not finished";
  client->Reset(id);
  EXPECT_TRUE(client->wants_close());
}

TEST(Http1Client, SlowReaderStopsTheReading) {
  const auto client = MakeHttp1ClientSession({.stream_window = 10});
  Listener listener;
  const ClientStreamId id = client->Open(Request("GET", "/"), listener);
  client->FinishBody(id);
  (void)Sent(*client);
  client->Feed("HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n0123456789");
  EXPECT_FALSE(client->wants_read());
  client->ReturnCredit(id, 10);
  EXPECT_TRUE(client->wants_read());
}

TEST(Http1Client, BrokenPeers) {
  for (const std::string_view text :
       {"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab", "HTTP/1.1 2", ""}) {
    const auto client = MakeHttp1ClientSession({});
    Listener listener;
    client->FinishBody(client->Open(Request("GET", "/"), listener));
    (void)Sent(*client);
    client->Feed(text);
    client->FeedEnd();
    EXPECT_EQ(listener.failure, HttpFailure::kConnectionLost) << text;
    EXPECT_TRUE(listener.failed()) << text;
  }
  for (const std::string_view text : {"SSH-2.0-x\r\n", "HTTP/1.1 abc OK\r\n\r\n"}) {
    const auto client = MakeHttp1ClientSession({});
    Listener listener;
    client->FinishBody(client->Open(Request("GET", "/"), listener));
    (void)Sent(*client);
    client->Feed(text);
    EXPECT_EQ(listener.failure, HttpFailure::kProtocol) << text;
    EXPECT_TRUE(client->wants_close());
  }
}

TEST(Http1Client, UnaskedBytesCloseTheConnection) {
  const auto client = MakeHttp1ClientSession({});
  client->Feed("HTTP/1.1 408 Request Timeout\r\n\r\n");
  EXPECT_TRUE(client->wants_close());
  EXPECT_EQ(client->free_slots(), 0U);
}

}  // namespace
}  // namespace perdure
