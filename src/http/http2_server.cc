// SPDX-License-Identifier: Apache-2.0
//
// HTTP/2 for a server, on nghttp2 without I/O. Collects whole requests, sends whole responses,
// gives credit back as bodies are stored and none for bodies that are too large. Floods (acks,
// resets, continuations, settings) are nghttp2's to refuse; it ends the session.
#include "http/http2_server.h"

#include "http/http2_common.h"
#include "perdure/base/limits.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace perdure {
namespace {

// Frames queued beyond this mean that the client asks but does not read.
constexpr size_t kQueuedFramesMax = 4096;
constexpr int32_t kStreamWindow = static_cast<int32_t>(1 * limits::kMiB);
constexpr int32_t kConnectionWindow = static_cast<int32_t>(limits::kConnectionWindow);

class Http2ServerCodec final : public ServerCodec {
 public:
  Http2ServerCodec(const ServerCodecOptions& options, ServerCodecEvents& events);

  void Feed(BytesView bytes) override;
  void FeedEnd() override { ended_ = true; }
  void Respond(ServerStreamId stream, HttpResponse response) override;
  void Produce(std::string& out, size_t max) override;
  void Shutdown() override;

  bool has_output() const override {
    return !broken_ && nghttp2_session_want_write(session_.get()) != 0;
  }
  bool has_input() const override { return false; }
  bool wants_read() const override {
    return nghttp2_session_get_outbound_queue_size(session_.get()) < kQueuedFramesMax;
  }
  bool wants_close() const override;
  ServerActivity activity() const override;
  // Heads are small here and streams many: any byte counts as progress.
  bool receiving_body() const override { return true; }

 private:
  struct Stream {
    HttpRequest request;
    std::string cookie;
    std::string body;
    size_t head_bytes = 0;
    bool head_too_large = false;
    bool has_host = false;
    bool delivered = false;  // to the handler
    bool answered = false;
    bool request_ended = false;
    SharedBytes response_body;
    size_t sent = 0;
  };

  Stream* Find(int32_t id) {
    const auto it = streams_.find(id);
    return it == streams_.end() ? nullptr : &it->second;
  }
  static Http2ServerCodec& Self(void* user) { return *static_cast<Http2ServerCodec*>(user); }

  void AddField(Stream& stream, std::string_view name, std::string_view value);
  void OnHeadEnd(int32_t id, Stream& stream);
  void OnData(int32_t id, BytesView bytes);
  void OnRequestEnd(int32_t id, Stream& stream);
  void Deliver(int32_t id, Stream& stream);
  void OnClosed(int32_t id);
  void OnResponseSent(int32_t id);
  void WriteData(Stream& stream, BytesView frame_head, size_t size);
  void RefuseHead(int32_t id, Stream& stream);
  void RegisterReceive(nghttp2_session_callbacks* callbacks);
  void RegisterSend(nghttp2_session_callbacks* callbacks);

  const ServerCodecOptions options_;
  ServerCodecEvents& events_;
  DateText date_;
  std::unordered_map<int32_t, Stream> streams_;
  size_t waiting_ = 0;  // delivered and not answered
  std::vector<nghttp2_nv> fields_;
  std::vector<std::unique_ptr<std::string>> repaired_;
  std::string* out_ = nullptr;  // during Produce
  size_t out_max_ = 0;
  bool ended_ = false;
  bool broken_ = false;
  http2::Session session_;  // last: its deletion still may call back
};

Http2ServerCodec::Http2ServerCodec(const ServerCodecOptions& options, ServerCodecEvents& events)
    : options_(options), events_(events), date_(*options.clock) {
  const http2::Callbacks callbacks = http2::MakeCallbacks();
  RegisterReceive(callbacks.get());
  RegisterSend(callbacks.get());
  const http2::Options session_options = http2::MakeOptions();
  nghttp2_session* raw = nullptr;
  PERDURE_ASSERT(
      nghttp2_session_server_new2(&raw, callbacks.get(), this, session_options.get()) == 0);
  session_.reset(raw);
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options_.http2_streams_max},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, static_cast<uint32_t>(kStreamWindow)},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<uint32_t>(limits::kHttpHeadMax)},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1}};
  PERDURE_ASSERT(
      nghttp2_submit_settings(raw, NGHTTP2_FLAG_NONE, settings, std::size(settings)) == 0);
  PERDURE_ASSERT(
      nghttp2_session_set_local_window_size(raw, NGHTTP2_FLAG_NONE, 0, kConnectionWindow) == 0);
}

void Http2ServerCodec::RegisterReceive(nghttp2_session_callbacks* callbacks) {
  nghttp2_session_callbacks_set_on_begin_headers_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
        if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
          Self(user).streams_[frame->hd.stream_id].request.version = HttpVersion::kHttp2;
        }
        return 0;
      });
  nghttp2_session_callbacks_set_on_header_callback(
      callbacks,
      [](nghttp2_session*,
         const nghttp2_frame* frame,
         const uint8_t* name,
         size_t name_size,
         const uint8_t* value,
         size_t value_size,
         uint8_t,
         void* user) {
        Stream* const stream = Self(user).Find(frame->hd.stream_id);
        if (stream != nullptr && frame->hd.type == NGHTTP2_HEADERS &&
            frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
          Self(user).AddField(
              *stream, http2::View(name, name_size), http2::View(value, value_size));
        }
        return 0;
      });
  nghttp2_session_callbacks_set_on_frame_recv_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
        Stream* const stream = Self(user).Find(frame->hd.stream_id);
        if (stream == nullptr) {
          return 0;
        }
        if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
          stream->request_ended = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
          Self(user).OnHeadEnd(frame->hd.stream_id, *stream);
        } else if (
            (frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS) &&
            (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
          stream->request_ended = true;
          Self(user).OnRequestEnd(frame->hd.stream_id, *stream);
        }
        return 0;
      });
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
      callbacks,
      [](nghttp2_session*, uint8_t, int32_t id, const uint8_t* data, size_t size, void* user) {
        Self(user).OnData(id, http2::View(data, size));
        return 0;
      });
}

void Http2ServerCodec::RegisterSend(nghttp2_session_callbacks* callbacks) {
  nghttp2_session_callbacks_set_on_stream_close_callback(
      callbacks, [](nghttp2_session*, int32_t id, uint32_t, void* user) {
        Self(user).OnClosed(id);
        return 0;
      });
  nghttp2_session_callbacks_set_on_frame_send_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
        if ((frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS) &&
            (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
          Self(user).OnResponseSent(frame->hd.stream_id);
        }
        return 0;
      });
  nghttp2_session_callbacks_set_send_data_callback(
      callbacks,
      [](nghttp2_session*,
         nghttp2_frame* frame,
         const uint8_t* head,
         size_t size,
         nghttp2_data_source*,
         void* user) -> int {
        Http2ServerCodec& self = Self(user);
        if (self.out_->size() >= self.out_max_) {
          return NGHTTP2_ERR_WOULDBLOCK;
        }
        Stream* const stream = self.Find(frame->hd.stream_id);
        PERDURE_ASSERT(stream != nullptr);
        self.WriteData(*stream, http2::View(head, 9), size);
        return 0;
      });
}

void Http2ServerCodec::Feed(BytesView bytes) {
  if (broken_ || bytes.empty()) {
    return;
  }
  const ssize_t consumed =
      nghttp2_session_mem_recv(session_.get(), http2::Bytes(bytes), bytes.size());
  // Negative: a flood, or a session that is beyond an orderly end.
  broken_ = consumed < 0;
}

void Http2ServerCodec::AddField(Stream& stream, std::string_view name, std::string_view value) {
  stream.head_bytes += http2::FieldSize(name, value);
  HttpHeaders& headers = stream.request.headers;
  if (stream.head_bytes > limits::kHttpHeadMax ||
      headers.items().size() >= limits::kHttpHeadersMax) {
    stream.head_too_large = true;
    return;
  }
  if (name == ":method") {
    stream.request.method.assign(value);
  } else if (name == ":path") {
    stream.request.target.assign(value);
  } else if (name == ":authority") {
    stream.request.authority.assign(value);
  } else if (name == "cookie") {
    // A client may split the field for compression (RFC 9113 8.2.3).
    if (!stream.cookie.empty()) {
      stream.cookie += "; ";
    }
    stream.cookie += value;
  } else if (!name.empty() && name.front() != ':') {
    if (name == "host" && stream.request.authority.empty()) {
      stream.request.authority.assign(value);
    }
    headers.Add(std::string(name), std::string(value));
  }
}

void Http2ServerCodec::OnHeadEnd(int32_t id, Stream& stream) {
  if (stream.head_too_large) {
    RefuseHead(id, stream);
    return;
  }
  if (!stream.cookie.empty()) {
    stream.request.headers.Add("cookie", std::move(stream.cookie));
  }
  if (stream.request_ended) {
    Deliver(id, stream);
    return;
  }
  // nghttp2 has checked that the field is a number, and will check it against the data.
  const auto length = stream.request.headers.Get("content-length");
  if (!length) {
    return;
  }
  uint64_t declared = 0;
  for (const char c : *length) {
    declared = declared * 10 + static_cast<uint64_t>(c - '0');
  }
  if (declared > options_.body_size_max) {
    stream.request.body_state = BodyState::kDeclaredTooLarge;
    Deliver(id, stream);
  } else {
    stream.body.reserve(std::min<size_t>(declared, limits::kMiB));
  }
}

void Http2ServerCodec::OnData(int32_t id, BytesView bytes) {
  // Connection credit always goes back: one stream must not stop the others.
  nghttp2_session_consume_connection(session_.get(), bytes.size());
  Stream* const stream = Find(id);
  if (stream == nullptr || stream->delivered) {
    return;  // the rest of a body that was too large: no credit, so little of it comes
  }
  if (bytes.size() > options_.body_size_max - stream->body.size()) {
    stream->request.body_state = BodyState::kStreamedTooLarge;
    stream->body = {};
    Deliver(id, *stream);
    return;
  }
  stream->body.append(bytes);
  nghttp2_session_consume_stream(session_.get(), id, bytes.size());
}

void Http2ServerCodec::OnRequestEnd(int32_t id, Stream& stream) {
  if (!stream.delivered) {
    Deliver(id, stream);
  }
}

void Http2ServerCodec::Deliver(int32_t id, Stream& stream) {
  PERDURE_ASSERT(!stream.delivered);
  stream.delivered = true;
  ++waiting_;
  if (!stream.body.empty()) {
    stream.request.body = SharedBytes(std::move(stream.body));
  }
  HttpRequest request = std::move(stream.request);
  stream.request.method = request.method;  // the answer depends on it
  events_.OnRequest(ServerStreamId{static_cast<uint32_t>(id)}, std::move(request));
}

void Http2ServerCodec::RefuseHead(int32_t id, Stream& stream) {
  stream.delivered = true;
  ++waiting_;
  HttpResponse response;
  response.status = 431;
  response.headers.Add("content-type", "text/plain; charset=utf-8");
  response.body = SharedBytes::Copy("request header fields too large");
  Respond(ServerStreamId{static_cast<uint32_t>(id)}, std::move(response));
}

void Http2ServerCodec::Respond(ServerStreamId stream_id, HttpResponse response) {
  PERDURE_ASSERT(response.status >= 100 && response.status <= 999);
  const int32_t id = static_cast<int32_t>(stream_id.value);
  Stream* const stream = Find(id);
  if (stream == nullptr || stream->answered || broken_) {
    return;
  }
  stream->answered = true;
  --waiting_;
  const std::string status = std::to_string(response.status);
  const std::string length = std::to_string(response.body.size());
  fields_.clear();
  repaired_.clear();
  fields_.push_back(http2::Field(":status", status));
  http2::AppendFields(response.headers, fields_, repaired_);
  if (!StatusForbidsBody(response.status)) {
    fields_.push_back(http2::Field("content-length", length));
  }
  fields_.push_back(http2::Field("date", date_.Now()));
  const bool has_body = !StatusForbidsBody(response.status) && stream->request.method != "HEAD" &&
                        !response.body.empty();
  nghttp2_data_provider provider{};
  if (has_body) {
    stream->response_body = std::move(response.body);
    provider.source.ptr = stream;
    provider.read_callback = [](nghttp2_session*,
                                int32_t,
                                uint8_t*,
                                size_t size,
                                uint32_t* flags,
                                nghttp2_data_source* source,
                                void*) -> ssize_t {
      const Stream& from = *static_cast<Stream*>(source->ptr);
      const size_t rest = from.response_body.size() - from.sent;
      *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
      if (rest <= size) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
      }
      return static_cast<ssize_t>(std::min(size, rest));
    };
  }
  const int rv = nghttp2_submit_response(
      session_.get(), id, fields_.data(), fields_.size(), has_body ? &provider : nullptr);
  if (rv != 0) {
    nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, id, NGHTTP2_INTERNAL_ERROR);
  }
}

void Http2ServerCodec::WriteData(Stream& stream, BytesView frame_head, size_t size) {
  out_->append(frame_head);
  out_->append(stream.response_body.view().substr(stream.sent, size));
  stream.sent += size;
}

void Http2ServerCodec::OnResponseSent(int32_t id) {
  const Stream* const stream = Find(id);
  if (stream != nullptr && !stream->request_ended) {
    // The answer is complete, the request is not: tell the client to stop (RFC 9113 8.1).
    nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, id, NGHTTP2_NO_ERROR);
  }
}

void Http2ServerCodec::OnClosed(int32_t id) {
  const auto it = streams_.find(id);
  if (it == streams_.end()) {
    return;
  }
  const bool waits = it->second.delivered && !it->second.answered;
  streams_.erase(it);
  if (waits) {
    --waiting_;
    events_.OnStreamClosed(ServerStreamId{static_cast<uint32_t>(id)});
  }
}

void Http2ServerCodec::Produce(std::string& out, size_t max) {
  out_ = &out;
  out_max_ = max;
  while (!broken_ && out.size() < max) {
    const uint8_t* data = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_.get(), &data);
    if (size <= 0) {
      broken_ = size < 0;
      break;
    }
    out.append(http2::View(data, static_cast<size_t>(size)));
  }
  out_ = nullptr;
}

void Http2ServerCodec::Shutdown() {
  if (broken_) {
    return;
  }
  // Streams above the last one seen were not touched: the client may try them elsewhere.
  nghttp2_submit_goaway(
      session_.get(),
      NGHTTP2_FLAG_NONE,
      nghttp2_session_get_last_proc_stream_id(session_.get()),
      NGHTTP2_NO_ERROR,
      nullptr,
      0);
}

bool Http2ServerCodec::wants_close() const {
  if (broken_) {
    return true;
  }
  if (nghttp2_session_want_write(session_.get()) != 0) {
    return false;
  }
  return nghttp2_session_want_read(session_.get()) == 0 || (ended_ && waiting_ == 0);
}

ServerActivity Http2ServerCodec::activity() const {
  if (streams_.empty()) {
    return ServerActivity::kIdle;
  }
  return waiting_ < streams_.size() ? ServerActivity::kReceiving : ServerActivity::kAnswering;
}

}  // namespace

std::unique_ptr<ServerCodec> MakeHttp2ServerCodec(
    const ServerCodecOptions& options, ServerCodecEvents& events) {
  return std::make_unique<Http2ServerCodec>(options, events);
}

}  // namespace perdure
