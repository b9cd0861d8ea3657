// SPDX-License-Identifier: Apache-2.0
//
// A listening socket of one I/O thread and the connections that came through it. Bounded: above its
// limit it stops accepting, and clients wait in the kernel's queue.
#pragma once

#include "net/io_thread.h"
#include "net/server_connection.h"
#include "perdure/http/server.h"
#include "perdure/http/server_codec.h"

#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <memory>
#include <unordered_set>

namespace perdure {

// Thread: its I/O thread, after construction.
class Listener final : public std::enable_shared_from_this<Listener> {
 public:
  Listener(
      IoThread& thread,
      boost::asio::ip::tcp::acceptor acceptor,
      const ServerCodecOptions& options,
      HttpHandler& handler,
      size_t connections_max);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  void Start();
  // Accepts no more; connections end after their requests in flight.
  void Shutdown();
  void CloseAll();
  bool busy() const;

 private:
  void Accept();
  void RetryLater();
  void Forget(const std::shared_ptr<ServerConnection>& connection);

  IoThread& thread_;
  boost::asio::ip::tcp::acceptor acceptor_;
  const ServerCodecOptions options_;
  HttpHandler& handler_;
  const size_t connections_max_;
  std::unordered_set<std::shared_ptr<ServerConnection>> connections_;
  bool accept_pending_ = false;
  bool stopped_ = false;
};

}  // namespace perdure
