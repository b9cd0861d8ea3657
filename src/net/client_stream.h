// SPDX-License-Identifier: Apache-2.0
//
// A stream as its user holds it: first waiting for a connection with room, then a number on one,
// then nothing. Its connection and its pool may die before it.
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

class ClientStream final : public HttpStream {
 public:
  ClientStream(HttpStreamRequest request, HttpStreamListener& listener)
      : request_(std::move(request)), listener_(listener) {}
  ~ClientStream() override;
  ClientStream(const ClientStream&) = delete;
  ClientStream& operator=(const ClientStream&) = delete;

  void Write(std::string bytes) override;
  void Write(SharedBytes bytes) override;
  void FinishBody() override;
  void ReturnCredit(size_t bytes) override;
  size_t unsent_bytes() const override;

  void WaitIn(ClientStreamQueue& queue) { queue_ = &queue; }
  // Leaves the queue for a connection. REQUIRES: the connection's session has a free slot.
  void Begin(ClientConnection& connection);
  // The queue dies before the stream.
  void Orphan() { queue_ = nullptr; }
  // Ends the stream before it began. `this` may be destroyed by the listener.
  void FailWaiting(HttpFailure failure, std::string_view message);

 private:
  struct Piece {
    std::string own;
    SharedBytes shared;
  };

  HttpStreamRequest request_;  // until it begins
  HttpStreamListener& listener_;
  ClientStreamQueue* queue_ = nullptr;  // while it waits
  std::vector<Piece> pieces_;           // written while it waited
  size_t waiting_bytes_ = 0;
  bool finished_ = false;
  std::weak_ptr<ClientConnection> connection_;
  ClientStreamId id_{};
};

}  // namespace perdure
