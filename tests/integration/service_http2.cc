// SPDX-License-Identifier: Apache-2.0
//
// The service over HTTP/2: a response begins with its first frame of the service protocol, and
// goes on while the request still comes.
#include "tests/integration/service_connection.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

namespace perdure::integration {
namespace {

constexpr uint32_t kWindow = 1 << 20;
constexpr uint32_t kStreamsMax = 1000;

uint8_t* Bytes(std::string_view text) {
  return const_cast<uint8_t*>(reinterpret_cast<const uint8_t*>(text.data()));
}

std::string_view View(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

nghttp2_nv Field(std::string_view name, std::string_view value) {
  return {Bytes(name), Bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

// The signature is nghttp2's. NOLINTNEXTLINE(readability-function-size)
ssize_t ReadBody(
    nghttp2_session*,
    int32_t,
    uint8_t* out,
    size_t size_max,
    uint32_t* flags,
    nghttp2_data_source* source,
    void*) {
  Body& body = *static_cast<Body*>(source->ptr);
  const size_t size = std::min(size_max, body.bytes.size());
  if (size == 0 && !body.finished) {
    return NGHTTP2_ERR_DEFERRED;
  }
  std::copy_n(body.bytes.data(), size, out);
  body.bytes.erase(0, size);
  if (body.finished && body.bytes.empty()) {
    *flags |= NGHTTP2_DATA_FLAG_EOF;
  }
  return static_cast<ssize_t>(size);
}

class Http2ServiceConnection final : public ServiceConnection {
 public:
  explicit Http2ServiceConnection(ServiceHub& hub) : hub_(hub) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    Register(callbacks);
    nghttp2_session_server_new(&session_, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, kStreamsMax},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kWindow}};
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings));
  }
  ~Http2ServiceConnection() override {
    nghttp2_session_del(session_);
    for (const auto& [id, stream] : streams_) {
      if (stream.attempt != nullptr) {
        stream.attempt->OnGone();
      }
    }
  }
  Http2ServiceConnection(const Http2ServiceConnection&) = delete;
  Http2ServiceConnection& operator=(const Http2ServiceConnection&) = delete;

  bool OnBytes(std::string_view bytes) override {
    return nghttp2_session_mem_recv(session_, Bytes(bytes), bytes.size()) >= 0;
  }

  std::string TakeOutput() override {
    std::string out;
    const uint8_t* data = nullptr;
    for (ssize_t size = 0; (size = nghttp2_session_mem_send(session_, &data)) > 0;) {
      out.append(View(data, static_cast<size_t>(size)));
    }
    return out;
  }

  void OnOutput(ServiceAttempt& attempt) override {
    const auto id = static_cast<int32_t>(attempt.stream());
    Stream& stream = streams_.at(id);
    if (stream.answered) {
      nghttp2_session_resume_data(session_, id);
      return;
    }
    stream.answered = true;
    Respond(id, attempt.head(), attempt.body());
  }

  void Reset(ServiceAttempt& attempt) override {
    const auto id = static_cast<int32_t>(attempt.stream());
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_INTERNAL_ERROR);
  }

 private:
  struct Stream {
    std::string path;
    RequestHeaders headers;
    std::shared_ptr<ServiceAttempt> attempt;
    Body manifest;
    bool answered = false;
  };

  static Http2ServiceConnection& Self(void* user) {
    return *static_cast<Http2ServiceConnection*>(user);
  }

  Stream* Find(int32_t id) {
    const auto found = streams_.find(id);
    return found == streams_.end() ? nullptr : &found->second;
  }

  void Respond(int32_t id, const ResponseHead& head, Body& body) {
    const std::string number = std::to_string(head.status);
    std::vector<nghttp2_nv> fields{Field(":status", number)};
    for (const auto& [name, value] : head.headers) {
      fields.push_back(Field(name, value));
    }
    nghttp2_data_provider provider{};
    provider.source.ptr = &body;
    provider.read_callback = &ReadBody;
    nghttp2_submit_response(session_, id, fields.data(), fields.size(), &provider);
  }

  void OnFrame(const nghttp2_frame& frame) {
    Stream* const stream = Find(frame.hd.stream_id);
    const bool opens =
        frame.hd.type == NGHTTP2_HEADERS && frame.headers.cat == NGHTTP2_HCAT_REQUEST;
    if (stream == nullptr) {
      return;
    }
    if (opens && stream->path.ends_with("/discover")) {
      stream->manifest = {hub_.manifest(), true};
      Respond(frame.hd.stream_id, {200, {{"content-type", kManifestType}}}, stream->manifest);
      return;
    }
    if (opens) {
      const auto id = static_cast<uint32_t>(frame.hd.stream_id);
      stream->attempt = hub_.Begin(*this, id, stream->path, std::move(stream->headers));
    }
    const bool speaks =
        opens || frame.hd.type == NGHTTP2_DATA || frame.hd.type == NGHTTP2_RST_STREAM;
    if (stream->attempt == nullptr || !speaks) {
      return;
    }
    hub_.Heard();
    if (frame.hd.type == NGHTTP2_RST_STREAM) {
      stream->attempt->OnReset(frame.rst_stream.error_code);
    } else if ((frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
      stream->attempt->OnInputEnd();
    }
    hub_.Touch(*stream->attempt);
  }

  void OnClosed(int32_t id) {
    const auto found = streams_.find(id);
    if (found == streams_.end()) {
      return;
    }
    if (found->second.attempt != nullptr) {
      found->second.attempt->OnGone();
    }
    streams_.erase(found);
  }

  static void Register(nghttp2_session_callbacks* callbacks) {
    nghttp2_session_callbacks_set_on_begin_headers_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
          Self(user).streams_[frame->hd.stream_id];
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
          Stream& stream = Self(user).streams_[frame->hd.stream_id];
          if (View(name, name_size) == ":path") {
            stream.path = View(value, value_size);
          } else {
            stream.headers.emplace_back(View(name, name_size), View(value, value_size));
          }
          return 0;
        });
    nghttp2_session_callbacks_set_on_frame_recv_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
          Self(user).OnFrame(*frame);
          return 0;
        });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        callbacks,
        [](nghttp2_session*, uint8_t, int32_t id, const uint8_t* data, size_t size, void* user) {
          Stream* const stream = Self(user).Find(id);
          if (stream != nullptr && stream->attempt != nullptr) {
            stream->attempt->OnBytes(View(data, size));
          }
          return 0;
        });
    nghttp2_session_callbacks_set_on_stream_close_callback(
        callbacks, [](nghttp2_session*, int32_t id, uint32_t, void* user) {
          Self(user).OnClosed(id);
          return 0;
        });
  }

  ServiceHub& hub_;
  nghttp2_session* session_ = nullptr;
  std::map<int32_t, Stream> streams_;
};

}  // namespace

std::unique_ptr<ServiceConnection> MakeHttp2ServiceConnection(ServiceHub& hub) {
  return std::make_unique<Http2ServiceConnection>(hub);
}

}  // namespace perdure::integration
