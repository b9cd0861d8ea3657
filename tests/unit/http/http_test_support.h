// SPDX-License-Identifier: Apache-2.0
//
// Recorders for the tests of the codecs: what a server was asked, what a client stream was told,
// and a pump between the two. Decides nothing by itself.
#pragma once

#include "perdure/http/client_session.h"
#include "perdure/http/server_codec.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace perdure::http_test {

class FixedClock final : public Clock {
 public:
  TimeMs WallMs() const override { return 784'111'777'000; }  // Sun, 06 Nov 1994 08:49:37 GMT
  uint64_t MonotonicNs() const override { return 0; }
};

inline const Clock& TestClock() {
  static const FixedClock kClock;
  return kClock;
}

// A server codec with a note of everything it said.
class Server final : public ServerCodecEvents {
 public:
  using Handler = std::function<void(Server&, ServerStreamId, const HttpRequest&)>;

  explicit Server(size_t body_size_max = 1 << 20, uint32_t streams_max = 200)
      : codec(MakeServerCodec(
            {.body_size_max = body_size_max,
             .http2_streams_max = streams_max,
             .clock = &TestClock()},
            *this)) {}

  void OnRequest(ServerStreamId stream, HttpRequest request) override {
    requests.push_back(std::move(request));
    streams.push_back(stream);
    if (handler) {
      handler(*this, stream, requests.back());
    }
  }
  void OnStreamClosed(ServerStreamId stream) override { closed.push_back(stream); }

  void Answer(size_t index, int status, std::string body) {
    codec->Respond(streams.at(index), Response(status, std::move(body)));
  }

  static HttpResponse Response(int status, std::string body) {
    HttpResponse response;
    response.status = status;
    if (!body.empty()) {
      response.body = SharedBytes(std::move(body));
    }
    return response;
  }

  // Everything it wants to send now; also goes on with input that it had kept.
  std::string Output(size_t step = 1 << 20) {
    std::string all;
    for (;;) {
      while (codec->has_output()) {
        std::string piece;
        codec->Produce(piece, step);
        if (piece.empty()) {
          break;
        }
        all += piece;
      }
      if (!codec->has_input()) {
        return all;
      }
      codec->Feed({});
    }
  }

  Handler handler;
  std::vector<HttpRequest> requests;
  std::vector<ServerStreamId> streams;
  std::vector<ServerStreamId> closed;
  std::unique_ptr<ServerCodec> codec;
};

// Answers every request with its method, target and body.
inline void Echo(Server& server, ServerStreamId stream, const HttpRequest& request) {
  std::string text = request.method + " " + request.target + " " + std::string(request.body.view());
  server.codec->Respond(stream, Server::Response(200, std::move(text)));
}

class Listener final : public HttpStreamListener {
 public:
  void OnHead(int s, const HttpHeaders& h) override {
    status = s;
    headers = h;
    log += "head ";
  }
  void OnData(BytesView data) override {
    body += data;
    if (on_data) {
      on_data(data);
    }
  }
  void OnEnd() override {
    log += "end ";
    if (on_end) {
      on_end();
    }
  }
  void OnFailure(HttpFailure f, std::string_view m) override {
    failure = f;
    message.assign(m);
    log += "failure ";
  }
  void OnDrained() override { ++drained; }

  bool ended() const { return log.find("end ") != std::string::npos; }
  bool failed() const { return log.find("failure ") != std::string::npos; }

  int status = 0;
  HttpHeaders headers;
  std::string body;
  std::string log;
  HttpFailure failure = HttpFailure::kConnect;
  std::string message;
  int drained = 0;
  std::function<void(BytesView)> on_data;
  std::function<void()> on_end;
};

inline HttpStreamRequest Request(std::string method, std::string path) {
  HttpStreamRequest request;
  request.endpoint = {.tls = false, .host = "svc.test", .port = 9080, .http11 = false};
  request.method = std::move(method);
  request.path = std::move(path);
  return request;
}

// Carries bytes both ways, `step` at a time, until both sides are quiet.
inline void Pump(ClientSession& client, Server& server, size_t step = 1 << 20) {
  for (bool moved = true; moved;) {
    moved = false;
    std::string up;
    client.Produce(up, 1 << 20);
    for (size_t i = 0; i < up.size(); i += step) {
      server.codec->Feed(BytesView(up).substr(i, step));
      moved = true;
    }
    const std::string down = server.Output();
    for (size_t i = 0; i < down.size(); i += step) {
      client.Feed(BytesView(down).substr(i, step));
      moved = true;
    }
  }
}

}  // namespace perdure::http_test
