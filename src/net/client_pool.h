// SPDX-License-Identifier: Apache-2.0
//
// The HTTP client of one I/O thread: for each endpoint its connections and the streams that wait
// for room on one. Opens as many connections as the streams need and never puts more on one than
// the peer allows. A stream that was refused begins on another connection; nothing else is tried
// again: what failed is told to the stream's listener.
#pragma once

#include "net/client_connection.h"
#include "net/client_stream.h"
#include "net/io_thread.h"
#include "perdure/http/client.h"
#include "perdure/net/server.h"

#include <deque>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

namespace perdure {

// The connections to one endpoint. Thread: its I/O thread.
class EndpointPool final : private ClientConnectionOwner, private ClientStreamQueue {
 public:
  EndpointPool(
      IoThread& thread,
      const HttpEndpoint& endpoint,
      const HttpClientOptions& options,
      TlsClient& tls)
      : thread_(thread), endpoint_(endpoint), options_(options), tls_(tls) {}
  ~EndpointPool() override;

  void Add(ClientStream& stream);
  bool unused() const { return connections_.empty() && waiting_.empty() && failing_.empty(); }

 private:
  void OnRoom(ClientConnection& connection) override;
  void OnConnectionClosed(
      ClientConnection& connection,
      bool was_ready,
      HttpFailure failure,
      std::string_view message) override;
  void OnRefused(ClientStream& stream) override { Add(stream); }
  void Leave(ClientStream& stream) override;

  std::deque<ClientStream*>::iterator FirstFor(const ClientConnection& connection);
  void ConnectForWaiting();
  void FailWaiting(HttpFailure failure, std::string_view message);

  IoThread& thread_;
  const HttpEndpoint endpoint_;
  const HttpClientOptions& options_;
  TlsClient& tls_;
  std::vector<std::shared_ptr<ClientConnection>> connections_;
  std::deque<ClientStream*> waiting_;
  std::deque<ClientStream*> failing_;  // during FailWaiting
  size_t expected_slots_ = 0;          // of a new connection; 0: not known yet
};

class ClientPool final : public HttpClient {
 public:
  ClientPool(IoThread& thread, const HttpClientOptions& options, TlsClient& tls)
      : thread_(thread), options_(options), tls_(tls) {}

  std::unique_ptr<HttpStream> Open(
      HttpStreamRequest request, HttpStreamListener& listener) override;
  // The network stops: closes every connection; no listener hears of it.
  void CloseAll();

 private:
  void Sweep();

  IoThread& thread_;
  const HttpClientOptions options_;
  TlsClient& tls_;
  std::map<HttpEndpoint, std::unique_ptr<EndpointPool>> endpoints_;
  bool sweep_pending_ = false;
  bool closed_ = false;
};

}  // namespace perdure
