// SPDX-License-Identifier: Apache-2.0
//
// For tests with real sockets on loopback: a network with a handler, blocking plain sockets, and
// client listeners that another thread can wait for.
#pragma once

#include "perdure/net/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace perdure::net_test {

inline constexpr auto kPatience = std::chrono::seconds(20);

// A value that one thread sets and another waits for.
class Signal {
 public:
  void Set() {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++count_;
    changed_.notify_all();
  }
  bool Wait(int count = 1) {
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return count_ >= count; });
  }
  int count() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return count_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
};

class FunctionHandler final : public HttpHandler {
 public:
  using Function = std::function<void(HttpRequest, std::unique_ptr<HttpExchange>)>;
  explicit FunctionHandler(Function function) : function_(std::move(function)) {}
  void OnRequest(HttpRequest request, std::unique_ptr<HttpExchange> exchange) override {
    function_(std::move(request), std::move(exchange));
  }

 private:
  Function function_;
};

inline HttpResponse Text(int status, std::string body) {
  HttpResponse response;
  response.status = status;
  response.body = SharedBytes(std::move(body));
  return response;
}

inline void Echo(HttpRequest request, std::unique_ptr<HttpExchange> exchange) {
  exchange->Respond(
      Text(200, request.method + " " + request.target + " " + std::string(request.body.view())));
}

// A blocking socket, for saying exactly what a test wants.
class PlainSocket {
 public:
  explicit PlainSocket(uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  }
  explicit PlainSocket(int fd, bool) : fd_(fd), connected_(fd >= 0) {}
  ~PlainSocket() { Close(); }
  PlainSocket(const PlainSocket&) = delete;
  PlainSocket& operator=(const PlainSocket&) = delete;

  bool connected() const { return connected_; }
  void Send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) {
        return;
      }
      bytes.remove_prefix(static_cast<size_t>(n));
    }
  }
  void ResetOnClose() const {
    const linger options{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &options, sizeof(options));
  }
  void EndOutput() const { ::shutdown(fd_, SHUT_WR); }
  void Close() {
    if (fd_ >= 0) {
      ::close(std::exchange(fd_, -1));
    }
  }
  // Reads until `wanted` is in the text, or the end; the whole text so far.
  std::string ReadUntil(std::string_view wanted) const {
    std::string all;
    while (all.find(wanted) == std::string::npos) {
      if (!ReadMore(all)) {
        return all + "<end>";
      }
    }
    return all;
  }
  std::string ReadAll() const {
    std::string all;
    while (ReadMore(all)) {
    }
    return all;
  }

 private:
  bool ReadMore(std::string& all) const {
    pollfd poll_fd{fd_, POLLIN, 0};
    if (::poll(&poll_fd, 1, 20'000) != 1) {
      return false;
    }
    char buffer[65536];
    const ssize_t n = ::recv(fd_, buffer, sizeof(buffer), 0);
    if (n <= 0) {
      return false;
    }
    all.append(buffer, static_cast<size_t>(n));
    return true;
  }

  int fd_;
  bool connected_ = false;
};

// A bare listening socket: accepts nothing unless asked to.
class PlainServer {
 public:
  PlainServer() : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    if (::bind(fd_, reinterpret_cast<sockaddr*>(&address), size) == 0 && ::listen(fd_, 16) == 0) {
      ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
      port_ = ntohs(address.sin_port);
    }
  }
  ~PlainServer() { Close(); }
  PlainServer(const PlainServer&) = delete;
  PlainServer& operator=(const PlainServer&) = delete;

  uint16_t port() const { return port_; }
  // Not connected, if nobody comes.
  std::unique_ptr<PlainSocket> Accept() const {
    pollfd poll_fd{fd_, POLLIN, 0};
    if (::poll(&poll_fd, 1, 20'000) != 1) {
      return std::make_unique<PlainSocket>(-1, false);
    }
    return std::make_unique<PlainSocket>(::accept(fd_, nullptr, nullptr), true);
  }
  void Close() {
    if (fd_ >= 0) {
      ::close(std::exchange(fd_, -1));
    }
  }

 private:
  int fd_;
  uint16_t port_ = 0;
};

// A request with its listener; lives on the I/O thread, waited for from the test.
class Call final : public HttpStreamListener {
 public:
  void OnHead(int s, const HttpHeaders&) override {
    status = s;
    http11 = stream->http11();
    head.Set();
  }
  void OnData(BytesView data) override {
    body += data;
    if (return_credit) {
      stream->ReturnCredit(data.size());
    }
  }
  void OnEnd() override {
    stream.reset();
    done.Set();
  }
  void OnFailure(HttpFailure f, std::string_view m) override {
    failed = true;
    failure = f;
    message.assign(m);
    stream.reset();
    done.Set();
  }
  void OnDrained() override {}

  // Thread: the test's. Opens the stream on the I/O thread.
  void Start(Network& network, HttpStreamRequest request, std::string request_body = "") {
    network.thread(0).Post(
        [this, &network, request = std::move(request), text = std::move(request_body)]() mutable {
          stream = network.client(0).Open(std::move(request), *this);
          if (!text.empty()) {
            stream->Write(std::move(text));
          }
          stream->FinishBody();
        });
  }

  std::unique_ptr<HttpStream> stream;
  bool return_credit = true;
  int status = 0;
  bool http11 = false;
  std::string body;
  bool failed = false;
  HttpFailure failure = HttpFailure::kProtocol;
  std::string message;
  Signal head;
  Signal done;
};

inline HttpStreamRequest Request(uint16_t port, std::string path, bool http11 = false) {
  HttpStreamRequest request;
  request.endpoint = {.tls = false, .host = "127.0.0.1", .port = port, .http11 = http11};
  request.method = "POST";
  request.path = std::move(path);
  return request;
}

}  // namespace perdure::net_test
