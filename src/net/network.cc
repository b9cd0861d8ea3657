// SPDX-License-Identifier: Apache-2.0
//
// The I/O threads with their listeners and clients, in construction order; shutdown is the reverse.
// Knows HTTP only as options that it hands on.
#include "net/bind_address.h"
#include "net/client_pool.h"
#include "net/io_thread.h"
#include "net/listener.h"
#include "perdure/base/assert.h"
#include "perdure/base/limits.h"
#include "perdure/net/server.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace perdure {
namespace {

// How often a stopping thread looks whether its exchanges have ended.
constexpr DurationMs kStopPollMs = 2;
// Both ports together leave a fifth of the descriptors to the database and the connections to
// services.
constexpr size_t kListenerSharePercent = 40;
constexpr rlim_t kDescriptorsMax = 1U << 20;

// The soft limit of many systems (1024) is for programs that use select(); we do not.
size_t RaiseDescriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return 1024;
  }
  const rlim_t wanted = std::min(limit.rlim_max, kDescriptorsMax);
  if (limit.rlim_cur < wanted) {
    const rlimit raised{wanted, limit.rlim_max};
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) {
      limit = raised;
    }
  }
  return static_cast<size_t>(std::min(limit.rlim_cur, kDescriptorsMax));
}

class NetworkImpl final : public Network {
 public:
  NetworkImpl(size_t threads, const HttpClientOptions& client_options)
      : descriptors_(RaiseDescriptorLimit()) {
    PERDURE_ASSERT(threads > 0);
    for (size_t i = 0; i < threads; ++i) {
      threads_.push_back(std::make_unique<Thread>(static_cast<uint16_t>(i), client_options, tls_));
    }
  }

  ~NetworkImpl() override { Stop(0); }
  NetworkImpl(const NetworkImpl&) = delete;
  NetworkImpl& operator=(const NetworkImpl&) = delete;

  size_t thread_count() const override { return threads_.size(); }
  Executor& thread(size_t index) override { return threads_[index]->io; }
  HttpClient& client(size_t index) override { return threads_[index]->client; }

  Result<uint16_t> Listen(const HttpServerOptions& options, HttpHandler& handler) override;
  void Start() override;
  void Stop(DurationMs grace) override;

 private:
  struct Thread {
    Thread(uint16_t number, const HttpClientOptions& options, TlsClient& tls)
        : io(number), client(io, options, tls) {}

    IoThread io;
    ClientPool client;
    // Changed before Start and on the thread itself.
    std::vector<std::shared_ptr<Listener>> listeners;
  };

  // Threads that still have exchanges in flight. Shared with their timers, which may outlive the
  // wait.
  struct Quiet {
    std::mutex mutex;
    std::condition_variable changed;
    size_t busy_threads = 0;
  };

  // Runs `work` on every thread and waits for all.
  void RunOnAll(const std::function<void(Thread&)>& work);
  static void SignalWhenQuiet(Thread& thread, const std::shared_ptr<Quiet>& quiet);

  const size_t descriptors_;
  TlsClient tls_;
  std::vector<std::unique_ptr<Thread>> threads_;
  bool started_ = false;
  bool stopped_ = false;
};

Result<uint16_t> NetworkImpl::Listen(const HttpServerOptions& options, HttpHandler& handler) {
  Result<BindAddress> address = ParseBindAddress(options.bind_address);
  if (!address.ok()) {
    return address.error();
  }
  const bool share = threads_.size() > 1;
  if (share && address->port != 0) {
    // With a shared port the kernel would let a second server of the same user in beside us, and
    // spread the clients over both. So the port must be free when asked for alone.
    Result<boost::asio::ip::tcp::acceptor> alone =
        OpenAcceptor(threads_.front()->io.context(), *address, {});
    if (!alone.ok()) {
      return alone.error();
    }
  }
  const ServerCodecOptions codec{
      .body_size_max =
          options.body_size_max == 0 ? limits::kMessageSizeDefault : options.body_size_max,
      .http2_streams_max = options.http2_streams_max};
  const size_t connections_max =
      std::max<size_t>(1, descriptors_ * kListenerSharePercent / 100 / threads_.size());
  std::vector<std::shared_ptr<Listener>> listeners;
  for (const auto& thread : threads_) {
    Result<boost::asio::ip::tcp::acceptor> acceptor =
        OpenAcceptor(thread->io.context(), *address, {.share_port = share});
    if (!acceptor.ok()) {
      return acceptor.error();
    }
    address->port = acceptor->local_endpoint().port();  // the others share what the first was given
    listeners.push_back(std::make_shared<Listener>(
        thread->io, std::move(acceptor).value(), codec, handler, connections_max));
  }
  for (size_t i = 0; i < threads_.size(); ++i) {
    Thread* const thread = threads_[i].get();
    thread->io.Post([thread, listener = std::move(listeners[i])] {
      thread->listeners.push_back(listener);
      listener->Start();
    });
  }
  return address->port;
}

void NetworkImpl::Start() {
  PERDURE_ASSERT(!started_);
  started_ = true;
  for (const auto& thread : threads_) {
    thread->io.Start();
  }
}

void NetworkImpl::RunOnAll(const std::function<void(Thread&)>& work) {
  std::mutex mutex;
  std::condition_variable done;
  size_t left = threads_.size();
  for (const auto& thread : threads_) {
    Thread* const target = thread.get();
    thread->io.Post([&, target] {
      work(*target);
      const std::lock_guard<std::mutex> lock(mutex);
      --left;
      done.notify_one();
    });
  }
  std::unique_lock<std::mutex> lock(mutex);
  done.wait(lock, [&left] { return left == 0; });
}

void NetworkImpl::SignalWhenQuiet(Thread& thread, const std::shared_ptr<Quiet>& quiet) {
  const bool busy = std::any_of(
      thread.listeners.begin(), thread.listeners.end(), [](const auto& l) { return l->busy(); });
  if (busy) {
    thread.io.StartTimer(kStopPollMs, [&thread, quiet] { SignalWhenQuiet(thread, quiet); });
    return;
  }
  const std::lock_guard<std::mutex> lock(quiet->mutex);
  --quiet->busy_threads;
  quiet->changed.notify_one();
}

void NetworkImpl::Stop(DurationMs grace) {
  if (!started_ || std::exchange(stopped_, true)) {
    return;
  }
  RunOnAll([](Thread& thread) {
    for (const auto& listener : thread.listeners) {
      listener->Shutdown();
    }
  });
  const auto quiet = std::make_shared<Quiet>();
  quiet->busy_threads = threads_.size();
  RunOnAll([&quiet](Thread& thread) { SignalWhenQuiet(thread, quiet); });
  {
    std::unique_lock<std::mutex> lock(quiet->mutex);
    quiet->changed.wait_for(
        lock, std::chrono::milliseconds(grace), [&quiet] { return quiet->busy_threads == 0; });
  }
  RunOnAll([](Thread& thread) {
    for (const auto& listener : std::exchange(thread.listeners, {})) {
      listener->CloseAll();
    }
    thread.client.CloseAll();
  });
  for (const auto& thread : threads_) {
    thread->io.StopAndJoin();
  }
}

}  // namespace

std::unique_ptr<Network> MakeNetwork(size_t threads, const HttpClientOptions& client_options) {
  return std::make_unique<NetworkImpl>(threads, client_options);
}

}  // namespace perdure
