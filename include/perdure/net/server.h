// SPDX-License-Identifier: Apache-2.0
//
// What net offers to the composition root: I/O threads, listeners, an HTTP client per thread, and
// signals. Asio stays behind it.
#pragma once

#include "perdure/base/executor.h"
#include "perdure/base/result.h"
#include "perdure/http/client.h"
#include "perdure/http/server.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace perdure {

struct HttpServerOptions {
  std::string bind_address;  // "host:port", "*:port" or "[::]:port"
  size_t body_size_max = 0;  // 0: limits::kMessageSizeDefault
  uint32_t http2_streams_max = 200;
};

struct HttpClientOptions {
  DurationMs connect_timeout = 10'000;
  DurationMs keep_alive_interval = 40'000;
  double keep_alive_jitter = 0.2;
  DurationMs keep_alive_timeout = 20'000;
  DurationMs idle_timeout = 300'000;
  uint32_t streams_per_connection = 128;
  uint32_t stream_window = 0;      // SETTINGS_INITIAL_WINDOW_SIZE offered to the peer
  uint32_t connection_window = 0;  // credit of the connection, returned on receipt
};

// Owns N threads, one loop each. A connection never changes thread.
class Network {
 public:
  virtual ~Network() = default;

  virtual size_t thread_count() const = 0;
  virtual Executor& thread(size_t index) = 0;
  virtual HttpClient& client(size_t index) = 0;

  // Binds and listens on every I/O thread (SO_REUSEPORT when there is more than one). The error
  // names the address. `handler` outlives the network. Returns the bound port.
  virtual Result<uint16_t> Listen(const HttpServerOptions& options, HttpHandler& handler) = 0;

  // Threads start with this call.
  virtual void Start() = 0;
  // Stops accepting, sends GOAWAY / connection: close, waits up to `grace` for exchanges in flight,
  // then closes everything and joins the threads.
  virtual void Stop(DurationMs grace) = 0;
};

std::unique_ptr<Network> MakeNetwork(size_t threads, const HttpClientOptions& client_options);

// Blocks SIGTERM, SIGINT, SIGUSR1 and SIGPIPE in the whole process (call before any thread starts),
// then waits for one of the first two; SIGUSR1 calls `on_usr1` and goes on waiting.
void BlockSignals();
int WaitForStopSignal(const MoveFunction<void()>* on_usr1 = nullptr);

}  // namespace perdure
