// SPDX-License-Identifier: Apache-2.0
//
// The server side of HTTP as a machine over bytes: Feed what came from the socket, send what
// Produce gives. One codec per connection; HTTP/1 and HTTP/2 are told apart by the first bytes. It
// owns no socket, no timer and no thread; deadlines are kept by whoever drives it, from `activity`.
#pragma once

#include "perdure/base/bytes.h"
#include "perdure/base/clock.h"
#include "perdure/base/ids.h"
#include "perdure/http/message.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace perdure {

// A request on one connection, until it is answered.
using ServerStreamId = StrongNumber<struct ServerStreamTag, uint32_t>;

// Called from inside Feed and FeedEnd. The receiver may call Respond there, nothing else.
class ServerCodecEvents {
 public:
  virtual ~ServerCodecEvents() = default;
  virtual void OnRequest(ServerStreamId stream, HttpRequest request) = 0;
  // The client gave up a request that was not answered (completely).
  virtual void OnStreamClosed(ServerStreamId stream) = 0;
};

struct ServerCodecOptions {
  size_t body_size_max = 0;
  uint32_t http2_streams_max = 200;
  const Clock* clock = &SystemClock();  // for the date header
};

enum class ServerActivity : uint8_t {
  kIdle,       // between requests
  kReceiving,  // a request has begun and is not complete
  kAnswering,  // every request that began is complete, at least one waits for its answer
};

// Thread: one.
class ServerCodec {
 public:
  virtual ~ServerCodec() = default;

  // Also with no bytes, to go on with input that was kept (`has_input`).
  virtual void Feed(BytesView bytes) = 0;
  // The client will send no more. Complete requests are still answered.
  virtual void FeedEnd() = 0;
  // An unknown stream (closed meanwhile) is ignored.
  virtual void Respond(ServerStreamId stream, HttpResponse response) = 0;
  // Appends output until `out` holds about `max` bytes or there is no more.
  virtual void Produce(std::string& out, size_t max) = 0;
  // Lets requests in flight end, then closes: connection: close or GOAWAY.
  virtual void Shutdown() = 0;

  virtual bool has_output() const = 0;
  virtual bool has_input() const = 0;
  // False: enough unprocessed input is held, read no more for now.
  virtual bool wants_read() const = 0;
  // True once nothing is left to say or hear: close when the output is written.
  virtual bool wants_close() const = 0;
  virtual ServerActivity activity() const = 0;
  // While kReceiving: some head is complete and its body is awaited.
  virtual bool receiving_body() const = 0;
};

// A codec that finds out by itself what the client speaks. `events` outlives it.
std::unique_ptr<ServerCodec> MakeServerCodec(
    const ServerCodecOptions& options, ServerCodecEvents& events);

}  // namespace perdure
