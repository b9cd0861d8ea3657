// SPDX-License-Identifier: Apache-2.0
//
// HTTP/1.0 and 1.1 for a server: one request at a time, the next one is parsed when the answer to
// the last has been produced. Bodies are collected up to a limit; responses always carry their
// length. Ignores Upgrade; knows no sockets.
#pragma once

#include "http/http1_parser.h"
#include "http/status_text.h"
#include "perdure/http/server_codec.h"

#include <cstddef>
#include <string>

namespace perdure {

class Http1ServerCodec final : public ServerCodec, private Http1ParserSink {
 public:
  Http1ServerCodec(const ServerCodecOptions& options, ServerCodecEvents& events);

  void Feed(BytesView bytes) override;
  void FeedEnd() override;
  void Respond(ServerStreamId stream, HttpResponse response) override;
  void Produce(std::string& out, size_t max) override;
  void Shutdown() override;

  bool has_output() const override;
  bool has_input() const override;
  bool wants_read() const override;
  bool wants_close() const override;
  ServerActivity activity() const override;
  bool receiving_body() const override { return phase_ == Phase::kBody; }

 private:
  enum class Phase : uint8_t {
    kHead,     // between requests or inside a head
    kBody,     // inside a body
    kWaiting,  // a request waits for its answer
    kLast,     // the last answer was given: input is dropped
  };

  void OnRequestLine(std::string_view method, std::string_view target, bool is_http10) override;
  void OnStatusLine(int status) override;
  void OnField(std::string_view name, std::string_view value) override;
  bool OnHead(const Http1Head& head) override;
  bool OnBody(BytesView bytes) override;

  bool reading() const { return phase_ == Phase::kHead || phase_ == Phase::kBody; }
  size_t Parse(BytesView bytes);
  size_t ParseAll(BytesView bytes);
  void EndIfNothingFollows();
  void Dispatch();
  void StartNext();
  void Refuse(int status, std::string_view text);
  void AppendHead(const HttpResponse& response, size_t body_size);

  const ServerCodecOptions options_;
  ServerCodecEvents& events_;
  DateText date_;
  Http1Parser parser_;

  Phase phase_ = Phase::kHead;
  uint32_t number_ = 1;  // of the current request
  HttpRequest request_;
  std::string body_;
  bool begun_ = false;  // some bytes of the current request have come
  bool keep_alive_ = true;
  bool closing_ = false;  // no request after the current one
  bool ended_ = false;    // the client sends no more
  bool parsing_ = false;
  bool is_http10_ = false;
  bool is_head_method_ = false;
  bool expects_continue_ = false;

  std::string input_;
  std::string output_;
  SharedBytes tail_;  // a large body, sent after output_
  size_t tail_sent_ = 0;
};

}  // namespace perdure
