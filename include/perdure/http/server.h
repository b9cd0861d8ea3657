// SPDX-License-Identifier: Apache-2.0
//
// The seam between the HTTP server and the doors (ingress, admin). A handler gets complete requests
// and answers each exactly once, now or later, on the same I/O thread.
#pragma once

#include "perdure/base/executor.h"
#include "perdure/http/message.h"

#include <memory>

namespace perdure {

// One request that waits for its answer. Thread: the I/O thread it came on.
class HttpExchange {
 public:
  virtual ~HttpExchange() = default;
  // REQUIRES: not called before. If the client has left, the response is dropped.
  virtual void Respond(HttpResponse response) = 0;
  // True once the client is gone.
  virtual bool closed() const = 0;
  // Called at most once, when the client leaves before the answer. Set it at most once.
  virtual void OnClose(MoveFunction<void()> on_close) = 0;
  // The I/O thread this exchange lives on, and its number.
  virtual Executor& executor() = 0;
  virtual uint16_t io_thread() const = 0;
};

class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  // Thread: an I/O thread. Must not block. An exchange destroyed without an answer becomes a 500.
  virtual void OnRequest(HttpRequest request, std::unique_ptr<HttpExchange> exchange) = 0;
};

}  // namespace perdure
