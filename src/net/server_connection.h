// SPDX-License-Identifier: Apache-2.0
//
// One accepted socket: bytes in, bytes out, deadlines, and the exchanges that wait for their
// answers. What the bytes mean is the codec's; what the answers are is the handler's.
//
// A client that half-closes is taken for one that left, but not at once: after the end of its input
// its complete requests have kGoneAfterEndMs to be answered, then the exchanges are closed. A
// client that closed fully looks the same until something is written to it.
#pragma once

#include "net/io_thread.h"
#include "net/socket_io.h"
#include "perdure/http/server.h"
#include "perdure/http/server_codec.h"

#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace perdure {

class ServerExchange;

// Thread: its I/O thread. Ownership: its listener's table, until it is closed.
class ServerConnection final : public std::enable_shared_from_this<ServerConnection>,
                               public Flushable,
                               private ServerCodecEvents {
 public:
  using OnClosed = std::function<void(const std::shared_ptr<ServerConnection>&)>;

  ServerConnection(
      IoThread& thread,
      boost::asio::ip::tcp::socket socket,
      const ServerCodecOptions& options,
      HttpHandler& handler,
      OnClosed on_closed);
  ~ServerConnection() override;

  void Start();
  // Ends after the requests in flight; at once if there are none.
  void Shutdown();
  void Close();
  void Flush() override;

  bool busy() const;

 private:
  friend class ServerExchange;

  void OnRequest(ServerStreamId stream, HttpRequest request) override;
  void OnStreamClosed(ServerStreamId stream) override;

  void Respond(ServerStreamId stream, HttpResponse response);
  void Forget(const ServerExchange& exchange);

  void WaitReadable();
  void WaitWritable();
  void OnReadable();
  void OnInputEnd();
  void Process();
  bool WriteOut();
  void Linger();
  void Touch();
  void ArmDeadline();
  void OnDeadlineTimer();
  uint64_t AllowedNs() const;

  IoThread& thread_;
  SocketStream stream_;
  SocketWriter writer_;
  HttpHandler& handler_;
  OnClosed on_closed_;
  std::unique_ptr<ServerCodec> codec_;
  std::vector<ServerExchange*> exchanges_;

  bool read_pending_ = false;
  bool write_pending_ = false;
  bool dirty_ = false;
  bool processing_ = false;
  bool heard_ = false;  // anything at all
  bool input_ended_ = false;
  bool lingering_ = false;
  bool closed_ = false;
  uint64_t lingered_bytes_ = 0;

  Executor::TimerId timer_ = 0;
  ServerActivity last_activity_ = ServerActivity::kIdle;
  uint64_t since_ns_ = 0;  // start of what the deadline measures
  uint64_t blocked_since_ns_ = 0;
  uint64_t written_at_block_ = 0;
};

}  // namespace perdure
