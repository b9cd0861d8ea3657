// SPDX-License-Identifier: Apache-2.0
//
// The HTTP/2 client session, sending side: requests, bodies, credit, pings, good-bye. See
// http2_client.h.
#include "http/http2_client.h"

#include "http/authority.h"
#include "perdure/base/assert.h"
#include "perdure/base/limits.h"

#include <algorithm>

namespace perdure {
namespace {

constexpr size_t kFrameHeadSize = 9;
// Stream numbers end at 2^31; a connection that is so old is left before.
constexpr uint32_t kLastStreamId = 0x7fff0000;

}  // namespace

Http2ClientSession::Http2ClientSession(const ClientSessionOptions& options) : options_(options) {
  const http2::Callbacks callbacks = http2::MakeCallbacks();
  RegisterReceive(callbacks.get());
  RegisterSend(callbacks.get());
  const http2::Options session_options = http2::MakeOptions();
  nghttp2_session* raw = nullptr;
  PERDURE_ASSERT(
      nghttp2_session_client_new2(&raw, callbacks.get(), this, session_options.get()) == 0);
  session_.reset(raw);
  std::vector<nghttp2_settings_entry> settings = {
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<uint32_t>(limits::kHttpHeadMax)}};
  if (options_.stream_window != 0) {
    settings.push_back({NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options_.stream_window});
  }
  PERDURE_ASSERT(
      nghttp2_submit_settings(raw, NGHTTP2_FLAG_NONE, settings.data(), settings.size()) == 0);
  if (options_.connection_window != 0) {
    PERDURE_ASSERT(
        nghttp2_session_set_local_window_size(
            raw, NGHTTP2_FLAG_NONE, 0, static_cast<int32_t>(options_.connection_window)) == 0);
  }
}

void Http2ClientSession::RegisterSend(nghttp2_session_callbacks* callbacks) {
  nghttp2_session_callbacks_set_send_data_callback(
      callbacks,
      [](nghttp2_session*,
         nghttp2_frame* frame,
         const uint8_t* head,
         size_t size,
         nghttp2_data_source*,
         void* user) -> int {
        Http2ClientSession& self = Self(user);
        if (self.out_->size() >= self.out_max_) {
          return NGHTTP2_ERR_WOULDBLOCK;
        }
        Stream* const stream = self.Find(frame->hd.stream_id);
        PERDURE_ASSERT(stream != nullptr);
        self.out_->append(http2::View(head, kFrameHeadSize));
        stream->body.MoveTo(*self.out_, size);
        if (size > 0 && !stream->sent_some) {
          stream->sent_some = true;
          self.written_.push_back(frame->hd.stream_id);
        }
        return 0;
      });
  nghttp2_session_callbacks_set_on_frame_not_send_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame* frame, int error, void* user) {
        if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
          Self(user).OnNotSent(frame->hd.stream_id, error);
        }
        return 0;
      });
}

ClientStreamId Http2ClientSession::Open(
    const HttpStreamRequest& request, HttpStreamListener& listener) {
  PERDURE_ASSERT(free_slots() > 0);
  const std::string authority = AuthorityOf(request.endpoint);
  fields_.clear();
  repaired_.clear();
  fields_.push_back(http2::Field(":method", request.method));
  fields_.push_back(http2::Field(":scheme", SchemeOf(request.endpoint)));
  fields_.push_back(http2::Field(":authority", authority));
  fields_.push_back(http2::Field(":path", request.path));
  http2::AppendFields(request.headers, fields_, repaired_);
  nghttp2_data_provider provider{};
  provider.read_callback = [](nghttp2_session*,
                              int32_t id,
                              uint8_t*,
                              size_t size,
                              uint32_t* flags,
                              nghttp2_data_source*,
                              void* user) -> ssize_t {
    return Self(user).ReadBody(id, size, flags);
  };
  const int32_t id = nghttp2_submit_request(
      session_.get(), nullptr, fields_.data(), fields_.size(), &provider, nullptr);
  PERDURE_ASSERT(id > 0);  // the numbers end far behind kLastStreamId
  streams_[id].listener = &listener;
  return ClientStreamId{static_cast<uint32_t>(id)};
}

ssize_t Http2ClientSession::ReadBody(int32_t id, size_t size, uint32_t* flags) {
  Stream* const stream = Find(id);
  if (stream == nullptr) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }
  if (stream->body.empty() && !stream->body_finished) {
    stream->deferred = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  const size_t count = std::min(size, stream->body.size());
  *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (stream->body_finished && count == stream->body.size()) {
    *flags |= NGHTTP2_DATA_FLAG_EOF;
  }
  return static_cast<ssize_t>(count);
}

void Http2ClientSession::Wake(int32_t id, Stream& stream) {
  if (stream.deferred) {
    stream.deferred = false;
    nghttp2_session_resume_data(session_.get(), id);
  }
}

void Http2ClientSession::FinishBody(ClientStreamId stream_id) {
  Stream* const stream = Find(Number(stream_id));
  if (stream != nullptr && !stream->body_finished) {
    stream->body_finished = true;
    Wake(Number(stream_id), *stream);
  }
}

void Http2ClientSession::ReturnCredit(ClientStreamId stream_id, size_t bytes) {
  if (!closed_ && Find(Number(stream_id)) != nullptr) {
    nghttp2_session_consume_stream(session_.get(), Number(stream_id), bytes);
  }
}

void Http2ClientSession::Reset(ClientStreamId stream_id) {
  Stream* const stream = Find(Number(stream_id));
  if (stream == nullptr) {
    return;
  }
  stream->listener = nullptr;
  if (stream->peer_ended && stream->body_finished && stream->body.empty()) {
    // Only our END_STREAM is missing and it is on its way. A reset instead would count against us:
    // peers go away after too many of them.
    return;
  }
  nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, Number(stream_id), NGHTTP2_CANCEL);
}

size_t Http2ClientSession::unsent_bytes(ClientStreamId stream_id) const {
  const auto it = streams_.find(Number(stream_id));
  return it == streams_.end() ? 0 : it->second.body.size();
}

void Http2ClientSession::Produce(std::string& out, size_t max) {
  out_ = &out;
  out_max_ = max;
  int error = 0;
  while (!closed_ && out.size() < max) {
    const uint8_t* data = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_.get(), &data);
    if (size <= 0) {
      error = static_cast<int>(size);
      break;
    }
    out.append(http2::View(data, static_cast<size_t>(size)));
  }
  out_ = nullptr;
  if (error < 0) {
    FailAll(HttpFailure::kProtocol, nghttp2_strerror(error));
  } else if (wants_close() && !streams_.empty()) {
    // nghttp2 has said good-bye because of what the peer did; it does not end the streams.
    FailAll(HttpFailure::kProtocol, "the peer broke HTTP/2");
  }
  const std::vector<int32_t> written = std::exchange(written_, {});
  for (const int32_t id : written) {
    Stream* const stream = Find(id);
    if (stream == nullptr) {
      continue;
    }
    stream->sent_some = false;
    if (stream->listener != nullptr) {
      stream->listener->OnDrained();
    }
  }
}

bool Http2ClientSession::Ping() {
  if (closed_) {
    return false;
  }
  return nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, nullptr) == 0;
}

void Http2ClientSession::Shutdown() {
  goaway_ = true;
  if (!closed_) {
    nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, nullptr, 0);
  }
}

bool Http2ClientSession::wants_close() const {
  return closed_ || (nghttp2_session_want_read(session_.get()) == 0 &&
                     nghttp2_session_want_write(session_.get()) == 0);
}

size_t Http2ClientSession::free_slots() const {
  if (closed_ || goaway_ || nghttp2_session_get_next_stream_id(session_.get()) >= kLastStreamId) {
    return 0;
  }
  const size_t peer =
      nghttp2_session_get_remote_settings(session_.get(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  const size_t limit = std::min<size_t>(options_.streams_max, peer);
  return limit - std::min(limit, streams_.size());
}

std::unique_ptr<ClientSession> MakeHttp2ClientSession(const ClientSessionOptions& options) {
  return std::make_unique<Http2ClientSession>(options);
}

}  // namespace perdure
