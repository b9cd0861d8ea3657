// SPDX-License-Identifier: Apache-2.0
//
// Streams as their users hold them: see client_stream.h.
#include "net/client_stream.h"

#include "perdure/base/assert.h"

#include <utility>

namespace perdure {

ClientStream::~ClientStream() {
  if (queue_ != nullptr) {
    queue_->Leave(*this);
  } else if (const auto connection = connection_.lock()) {
    connection->session().Reset(id_);
    connection->Touch();
  }
}

void ClientStream::Begin(ClientConnection& connection) {
  PERDURE_ASSERT(queue_ != nullptr);
  queue_ = nullptr;
  connection_ = connection.weak_from_this();
  ClientSession& session = connection.session();
  id_ = session.Open(request_, listener_);
  request_ = {};
  for (Piece& piece : std::exchange(pieces_, {})) {
    if (piece.shared.empty()) {
      session.Write(id_, std::move(piece.own));
    } else {
      session.Write(id_, std::move(piece.shared));
    }
  }
  waiting_bytes_ = 0;
  if (finished_) {
    session.FinishBody(id_);
  }
  connection.Touch();
}

void ClientStream::FailWaiting(HttpFailure failure, std::string_view message) {
  queue_ = nullptr;
  pieces_ = {};
  waiting_bytes_ = 0;
  listener_.OnFailure(failure, message);
}

void ClientStream::Write(std::string bytes) {
  PERDURE_ASSERT(!finished_);
  if (queue_ != nullptr) {
    waiting_bytes_ += bytes.size();
    pieces_.push_back({std::move(bytes), {}});
  } else if (const auto connection = connection_.lock()) {
    connection->session().Write(id_, std::move(bytes));
    connection->Touch();
  }
}

void ClientStream::Write(SharedBytes bytes) {
  PERDURE_ASSERT(!finished_);
  if (queue_ != nullptr) {
    waiting_bytes_ += bytes.size();
    pieces_.push_back({{}, std::move(bytes)});
  } else if (const auto connection = connection_.lock()) {
    connection->session().Write(id_, std::move(bytes));
    connection->Touch();
  }
}

void ClientStream::FinishBody() {
  finished_ = true;
  if (queue_ != nullptr) {
    return;
  }
  if (const auto connection = connection_.lock()) {
    connection->session().FinishBody(id_);
    connection->Touch();
  }
}

void ClientStream::ReturnCredit(size_t bytes) {
  if (queue_ != nullptr) {
    return;
  }
  if (const auto connection = connection_.lock()) {
    connection->session().ReturnCredit(id_, bytes);
    connection->Touch();
  }
}

size_t ClientStream::unsent_bytes() const {
  if (queue_ != nullptr) {
    return waiting_bytes_;
  }
  const auto connection = connection_.lock();
  return connection == nullptr ? 0 : connection->session().unsent_bytes(id_);
}

}  // namespace perdure
