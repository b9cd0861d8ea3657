// SPDX-License-Identifier: Apache-2.0
//
// The client side of one HTTP/1.1 connection: one exchange at a time, kept alive between exchanges
// if the peer agrees. The response is read while the body is still being sent; a reader that
// returns no credit stops the reading of the connection.
#include "http/authority.h"
#include "http/body_queue.h"
#include "http/http1_parser.h"
#include "http/status_text.h"
#include "perdure/base/assert.h"
#include "perdure/base/limits.h"
#include "perdure/http/client_session.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <utility>

namespace perdure {
namespace {

constexpr size_t kDefaultWindow = 64 * limits::kKiB;
constexpr size_t kChunkMax = 64 * limits::kKiB;

class Http1ClientSession final : public ClientSession, private Http1ParserSink {
 public:
  explicit Http1ClientSession(const ClientSessionOptions& options)
      : window_(options.stream_window == 0 ? kDefaultWindow : options.stream_window),
        parser_(Http1Parser::Kind::kResponse, *this) {}

  ClientStreamId Open(const HttpStreamRequest& request, HttpStreamListener& listener) override;
  void Write(ClientStreamId stream, std::string bytes) override { Push(stream, std::move(bytes)); }
  void Write(ClientStreamId stream, SharedBytes bytes) override { Push(stream, std::move(bytes)); }
  void FinishBody(ClientStreamId stream) override;
  void ReturnCredit(ClientStreamId stream, size_t bytes) override;
  void Reset(ClientStreamId stream) override;
  size_t unsent_bytes(ClientStreamId stream) const override {
    return IsCurrent(stream) ? body_.size() : 0;
  }

  void Feed(BytesView bytes) override;
  void FeedEnd() override;
  void Produce(std::string& out, size_t max) override;
  void FailAll(HttpFailure failure, std::string_view message) override;
  bool Ping() override { return false; }
  void Shutdown() override { shutdown_ = true; }

  bool has_output() const override {
    return !closed_ && (!head_.empty() || !body_.empty() || EndIsDue());
  }
  bool wants_read() const override { return unreturned_ < window_; }
  bool wants_close() const override { return closed_ || (shutdown_ && !busy_); }
  bool ready() const override { return true; }
  HttpFailure failure() const override { return failure_; }
  std::string_view failure_text() const override { return failure_text_; }
  size_t open_streams() const override { return busy_ ? 1 : 0; }
  size_t free_slots() const override { return busy_ || closed_ || shutdown_ ? 0 : 1; }

 private:
  void OnRequestLine(std::string_view, std::string_view, bool) override { PERDURE_ASSERT(false); }
  void OnStatusLine(int status) override { status_ = status; }
  void OnField(std::string_view name, std::string_view value) override {
    headers_.Add(LowerCase(name), std::string(value));
  }
  bool OnHead(const Http1Head& head) override;
  bool OnBody(BytesView bytes) override;

  template <typename Bytes>
  void Push(ClientStreamId stream, Bytes bytes) {
    if (!IsCurrent(stream) || bytes.size() == 0) {
      return;
    }
    PERDURE_ASSERT(!body_finished_);
    SendHead(/*with_body=*/true);
    body_.Push(std::move(bytes));
  }

  bool IsCurrent(ClientStreamId stream) const { return busy_ && stream.value == number_; }
  bool EndIsDue() const { return body_finished_ && chunked_ && !end_sent_; }
  void SendHead(bool with_body);
  void OnMessageEnd();
  void EndExchange();

  const size_t window_;
  Http1Parser parser_;
  HttpStreamListener* listener_ = nullptr;
  uint32_t number_ = 0;
  bool busy_ = false;
  bool closed_ = false;
  HttpFailure failure_ = HttpFailure::kConnectionLost;
  std::string failure_text_;
  bool shutdown_ = false;

  HttpStreamRequest request_;  // until its head is written
  std::string head_;
  bool head_sent_ = false;
  bool chunked_ = false;
  bool body_finished_ = false;
  bool end_sent_ = false;
  BodyQueue body_;

  int status_ = 0;
  HttpHeaders headers_;
  bool informational_ = false;
  bool response_done_ = false;
  bool peer_keeps_alive_ = false;
  size_t unreturned_ = 0;
  std::string held_;  // input that the parser wants to see again with more behind it
};

ClientStreamId Http1ClientSession::Open(
    const HttpStreamRequest& request, HttpStreamListener& listener) {
  PERDURE_ASSERT(free_slots() > 0);
  busy_ = true;
  ++number_;
  listener_ = &listener;
  request_ = request;
  head_sent_ = false;
  chunked_ = false;
  body_finished_ = false;
  end_sent_ = false;
  body_ = {};
  response_done_ = false;
  unreturned_ = 0;
  held_.clear();
  parser_.Restart(request.method == "HEAD");
  return ClientStreamId{number_};
}

// The head waits for the first byte or the end of the body: only then is its framing known.
void Http1ClientSession::SendHead(bool with_body) {
  if (head_sent_) {
    return;
  }
  head_sent_ = true;
  chunked_ = with_body;
  head_ += request_.method + " " + request_.path +
           " HTTP/1.1\r\nhost: " + AuthorityOf(request_.endpoint) + "\r\n";
  for (const HttpHeader& header : request_.headers.items()) {
    if (IsCodecField(header.name) || header.name == "host" || HasForbiddenByte(header.name)) {
      continue;
    }
    head_ += header.name + ": " + WithoutForbiddenBytes(header.value) + "\r\n";
  }
  if (with_body) {
    head_ += "transfer-encoding: chunked\r\n";
  } else if (request_.method != "GET" && request_.method != "HEAD") {
    head_ += "content-length: 0\r\n";
  }
  head_ += "\r\n";
}

void Http1ClientSession::FinishBody(ClientStreamId stream) {
  if (IsCurrent(stream) && !body_finished_) {
    SendHead(/*with_body=*/false);
    body_finished_ = true;
  }
}

void Http1ClientSession::ReturnCredit(ClientStreamId stream, size_t bytes) {
  if (IsCurrent(stream)) {
    unreturned_ -= std::min(unreturned_, bytes);
  }
}

void Http1ClientSession::Reset(ClientStreamId stream) {
  if (!IsCurrent(stream)) {
    return;
  }
  listener_ = nullptr;
  busy_ = false;
  closed_ = true;  // there is no other way to stop an exchange
}

void Http1ClientSession::Produce(std::string& out, size_t max) {
  if (closed_) {
    return;
  }
  out += std::exchange(head_, {});
  const size_t before = body_.size();
  while (!body_.empty() && out.size() < max) {
    const size_t size = std::min({body_.size(), kChunkMax, max - out.size()});
    std::array<char, 16> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), size, 16);
    out.append(digits.data(), end.ptr);
    out += "\r\n";
    body_.MoveTo(out, size);
    out += "\r\n";
  }
  if (EndIsDue() && body_.empty()) {
    out += "0\r\n\r\n";
    end_sent_ = true;
  }
  if (body_.size() < before && listener_ != nullptr) {
    listener_->OnDrained();
  }
  if (response_done_ && body_finished_ && !has_output()) {
    EndExchange();
  }
}

bool Http1ClientSession::OnHead(const Http1Head& head) {
  HttpHeaders headers = std::exchange(headers_, {});
  informational_ = status_ < 200;
  if (informational_) {
    return true;
  }
  peer_keeps_alive_ = head.keep_alive;
  if (listener_ != nullptr) {
    listener_->OnHead(status_, headers);
  }
  return listener_ != nullptr;
}

bool Http1ClientSession::OnBody(BytesView bytes) {
  unreturned_ += bytes.size();
  if (listener_ != nullptr) {
    listener_->OnData(bytes);
  }
  return listener_ != nullptr;
}

void Http1ClientSession::Feed(BytesView bytes) {
  // Bytes that belong to no exchange: the peer timed us out, or is confused.
  if (!busy_ || response_done_) {
    closed_ = closed_ || !bytes.empty();
    return;
  }
  std::string joined = std::exchange(held_, {});
  if (!joined.empty()) {
    joined.append(bytes);
    bytes = joined;
  }
  while (busy_ && !closed_ && !response_done_ && !bytes.empty()) {
    const Http1Parser::Step step = parser_.Feed(bytes);
    bytes.remove_prefix(step.consumed);
    switch (step.progress) {
      case Http1Progress::kNeedMore:
        held_.assign(bytes);
        if (held_.size() > limits::kHttpHeadMax) {
          FailAll(HttpFailure::kProtocol, "malformed HTTP/1.1 response");
        }
        return;
      case Http1Progress::kDone:
        OnMessageEnd();
        break;
      case Http1Progress::kStopped:
        return;  // the listener reset the stream
      case Http1Progress::kHeadTooLarge:
        FailAll(HttpFailure::kProtocol, "response head too large");
        return;
      case Http1Progress::kMalformed:
        FailAll(HttpFailure::kProtocol, "malformed HTTP/1.1 response");
        return;
    }
  }
}

void Http1ClientSession::OnMessageEnd() {
  if (informational_) {
    informational_ = false;
    parser_.Restart(request_.method == "HEAD");
    return;
  }
  response_done_ = true;
  HttpStreamListener* const listener = std::exchange(listener_, nullptr);
  const bool sent_all = body_finished_ && !has_output();
  if (sent_all) {
    EndExchange();
  }
  if (listener != nullptr) {
    listener->OnEnd();
  }
}

void Http1ClientSession::EndExchange() {
  busy_ = false;
  closed_ = closed_ || !peer_keeps_alive_;
}

void Http1ClientSession::FeedEnd() {
  if (busy_ && !response_done_ && !informational_ && parser_.FeedEnd()) {
    peer_keeps_alive_ = false;
    OnMessageEnd();
  }
  FailAll(HttpFailure::kConnectionLost, "connection closed by the peer");
}

void Http1ClientSession::FailAll(HttpFailure failure, std::string_view message) {
  if (!closed_) {
    failure_ = failure;
    failure_text_.assign(message);
  }
  closed_ = true;
  busy_ = false;
  if (listener_ != nullptr) {
    std::exchange(listener_, nullptr)->OnFailure(failure, message);
  }
}

}  // namespace

std::unique_ptr<ClientSession> MakeHttp1ClientSession(const ClientSessionOptions& options) {
  return std::make_unique<Http1ClientSession>(options);
}

}  // namespace perdure
