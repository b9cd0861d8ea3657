// SPDX-License-Identifier: Apache-2.0
//
// The driver of a client session: see client_connection.h.
#include "net/client_connection.h"

#include "perdure/base/assert.h"
#include "perdure/base/clock.h"

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <random>
#include <utility>

namespace perdure {
namespace {

using boost::system::error_code;
using Tcp = boost::asio::ip::tcp;

constexpr uint64_t kNsPerMs = 1'000'000;
constexpr int kReadsMax = 4;

uint64_t Now() {
  return SystemClock().MonotonicNs();
}

// A random part between 0 and 1. Not a secret; only to keep connections from pinging in step.
double RandomPart() {
  thread_local std::minstd_rand generator{std::random_device{}()};
  return std::uniform_real_distribution<double>(0.0, 1.0)(generator);
}

std::unique_ptr<ClientSession> MakeSession(bool http11, const HttpClientOptions& options) {
  const ClientSessionOptions session_options{
      .streams_max = options.streams_per_connection,
      .stream_window = options.stream_window,
      .connection_window = options.connection_window};
  return http11 ? MakeHttp1ClientSession(session_options) : MakeHttp2ClientSession(session_options);
}

}  // namespace

ClientConnection::ClientConnection(
    IoThread& thread,
    const HttpEndpoint& endpoint,
    const HttpClientOptions& options,
    TlsClient& tls,
    ClientConnectionOwner& owner)
    : thread_(thread),
      endpoint_(endpoint),
      options_(options),
      tls_(tls),
      owner_(&owner),
      resolver_(thread.context()),
      stream_(Tcp::socket(thread.context())),
      writer_(stream_),
      http11_(endpoint.http11) {}

Executor::TimerId ClientConnection::After(DurationMs delay, void (ClientConnection::*method)()) {
  return thread_.StartTimer(delay, [weak = weak_from_this(), method] {
    const auto self = weak.lock();
    if (self != nullptr && self->phase_ != Phase::kClosed) {
      (self.get()->*method)();
    }
  });
}

void ClientConnection::Start() {
  connect_timer_ = After(options_.connect_timeout, &ClientConnection::OnConnectTimeout);
  Resolve();
}

void ClientConnection::Resolve() {
  error_code ec;
  const auto literal = boost::asio::ip::make_address(endpoint_.host, ec);
  if (!ec) {
    endpoints_.emplace_back(literal, endpoint_.port);
    // Not from inside the pool's call: a refused connection may be reported at once.
    thread_.Post([weak = weak_from_this()] {
      if (const auto self = weak.lock()) {
        self->ConnectNext({});
      }
    });
    return;
  }
  resolver_.async_resolve(
      endpoint_.host,
      std::to_string(endpoint_.port),
      Tcp::resolver::numeric_service,
      [self = shared_from_this()](
          const error_code& error, const Tcp::resolver::results_type& found) {
        if (self->phase_ != Phase::kResolving) {
          return;
        }
        if (error) {
          self->Fail(
              HttpFailure::kConnect,
              "dns error: failed to lookup address information: " + error.message());
          return;
        }
        for (const auto& entry : found) {
          self->endpoints_.push_back(entry.endpoint());
        }
        self->ConnectNext({});
      });
}

void ClientConnection::ConnectNext(const error_code& last_error) {
  if (phase_ == Phase::kClosed) {
    return;
  }
  phase_ = Phase::kConnecting;
  if (next_endpoint_ == endpoints_.size()) {
    Fail(HttpFailure::kConnect, "tcp connect error: " + OsErrorText(last_error));
    return;
  }
  Tcp::socket& socket = stream_.socket();
  error_code ignored;
  socket.close(ignored);
  socket.async_connect(
      endpoints_[next_endpoint_++], [self = shared_from_this()](const error_code& ec) {
        if (self->phase_ != Phase::kConnecting) {
          return;
        }
        if (ec) {
          self->ConnectNext(ec);
        } else {
          self->OnConnected();
        }
      });
}

void ClientConnection::OnConnected() {
  stream_.Prepare();
  if (!endpoint_.tls) {
    BeginSession();
    return;
  }
  phase_ = Phase::kHandshaking;
  std::unique_ptr<TlsSession> tls = tls_.Begin(stream_.socket(), endpoint_.host, http11_);
  if (tls == nullptr) {
    Fail(HttpFailure::kConnect, "no certificate can be for the host '" + endpoint_.host + "'");
    return;
  }
  stream_.StartTls(std::move(tls));
  ContinueHandshake();
}

void ClientConnection::ContinueHandshake() {
  const IoStatus status = stream_.Handshake();
  if (status == IoStatus::kOk) {
    http11_ = http11_ || stream_.protocol() != "h2";
    BeginSession();
    return;
  }
  if (status != IoStatus::kWouldBlock) {
    Fail(HttpFailure::kConnect, std::string(stream_.failure()));
    return;
  }
  stream_.WaitReadable([self = shared_from_this()](const error_code& ec) {
    if (!ec && self->phase_ == Phase::kHandshaking) {
      self->ContinueHandshake();
    }
  });
}

void ClientConnection::BeginSession() {
  session_ = MakeSession(http11_, options_);
  phase_ = Phase::kSettling;
  Flush();
}

void ClientConnection::WaitReadable() {
  if (!connected() || read_pending_ || !session_->wants_read()) {
    return;
  }
  read_pending_ = true;
  stream_.WaitReadable([self = shared_from_this()](const error_code& ec) {
    self->read_pending_ = false;
    if (!ec && self->connected()) {
      self->OnReadable();
    }
  });
}

void ClientConnection::WaitWritable() {
  if (!connected() || write_pending_) {
    return;
  }
  write_pending_ = true;
  stream_.WaitWritable([self = shared_from_this()](const error_code& ec) {
    self->write_pending_ = false;
    if (!ec && self->connected()) {
      self->Flush();
    }
  });
}

void ClientConnection::OnReadable() {
  std::string& buffer = thread_.read_buffer();
  for (int i = 0; i < kReadsMax && session_->wants_read() && !session_->wants_close(); ++i) {
    const ReadResult result = stream_.Read(buffer);
    if (result.status == IoStatus::kWouldBlock) {
      break;
    }
    if (result.status == IoStatus::kEnd) {
      session_->FeedEnd();
      break;
    }
    if (result.status == IoStatus::kFailed) {
      // Not an end of the response: what came last may be cut off.
      session_->FailAll(HttpFailure::kConnectionLost, stream_.failure());
      break;
    }
    OnSignOfLife();
    session_->Feed(result.bytes);
    if (result.bytes.size() < buffer.size()) {
      break;  // the kernel has no more
    }
  }
  Flush();
}

void ClientConnection::Touch() {
  if (phase_ != Phase::kClosed && !std::exchange(dirty_, true)) {
    thread_.FlushSoon(shared_from_this());
  }
}

bool ClientConnection::TakeBack(ClientStream& stream) {
  if (owner_ == nullptr) {
    return false;
  }
  owner_->OnRefused(stream);
  return true;
}

void ClientConnection::Flush() {
  dirty_ = false;
  if (!connected()) {
    return;
  }
  const auto self = shared_from_this();
  if (writer_.blocked() || session_->has_output()) {
    ClientSession& session = *session_;
    const IoStatus status = writer_.Write(
        thread_.write_buffer(),
        [&session](std::string& out, size_t max) { session.Produce(out, max); });
    if (status == IoStatus::kWouldBlock) {
      WaitWritable();
    } else if (status == IoStatus::kFailed) {
      Fail(HttpFailure::kConnectionLost, "connection lost while writing");
      return;
    }
  }
  AfterBytes();
}

void ClientConnection::AfterBytes() {
  if (session_->wants_close() && !writer_.blocked()) {
    Close(session_->failure(), std::string(session_->failure_text()));
    return;
  }
  if (phase_ == Phase::kSettling && session_->ready()) {
    if (session_->free_slots() == 0) {
      Fail(HttpFailure::kProtocol, "the peer allows no streams");
      return;
    }
    phase_ = Phase::kReady;
    thread_.CancelTimer(connect_timer_);
    StartKeepAlive();
  }
  if (phase_ == Phase::kReady && owner_ != nullptr && session_->free_slots() > 0) {
    owner_->OnRoom(*this);
  }
  WatchIdle();
  WaitReadable();
}

// The interval runs from the last answer and is only ever shortened by the jitter, so that interval
// and timeout together bound how long a silent peer can hold its streams (60 s with the defaults).
void ClientConnection::StartKeepAlive() {
  if (options_.keep_alive_interval == 0) {
    return;
  }
  const double part = 1.0 - options_.keep_alive_jitter * RandomPart();
  const auto delay =
      static_cast<DurationMs>(static_cast<double>(options_.keep_alive_interval) * part);
  ping_timer_ = After(delay, &ClientConnection::SendPing);
}

void ClientConnection::SendPing() {
  if (!session_->Ping()) {
    return;  // HTTP/1.1 has none; the kernel's probes find a dead host
  }
  ping_unanswered_ = true;
  Touch();
  ping_timer_ = After(options_.keep_alive_timeout, &ClientConnection::OnPingTimeout);
}

// Anything the peer says is as good as the answer: a large response may stand before it.
void ClientConnection::OnSignOfLife() {
  if (std::exchange(ping_unanswered_, false)) {
    thread_.CancelTimer(ping_timer_);
    StartKeepAlive();
  }
}

void ClientConnection::OnPingTimeout() {
  Fail(HttpFailure::kConnectionLost, "the peer does not answer (keep-alive timed out)");
}

void ClientConnection::OnConnectTimeout() {
  Fail(
      HttpFailure::kConnect,
      phase_ == Phase::kHandshaking ? "tls handshake timed out"
                                    : "tcp connect error: connection timed out");
}

void ClientConnection::WatchIdle() {
  if (session_->open_streams() > 0) {
    idle_since_ns_ = 0;
    return;
  }
  if (idle_since_ns_ == 0) {
    idle_since_ns_ = Now();
  }
  if (idle_timer_ == 0 && options_.idle_timeout != 0) {
    idle_timer_ = After(options_.idle_timeout, &ClientConnection::OnIdleTimer);
  }
}

void ClientConnection::OnIdleTimer() {
  idle_timer_ = 0;
  if (idle_since_ns_ == 0) {
    return;  // the end of its last stream arms the timer again
  }
  const uint64_t idle_ms = (Now() - idle_since_ns_) / kNsPerMs;
  if (idle_ms < options_.idle_timeout) {
    const DurationMs rest = options_.idle_timeout - idle_ms;
    idle_timer_ = After(rest, &ClientConnection::OnIdleTimer);
    return;
  }
  session_->Shutdown();
  Touch();
}

void ClientConnection::Fail(HttpFailure failure, std::string_view message) {
  const auto self = shared_from_this();
  const std::string text(message);
  if (session_ != nullptr) {
    session_->FailAll(failure, text);
  }
  Close(failure, text);
}

void ClientConnection::Close(HttpFailure failure, const std::string& message) {
  if (phase_ == Phase::kClosed) {
    return;
  }
  const bool was_ready = phase_ == Phase::kReady;
  ClientConnectionOwner* const owner = owner_;
  const auto self = shared_from_this();
  Abandon();
  if (owner != nullptr) {
    owner->OnConnectionClosed(*this, was_ready, failure, message);
  }
}

void ClientConnection::Abandon() {
  phase_ = Phase::kClosed;
  owner_ = nullptr;
  for (const Executor::TimerId timer : {connect_timer_, ping_timer_, idle_timer_}) {
    thread_.CancelTimer(timer);
  }
  resolver_.cancel();
  stream_.Close();
}

}  // namespace perdure
