// SPDX-License-Identifier: Apache-2.0
//
// One request that waits for its answer. Outlives its connection without harm: the connection cuts
// the link when it goes.
#pragma once

#include "net/server_connection.h"
#include "perdure/http/server.h"

namespace perdure {

class ServerExchange final : public HttpExchange {
 public:
  ServerExchange(ServerConnection& connection, ServerStreamId stream, IoThread& thread)
      : connection_(&connection), stream_(stream), thread_(thread) {}
  ~ServerExchange() override;
  ServerExchange(const ServerExchange&) = delete;
  ServerExchange& operator=(const ServerExchange&) = delete;

  void Respond(HttpResponse response) override;
  bool closed() const override { return closed_; }
  void OnClose(MoveFunction<void()> on_close) override;
  Executor& executor() override { return thread_; }
  uint16_t io_thread() const override { return thread_.number(); }

  ServerStreamId stream() const { return stream_; }
  // The client has gone. `this` may be destroyed by the callback.
  void Sever();
  // The connection is destroyed; no callback.
  void Detach() { connection_ = nullptr; }

 private:
  ServerConnection* connection_;  // null once answered or severed
  const ServerStreamId stream_;
  IoThread& thread_;
  MoveFunction<void()> on_close_;
  bool answered_ = false;
  bool closed_ = false;
};

}  // namespace perdure
