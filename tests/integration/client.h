// SPDX-License-Identifier: Apache-2.0
//
// A client of either port: a blocking socket that says exactly what the test wants, and enough of
// HTTP/1 to read the answers. It keeps what it read, so that a test can look at every byte.
#pragma once

#include "tests/integration/wait.h"

#include <cstdint>
#include <map>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace perdure::integration {

struct Reply {
  int status = 0;       // 0: none came
  std::string version;  // "HTTP/1.1"
  std::map<std::string, std::string> headers;
  std::string body;

  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};
std::ostream& operator<<(std::ostream& out, const Reply& reply);

using RequestHeaders = std::vector<std::pair<std::string, std::string>>;

std::string RequestText(
    std::string_view method,
    std::string_view path,
    std::string_view body = {},
    const RequestHeaders& headers = {});

// Thread: one.
class ClientSocket {
 public:
  explicit ClientSocket(uint16_t port);
  ~ClientSocket();
  ClientSocket(const ClientSocket&) = delete;
  ClientSocket& operator=(const ClientSocket&) = delete;

  void Send(std::string_view bytes);
  // Status 0 when the connection ended or patience did.
  Reply ReadReply();
  // Everything until the server closes; what has come so far if it does not.
  std::string ReadToEnd();
  // At least `count` bytes, or all there are before the end.
  std::string ReadBytes(size_t count);
  // Whether the server closed the connection without another byte.
  bool AwaitClose();
  int fd() const { return fd_; }

 private:
  bool ReadMore();

  int fd_;
  std::string input_;
  bool ended_ = false;
};

// Whether not one byte and no end reaches any of these sockets for a while.
bool StaySilent(const std::vector<const ClientSocket*>& sockets);

// One request on a connection of its own.
Reply Fetch(
    uint16_t port,
    std::string_view method,
    std::string_view path,
    std::string_view body = {},
    const RequestHeaders& headers = {});

}  // namespace perdure::integration
