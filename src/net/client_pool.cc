// SPDX-License-Identifier: Apache-2.0
//
// The client pool: see client_pool.h.
#include "net/client_pool.h"

#include "perdure/base/assert.h"

#include <algorithm>
#include <utility>

namespace perdure {
namespace {

// Endpoints that nobody uses any more are looked for this often.
constexpr DurationMs kSweepMs = 60'000;

// For streams that cannot begin: fails them from the loop, because nothing may be called on a
// listener before Open has returned. Owned by the closure that waits in the loop.
class LateFailure final : public ClientStreamQueue {
 public:
  explicit LateFailure(ClientStream& stream) : stream_(&stream) { stream.WaitIn(*this); }
  ~LateFailure() override {
    if (stream_ != nullptr) {
      stream_->Orphan();  // the loop ended before it came to this
    }
  }
  LateFailure(const LateFailure&) = delete;
  LateFailure& operator=(const LateFailure&) = delete;
  void Leave(ClientStream&) override { stream_ = nullptr; }
  void Fire(HttpFailure failure, std::string_view message) {
    if (stream_ != nullptr) {
      std::exchange(stream_, nullptr)->FailWaiting(failure, message);
    }
  }

 private:
  ClientStream* stream_;
};

}  // namespace

EndpointPool::~EndpointPool() {
  for (const auto& connection : connections_) {
    connection->Abandon();
  }
  // Streams may outlive the network; they must not come back to this queue.
  for (ClientStream* const stream : std::exchange(waiting_, {})) {
    stream->Orphan();
  }
}

// The first that waits and was not refused there. Normally the very first.
std::deque<ClientStream*>::iterator EndpointPool::FirstFor(const ClientConnection& connection) {
  return std::find_if(waiting_.begin(), waiting_.end(), [&connection](const ClientStream* stream) {
    return stream->may_begin_on(connection);
  });
}

void EndpointPool::Add(ClientStream& stream) {
  stream.WaitIn(*this);
  for (const auto& connection : connections_) {
    if (connection->ready() && connection->session().free_slots() > 0 &&
        stream.may_begin_on(*connection) && FirstFor(*connection) == waiting_.end()) {
      stream.Begin(*connection);
      return;
    }
  }
  waiting_.push_back(&stream);
  ConnectForWaiting();
}

void EndpointPool::ConnectForWaiting() {
  size_t slots = expected_slots_;
  if (slots == 0) {
    slots = endpoint_.http11 ? 1 : std::max<size_t>(1, options_.streams_per_connection);
  }
  size_t coming = 0;
  for (const auto& connection : connections_) {
    coming += connection->connecting() ? slots : 0;
  }
  while (coming < waiting_.size()) {
    connections_.push_back(std::make_shared<ClientConnection>(
        thread_, endpoint_, options_, tls_, static_cast<ClientConnectionOwner&>(*this)));
    connections_.back()->Start();
    coming += slots;
  }
}

void EndpointPool::OnRoom(ClientConnection& connection) {
  expected_slots_ =
      std::max<size_t>(1, connection.session().free_slots() + connection.session().open_streams());
  while (connection.session().free_slots() > 0) {
    const auto next = FirstFor(connection);
    if (next == waiting_.end()) {
      break;
    }
    ClientStream* const stream = *next;
    waiting_.erase(next);
    stream->Begin(connection);
  }
  ConnectForWaiting();
}

void EndpointPool::OnConnectionClosed(
    ClientConnection& connection, bool was_ready, HttpFailure failure, std::string_view message) {
  const auto it =
      std::find_if(connections_.begin(), connections_.end(), [&connection](const auto& candidate) {
        return candidate.get() == &connection;
      });
  PERDURE_ASSERT(it != connections_.end());
  connections_.erase(it);
  if (was_ready) {
    ConnectForWaiting();
  } else {
    FailWaiting(failure, message);
  }
}

void EndpointPool::FailWaiting(HttpFailure failure, std::string_view message) {
  failing_.insert(failing_.end(), waiting_.begin(), waiting_.end());
  waiting_.clear();
  while (!failing_.empty()) {
    ClientStream* const stream = failing_.front();
    failing_.pop_front();
    stream->FailWaiting(failure, message);
  }
}

void EndpointPool::Leave(ClientStream& stream) {
  for (std::deque<ClientStream*>* const queue : {&waiting_, &failing_}) {
    queue->erase(std::remove(queue->begin(), queue->end(), &stream), queue->end());
  }
}

std::unique_ptr<HttpStream> ClientPool::Open(
    HttpStreamRequest request, HttpStreamListener& listener) {
  const HttpEndpoint endpoint = request.endpoint;
  auto stream = std::make_unique<ClientStream>(std::move(request), listener);
  if (closed_) {
    thread_.Post([late = std::make_unique<LateFailure>(*stream)] {
      late->Fire(HttpFailure::kConnectionLost, "the server is stopping");
    });
    return stream;
  }
  std::unique_ptr<EndpointPool>& pool = endpoints_[endpoint];
  if (pool == nullptr) {
    pool = std::make_unique<EndpointPool>(thread_, endpoint, options_, tls_);
  }
  pool->Add(*stream);
  if (!std::exchange(sweep_pending_, true)) {
    thread_.StartTimer(kSweepMs, [this] { Sweep(); });
  }
  return stream;
}

void ClientPool::Sweep() {
  sweep_pending_ = false;
  for (auto it = endpoints_.begin(); it != endpoints_.end();) {
    it = it->second->unused() ? endpoints_.erase(it) : std::next(it);
  }
  if (!endpoints_.empty()) {
    sweep_pending_ = true;
    thread_.StartTimer(kSweepMs, [this] { Sweep(); });
  }
}

void ClientPool::CloseAll() {
  closed_ = true;
  endpoints_.clear();
}

}  // namespace perdure
