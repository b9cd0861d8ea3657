// SPDX-License-Identifier: Apache-2.0
//
// The HTTP/1 server codec: see http1_server.h.
#include "http/http1_server.h"

#include "perdure/base/assert.h"
#include "perdure/base/limits.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace perdure {
namespace {

// Input held while an answer is outstanding. A client that pipelines more waits in its socket.
constexpr size_t kInputMax = 64 * limits::kKiB;
// Answers of pipelined requests are gathered up to here before the next request is looked at.
constexpr size_t kOutputMax = 64 * limits::kKiB;
// Smaller bodies are copied behind their head, so that one write sends both.
constexpr size_t kInlineBodyMax = 16 * limits::kKiB;
// A body's memory is reserved up to here at once; a claimed length is not yet a sent one.
constexpr size_t kReserveMax = 1 * limits::kMiB;

bool EqualsIgnoringCase(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() && LowerCase(text) == lower;
}

void AppendNumber(std::string& out, size_t number) {
  std::array<char, 24> buffer{};
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number);
  out.append(buffer.data(), result.ptr);
}

}  // namespace

Http1ServerCodec::Http1ServerCodec(const ServerCodecOptions& options, ServerCodecEvents& events)
    : options_(options),
      events_(events),
      date_(*options.clock),
      parser_(Http1Parser::Kind::kRequest, *this) {}

void Http1ServerCodec::Feed(BytesView bytes) {
  if (phase_ == Phase::kLast) {
    return;
  }
  if (input_.empty()) {
    const size_t consumed = Parse(bytes);
    if (phase_ != Phase::kLast) {
      input_.assign(bytes.substr(consumed));
    }
  } else {
    input_.append(bytes);
    const size_t consumed = Parse(input_);
    input_.erase(0, phase_ == Phase::kLast ? input_.size() : consumed);
  }
  EndIfNothingFollows();
}

// After the end of the client's input only complete requests are still answered.
void Http1ServerCodec::EndIfNothingFollows() {
  if (ended_ && reading() && (input_.empty() || begun_)) {
    phase_ = Phase::kLast;
    input_.clear();
  }
}

size_t Http1ServerCodec::Parse(BytesView bytes) {
  parsing_ = true;
  const size_t consumed = ParseAll(bytes);
  parsing_ = false;
  return consumed;
}

size_t Http1ServerCodec::ParseAll(BytesView bytes) {
  size_t consumed = 0;
  while (reading() && consumed < bytes.size() && output_.size() < kOutputMax && tail_.empty()) {
    if (!begun_ && (bytes[consumed] == '\r' || bytes[consumed] == '\n')) {
      ++consumed;  // empty lines before a request are ignored (RFC 9112 2.2)
      continue;
    }
    begun_ = true;
    const Http1Parser::Step step = parser_.Feed(bytes.substr(consumed));
    consumed += step.consumed;
    switch (step.progress) {
      case Http1Progress::kNeedMore:
        if (bytes.size() - consumed > limits::kHttpHeadMax) {
          Refuse(400, "malformed request");  // for example an endless chunk extension
        }
        return consumed;
      case Http1Progress::kDone:
      case Http1Progress::kStopped:
        Dispatch();
        break;
      case Http1Progress::kHeadTooLarge:
        Refuse(431, "request header fields too large");
        break;
      case Http1Progress::kMalformed:
        Refuse(400, "malformed request");
        break;
    }
  }
  return consumed;
}

void Http1ServerCodec::OnRequestLine(
    std::string_view method, std::string_view target, bool is_http10) {
  request_.method.assign(method);
  request_.version = is_http10 ? HttpVersion::kHttp10 : HttpVersion::kHttp11;
  is_http10_ = is_http10;
  is_head_method_ = method == "HEAD";
  // The absolute form is for proxies, but every server must take it (RFC 9112 3.2.2).
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (target.substr(0, scheme.size()) == scheme) {
      const std::string_view rest = target.substr(scheme.size());
      const size_t slash = std::min(rest.find_first_of("/?"), rest.size());
      request_.authority.assign(rest.substr(0, slash));
      request_.target.assign(rest.substr(slash));
      if (request_.target.empty() || request_.target.front() != '/') {
        request_.target.insert(request_.target.begin(), '/');
      }
      return;
    }
  }
  request_.target.assign(target);
}

void Http1ServerCodec::OnStatusLine(int) {
  PERDURE_ASSERT(false);
}

void Http1ServerCodec::OnField(std::string_view name, std::string_view value) {
  request_.headers.Add(LowerCase(name), std::string(value));
  const std::string& lower = request_.headers.items().back().name;
  if (lower == "host") {
    if (request_.authority.empty()) {
      request_.authority.assign(value);
    }
  } else if (lower == "expect") {
    expects_continue_ = EqualsIgnoringCase(value, "100-continue");
  }
}

bool Http1ServerCodec::OnHead(const Http1Head& head) {
  // HTTP/1.0 is answered and closed (ingress API 1), also if it asks to keep alive.
  keep_alive_ = head.keep_alive && !is_http10_;
  if (head.content_length && *head.content_length > options_.body_size_max) {
    request_.body_state = BodyState::kDeclaredTooLarge;
    return false;
  }
  const bool has_body = head.chunked || head.content_length.value_or(0) > 0;
  if (has_body) {
    phase_ = Phase::kBody;
    body_.reserve(std::min<size_t>(head.content_length.value_or(0), kReserveMax));
    if (expects_continue_ && !is_http10_) {
      output_ += "HTTP/1.1 100 Continue\r\n\r\n";
    }
  }
  return true;
}

bool Http1ServerCodec::OnBody(BytesView bytes) {
  if (bytes.size() > options_.body_size_max - body_.size()) {
    request_.body_state = BodyState::kStreamedTooLarge;
    body_.clear();
    body_.shrink_to_fit();
    return false;
  }
  body_.append(bytes);
  return true;
}

void Http1ServerCodec::Dispatch() {
  phase_ = Phase::kWaiting;
  if (request_.body_state != BodyState::kComplete) {
    keep_alive_ = false;  // the rest of the body is not read
  } else if (!body_.empty()) {
    request_.body = SharedBytes(std::exchange(body_, {}));
  }
  events_.OnRequest(ServerStreamId{number_}, std::exchange(request_, {}));
}

void Http1ServerCodec::Respond(ServerStreamId stream, HttpResponse response) {
  if (phase_ != Phase::kWaiting || stream.value != number_) {
    return;
  }
  const bool has_body = !StatusForbidsBody(response.status) && !is_head_method_;
  AppendHead(response, response.body.size());
  if (has_body) {
    if (response.body.size() <= kInlineBodyMax) {
      output_ += response.body.view();
    } else {
      tail_ = std::move(response.body);
      tail_sent_ = 0;
    }
  }
  StartNext();
  if (!parsing_) {
    EndIfNothingFollows();
  }
}

void Http1ServerCodec::StartNext() {
  ++number_;
  begun_ = false;
  expects_continue_ = false;
  is_head_method_ = false;
  is_http10_ = false;
  if (!keep_alive_ || closing_) {
    phase_ = Phase::kLast;
    input_.clear();
    return;
  }
  phase_ = Phase::kHead;
  parser_.Restart();
}

void Http1ServerCodec::AppendHead(const HttpResponse& response, size_t body_size) {
  PERDURE_ASSERT(response.status >= 100 && response.status <= 999);
  output_ += is_http10_ ? "HTTP/1.0 " : "HTTP/1.1 ";
  AppendNumber(output_, static_cast<size_t>(response.status));
  output_ += ' ';
  output_ += ReasonPhrase(response.status);
  output_ += "\r\n";
  for (const HttpHeader& header : response.headers.items()) {
    if (IsCodecField(header.name) || HasForbiddenByte(header.name)) {
      continue;
    }
    output_ += header.name;
    output_ += ": ";
    if (HasForbiddenByte(header.value)) [[unlikely]] {
      output_ += WithoutForbiddenBytes(header.value);
    } else {
      output_ += header.value;
    }
    output_ += "\r\n";
  }
  if (!StatusForbidsBody(response.status)) {
    output_ += "content-length: ";
    AppendNumber(output_, body_size);
    output_ += "\r\n";
  }
  if (!keep_alive_ || closing_) {
    output_ += "connection: close\r\n";
  }
  output_ += "date: ";
  output_ += date_.Now();
  output_ += "\r\n\r\n";
}

void Http1ServerCodec::Refuse(int status, std::string_view text) {
  request_ = {};
  body_ = {};
  keep_alive_ = false;
  phase_ = Phase::kWaiting;
  is_head_method_ = false;
  HttpResponse response;
  response.status = status;
  response.headers.Add("content-type", "text/plain; charset=utf-8");
  response.body = SharedBytes::Copy(text);
  Respond(ServerStreamId{number_}, std::move(response));
  PERDURE_ASSERT(phase_ == Phase::kLast);
}

void Http1ServerCodec::Produce(std::string& out, size_t max) {
  if (out.empty() && output_.size() <= max) {
    std::swap(out, output_);  // and keep the other's memory
  } else {
    const size_t room = max - std::min(max, out.size());
    const size_t size = std::min(room, output_.size());
    out.append(output_, 0, size);
    output_.erase(0, size);
  }
  if (output_.empty() && !tail_.empty() && out.size() < max) {
    const BytesView rest = tail_.view().substr(tail_sent_, max - out.size());
    out.append(rest);
    tail_sent_ += rest.size();
    if (tail_sent_ == tail_.size()) {
      tail_ = {};
    }
  }
}

void Http1ServerCodec::FeedEnd() {
  ended_ = true;
  EndIfNothingFollows();
}

void Http1ServerCodec::Shutdown() {
  closing_ = true;
  if (phase_ == Phase::kHead && !begun_) {
    phase_ = Phase::kLast;
    input_.clear();
  }
}

bool Http1ServerCodec::has_output() const {
  return !output_.empty() || !tail_.empty();
}
bool Http1ServerCodec::has_input() const {
  return !input_.empty() && reading() && !begun_ && !has_output();
}
bool Http1ServerCodec::wants_read() const {
  return input_.size() < kInputMax || (reading() && !has_output());
}
bool Http1ServerCodec::wants_close() const {
  return phase_ == Phase::kLast && !has_output();
}

ServerActivity Http1ServerCodec::activity() const {
  if (phase_ == Phase::kWaiting) {
    return ServerActivity::kAnswering;
  }
  return begun_ && reading() ? ServerActivity::kReceiving : ServerActivity::kIdle;
}

}  // namespace perdure
