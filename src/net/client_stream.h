// SPDX-License-Identifier: Apache-2.0
//
// A stream as its user holds it: first waiting for a connection with room, then a number on one,
// then nothing. A request that the peer refused to look at waits again, for another connection: so
// it keeps what it has sent until the response begins or that is too much. Tries again for no other
// reason. Its connection and its pool may die before it.
#pragma once

#include "net/client_connection.h"
#include "perdure/http/client.h"

#include <memory>
#include <string>
#include <vector>

namespace perdure {

class ClientStream;

// Where a stream waits.
class ClientStreamQueue {
 public:
  virtual ~ClientStreamQueue() = default;
  virtual void Leave(ClientStream& stream) = 0;
};

class ClientStream final : public HttpStream, private HttpStreamListener {
 public:
  ClientStream(HttpStreamRequest request, HttpStreamListener& listener)
      : request_(std::move(request)), listener_(listener) {}
  ~ClientStream() override;
  ClientStream(const ClientStream&) = delete;
  ClientStream& operator=(const ClientStream&) = delete;

  void Write(std::string bytes) override { Write(SharedBytes(std::move(bytes))); }
  void Write(SharedBytes bytes) override;
  void FinishBody() override;
  void ReturnCredit(size_t bytes) override;
  size_t unsent_bytes() const override;
  bool http11() const override { return http11_; }

  void WaitIn(ClientStreamQueue& queue) { queue_ = &queue; }
  // Not where it was refused last.
  bool may_begin_on(const ClientConnection& connection) const {
    return connection_.lock().get() != &connection;
  }
  // Leaves the queue for a connection. REQUIRES: the connection's session has a free slot.
  void Begin(ClientConnection& connection);
  // The queue dies before the stream.
  void Orphan() {
    queue_ = nullptr;
    ForgetRequest();
  }
  // Ends the stream before it began. `this` may be destroyed by the listener.
  void FailWaiting(HttpFailure failure, std::string_view message);

 private:
  // From the session. `this` may be destroyed by the listener in each of them.
  void OnHead(int status, const HttpHeaders& headers) override;
  void OnData(BytesView data) override { listener_.OnData(data); }
  void OnEnd() override { listener_.OnEnd(); }
  void OnFailure(HttpFailure failure, std::string_view message) override;
  void OnDrained() override;

  void ForgetRequest();

  HttpStreamRequest request_;  // while it may be sent, or sent again
  HttpStreamListener& listener_;
  ClientStreamQueue* queue_ = nullptr;  // while it waits
  std::vector<SharedBytes> pieces_;     // what was written, while it may be sent, or sent again
  size_t written_bytes_ = 0;
  bool finished_ = false;
  bool http11_ = false;
  bool resendable_ = true;
  int resends_ = 0;
  std::weak_ptr<ClientConnection> connection_;  // the last it was on
  ClientStreamId id_{};
};

}  // namespace perdure
