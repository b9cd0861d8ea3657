// SPDX-License-Identifier: Apache-2.0
//
// The client side of one HTTP connection as a machine over bytes: HTTP/2 with prior knowledge, or
// HTTP/1.1 with one exchange at a time. Feed what came from the socket, send what Produce gives. It
// owns no socket and no timer, and knows nothing of other connections.
#pragma once

#include "perdure/base/bytes.h"
#include "perdure/base/ids.h"
#include "perdure/http/client.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace perdure {

using ClientStreamId = StrongNumber<struct ClientStreamTag, uint32_t>;

struct ClientSessionOptions {
  uint32_t streams_max = 128;
  uint32_t stream_window = 0;      // 0: the default of HTTP/2 (65 535)
  uint32_t connection_window = 0;  // 0: the same
};

// Listeners are called from inside Feed, FeedEnd, Produce and FailAll; they may call any method
// below but these four. Methods given an unknown stream (ended, reset) do nothing.
// Thread: one.
class ClientSession {
 public:
  virtual ~ClientSession() = default;

  // REQUIRES: free_slots() > 0. `listener` lives until the stream ends, fails or is reset.
  virtual ClientStreamId Open(const HttpStreamRequest& request, HttpStreamListener& listener) = 0;
  virtual void Write(ClientStreamId stream, std::string bytes) = 0;
  virtual void Write(ClientStreamId stream, SharedBytes bytes) = 0;
  virtual void FinishBody(ClientStreamId stream) = 0;
  virtual void ReturnCredit(ClientStreamId stream, size_t bytes) = 0;
  // Forgets the stream: its listener is not called again.
  virtual void Reset(ClientStreamId stream) = 0;
  virtual size_t unsent_bytes(ClientStreamId stream) const = 0;

  virtual void Feed(BytesView bytes) = 0;
  virtual void FeedEnd() = 0;
  virtual void Produce(std::string& out, size_t max) = 0;
  // Ends every stream with this failure. Afterwards the session is closed.
  virtual void FailAll(HttpFailure failure, std::string_view message) = 0;
  // Asks the peer for a sign of life. False: the protocol has no such question.
  virtual bool Ping() = 0;
  // No new streams; says good-bye (GOAWAY).
  virtual void Shutdown() = 0;

  virtual bool has_output() const = 0;
  virtual bool wants_read() const = 0;
  // The connection is of no more use: close it when the output is written.
  virtual bool wants_close() const = 0;
  // Why the session closed, after FailAll (from outside or from inside Feed, FeedEnd, Produce).
  virtual HttpFailure failure() const = 0;
  virtual std::string_view failure_text() const = 0;
  // The peer's settings are known.
  virtual bool ready() const = 0;
  virtual size_t open_streams() const = 0;
  // How many streams may be opened now: own limit, the peer's limit, 0 after a GOAWAY.
  virtual size_t free_slots() const = 0;
};

std::unique_ptr<ClientSession> MakeHttp2ClientSession(const ClientSessionOptions& options);
std::unique_ptr<ClientSession> MakeHttp1ClientSession(const ClientSessionOptions& options);

}  // namespace perdure
