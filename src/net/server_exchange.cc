// SPDX-License-Identifier: Apache-2.0
//
// Exchanges: see server_exchange.h.
#include "net/server_exchange.h"

#include "perdure/base/assert.h"

#include <utility>

namespace perdure {

ServerExchange::~ServerExchange() {
  if (connection_ != nullptr && !answered_) {
    HttpResponse response;
    response.status = 500;
    Respond(std::move(response));
  }
}

void ServerExchange::Respond(HttpResponse response) {
  PERDURE_ASSERT(!answered_);
  answered_ = true;
  on_close_ = {};
  if (connection_ != nullptr) {
    ServerConnection* const connection = std::exchange(connection_, nullptr);
    connection->Forget(*this);
    connection->Respond(stream_, std::move(response));
  }
}

void ServerExchange::OnClose(MoveFunction<void()> on_close) {
  PERDURE_ASSERT(!on_close_);
  if (closed_) {
    on_close();  // it left before anybody listened
    return;
  }
  if (!answered_) {
    on_close_ = std::move(on_close);
  }
}

void ServerExchange::Sever() {
  connection_ = nullptr;
  closed_ = true;
  MoveFunction<void()> on_close = std::exchange(on_close_, {});
  if (on_close) {
    on_close();
  }
}

}  // namespace perdure
