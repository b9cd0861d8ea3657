// SPDX-License-Identifier: Apache-2.0
//
// The HTTP client as its users (invoker, discovery) see it: streams to an endpoint, with flow
// control in the hands of the reader. Connections, pooling, keep-alive and HTTP/2 are behind it.
#pragma once

#include "perdure/http/message.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace perdure {

// Where a deployment listens. Two endpoints with equal fields share connections.
struct HttpEndpoint {
  bool tls = false;
  std::string host;
  uint16_t port = 80;
  bool http11 = false;  // else HTTP/2 with prior knowledge; behind TLS, what ALPN decides
  friend bool operator==(const HttpEndpoint&, const HttpEndpoint&) = default;
  friend auto operator<=>(const HttpEndpoint&, const HttpEndpoint&) = default;
};

enum class HttpFailure : uint8_t {
  kConnect,         // refused, unreachable, name not found, not trusted, connect timeout
  kNotHttp2,        // the peer answered something that is not HTTP/2 (META0014)
  kStreamReset,     // RST_STREAM
  kRefused,         // not looked at, several times: GOAWAY below the stream, or REFUSED_STREAM
  kConnectionLost,  // closed, PING timeout
  kProtocol,        // the peer broke HTTP
};

// Events of one stream. Thread: the I/O thread of the client. After OnEnd or OnFailure nothing more
// comes. A listener may destroy its stream inside any of these calls.
class HttpStreamListener {
 public:
  virtual ~HttpStreamListener() = default;
  virtual void OnHead(int status, const HttpHeaders& headers) = 0;
  // The receiver must give the bytes back with ReturnCredit when it has room for more.
  virtual void OnData(BytesView data) = 0;
  virtual void OnEnd() = 0;
  virtual void OnFailure(HttpFailure failure, std::string_view message) = 0;
  // Some of what was written has gone to the socket's queue; unsent_bytes() says what is left.
  virtual void OnDrained() = 0;
};

// One request. Destroying it before its end resets the stream (CANCEL).
class HttpStream {
 public:
  virtual ~HttpStream() = default;
  // Queues bytes of the request body. Order is kept. REQUIRES: FinishBody was not called.
  virtual void Write(std::string bytes) = 0;
  virtual void Write(SharedBytes bytes) = 0;
  virtual void FinishBody() = 0;  // END_STREAM
  virtual void ReturnCredit(size_t bytes) = 0;
  virtual size_t unsent_bytes() const = 0;
  // Spoken over HTTP/1.1, not HTTP/2. Known when the head of the response is.
  virtual bool http11() const { return false; }
};

struct HttpStreamRequest {
  HttpEndpoint endpoint;
  std::string method;
  std::string path;
  HttpHeaders headers;
};

// One per I/O thread. Thread: its own. A request that the peer did not look at is sent again on
// another connection, a few times; its listener does not hear of it.
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  // `listener` outlives the stream. Nothing is called on it before Open returns.
  virtual std::unique_ptr<HttpStream> Open(
      HttpStreamRequest request, HttpStreamListener& listener) = 0;
};

}  // namespace perdure
