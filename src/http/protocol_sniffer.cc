// SPDX-License-Identifier: Apache-2.0
//
// The sniffer, and the codec that begins as a sniffer and hands everything to the right codec as
// soon as it knows which.
#include "http/protocol_sniffer.h"

#include "http/http1_server.h"
#include "http/http2_server.h"
#include "perdure/http/server_codec.h"

#include <algorithm>
#include <string>
#include <utility>

namespace perdure {
namespace {

class SniffingCodec final : public ServerCodec {
 public:
  SniffingCodec(const ServerCodecOptions& options, ServerCodecEvents& events)
      : options_(options), events_(events) {}

  void Feed(BytesView bytes) override {
    if (codec_ != nullptr) {
      codec_->Feed(bytes);
      return;
    }
    if (closed_) {
      return;
    }
    held_.append(bytes);
    const WireProtocol protocol = SniffProtocol(held_);
    if (protocol == WireProtocol::kUndecided) {
      return;
    }
    Become(protocol);
    codec_->Feed(std::exchange(held_, {}));
  }

  void FeedEnd() override {
    if (codec_ == nullptr) {
      closed_ = true;
      return;
    }
    codec_->FeedEnd();
  }

  void Respond(ServerStreamId stream, HttpResponse response) override {
    if (codec_ != nullptr) {
      codec_->Respond(stream, std::move(response));
    }
  }

  void Produce(std::string& out, size_t max) override {
    if (codec_ != nullptr) {
      codec_->Produce(out, max);
    }
  }

  void Shutdown() override {
    if (codec_ != nullptr) {
      codec_->Shutdown();
    } else {
      closed_ = true;
    }
  }

  bool has_output() const override { return codec_ != nullptr && codec_->has_output(); }
  bool has_input() const override { return codec_ != nullptr && codec_->has_input(); }
  bool wants_read() const override { return codec_ == nullptr || codec_->wants_read(); }
  bool wants_close() const override { return codec_ == nullptr ? closed_ : codec_->wants_close(); }
  ServerActivity activity() const override {
    if (codec_ != nullptr) {
      return codec_->activity();
    }
    return held_.empty() ? ServerActivity::kIdle : ServerActivity::kReceiving;
  }
  bool receiving_body() const override { return codec_ != nullptr && codec_->receiving_body(); }

 private:
  void Become(WireProtocol protocol) {
    if (protocol == WireProtocol::kHttp2) {
      codec_ = MakeHttp2ServerCodec(options_, events_);
    } else {
      codec_ = std::make_unique<Http1ServerCodec>(options_, events_);
    }
  }

  const ServerCodecOptions options_;
  ServerCodecEvents& events_;
  std::string held_;
  bool closed_ = false;
  std::unique_ptr<ServerCodec> codec_;
};

}  // namespace

WireProtocol SniffProtocol(BytesView first_bytes) {
  const size_t size = std::min(first_bytes.size(), kHttp2Preface.size());
  if (first_bytes.substr(0, size) != kHttp2Preface.substr(0, size)) {
    return WireProtocol::kHttp1;
  }
  return size == kHttp2Preface.size() ? WireProtocol::kHttp2 : WireProtocol::kUndecided;
}

std::unique_ptr<ServerCodec> MakeServerCodec(
    const ServerCodecOptions& options, ServerCodecEvents& events) {
  return std::make_unique<SniffingCodec>(options, events);
}

}  // namespace perdure
