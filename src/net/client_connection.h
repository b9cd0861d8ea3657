// SPDX-License-Identifier: Apache-2.0
//
// One connection to an endpoint: name resolution, connect, TLS, the session's bytes, signs of life,
// and its end. Which streams it carries is the pool's choice.
#pragma once

#include "net/io_thread.h"
#include "net/socket_io.h"
#include "net/tls_client.h"
#include "perdure/http/client_session.h"
#include "perdure/net/server.h"

#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace perdure {

class ClientConnection;
class ClientStream;

// The pool, as its connections see it. Never called from inside a session's callbacks, but for
// OnRefused.
class ClientConnectionOwner {
 public:
  virtual ~ClientConnectionOwner() = default;
  // It may take streams now: it became ready, or one of its streams ended.
  virtual void OnRoom(ClientConnection& connection) = 0;
  // It is closed; its streams have been told. `was_ready`: it had been able to take streams.
  virtual void OnConnectionClosed(
      ClientConnection& connection,
      bool was_ready,
      HttpFailure failure,
      std::string_view message) = 0;
  // The peer did not look at this stream: it may begin elsewhere.
  virtual void OnRefused(ClientStream& stream) = 0;
};

// Thread: its I/O thread. Ownership: the pool, until it is closed.
class ClientConnection final : public std::enable_shared_from_this<ClientConnection>,
                               public Flushable {
 public:
  ClientConnection(
      IoThread& thread,
      const HttpEndpoint& endpoint,
      const HttpClientOptions& options,
      TlsClient& tls,
      ClientConnectionOwner& owner);

  void Start();
  // Without a word to anybody: the network stops.
  void Abandon();
  void Flush() override;
  // A stream that the peer refused goes back to the pool. False: there is none any more.
  bool TakeBack(ClientStream& stream);
  // There is something new in the session: it will be written at the end of the burst.
  void Touch();

  // REQUIRES: it is, or was, ready.
  ClientSession& session() { return *session_; }
  // How the peer is spoken to; where TLS decides, known when it is ready.
  bool http11() const { return http11_; }
  bool ready() const { return phase_ == Phase::kReady; }
  bool connecting() const { return phase_ != Phase::kReady && phase_ != Phase::kClosed; }

 private:
  enum class Phase : uint8_t { kResolving, kConnecting, kHandshaking, kSettling, kReady, kClosed };
  using Endpoints = std::vector<boost::asio::ip::tcp::endpoint>;

  void Resolve();
  void ConnectNext(const boost::system::error_code& last_error);
  void OnConnected();
  void ContinueHandshake();
  void BeginSession();
  void OnReadable();
  void WaitReadable();
  void WaitWritable();
  void AfterBytes();
  bool connected() const { return phase_ == Phase::kSettling || phase_ == Phase::kReady; }

  void StartKeepAlive();
  void SendPing();
  void OnSignOfLife();
  void WatchIdle();
  void Fail(HttpFailure failure, std::string_view message);
  void Close(HttpFailure failure, const std::string& message);
  Executor::TimerId After(DurationMs delay, void (ClientConnection::*method)());
  void OnConnectTimeout();
  void OnPingTimeout();
  void OnIdleTimer();

  IoThread& thread_;
  const HttpEndpoint endpoint_;
  const HttpClientOptions& options_;
  TlsClient& tls_;
  ClientConnectionOwner* owner_;  // null once closed or abandoned
  boost::asio::ip::tcp::resolver resolver_;
  SocketStream stream_;
  SocketWriter writer_;
  bool http11_;
  std::unique_ptr<ClientSession> session_;  // from kSettling on

  Phase phase_ = Phase::kResolving;
  Endpoints endpoints_;
  size_t next_endpoint_ = 0;
  bool read_pending_ = false;
  bool write_pending_ = false;
  bool dirty_ = false;
  bool ping_unanswered_ = false;

  Executor::TimerId connect_timer_ = 0;
  Executor::TimerId ping_timer_ = 0;
  Executor::TimerId idle_timer_ = 0;
  uint64_t idle_since_ns_ = 0;  // 0: it has streams
};

}  // namespace perdure
