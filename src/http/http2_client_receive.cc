// SPDX-License-Identifier: Apache-2.0
//
// The HTTP/2 client session, receiving side: what the peer's frames mean for the streams, and how
// streams end. See http2_client.h.
#include "http/http2_client.h"
#include "perdure/base/limits.h"

#include <charconv>

namespace perdure {
namespace {

constexpr size_t kFrameHeadSize = 9;

}  // namespace

void Http2ClientSession::RegisterReceive(nghttp2_session_callbacks* callbacks) {
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
        if (stream != nullptr && frame->hd.type == NGHTTP2_HEADERS) {
          Self(user).AddField(
              *stream, http2::View(name, name_size), http2::View(value, value_size));
        }
        return 0;
      });
  nghttp2_session_callbacks_set_on_frame_recv_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
        Self(user).OnFrame(*frame);
        return 0;
      });
  nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame* frame, int, void* user) {
        if (Stream* const stream = Self(user).Find(frame->hd.stream_id)) {
          stream->invalid = true;
        }
        return 0;
      });
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
      callbacks,
      [](nghttp2_session*, uint8_t, int32_t id, const uint8_t* data, size_t size, void* user) {
        Self(user).OnData(id, http2::View(data, size));
        return 0;
      });
  nghttp2_session_callbacks_set_on_stream_close_callback(
      callbacks, [](nghttp2_session*, int32_t id, uint32_t error, void* user) {
        Self(user).OnClosed(id, error);
        return 0;
      });
}

bool Http2ClientSession::LooksLikeHttp2(BytesView bytes) {
  // A server begins with a SETTINGS frame on stream 0 (RFC 9113 3.4): 3 bytes of length, then the
  // type.
  first_bytes_.append(bytes.substr(0, kFrameHeadSize - first_bytes_.size()));
  if (first_bytes_.size() < kFrameHeadSize && first_bytes_.substr(0, 4) != "HTTP") {
    return true;  // not known yet
  }
  http2_seen_ =
      first_bytes_[3] == NGHTTP2_SETTINGS && first_bytes_.substr(5) == BytesView("\0\0\0\0", 4);
  return http2_seen_;
}

void Http2ClientSession::Feed(BytesView bytes) {
  if (closed_ || bytes.empty()) {
    return;
  }
  if (!http2_seen_ && !LooksLikeHttp2(bytes)) {
    FailAll(HttpFailure::kNotHttp2, "the peer does not speak HTTP/2");
    return;
  }
  const ssize_t consumed =
      nghttp2_session_mem_recv(session_.get(), http2::Bytes(bytes), bytes.size());
  if (consumed < 0) {
    FailAll(HttpFailure::kProtocol, nghttp2_strerror(static_cast<int>(consumed)));
  }
}

void Http2ClientSession::AddField(Stream& stream, std::string_view name, std::string_view value) {
  if (stream.head_given) {
    return;  // a trailer
  }
  stream.head_bytes += http2::FieldSize(name, value);
  if (stream.head_bytes > limits::kHttpHeadMax ||
      stream.headers.items().size() >= limits::kHttpHeadersMax) {
    stream.invalid = true;
    return;
  }
  if (name == ":status") {
    std::from_chars(value.data(), value.data() + value.size(), stream.status);
  } else if (!name.empty() && name.front() != ':') {
    stream.headers.Add(std::string(name), std::string(value));
  }
}

void Http2ClientSession::OnFrame(const nghttp2_frame& frame) {
  const int32_t id = frame.hd.stream_id;
  const bool ends = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  switch (frame.hd.type) {
    case NGHTTP2_HEADERS:
      OnHead(id);
      if (ends) {
        OnStreamEnd(id);
      }
      break;
    case NGHTTP2_DATA:
      if (ends) {
        OnStreamEnd(id);
      }
      break;
    case NGHTTP2_RST_STREAM:
      if (Stream* const stream = Find(id)) {
        stream->reset_by_peer = true;
      }
      break;
    case NGHTTP2_SETTINGS:
      settings_seen_ = true;
      break;
    case NGHTTP2_GOAWAY:
      goaway_ = true;
      goaway_error_ = frame.goaway.error_code;
      break;
    default:
      break;
  }
}

void Http2ClientSession::OnHead(int32_t id) {
  Stream* const stream = Find(id);
  if (stream == nullptr || stream->listener == nullptr || stream->head_given) {
    return;
  }
  if (stream->invalid) {
    nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
    Fail(*stream, HttpFailure::kProtocol, "response head too large");
    return;
  }
  HttpHeaders headers = std::exchange(stream->headers, {});
  stream->head_bytes = 0;
  if (stream->status < 200) {
    return;  // informational
  }
  stream->head_given = true;
  stream->listener->OnHead(stream->status, headers);
}

void Http2ClientSession::OnData(int32_t id, BytesView bytes) {
  nghttp2_session_consume_connection(session_.get(), bytes.size());
  Stream* const stream = Find(id);
  if (stream != nullptr && stream->listener != nullptr) {
    stream->listener->OnData(bytes);
  }
}

void Http2ClientSession::OnStreamEnd(int32_t id) {
  Stream* const stream = Find(id);
  if (stream == nullptr) {
    return;
  }
  stream->peer_ended = true;
  if (stream->listener != nullptr) {
    std::exchange(stream->listener, nullptr)->OnEnd();
  }
}

void Http2ClientSession::Fail(Stream& stream, HttpFailure failure, std::string_view message) {
  if (stream.listener != nullptr) {
    std::exchange(stream.listener, nullptr)->OnFailure(failure, message);
  }
}

void Http2ClientSession::OnClosed(int32_t id, uint32_t error) {
  const auto it = streams_.find(id);
  if (it == streams_.end()) {
    return;
  }
  auto node = streams_.extract(it);  // the listener may open another stream
  Stream& stream = node.mapped();
  const std::string name = nghttp2_http2_strerror(error);
  // A promise that nothing was done with the request (RFC 9113 8.7). nghttp2 gives the streams that
  // a GOAWAY leaves out the same code. Who has answered does not keep the promise.
  const bool refused = error == NGHTTP2_REFUSED_STREAM && stream.status == 0;
  if (refused && (goaway_ || stream.reset_by_peer)) {
    const std::string_view how =
        stream.reset_by_peer ? "stream refused by the peer" : "the peer is going away";
    Fail(stream, HttpFailure::kRefused, how);
  } else if (goaway_ && !stream.reset_by_peer) {
    Fail(stream, HttpFailure::kStreamReset, "the peer is going away (" + name + ")");
  } else if (stream.reset_by_peer) {
    Fail(stream, HttpFailure::kStreamReset, "stream reset by the peer (" + name + ")");
  } else {
    Fail(stream, HttpFailure::kProtocol, "the peer broke HTTP/2 (" + name + ")");
  }
}

// A request that cannot be sent: the peer is going away, it was reset before, or it is too large.
// It never became a stream for nghttp2, so nothing else ends it.
void Http2ClientSession::OnNotSent(int32_t id, int error) {
  const auto it = streams_.find(id);
  if (it == streams_.end()) {
    return;
  }
  auto node = streams_.extract(it);
  const HttpFailure failure = goaway_ ? HttpFailure::kRefused : HttpFailure::kProtocol;
  Fail(
      node.mapped(),
      failure,
      std::string("the request could not be sent: ") + nghttp2_strerror(error));
}

HttpFailure Http2ClientSession::LostReason() const {
  const bool said_something_else = !http2_seen_ && !first_bytes_.empty();
  return said_something_else ? HttpFailure::kNotHttp2 : HttpFailure::kConnectionLost;
}

std::string_view Http2ClientSession::LostText() const {
  return LostReason() == HttpFailure::kNotHttp2 ? "the peer does not speak HTTP/2"
                                                : "connection closed by the peer";
}

void Http2ClientSession::FailAll(HttpFailure failure, std::string_view message) {
  if (!closed_) {
    failure_ = failure;
    failure_text_.assign(message);
  }
  closed_ = true;
  while (!streams_.empty()) {
    auto node = streams_.extract(streams_.begin());
    Fail(node.mapped(), failure, message);
  }
}

}  // namespace perdure
