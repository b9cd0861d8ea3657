// SPDX-License-Identifier: Apache-2.0
//
// The client side of one HTTP/2 connection, on nghttp2 without I/O. Connection credit goes back on
// receipt, so that one stream never stops another; stream credit only when its reader returns it.
// Refuses pushes; informational heads and trailers are read and dropped. For the two
// http2_client*.cc only: one sends, the other receives.
#pragma once

#include "http/body_queue.h"
#include "http/http2_common.h"
#include "perdure/http/client_session.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace perdure {

class Http2ClientSession final : public ClientSession {
 public:
  explicit Http2ClientSession(const ClientSessionOptions& options);

  ClientStreamId Open(const HttpStreamRequest& request, HttpStreamListener& listener) override;
  void Write(ClientStreamId stream, std::string bytes) override { Push(stream, std::move(bytes)); }
  void Write(ClientStreamId stream, SharedBytes bytes) override { Push(stream, std::move(bytes)); }
  void FinishBody(ClientStreamId stream) override;
  void ReturnCredit(ClientStreamId stream, size_t bytes) override;
  void Reset(ClientStreamId stream) override;
  size_t unsent_bytes(ClientStreamId stream) const override;

  void Feed(BytesView bytes) override;
  void FeedEnd() override { FailAll(LostReason(), LostText()); }
  void Produce(std::string& out, size_t max) override;
  void FailAll(HttpFailure failure, std::string_view message) override;
  bool Ping() override;
  void Shutdown() override;

  bool has_output() const override {
    return !closed_ && nghttp2_session_want_write(session_.get()) != 0;
  }
  bool wants_read() const override { return true; }
  bool wants_close() const override;
  bool ready() const override { return settings_seen_; }
  HttpFailure failure() const override { return failure_; }
  std::string_view failure_text() const override { return failure_text_; }
  size_t open_streams() const override { return streams_.size(); }
  size_t free_slots() const override;

 private:
  struct Stream {
    HttpStreamListener* listener = nullptr;  // null: ended, failed or reset
    BodyQueue body;
    HttpHeaders headers;
    size_t head_bytes = 0;
    int status = 0;
    bool body_finished = false;
    bool deferred = false;  // nghttp2 waits for body bytes
    bool head_given = false;
    bool reset_by_peer = false;
    bool peer_ended = false;
    bool invalid = false;  // the peer's message was refused by nghttp2
    bool sent_some = false;
  };

  Stream* Find(int32_t id) {
    const auto it = streams_.find(id);
    return it == streams_.end() ? nullptr : &it->second;
  }
  static Http2ClientSession& Self(void* user) { return *static_cast<Http2ClientSession*>(user); }
  static int32_t Number(ClientStreamId stream) { return static_cast<int32_t>(stream.value); }

  template <typename Bytes>
  void Push(ClientStreamId stream_id, Bytes bytes) {
    Stream* const stream = Find(Number(stream_id));
    if (stream == nullptr) {
      return;
    }
    PERDURE_ASSERT(!stream->body_finished);
    stream->body.Push(std::move(bytes));
    Wake(Number(stream_id), *stream);
  }

  void Wake(int32_t id, Stream& stream);
  bool LooksLikeHttp2(BytesView bytes);
  HttpFailure LostReason() const;
  std::string_view LostText() const;
  void AddField(Stream& stream, std::string_view name, std::string_view value);
  void OnFrame(const nghttp2_frame& frame);
  void OnHead(int32_t id);
  void OnStreamEnd(int32_t id);
  void OnData(int32_t id, BytesView bytes);
  void OnClosed(int32_t id, uint32_t error);
  void OnNotSent(int32_t id, int error);
  void Fail(Stream& stream, HttpFailure failure, std::string_view message);
  ssize_t ReadBody(int32_t id, size_t size, uint32_t* flags);
  void RegisterReceive(nghttp2_session_callbacks* callbacks);
  void RegisterSend(nghttp2_session_callbacks* callbacks);

  const ClientSessionOptions options_;
  std::unordered_map<int32_t, Stream> streams_;
  std::vector<nghttp2_nv> fields_;
  std::vector<std::unique_ptr<std::string>> repaired_;
  std::vector<int32_t> written_;  // streams that sent body bytes during this Produce
  std::string* out_ = nullptr;
  size_t out_max_ = 0;
  std::string first_bytes_;
  bool http2_seen_ = false;
  bool settings_seen_ = false;
  bool goaway_ = false;
  bool closed_ = false;
  HttpFailure failure_ = HttpFailure::kConnectionLost;
  std::string failure_text_;
  uint32_t goaway_error_ = 0;
  http2::Session session_;
};

}  // namespace perdure
