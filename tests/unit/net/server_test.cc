// SPDX-License-Identifier: Apache-2.0
//
// The HTTP server over real sockets: connections that live, half-close, die, flood or stay, and a
// stop with requests in flight.
#include "perdure/base/clock.h"
#include "tests/unit/net/net_test_support.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>

namespace perdure {
namespace {

using net_test::Echo;
using net_test::FunctionHandler;
using net_test::PlainSocket;
using net_test::Signal;
using net_test::Text;

struct TestServer {
  explicit TestServer(FunctionHandler::Function function, size_t threads = 1, size_t body_max = 0)
      : handler(std::move(function)), network(MakeNetwork(threads, {})) {
    Result<uint16_t> bound =
        network->Listen({.bind_address = "127.0.0.1:0", .body_size_max = body_max}, handler);
    port = bound.ok() ? *bound : 0;
    network->Start();
  }
  ~TestServer() { network->Stop(0); }

  FunctionHandler handler;
  std::unique_ptr<Network> network;
  uint16_t port = 0;
};

void ExpectClosed(bool reset) {
  Signal arrived;
  Signal closed;
  std::unique_ptr<HttpExchange> kept;
  TestServer server([&](HttpRequest, std::unique_ptr<HttpExchange> exchange) {
    kept = std::move(exchange);
    EXPECT_FALSE(kept->closed());
    kept->OnClose([&] { closed.Set(); });
    arrived.Set();
  });
  PlainSocket socket(server.port);
  socket.Send("GET / HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(arrived.Wait());
  if (reset) {
    socket.ResetOnClose();
  }
  socket.Close();
  ASSERT_TRUE(closed.Wait());
  Signal checked;
  server.network->thread(0).Post([&] {
    EXPECT_TRUE(kept->closed());
    kept->Respond(Text(200, "dropped"));
    kept.reset();
    checked.Set();
  });
  EXPECT_TRUE(checked.Wait());
}

TEST(HttpServer, KeepsTheConnectionAlive) {
  TestServer server(Echo);
  PlainSocket socket(server.port);
  for (int i = 0; i < 3; ++i) {
    socket.Send("POST /p HTTP/1.1\r\ncontent-length: 2\r\n\r\nhi");
    const std::string answer = socket.ReadUntil("POST /p hi");
    EXPECT_EQ(answer.substr(0, 17), "HTTP/1.1 200 OK\r\n");
    EXPECT_NE(answer.find("\r\ndate: "), std::string::npos);
  }
}

TEST(HttpServer, AnswersFromAnotherThreadInAnyOrder) {
  std::mutex mutex;
  std::vector<std::unique_ptr<HttpExchange>> waiting;
  Signal arrived;
  TestServer server([&](HttpRequest, std::unique_ptr<HttpExchange> exchange) {
    const std::lock_guard<std::mutex> lock(mutex);
    waiting.push_back(std::move(exchange));
    arrived.Set();
  });
  PlainSocket first(server.port);
  PlainSocket second(server.port);
  first.Send("GET /1 HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(arrived.Wait(1));
  second.Send("GET /2 HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(arrived.Wait(2));
  for (const size_t index : {size_t{1}, size_t{0}}) {
    server.network->thread(0).Post([&, index] {
      const std::lock_guard<std::mutex> lock(mutex);
      waiting[index]->Respond(Text(200, "answer " + std::to_string(index)));
    });
  }
  second.ReadUntil("answer 1");
  EXPECT_EQ(first.ReadUntil("answer 0").find("<end>"), std::string::npos);
}

TEST(HttpServer, LargeResponseToASlowReader) {
  const std::string body(20 << 20, 'x');
  TestServer server([&](HttpRequest request, std::unique_ptr<HttpExchange> exchange) {
    exchange->Respond(Text(200, request.target == "/quick" ? "quick" : body));
  });
  PlainSocket socket(server.port);
  socket.Send("GET / HTTP/1.1\r\nconnection: close\r\n\r\n");
  const std::string start = socket.ReadUntil("\r\n\r\n");
  // The one thread serves others while the first client's socket is full.
  PlainSocket other(server.port);
  other.Send("GET /quick HTTP/1.1\r\n\r\n");
  EXPECT_EQ(other.ReadUntil("quick").find("<end>"), std::string::npos);
  const std::string all = start + socket.ReadAll();
  EXPECT_EQ(all.size() - all.find("\r\n\r\n") - 4, body.size());
}

TEST(HttpServer, LargeUploadAboveTheLimitStillSeesTheAnswer) {
  TestServer server(
      [](HttpRequest request, std::unique_ptr<HttpExchange> exchange) {
        const bool declared = request.body_state == BodyState::kDeclaredTooLarge;
        exchange->Respond(Text(413, declared ? "length limit exceeded" : "other"));
      },
      1,
      1000);
  PlainSocket socket(server.port);
  socket.Send("POST / HTTP/1.1\r\ncontent-length: 5000000\r\n\r\n" + std::string(5'000'000, 'x'));
  EXPECT_NE(socket.ReadAll().find("length limit exceeded"), std::string::npos);
}

TEST(HttpServer, DroppedExchangeIsA500) {
  TestServer server([](HttpRequest, std::unique_ptr<HttpExchange>) {});
  PlainSocket socket(server.port);
  socket.Send("GET / HTTP/1.1\r\nconnection: close\r\n\r\n");
  EXPECT_EQ(socket.ReadAll().substr(0, 12), "HTTP/1.1 500");
}

// Resets are noticed at once. An orderly close looks like a half-close, and costs the patience that
// a half-closed client gets.
TEST(HttpServer, TellsWhenTheClientResets) {
  ExpectClosed(/*reset=*/true);
}
TEST(HttpServer, TellsWhenTheClientCloses) {
  ExpectClosed(/*reset=*/false);
}

TEST(HttpServer, HalfClosedClientIsAnsweredIfItIsSoon) {
  TestServer server([](HttpRequest, std::unique_ptr<HttpExchange> exchange) {
    auto shared = std::make_shared<std::unique_ptr<HttpExchange>>(std::move(exchange));
    (*shared)->executor().StartTimer(100, [shared] { (*shared)->Respond(Text(200, "late")); });
  });
  PlainSocket socket(server.port);
  socket.Send("GET / HTTP/1.1\r\n\r\n");
  socket.EndOutput();
  EXPECT_NE(socket.ReadAll().find("late"), std::string::npos);
}

TEST(HttpServer, MalformedRequestIs400) {
  TestServer server(Echo);
  PlainSocket socket(server.port);
  socket.Send("nonsense\r\n\r\n");
  EXPECT_EQ(socket.ReadAll().substr(0, 12), "HTTP/1.1 400");
}

TEST(HttpServer, SeveralThreadsShareThePort) {
  std::atomic<int> seen{0};
  TestServer server(
      [&](HttpRequest request, std::unique_ptr<HttpExchange> exchange) {
        seen |= 1 << exchange->io_thread();
        Echo(std::move(request), std::move(exchange));
      },
      2);
  for (int i = 0; i < 200 && seen != 3; ++i) {
    PlainSocket socket(server.port);
    socket.Send("GET / HTTP/1.1\r\nconnection: close\r\n\r\n");
    ASSERT_EQ(socket.ReadAll().substr(0, 12), "HTTP/1.1 200");
  }
  EXPECT_EQ(seen, 3);
}

TEST(HttpServer, PortInUseIsAnErrorThatNamesTheAddress) {
  TestServer server(Echo, 2);
  const std::string address = "127.0.0.1:" + std::to_string(server.port);
  for (const size_t threads : {size_t{1}, size_t{2}}) {
    FunctionHandler handler(Echo);
    const auto other = MakeNetwork(threads, {});
    const Result<uint16_t> bound = other->Listen({.bind_address = address}, handler);
    ASSERT_FALSE(bound.ok());
    EXPECT_EQ(
        bound.error().message,
        "cannot listen on " + address + ": Address already in use (os error 98)");
  }
}

TEST(HttpServer, EveryAddress) {
  FunctionHandler handler(Echo);
  const auto network = MakeNetwork(1, {});
  const Result<uint16_t> bound = network->Listen({.bind_address = "*:0"}, handler);
  ASSERT_TRUE(bound.ok());
  network->Start();
  PlainSocket socket(*bound);
  socket.Send("GET / HTTP/1.1\r\nconnection: close\r\n\r\n");
  EXPECT_EQ(socket.ReadAll().substr(0, 12), "HTTP/1.1 200");
  network->Stop(0);
}

TEST(HttpServer, StopWaitsForExchangesInFlight) {
  Signal arrived;
  TestServer server([&](HttpRequest, std::unique_ptr<HttpExchange> exchange) {
    auto shared = std::make_shared<std::unique_ptr<HttpExchange>>(std::move(exchange));
    (*shared)->executor().StartTimer(200, [shared] { (*shared)->Respond(Text(200, "done")); });
    arrived.Set();
  });
  PlainSocket idle(server.port);
  idle.Send("GET / HTTP/1.1\r\n\r\n");
  idle.ReadUntil("done");
  PlainSocket socket(server.port);
  socket.Send("GET / HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(arrived.Wait(2));
  server.network->Stop(10'000);
  const std::string answer = socket.ReadAll();
  EXPECT_NE(answer.find("done"), std::string::npos);
  EXPECT_NE(answer.find("connection: close"), std::string::npos);
  EXPECT_EQ(idle.ReadAll(), "");
  PlainSocket late(server.port);
  EXPECT_FALSE(late.connected());
}

TEST(HttpServer, StopDoesNotWaitLongerThanItsGrace) {
  Signal arrived;
  Signal closed;
  std::unique_ptr<HttpExchange> kept;
  TestServer server([&](HttpRequest, std::unique_ptr<HttpExchange> exchange) {
    kept = std::move(exchange);
    kept->OnClose([&] { closed.Set(); });
    arrived.Set();
  });
  PlainSocket socket(server.port);
  socket.Send("GET / HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(arrived.Wait());
  const uint64_t before = SystemClock().MonotonicNs();
  server.network->Stop(100);
  EXPECT_LT(SystemClock().MonotonicNs() - before, 5'000'000'000U);
  EXPECT_EQ(closed.count(), 1);
  EXPECT_EQ(socket.ReadAll(), "");
  kept.reset();
}

TEST(IoThread, PostedWorkRunsInOrder) {
  const auto network = MakeNetwork(1, {});
  std::vector<int> order;
  Signal done;
  for (int i = 0; i < 1000; ++i) {
    network->thread(0).Post([&order, i] { order.push_back(i); });
  }
  network->Start();
  network->thread(0).Post([&] { network->thread(0).StartTimer(0, [&] { done.Set(); }); });
  ASSERT_TRUE(done.Wait());
  ASSERT_EQ(order.size(), 1000U);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(order[static_cast<size_t>(i)], i);
  }
  network->Stop(0);
  network->thread(0).Post([&] { done.Set(); });
  EXPECT_EQ(done.count(), 1);
}

TEST(IoThread, TimersFireNotBeforeTheirTimeAndNotAfterCancelling) {
  const auto network = MakeNetwork(1, {});
  network->Start();
  Executor& thread = network->thread(0);
  Signal fired;
  Signal cancelled;
  uint64_t started = 0;
  uint64_t ended = 0;
  thread.Post([&] {
    started = SystemClock().MonotonicNs();
    const Executor::TimerId id = thread.StartTimer(20, [&] { cancelled.Set(); });
    thread.StartTimer(60, [&] {
      ended = SystemClock().MonotonicNs();
      fired.Set();
    });
    thread.StartTimer(10, [&, id] { thread.CancelTimer(id); });
  });
  ASSERT_TRUE(fired.Wait());
  EXPECT_GE(ended - started, 60'000'000U);
  EXPECT_EQ(cancelled.count(), 0);
  network->Stop(0);
}

}  // namespace
}  // namespace perdure
