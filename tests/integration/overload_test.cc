// SPDX-License-Identifier: Apache-2.0
//
// At a limit the door refuses new work at once and says so; what was accepted goes on, and so does
// the door when there is room again.
#include "perdure/base/limits.h"
#include "tests/integration/test_server.h"
#include "tests/unit/net/net_test_support.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace perdure::integration {
namespace {

void ExpectOverloaded(const Reply& reply) {
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(
      reply.body,
      R"({"code":503,"message":"the server is overloaded, retry later","source":"ingress"})");
  EXPECT_EQ(reply.header("retry-after"), "1");
  EXPECT_EQ(reply.header("x-restate-error-source"), "ingress");
  EXPECT_EQ(reply.header("content-type"), "application/json");
}

// Holds the lock of the commit log for as long as it lives, as a log that hangs would: it is a
// destination that does not return from Post.
class StuckLog final : public Executor {
 public:
  explicit StuckLog(EmbeddedLog& log)
      : thread_([this, &log] { log.Hold(log.durable(), *this, [] {}); }) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return entered_; });
  }
  ~StuckLog() override {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      released_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  void Post(MoveFunction<void()>) override {
    std::unique_lock<std::mutex> lock(mutex_);
    entered_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return released_; });
  }
  TimerId StartTimer(DurationMs, MoveFunction<void()>) override { return 0; }
  void CancelTimer(TimerId) override {}

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool entered_ = false;
  bool released_ = false;
  std::thread thread_;  // last: it uses the others
};

// Sends over HTTP/2, many at once.
class ManySends {
 public:
  ManySends(uint16_t port, size_t count) : network_(MakeNetwork(1, {})) {
    network_->Start();
    for (size_t i = 0; i < count; ++i) {
      calls_.push_back(std::make_unique<net_test::Call>());
      HttpStreamRequest request = net_test::Request(port, "/Test/echo/send");
      request.headers.Add("content-type", "application/json");
      calls_.back()->Start(*network_, std::move(request), "x");
    }
  }
  ~ManySends() { network_->Stop(0); }
  ManySends(const ManySends&) = delete;
  ManySends& operator=(const ManySends&) = delete;

  size_t Answered() {
    size_t count = 0;
    for (const auto& call : calls_) {
      count += call->done.count() != 0 ? 1U : 0U;
    }
    return count;
  }
  // REQUIRES: those that count are answered.
  size_t Answered(int status) {
    size_t count = 0;
    for (const auto& call : calls_) {
      count += call->done.count() != 0 && call->status == status ? 1U : 0U;
    }
    return count;
  }

 private:
  std::vector<std::unique_ptr<net_test::Call>> calls_;
  std::unique_ptr<Network> network_;  // destroyed first: it calls them
};

TEST(Overload, FullMailboxRefusesNewWorkAndKeepsWhatItAccepted) {
  constexpr size_t kTooMany = 5;
  Service service;
  TestServer server;
  server.settings.default_num_partitions = 1;
  ASSERT_NO_FATAL_FAILURE(server.Start());
  server.Register(service);
  std::unique_ptr<ManySends> sends;
  {
    const StuckLog stuck(server.log());
    sends = std::make_unique<ManySends>(server.ingress_port(), limits::kMailboxNewWork + kTooMany);
    ASSERT_TRUE(Eventually([&] { return sends->Answered() == kTooMany; })) << sends->Answered();
    EXPECT_EQ(sends->Answered(503), kTooMany);

    ExpectOverloaded(server.Call("Test/echo", "one more"));
    ExpectOverloaded(server.Call("Test/echo/send", "one more"));
    EXPECT_EQ(Fetch(server.ingress_port(), "GET", "/restate/health").status, 200);
    EXPECT_EQ(sends->Answered(), kTooMany);
  }
  ASSERT_TRUE(Eventually([&] { return sends->Answered(202) == limits::kMailboxNewWork; }))
      << sends->Answered(202);
  EXPECT_TRUE(service.AwaitAttempts("Test/echo", limits::kMailboxNewWork));
  EXPECT_EQ(server.Call("Test/echo", "room again").body, "room again");
}

TEST(Overload, UnsyncedBytesRefuseNewWorkAndLetRunningWorkIn) {
  constexpr size_t kBodies = 3;
  // Letters by chance, which the store cannot shrink.
  std::string body(limits::kUnsyncedBytesMax / kBodies + 1, 'b');
  std::mt19937 chance(7);
  std::generate(body.begin(), body.end(), [&] { return static_cast<char>('A' + chance() % 32); });
  ASSERT_LT(body.size(), limits::kMessageSizeDefault);
  Service service;
  TestServer server;
  server.settings.default_num_partitions = 1;
  ASSERT_NO_FATAL_FAILURE(server.Start());
  server.Register(service);
  ClientSocket running(server.ingress_port());
  running.Send(RequestText("POST", "/Test/held", "first"));
  const auto attempt = service.NextAttempt("Test/held");
  ASSERT_NE(attempt, nullptr);
  std::vector<std::unique_ptr<ClientSocket>> large;
  {
    const PausedSyncer paused(server.log());
    for (size_t i = 0; i < kBodies; ++i) {
      large.push_back(std::make_unique<ClientSocket>(server.ingress_port()));
      large.back()->Send(RequestText("POST", "/Test/held", body));
    }
    ASSERT_TRUE(Eventually([&] { return server.log().congested(); }));

    ExpectOverloaded(server.Call("Test/echo", "one more"));
    attempt->Complete("goes on");
  }
  EXPECT_EQ(running.ReadReply().body, "goes on");
  for (size_t i = 0; i < kBodies; ++i) {
    const auto accepted = service.NextAttempt("Test/held");
    ASSERT_NE(accepted, nullptr);
    EXPECT_EQ(accepted->input().size(), body.size());
    accepted->Complete("accepted");
  }
  for (const auto& socket : large) {
    EXPECT_EQ(socket->ReadReply().body, "accepted");
  }
  EXPECT_EQ(server.Call("Test/echo", "room again").body, "room again");
}

}  // namespace
}  // namespace perdure::integration
