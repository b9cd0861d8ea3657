// SPDX-License-Identifier: Apache-2.0
//
// Accepting: see listener.h.
#include "net/listener.h"

#include "net/socket_io.h"
#include "perdure/base/log.h"

#include <utility>
#include <vector>

namespace perdure {
namespace {

using boost::system::error_code;
using Socket = boost::asio::ip::tcp::socket;

// After a failed accept (usually: out of descriptors) the kernel would say the same at once.
constexpr DurationMs kRetryMs = 100;

}  // namespace

Listener::Listener(
    IoThread& thread,
    boost::asio::ip::tcp::acceptor acceptor,
    const ServerCodecOptions& options,
    HttpHandler& handler,
    size_t connections_max)
    : thread_(thread),
      acceptor_(std::move(acceptor)),
      options_(options),
      handler_(handler),
      connections_max_(connections_max) {}

Listener::~Listener() = default;

void Listener::Start() {
  Accept();
}

void Listener::Accept() {
  if (stopped_ || accept_pending_ || connections_.size() >= connections_max_) {
    return;
  }
  accept_pending_ = true;
  acceptor_.async_accept([self = shared_from_this()](const error_code& ec, Socket socket) {
    self->accept_pending_ = false;
    if (self->stopped_) {
      return;
    }
    if (ec) {
      if (ec != boost::asio::error::connection_aborted) {
        PERDURE_LOG(kWarn, "accept_failed", {{"reason", OsErrorText(ec)}});
        self->RetryLater();
        return;
      }
      self->Accept();
      return;
    }
    const auto connection = std::make_shared<ServerConnection>(
        self->thread_,
        std::move(socket),
        self->options_,
        self->handler_,
        [weak = std::weak_ptr<Listener>(self)](const std::shared_ptr<ServerConnection>& closed) {
          if (const auto listener = weak.lock()) {
            listener->Forget(closed);
          }
        });
    self->connections_.insert(connection);
    connection->Start();
    self->Accept();
  });
}

void Listener::RetryLater() {
  thread_.StartTimer(kRetryMs, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) {
      self->Accept();
    }
  });
}

void Listener::Forget(const std::shared_ptr<ServerConnection>& connection) {
  connections_.erase(connection);
  Accept();
}

void Listener::Shutdown() {
  stopped_ = true;
  error_code ignored;
  acceptor_.close(ignored);
  // A connection that ends takes itself out of the set.
  const std::vector<std::shared_ptr<ServerConnection>> connections(
      connections_.begin(), connections_.end());
  for (const auto& connection : connections) {
    connection->Shutdown();
  }
}

void Listener::CloseAll() {
  stopped_ = true;
  error_code ignored;
  acceptor_.close(ignored);
  const std::vector<std::shared_ptr<ServerConnection>> connections(
      connections_.begin(), connections_.end());
  for (const auto& connection : connections) {
    connection->Close();
  }
}

bool Listener::busy() const {
  for (const auto& connection : connections_) {
    if (connection->busy()) {
      return true;
    }
  }
  return false;
}

}  // namespace perdure
