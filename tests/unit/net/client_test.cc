// SPDX-License-Identifier: Apache-2.0
//
// The client pool over real sockets: against our own server, and against peers that refuse, keep
// silent, speak something else or die.
#include "perdure/base/clock.h"
#include "tests/unit/net/net_test_support.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

namespace perdure {
namespace {

using net_test::Call;
using net_test::Echo;
using net_test::FunctionHandler;
using net_test::PlainServer;
using net_test::Request;
using net_test::Signal;
using net_test::Text;

// A server and a client network, each with its own thread.
struct Pair {
  explicit Pair(
      FunctionHandler::Function function,
      const HttpClientOptions& options = {},
      uint32_t streams_max = 200)
      : handler(std::move(function)), server(MakeNetwork(1, {})), client(MakeNetwork(1, options)) {
    Result<uint16_t> bound = server->Listen(
        {.bind_address = "127.0.0.1:0",
         .body_size_max = 64 << 20,
         .http2_streams_max = streams_max},
        handler);
    port = bound.ok() ? *bound : 0;
    server->Start();
    client->Start();
  }
  ~Pair() {
    client->Stop(0);
    server->Stop(0);
  }

  FunctionHandler handler;
  std::unique_ptr<Network> server;
  std::unique_ptr<Network> client;
  uint16_t port = 0;
};

// Keeps exchanges unanswered; used on the server's thread only, apart from the signal.
struct Holder {
  void Hold(std::unique_ptr<HttpExchange> exchange) {
    exchanges.push_back(std::move(exchange));
    arrived.Set();
  }
  void AnswerAll(Network& server) {
    server.thread(0).Post([this] {
      for (auto& exchange : exchanges) {
        exchange->Respond(Text(200, "ok"));
      }
      exchanges.clear();
    });
  }
  std::vector<std::unique_ptr<HttpExchange>> exchanges;
  Signal arrived;
};

TEST(HttpClient, CallsOverHttp2AndHttp1) {
  Pair pair(Echo);
  for (const bool http11 : {false, true}) {
    for (int i = 0; i < 3; ++i) {
      Call call;
      call.Start(*pair.client, Request(pair.port, "/p", http11), "body");
      ASSERT_TRUE(call.done.Wait());
      EXPECT_FALSE(call.failed) << call.message;
      EXPECT_EQ(call.status, 200);
      EXPECT_EQ(call.body, "POST /p body");
    }
  }
}

TEST(HttpClient, ResolvesNames) {
  Pair pair(Echo);
  Call call;
  HttpStreamRequest request = Request(pair.port, "/");
  request.endpoint.host = "localhost";
  call.Start(*pair.client, std::move(request));
  ASSERT_TRUE(call.done.Wait());
  EXPECT_EQ(call.status, 200) << call.message;

  Call unknown;
  HttpStreamRequest bad = Request(pair.port, "/");
  bad.endpoint.host = "no-such-host.invalid";
  unknown.Start(*pair.client, std::move(bad));
  ASSERT_TRUE(unknown.done.Wait());
  EXPECT_EQ(unknown.failure, HttpFailure::kConnect);
  EXPECT_EQ(unknown.message.substr(0, 11), "dns error: ");
}

TEST(HttpClient, LargeBodies) {
  Pair pair(Echo, {.stream_window = 256 * 1024, .connection_window = 4 << 20});
  const std::string body(10 << 20, 'b');
  for (const bool http11 : {false, true}) {
    Call call;
    call.Start(*pair.client, Request(pair.port, "/", http11), body);
    ASSERT_TRUE(call.done.Wait());
    EXPECT_FALSE(call.failed) << call.message;
    EXPECT_EQ(call.body.size(), body.size() + 7);
  }
}

TEST(HttpClient, StreamsBeyondOneConnectionOpenAnother) {
  Holder holder;
  Pair pair([&](HttpRequest, std::unique_ptr<HttpExchange> e) { holder.Hold(std::move(e)); });
  std::vector<std::unique_ptr<Call>> calls;
  for (int i = 0; i < 300; ++i) {
    calls.push_back(std::make_unique<Call>());
    calls.back()->Start(*pair.client, Request(pair.port, "/"));
  }
  // Two connections of 128 would not carry them.
  ASSERT_TRUE(holder.arrived.Wait(300));
  holder.AnswerAll(*pair.server);
  for (const auto& call : calls) {
    ASSERT_TRUE(call->done.Wait());
    EXPECT_EQ(call->status, 200) << call->message;
  }
}

TEST(HttpClient, NeverMoreStreamsThanThePeerAllows) {
  Holder holder;
  Pair pair(
      [&](HttpRequest, std::unique_ptr<HttpExchange> e) { holder.Hold(std::move(e)); }, {}, 2);
  std::vector<std::unique_ptr<Call>> calls;
  for (int i = 0; i < 9; ++i) {
    calls.push_back(std::make_unique<Call>());
    calls.back()->Start(*pair.client, Request(pair.port, "/"));
  }
  ASSERT_TRUE(holder.arrived.Wait(9)) << holder.arrived.count();
  holder.AnswerAll(*pair.server);
  for (const auto& call : calls) {
    ASSERT_TRUE(call->done.Wait());
    EXPECT_FALSE(call->failed) << call->message;
  }
}

TEST(HttpClient, ConnectionRefused) {
  uint16_t port = 0;
  {
    const PlainServer closed;
    port = closed.port();
  }
  const auto client = MakeNetwork(1, {});
  client->Start();
  for (const bool http11 : {false, true}) {
    Call first;
    Call second;
    first.Start(*client, Request(port, "/", http11));
    second.Start(*client, Request(port, "/", http11));
    ASSERT_TRUE(first.done.Wait());
    ASSERT_TRUE(second.done.Wait());
    EXPECT_EQ(first.failure, HttpFailure::kConnect);
    EXPECT_EQ(first.message, "tcp connect error: Connection refused (os error 111)");
    EXPECT_TRUE(second.failed);
  }
  client->Stop(0);
}

TEST(HttpClient, SilentPeerCostsTheConnectTimeout) {
  const PlainServer silent;  // the kernel accepts, nobody answers
  const auto client = MakeNetwork(1, {.connect_timeout = 100});
  client->Start();
  Call call;
  call.Start(*client, Request(silent.port(), "/"));
  ASSERT_TRUE(call.done.Wait());
  EXPECT_EQ(call.failure, HttpFailure::kConnect);
  client->Stop(0);
}

TEST(HttpClient, PeerThatGoesSilentCostsTheKeepAlive) {
  const PlainServer server;
  const auto client = MakeNetwork(1, {.keep_alive_interval = 50, .keep_alive_timeout = 100});
  client->Start();
  Call call;
  call.Start(*client, Request(server.port(), "/"));
  const auto socket = server.Accept();
  socket->Send(std::string_view("\0\0\0\x04\0\0\0\0\0", 9));  // SETTINGS, and then nothing
  ASSERT_TRUE(call.done.Wait());
  EXPECT_EQ(call.failure, HttpFailure::kConnectionLost);
  client->Stop(0);
}

// Else a peer that falls silent right after an answer holds its streams for two timeouts.
TEST(HttpClient, NextPingCountsFromTheAnswer) {
  const PlainServer server;
  const auto client = MakeNetwork(1, {.keep_alive_interval = 20, .keep_alive_timeout = 3'600'000});
  client->Start();
  Call call;
  call.Start(*client, Request(server.port(), "/"));
  const auto socket = server.Accept();
  socket->Send(std::string_view("\0\0\0\x04\0\0\0\0\0", 9));  // SETTINGS
  const std::string_view ping("\0\0\x08\x06\0\0\0\0\0\0\0\0\0\0\0\0\0", 17);
  const std::string_view pong("\0\0\x08\x06\x01\0\0\0\0\0\0\0\0\0\0\0\0", 17);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(socket->ReadUntil(ping).find("<end>"), std::string::npos) << i;
    socket->Send(pong);
  }
  client->Stop(0);
}

TEST(HttpClient, PingsAreAnsweredByOurServer) {
  Holder holder;
  Pair pair(
      [&](HttpRequest, std::unique_ptr<HttpExchange> e) { holder.Hold(std::move(e)); },
      {.keep_alive_interval = 20, .keep_alive_timeout = 200});
  Call call;
  call.Start(*pair.client, Request(pair.port, "/"));
  ASSERT_TRUE(holder.arrived.Wait());
  Signal waited;
  pair.client->thread(0).Post(
      [&] { pair.client->thread(0).StartTimer(600, [&] { waited.Set(); }); });
  ASSERT_TRUE(waited.Wait());
  holder.AnswerAll(*pair.server);
  ASSERT_TRUE(call.done.Wait());
  EXPECT_FALSE(call.failed) << call.message;
}

TEST(HttpClient, PeerThatSpeaksHttp1) {
  const PlainServer server;
  const auto client = MakeNetwork(1, {});
  client->Start();
  Call call;
  call.Start(*client, Request(server.port(), "/"));
  const auto socket = server.Accept();
  socket->Send("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
  ASSERT_TRUE(call.done.Wait());
  EXPECT_EQ(call.failure, HttpFailure::kNotHttp2);
  client->Stop(0);
}

TEST(HttpClient, ConnectionLostWhileWaiting) {
  Signal arrived;
  std::unique_ptr<HttpExchange> kept;
  Pair pair([&](HttpRequest, std::unique_ptr<HttpExchange> exchange) {
    kept = std::move(exchange);
    arrived.Set();
  });
  Call call;
  call.Start(*pair.client, Request(pair.port, "/"));
  ASSERT_TRUE(arrived.Wait());
  pair.server->Stop(0);
  ASSERT_TRUE(call.done.Wait());
  EXPECT_TRUE(call.failed);
  kept.reset();
}

TEST(HttpClient, DestroyedStreamClosesTheExchange) {
  Signal arrived;
  Signal closed;
  std::unique_ptr<HttpExchange> kept;
  Pair pair([&](HttpRequest, std::unique_ptr<HttpExchange> exchange) {
    kept = std::move(exchange);
    kept->OnClose([&] { closed.Set(); });
    arrived.Set();
  });
  Call call;
  call.Start(*pair.client, Request(pair.port, "/"));
  ASSERT_TRUE(arrived.Wait());
  pair.client->thread(0).Post([&] { call.stream.reset(); });
  ASSERT_TRUE(closed.Wait());
  EXPECT_EQ(call.done.count(), 0);
}

TEST(HttpClient, StalledStreamDoesNotHoldTheOthers) {
  Pair pair(
      [](HttpRequest request, std::unique_ptr<HttpExchange> exchange) {
        const size_t size = request.target == "/stalled" ? 10 << 20 : 100;
        exchange->Respond(Text(200, std::string(size, 'x')));
      },
      {.stream_window = 256 * 1024, .connection_window = 1 << 20});
  Call stalled;
  stalled.return_credit = false;
  stalled.Start(*pair.client, Request(pair.port, "/stalled"));
  ASSERT_TRUE(stalled.head.Wait());
  for (int i = 0; i < 100; ++i) {
    Call call;
    call.Start(*pair.client, Request(pair.port, "/quick"));
    ASSERT_TRUE(call.done.Wait());
    EXPECT_EQ(call.body.size(), 100U);
  }
  EXPECT_EQ(stalled.done.count(), 0);
  Signal gone;
  pair.client->thread(0).Post([&] {
    EXPECT_EQ(stalled.body.size(), 256U * 1024);
    stalled.stream.reset();
    gone.Set();
  });
  ASSERT_TRUE(gone.Wait());
}

TEST(HttpClient, IdleConnectionIsClosedWithGoAway) {
  const PlainServer server;
  const auto client = MakeNetwork(1, {.idle_timeout = 50});
  client->Start();
  Call call;
  call.Start(*client, Request(server.port(), "/"));
  const auto socket = server.Accept();
  socket->Send(std::string_view("\0\0\0\x04\0\0\0\0\0", 9));
  // The end of the request: DATA of stream 1 with END_STREAM. The answer: HEADERS, ":status: 200".
  socket->ReadUntil(std::string_view("\0\0\0\0\x01\0\0\0\x01", 9));
  socket->Send(std::string_view("\0\0\x01\x01\x05\0\0\0\x01\x88", 10));
  ASSERT_TRUE(call.done.Wait());
  EXPECT_EQ(call.status, 200);
  const std::string rest = socket->ReadAll();
  const std::string goaway("\0\0\x08\x07\0\0\0\0\0", 9);
  EXPECT_NE(rest.find(goaway), std::string::npos);
  client->Stop(0);
}

TEST(HttpClient, StreamsMayOutliveTheNetwork) {
  Holder holder;
  Call waiting;
  Call running;
  {
    const PlainServer silent;
    Pair pair([&](HttpRequest, std::unique_ptr<HttpExchange> e) { holder.Hold(std::move(e)); });
    waiting.Start(*pair.client, Request(silent.port(), "/"));
    running.Start(*pair.client, Request(pair.port, "/"));
    ASSERT_TRUE(holder.arrived.Wait());
  }
  ASSERT_NE(waiting.stream, nullptr);
  EXPECT_EQ(waiting.stream->unsent_bytes(), 0U);
  waiting.stream.reset();
  running.stream.reset();
  EXPECT_EQ(waiting.done.count() + running.done.count(), 0);
  holder.exchanges.clear();
}

}  // namespace
}  // namespace perdure
