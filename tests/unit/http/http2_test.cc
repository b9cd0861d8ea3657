// SPDX-License-Identifier: Apache-2.0
//
// The HTTP/2 client session and server codec back to back in memory, whole and byte by byte.
#include "perdure/base/limits.h"
#include "tests/unit/http/http_test_support.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace perdure {
namespace {

using http_test::Echo;
using http_test::Listener;
using http_test::Pump;
using http_test::Request;
using http_test::Server;

std::unique_ptr<ClientSession> Client(ClientSessionOptions options = {}) {
  return MakeHttp2ClientSession(options);
}

TEST(Http2, ExchangeWholeAndByteByByte) {
  for (const size_t step : {size_t{1 << 20}, size_t{1}, size_t{13}}) {
    Server server;
    server.handler = Echo;
    const auto client = Client();
    EXPECT_FALSE(client->ready());
    Listener listener;
    HttpStreamRequest request = Request("POST", "/p?q=1");
    request.headers.Add("x-a", "1");
    request.headers.Add("cookie", "a=1");
    request.headers.Add("cookie", "b=2");
    request.headers.Add("connection", "dropped");
    const ClientStreamId id = client->Open(request, listener);
    client->Write(id, std::string("hel"));
    client->Write(id, SharedBytes::Copy("lo"));
    client->FinishBody(id);
    Pump(*client, server, step);

    EXPECT_TRUE(client->ready());
    ASSERT_EQ(server.requests.size(), 1U);
    const HttpRequest& seen = server.requests[0];
    EXPECT_EQ(seen.method, "POST");
    EXPECT_EQ(seen.target, "/p?q=1");
    EXPECT_EQ(seen.authority, "svc.test:9080");
    EXPECT_EQ(seen.version, HttpVersion::kHttp2);
    EXPECT_EQ(seen.body.view(), "hello");
    const HttpHeaders expected{{"x-a", "1"}, {"cookie", "a=1; b=2"}};
    EXPECT_EQ(seen.headers.items(), expected.items());
    EXPECT_EQ(listener.log, "head end ");
    EXPECT_EQ(listener.status, 200);
    EXPECT_EQ(listener.body, "POST /p?q=1 hello");
    EXPECT_EQ(listener.headers.Get("content-length"), "17");
    EXPECT_EQ(listener.headers.Get("date"), "Sun, 06 Nov 1994 08:49:37 GMT");
    EXPECT_EQ(client->open_streams(), 0U);
    EXPECT_EQ(server.codec->activity(), ServerActivity::kIdle);
    EXPECT_GT(listener.drained, 0);
  }
}

TEST(Http2, HeadOfTheResponseIsReadableWhileTheBodyIsSent) {
  Server server(/*body_size_max=*/10);
  const auto client = Client();
  Listener listener;
  HttpStreamRequest request = Request("POST", "/");
  const ClientStreamId id = client->Open(request, listener);
  client->Write(id, std::string(11, 'x'));  // the server answers before the end
  server.handler = Echo;
  Pump(*client, server);
  ASSERT_EQ(server.requests.size(), 1U);
  EXPECT_EQ(server.requests[0].body_state, BodyState::kStreamedTooLarge);
  EXPECT_EQ(listener.log, "head end ");
  EXPECT_EQ(client->open_streams(), 0U) << "the server resets what it does not read";
}

TEST(Http2, DeclaredTooLargeIsAnsweredAtOnce) {
  Server server(/*body_size_max=*/10);
  // Hand-made: our own client does not announce lengths.
  const auto client = Client();
  Pump(*client, server);
  const std::string block =
      "\x83\x84\x86"  // POST / http
      "\x41\x01h"     // :authority h
      "\x0f\x0d\x02"
      "11";  // content-length 11
  std::string frame{'\0', '\0', static_cast<char>(block.size()), '\x01', '\x04', 0, 0, 0, 1};
  server.codec->Feed(frame + block);
  ASSERT_EQ(server.requests.size(), 1U);
  EXPECT_EQ(server.requests[0].body_state, BodyState::kDeclaredTooLarge);
}

TEST(Http2, HeadHasNoBodyAndUncommonStatusesPass) {
  Server server;
  const auto client = Client();
  Listener head;
  Listener odd;
  client->FinishBody(client->Open(Request("HEAD", "/"), head));
  client->FinishBody(client->Open(Request("GET", "/"), odd));
  Pump(*client, server);
  server.Answer(0, 200, "12345");
  server.Answer(1, 470, "x");
  Pump(*client, server);
  EXPECT_EQ(head.log, "head end ");
  EXPECT_EQ(head.body, "");
  EXPECT_EQ(head.headers.Get("content-length"), "5");
  EXPECT_EQ(odd.status, 470);
  EXPECT_EQ(odd.body, "x");
}

TEST(Http2, LargeBodiesBothWays) {
  Server server(/*body_size_max=*/8 << 20);
  server.handler = [](Server& s, ServerStreamId stream, const HttpRequest& request) {
    s.codec->Respond(stream, Server::Response(200, std::string(request.body.view())));
  };
  const auto client = Client({.stream_window = 256 * 1024, .connection_window = 4 << 20});
  Listener listener;
  const ClientStreamId id = client->Open(Request("POST", "/"), listener);
  listener.on_data = [&](BytesView data) { client->ReturnCredit(id, data.size()); };
  std::string body;
  for (size_t i = 0; body.size() < (5U << 20); ++i) {
    body += std::to_string(i) + ",";
  }
  client->Write(id, SharedBytes::Copy(body));
  client->FinishBody(id);
  Pump(*client, server, 4096);
  EXPECT_TRUE(listener.ended());
  EXPECT_TRUE(listener.body == body);
}

TEST(Http2, EveryByteThatLeavesIsProgress) {
  const auto client = Client();
  Listener listener;
  const ClientStreamId id = client->Open(Request("POST", "/"), listener);
  client->Write(id, std::string(200'000, 'x'));
  client->Feed(std::string{0, 0, 0, 4, 0, 0, 0, 0, 0});  // SETTINGS
  std::string out;
  client->Produce(out, 1 << 20);
  EXPECT_EQ(client->unsent_bytes(id), 200'000U - 65'535U) << "the window of the peer";
  EXPECT_EQ(listener.drained, 1);
  client->Produce(out, 1 << 20);
  EXPECT_EQ(listener.drained, 1);

  const std::string one_byte{0, 0, 0, 1};
  client->Feed(std::string{0, 0, 4, 8, 0, 0, 0, 0, 0} + one_byte);  // WINDOW_UPDATE
  client->Feed(std::string{0, 0, 4, 8, 0, 0, 0, 0, 1} + one_byte);
  client->Produce(out, 1 << 20);
  EXPECT_EQ(client->unsent_bytes(id), 200'000U - 65'536U);
  EXPECT_EQ(listener.drained, 2);
}

TEST(Http2, StreamCreditIsReturnedByTheReaderOnly) {
  Server server;
  const auto client = Client({.stream_window = 100'000, .connection_window = 1 << 20});
  Listener slow;
  Listener quick;
  const ClientStreamId slow_id = client->Open(Request("GET", "/slow"), slow);
  client->FinishBody(slow_id);
  Pump(*client, server);
  server.Answer(0, 200, std::string(500'000, 's'));
  Pump(*client, server);
  EXPECT_EQ(slow.body.size(), 100'000U);
  EXPECT_FALSE(slow.ended());

  // Another stream of the connection is not held up.
  const ClientStreamId quick_id = client->Open(Request("GET", "/quick"), quick);
  quick.on_data = [&](BytesView data) { client->ReturnCredit(quick_id, data.size()); };
  client->FinishBody(quick_id);
  Pump(*client, server);
  server.Answer(1, 200, std::string(900'000, 'q'));
  Pump(*client, server);
  EXPECT_TRUE(quick.ended());
  EXPECT_EQ(quick.body.size(), 900'000U);
  EXPECT_EQ(slow.body.size(), 100'000U);

  slow.on_data = [&](BytesView data) { client->ReturnCredit(slow_id, data.size()); };
  client->ReturnCredit(slow_id, slow.body.size());
  Pump(*client, server);
  EXPECT_TRUE(slow.ended());
  EXPECT_EQ(slow.body.size(), 500'000U);
}

TEST(Http2, ResetClosesTheExchangeOfTheServer) {
  Server server;
  const auto client = Client();
  Listener listener;
  const ClientStreamId id = client->Open(Request("GET", "/"), listener);
  client->FinishBody(id);
  Pump(*client, server);
  client->Reset(id);
  Pump(*client, server);
  ASSERT_EQ(server.closed.size(), 1U);
  EXPECT_EQ(server.closed[0].value, server.streams[0].value);
  EXPECT_EQ(listener.log, "");
  EXPECT_EQ(client->open_streams(), 0U);
  server.Answer(0, 200, "late");  // dropped
  Pump(*client, server);
  EXPECT_EQ(listener.log, "");
  EXPECT_EQ(server.codec->activity(), ServerActivity::kIdle);
}

TEST(Http2, ResetOfARequestNotYetSentLeavesNothing) {
  Server server;
  const auto client = Client();
  Listener listener;
  const ClientStreamId id = client->Open(Request("POST", "/"), listener);
  client->Write(id, std::string("x"));
  client->Reset(id);
  Pump(*client, server);
  EXPECT_TRUE(server.requests.empty());
  EXPECT_EQ(client->open_streams(), 0U);
  EXPECT_EQ(listener.log, "");
  Listener next;
  client->FinishBody(client->Open(Request("GET", "/next"), next));
  server.handler = Echo;
  Pump(*client, server);
  EXPECT_EQ(next.log, "head end ");
}

TEST(Http2, ListenerMayResetAndOpenInsideItsCalls) {
  Server server;
  server.handler = Echo;
  const auto client = Client();
  Listener first;
  Listener second;
  const ClientStreamId id = client->Open(Request("GET", "/1"), first);
  client->FinishBody(id);
  first.on_data = [&](BytesView) {
    client->Reset(id);
    client->FinishBody(client->Open(Request("GET", "/2"), second));
  };
  Pump(*client, server);
  EXPECT_EQ(first.log, "head ");
  EXPECT_EQ(second.log, "head end ");
  EXPECT_EQ(client->open_streams(), 0U);
}

TEST(Http2, NeverMoreStreamsThanThePeerAllows) {
  Server server(1 << 20, /*streams_max=*/3);
  const auto client = Client();
  Pump(*client, server);
  EXPECT_EQ(client->free_slots(), 3U);
  std::vector<std::unique_ptr<Listener>> listeners;
  for (int i = 0; i < 3; ++i) {
    listeners.push_back(std::make_unique<Listener>());
    client->FinishBody(client->Open(Request("GET", "/"), *listeners.back()));
  }
  EXPECT_EQ(client->free_slots(), 0U);
  Pump(*client, server);
  server.Answer(1, 200, "");
  Pump(*client, server);
  EXPECT_EQ(client->free_slots(), 1U);
}

TEST(Http2, OwnLimitOfStreams) {
  Server server;
  const auto client = Client({.streams_max = 2});
  Pump(*client, server);
  EXPECT_EQ(client->free_slots(), 2U);
}

TEST(Http2, ShutdownOfTheServerLetsStreamsEnd) {
  Server server;
  const auto client = Client();
  Listener listener;
  client->FinishBody(client->Open(Request("GET", "/"), listener));
  Pump(*client, server);
  server.codec->Shutdown();
  Pump(*client, server);
  EXPECT_EQ(client->free_slots(), 0U) << "after GOAWAY";
  EXPECT_FALSE(server.codec->wants_close());
  server.Answer(0, 200, "x");
  Pump(*client, server);
  EXPECT_EQ(listener.log, "head end ");
  EXPECT_TRUE(server.codec->wants_close());
  EXPECT_TRUE(client->wants_close());
}

TEST(Http2, ShutdownOfTheClient) {
  Server server;
  const auto client = Client();
  Pump(*client, server);
  client->Shutdown();
  Pump(*client, server);
  EXPECT_TRUE(client->wants_close());
  EXPECT_TRUE(server.codec->wants_close());
}

TEST(Http2, Ping) {
  Server server;
  const auto client = Client();
  Pump(*client, server);
  ASSERT_TRUE(client->Ping());
  std::string ping;
  client->Produce(ping, 1000);
  server.codec->Feed(ping);
  EXPECT_EQ(server.Output().size(), 17U);  // a PING frame with ACK
}

TEST(Http2, HeadTooLargeIs431) {
  Server server;
  const auto client = Client();
  Pump(*client, server);
  Listener bytes;
  Listener lines;
  HttpStreamRequest request = Request("GET", "/");
  for (int i = 0; i < 200; ++i) {
    request.headers.Add("x", std::string(300, 'x'));  // 333 bytes each, as HTTP/2 counts
  }
  client->FinishBody(client->Open(request, bytes));
  HttpStreamRequest many = Request("GET", "/");
  for (size_t i = 0; i <= limits::kHttpHeadersMax; ++i) {
    many.headers.Add("a", "b");
  }
  client->FinishBody(client->Open(many, lines));
  Pump(*client, server);
  EXPECT_EQ(bytes.status, 431);
  EXPECT_EQ(lines.status, 431);
  EXPECT_TRUE(server.requests.empty());
}

TEST(Http2, RequestHeadTooLargeToSendFails) {
  Server server;
  const auto client = Client();
  Listener listener;
  HttpStreamRequest request = Request("GET", "/");
  request.headers.Add("x", std::string(70'000, 'x'));
  client->FinishBody(client->Open(request, listener));
  Pump(*client, server);
  EXPECT_EQ(listener.log, "failure ");
  EXPECT_EQ(listener.failure, HttpFailure::kProtocol);
  EXPECT_EQ(listener.message.substr(0, 32), "the request could not be sent: T") << listener.message;
  EXPECT_EQ(client->open_streams(), 0U);
}

TEST(Http2, PeerThatSpeaksHttp1) {
  for (const std::string_view text :
       {"HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP", "<html>not a server of ours"}) {
    const auto client = Client();
    Listener listener;
    client->FinishBody(client->Open(Request("GET", "/"), listener));
    for (const char c : text) {
      client->Feed(BytesView(&c, 1));
    }
    client->FeedEnd();
    EXPECT_EQ(listener.log, "failure ") << text;
    EXPECT_EQ(listener.failure, HttpFailure::kNotHttp2) << text;
    EXPECT_EQ(client->failure(), HttpFailure::kNotHttp2);
    EXPECT_TRUE(client->wants_close());
  }
}

TEST(Http2, EndOfConnectionFailsTheStreams) {
  Server server;
  const auto client = Client();
  Listener one;
  Listener two;
  client->Open(Request("GET", "/"), one);
  client->Open(Request("GET", "/"), two);
  Pump(*client, server);
  client->FeedEnd();
  EXPECT_EQ(one.log, "failure ");
  EXPECT_EQ(two.failure, HttpFailure::kConnectionLost);
  EXPECT_EQ(client->free_slots(), 0U);
}

TEST(Http2, ResetByThePeer) {
  Server server;
  const auto client = Client();
  Listener listener;
  client->FinishBody(client->Open(Request("GET", "/"), listener));
  Pump(*client, server);
  client->Feed(std::string{0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 2});  // RST_STREAM 1 INTERNAL_ERROR
  EXPECT_EQ(listener.failure, HttpFailure::kStreamReset);
  EXPECT_EQ(listener.message, "stream reset by the peer (INTERNAL_ERROR)");
}

TEST(Http2, BrokenFramesEndTheSession) {
  Server server;
  const auto client = Client();
  Listener listener;
  client->Open(Request("GET", "/"), listener);
  Pump(*client, server);
  client->Feed(std::string(9, '\x01'));
  Pump(*client, server);
  EXPECT_TRUE(client->wants_close());
  client->FeedEnd();
  EXPECT_TRUE(listener.failed());

  Server other;
  const auto second = Client();
  Pump(*second, other);
  other.codec->Feed(std::string(9, '\x01'));
  (void)other.Output();
  EXPECT_TRUE(other.codec->wants_close());
}

TEST(Http2, FloodOfPingsClosesTheConnection) {
  Server server;
  const auto client = Client();
  Pump(*client, server);
  const std::string ping = std::string{0, 0, 8, 6, 0, 0, 0, 0, 0} + std::string(8, 'p');
  for (int i = 0; i < 5000 && !server.codec->wants_close(); ++i) {
    server.codec->Feed(ping);  // and nobody reads the answers
  }
  EXPECT_TRUE(server.codec->wants_close());
}

TEST(Http2, RefusesPushAndOffersItsWindows) {
  const auto client = Client({.stream_window = 12345, .connection_window = 1 << 20});
  std::string bytes;
  client->Produce(bytes, 1000);
  const std::string settings = bytes.substr(24);
  const std::string push{0, 2, 0, 0, 0, 0};
  const std::string window{0, 4, 0, 0, 0x30, 0x39};
  EXPECT_NE(settings.find(push), std::string::npos);
  EXPECT_NE(settings.find(window), std::string::npos);
}

}  // namespace
}  // namespace perdure
