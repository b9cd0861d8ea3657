// SPDX-License-Identifier: Apache-2.0
//
// Streams as their users hold them: see client_stream.h.
#include "net/client_stream.h"

#include "perdure/base/assert.h"
#include "perdure/base/limits.h"

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
  id_ = session.Open(request_, *this);
  for (const SharedBytes& piece : pieces_) {
    session.Write(id_, piece);
  }
  if (finished_) {
    session.FinishBody(id_);
  }
  http11_ = connection.http11();
  if (http11_) {
    ForgetRequest();  // there, nobody can refuse
  }
  connection.Touch();
}

void ClientStream::ForgetRequest() {
  resendable_ = false;
  request_ = {};
  pieces_ = {};
}

void ClientStream::OnHead(int status, const HttpHeaders& headers) {
  ForgetRequest();
  listener_.OnHead(status, headers);
}

void ClientStream::OnFailure(HttpFailure failure, std::string_view message) {
  if (failure == HttpFailure::kRefused && resendable_ && resends_ < limits::kResendsMax) {
    ++resends_;
    const auto connection = connection_.lock();
    if (connection != nullptr && connection->TakeBack(*this)) {
      return;
    }
  }
  listener_.OnFailure(failure, message);
}

void ClientStream::OnDrained() {
  if (resendable_ && written_bytes_ - unsent_bytes() > limits::kResendBytesMax) {
    ForgetRequest();
  }
  listener_.OnDrained();
}

void ClientStream::FailWaiting(HttpFailure failure, std::string_view message) {
  queue_ = nullptr;
  ForgetRequest();
  written_bytes_ = 0;
  listener_.OnFailure(failure, message);
}

void ClientStream::Write(SharedBytes bytes) {
  PERDURE_ASSERT(!finished_);
  written_bytes_ += bytes.size();
  if (resendable_) {
    pieces_.push_back(bytes);
  }
  if (queue_ != nullptr) {
    return;
  }
  if (const auto connection = connection_.lock()) {
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
    return written_bytes_;
  }
  const auto connection = connection_.lock();
  return connection == nullptr ? 0 : connection->session().unsent_bytes(id_);
}

}  // namespace perdure
