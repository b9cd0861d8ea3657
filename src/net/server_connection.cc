// SPDX-License-Identifier: Apache-2.0
//
// The driver of a server codec: see server_connection.h.
#include "net/server_connection.h"

#include "net/server_exchange.h"
#include "perdure/base/assert.h"
#include "perdure/base/clock.h"

#include <algorithm>
#include <utility>

namespace perdure {
namespace {

using boost::system::error_code;
using Socket = boost::asio::ip::tcp::socket;

constexpr uint64_t kNsPerMs = 1'000'000;
// A request's head must come within this; its body must go on coming within this.
constexpr uint64_t kReceiveNs = 60'000 * kNsPerMs;
// A connection without a request.
constexpr uint64_t kIdleNs = 300'000 * kNsPerMs;
// Output that the client does not take.
constexpr uint64_t kWriteStallNs = 60'000 * kNsPerMs;
// From the end of the client's input to the end of our patience (see the header).
constexpr uint64_t kGoneAfterEndNs = 5'000 * kNsPerMs;
// After a last answer we read on for a while: closing with unread input would reset the connection
// and the client might never see the answer.
constexpr uint64_t kLingerNs = 2'000 * kNsPerMs;
constexpr uint64_t kLingerBytesMax = 64ULL * 1024 * 1024;
// How often deadlines are looked at; they may be late by this much.
constexpr DurationMs kTimerMs = 5'000;
constexpr DurationMs kShortTimerMs = 500;
// Reads in a row on one connection before the others get their turn.
constexpr int kReadsMax = 4;

uint64_t Now() {
  return SystemClock().MonotonicNs();
}

}  // namespace

ServerConnection::ServerConnection(
    IoThread& thread,
    Socket socket,
    const ServerCodecOptions& options,
    HttpHandler& handler,
    OnClosed on_closed)
    : thread_(thread),
      stream_(std::move(socket)),
      writer_(stream_),
      handler_(handler),
      on_closed_(std::move(on_closed)),
      codec_(MakeServerCodec(options, *this)) {}

ServerConnection::~ServerConnection() {
  for (ServerExchange* const exchange : exchanges_) {
    exchange->Detach();
  }
}

void ServerConnection::Start() {
  stream_.Prepare();
  since_ns_ = Now();
  ArmDeadline();
  WaitReadable();
}

bool ServerConnection::busy() const {
  return !closed_ && (!exchanges_.empty() || writer_.blocked() || codec_->has_output() ||
                      codec_->activity() != ServerActivity::kIdle);
}

void ServerConnection::WaitReadable() {
  if (closed_ || read_pending_ || input_ended_ || !codec_->wants_read()) {
    return;
  }
  read_pending_ = true;
  stream_.WaitReadable([self = shared_from_this()](const error_code& ec) {
    self->read_pending_ = false;
    if (!ec && !self->closed_) {
      self->OnReadable();
    }
  });
}

void ServerConnection::WaitWritable() {
  if (closed_ || write_pending_) {
    return;
  }
  write_pending_ = true;
  stream_.WaitWritable([self = shared_from_this()](const error_code& ec) {
    self->write_pending_ = false;
    if (!ec && !self->closed_) {
      self->Process();
    }
  });
}

void ServerConnection::OnReadable() {
  const auto self = shared_from_this();
  std::string& buffer = thread_.read_buffer();
  processing_ = true;
  for (int i = 0; i < kReadsMax && codec_->wants_read(); ++i) {
    const ReadResult result = stream_.Read(buffer);
    if (result.status == IoStatus::kFailed) {
      processing_ = false;
      Close();
      return;
    }
    if (result.status == IoStatus::kEnd) {
      OnInputEnd();
      break;
    }
    if (result.status == IoStatus::kWouldBlock) {
      break;
    }
    lingered_bytes_ += lingering_ ? result.bytes.size() : 0;
    heard_ = true;
    Touch();
    codec_->Feed(result.bytes);
    if (result.bytes.size() < buffer.size()) {
      break;  // the kernel has no more
    }
  }
  processing_ = false;
  if (lingering_ && (input_ended_ || lingered_bytes_ > kLingerBytesMax)) {
    Close();
    return;
  }
  Process();
}

void ServerConnection::OnInputEnd() {
  input_ended_ = true;
  since_ns_ = Now();
  codec_->FeedEnd();
  if (!exchanges_.empty()) {
    ArmDeadline();
  }
}

// Writes what there is and lets the codec go on with input it had kept.
void ServerConnection::Process() {
  const auto self = shared_from_this();
  while (!closed_) {
    if (!WriteOut()) {
      break;
    }
    if (!codec_->has_input()) {
      break;
    }
    processing_ = true;
    codec_->Feed({});
    processing_ = false;
  }
  if (closed_) {
    return;
  }
  const ServerActivity activity = codec_->activity();
  if (activity != last_activity_ && !input_ended_) {
    last_activity_ = activity;
    since_ns_ = Now();
  }
  if (codec_->wants_close() && !writer_.blocked()) {
    Linger();
    return;
  }
  WaitReadable();
}

// False: the socket is full (a wait is pending), or failed (closed).
bool ServerConnection::WriteOut() {
  if (!writer_.blocked() && !codec_->has_output()) {
    return true;
  }
  ServerCodec& codec = *codec_;
  const IoStatus status = writer_.Write(
      thread_.write_buffer(), [&codec](std::string& out, size_t max) { codec.Produce(out, max); });
  if (status == IoStatus::kOk) {
    blocked_since_ns_ = 0;
    return true;
  }
  if (status == IoStatus::kFailed) {
    Close();
    return false;
  }
  if (blocked_since_ns_ == 0 || writer_.written_bytes() != written_at_block_) {
    blocked_since_ns_ = Now();
    written_at_block_ = writer_.written_bytes();
  }
  WaitWritable();
  return false;
}

void ServerConnection::Linger() {
  if (input_ended_) {
    Close();
    return;
  }
  if (!lingering_) {
    lingering_ = true;
    since_ns_ = Now();
    error_code ignored;
    stream_.socket().shutdown(Socket::shutdown_send, ignored);
    ArmDeadline();
  }
  WaitReadable();
}

void ServerConnection::Shutdown() {
  if (closed_) {
    return;
  }
  codec_->Shutdown();
  Process();
}

void ServerConnection::Close() {
  if (closed_) {
    return;
  }
  closed_ = true;
  const auto self = shared_from_this();
  thread_.CancelTimer(timer_);
  stream_.Close();
  // An exchange may destroy others when it hears of it; each takes itself out of the list.
  while (!exchanges_.empty()) {
    ServerExchange* const exchange = exchanges_.back();
    exchanges_.pop_back();
    exchange->Sever();
  }
  on_closed_(self);
}

void ServerConnection::Flush() {
  dirty_ = false;
  if (!closed_) {
    Process();
  }
}

void ServerConnection::OnRequest(ServerStreamId stream, HttpRequest request) {
  auto exchange = std::make_unique<ServerExchange>(*this, stream, thread_);
  exchanges_.push_back(exchange.get());
  handler_.OnRequest(std::move(request), std::move(exchange));
}

void ServerConnection::OnStreamClosed(ServerStreamId stream) {
  const auto it =
      std::find_if(exchanges_.begin(), exchanges_.end(), [stream](const ServerExchange* exchange) {
        return exchange->stream() == stream;
      });
  if (it != exchanges_.end()) {
    ServerExchange* const exchange = *it;
    exchanges_.erase(it);
    exchange->Sever();
  }
}

void ServerConnection::Forget(const ServerExchange& exchange) {
  const auto it = std::find(exchanges_.begin(), exchanges_.end(), &exchange);
  PERDURE_ASSERT(it != exchanges_.end());
  *it = exchanges_.back();
  exchanges_.pop_back();
}

void ServerConnection::Respond(ServerStreamId stream, HttpResponse response) {
  codec_->Respond(stream, std::move(response));
  if (!processing_ && !std::exchange(dirty_, true)) {
    thread_.FlushSoon(shared_from_this());
  }
}

// Progress in receiving a body or in waiting; a head gets no more time for coming slowly.
void ServerConnection::Touch() {
  if (lingering_) {
    return;
  }
  if (last_activity_ != ServerActivity::kReceiving || codec_->receiving_body()) {
    since_ns_ = Now();
  }
}

uint64_t ServerConnection::AllowedNs() const {
  if (lingering_) {
    return kLingerNs;
  }
  if (input_ended_) {
    return kGoneAfterEndNs;
  }
  switch (codec_->activity()) {
    case ServerActivity::kIdle:
      return heard_ ? kIdleNs : kReceiveNs;
    case ServerActivity::kReceiving:
      return kReceiveNs;
    case ServerActivity::kAnswering:
      break;
  }
  return UINT64_MAX;  // an invocation may take days
}

// One timer that looks now and then is cheaper than one that moves with every request.
void ServerConnection::ArmDeadline() {
  thread_.CancelTimer(timer_);
  const DurationMs delay = lingering_ || input_ended_ ? kShortTimerMs : kTimerMs;
  timer_ = thread_.StartTimer(delay, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) {
      self->OnDeadlineTimer();
    }
  });
}

void ServerConnection::OnDeadlineTimer() {
  if (closed_) {
    return;
  }
  const uint64_t now = Now();
  const bool stalled = blocked_since_ns_ != 0 && now - blocked_since_ns_ > kWriteStallNs;
  const uint64_t allowed = AllowedNs();
  const bool expired = allowed != UINT64_MAX && now - since_ns_ > allowed;
  if (stalled || (expired && (lingering_ || input_ended_))) {
    Close();
    return;
  }
  if (expired) {
    // Says good-bye first where the protocol can (GOAWAY); what does not end then is closed.
    codec_->Shutdown();
    Process();
    if (!closed_ && !lingering_ && !writer_.blocked()) {
      Close();
    }
    if (closed_) {
      return;
    }
  }
  ArmDeadline();
}

}  // namespace perdure
