// SPDX-License-Identifier: Apache-2.0
//
// The service over HTTP/1.1: an attempt begins when its request is complete, and is answered when
// its response is.
#include "perdure/base/limits.h"
#include "perdure/http/server_codec.h"
#include "tests/integration/service_connection.h"

#include <map>
#include <utility>

namespace perdure::integration {
namespace {

constexpr size_t kOutputPiece = 64 * limits::kKiB;

ServerCodecOptions Options() {
  ServerCodecOptions options;
  options.body_size_max = limits::kMessageSizeDefault;
  return options;
}

class Http1ServiceConnection final : public ServiceConnection, private ServerCodecEvents {
 public:
  explicit Http1ServiceConnection(ServiceHub& hub)
      : hub_(hub), codec_(MakeServerCodec(Options(), *this)) {}
  ~Http1ServiceConnection() override {
    for (const auto& [stream, attempt] : attempts_) {
      attempt->OnGone();
    }
  }

  bool OnBytes(std::string_view bytes) override {
    codec_->Feed(bytes);
    return !codec_->wants_close();
  }

  std::string TakeOutput() override {
    std::string out;
    while (codec_->has_output()) {
      codec_->Produce(out, out.size() + kOutputPiece);
    }
    return out;
  }

  void OnOutput(ServiceAttempt& attempt) override {
    if (!attempt.body().finished) {
      return;
    }
    HttpResponse response;
    response.status = attempt.head().status;
    for (const auto& [name, value] : attempt.head().headers) {
      response.headers.Add(name, value);
    }
    response.body = SharedBytes(std::exchange(attempt.body().bytes, {}));
    codec_->Respond(ServerStreamId{attempt.stream()}, std::move(response));
    Drop(attempt.stream());
  }

  // HTTP/1.1 has no other way to break off an answer.
  void Reset(ServiceAttempt&) override { set_doomed(); }

 private:
  void OnRequest(ServerStreamId stream, HttpRequest request) override {
    if (request.target.ends_with("/discover")) {
      HttpResponse response;
      response.headers.Add("content-type", kManifestType);
      response.body = SharedBytes::Copy(hub_.manifest());
      codec_->Respond(stream, std::move(response));
      return;
    }
    hub_.Heard();
    RequestHeaders headers;
    for (const HttpHeader& header : request.headers.items()) {
      headers.emplace_back(header.name, header.value);
    }
    const auto attempt = hub_.Begin(*this, stream.value, request.target, std::move(headers));
    attempts_[stream.value] = attempt;
    attempt->OnBytes(request.body.view());
    attempt->OnInputEnd();
    hub_.Touch(*attempt);
  }

  void OnStreamClosed(ServerStreamId stream) override { Drop(stream.value); }

  void Drop(uint32_t stream) {
    const auto found = attempts_.find(stream);
    if (found != attempts_.end()) {
      found->second->OnGone();
      attempts_.erase(found);
    }
  }

  ServiceHub& hub_;
  std::map<uint32_t, std::shared_ptr<ServiceAttempt>> attempts_;
  std::unique_ptr<ServerCodec> codec_;
};

}  // namespace

std::unique_ptr<ServiceConnection> MakeHttp1ServiceConnection(ServiceHub& hub) {
  return std::make_unique<Http1ServiceConnection>(hub);
}

}  // namespace perdure::integration
