// SPDX-License-Identifier: Apache-2.0
//
// See client.h. The server always says how long a body is, so nothing else is understood.
#include "tests/integration/client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <charconv>

namespace perdure::integration {
namespace {

constexpr std::string_view kHeadEnd = "\r\n\r\n";

std::string LowerCase(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  return out;
}

size_t NumberIn(std::string_view text) {
  size_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

int MillisecondsUntil(SteadyClock::time_point deadline) {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SteadyClock::now());
  return static_cast<int>(std::max<int64_t>(0, left.count()));
}

// "HTTP/1.1 200 OK" and the lines behind it.
Reply ParseHead(std::string_view head) {
  Reply reply;
  size_t at = std::min(head.find("\r\n"), head.size());
  const std::string_view first = head.substr(0, at);
  const size_t space = std::min(first.find(' '), first.size());
  reply.version = first.substr(0, space);
  reply.status = static_cast<int>(NumberIn(first.substr(std::min(space + 1, first.size()), 3)));
  while (at < head.size()) {
    at += 2;
    const size_t end = std::min(head.find("\r\n", at), head.size());
    const std::string_view line = head.substr(at, end - at);
    const size_t colon = line.find(": ");
    if (colon != std::string_view::npos) {
      reply.headers[LowerCase(line.substr(0, colon))] = line.substr(colon + 2);
    }
    at = end;
  }
  return reply;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Reply& reply) {
  out << reply.version << " " << reply.status;
  for (const auto& [name, value] : reply.headers) {
    out << "\n" << name << ": " << value;
  }
  return out << "\n" << reply.body;
}

std::string RequestText(
    std::string_view method,
    std::string_view path,
    std::string_view body,
    const RequestHeaders& headers) {
  std::string text;
  text.append(method).append(" ").append(path).append(" HTTP/1.1\r\nhost: localhost\r\n");
  for (const auto& [name, value] : headers) {
    text += name + ": " + value + "\r\n";
  }
  if (!body.empty()) {
    text += "content-type: application/json\r\n";
  }
  if (!body.empty() || method == "POST") {
    text += "content-length: " + std::to_string(body.size()) + "\r\n";
  }
  return text.append("\r\n").append(body);
}

ClientSocket::ClientSocket(uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ended_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0;
}

ClientSocket::~ClientSocket() {
  ::close(fd_);
}

void ClientSocket::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) {
      return;  // whoever reads will see the end
    }
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

bool ClientSocket::ReadMore() {
  if (ended_) {
    return false;
  }
  pollfd poll_fd{fd_, POLLIN, 0};
  if (::poll(&poll_fd, 1, MillisecondsUntil(SteadyClock::now() + kPatience)) != 1) {
    return false;
  }
  char buffer[65536];
  const ssize_t read = ::recv(fd_, buffer, sizeof(buffer), 0);
  if (read <= 0) {
    ended_ = true;
    return false;
  }
  input_.append(buffer, static_cast<size_t>(read));
  return true;
}

Reply ClientSocket::ReadReply() {
  size_t head_end = 0;
  while ((head_end = input_.find(kHeadEnd)) == std::string::npos) {
    if (!ReadMore()) {
      return {};
    }
  }
  Reply reply = ParseHead(std::string_view(input_).substr(0, head_end));
  const size_t size = head_end + kHeadEnd.size() + NumberIn(reply.header("content-length"));
  while (input_.size() < size) {
    if (!ReadMore()) {
      return {};
    }
  }
  reply.body = input_.substr(head_end + kHeadEnd.size(), size - head_end - kHeadEnd.size());
  input_.erase(0, size);
  return reply;
}

std::string ClientSocket::ReadToEnd() {
  while (ReadMore()) {
  }
  return std::exchange(input_, {});
}

std::string ClientSocket::ReadBytes(size_t count) {
  while (input_.size() < count && ReadMore()) {
  }
  return std::exchange(input_, {});
}

bool ClientSocket::AwaitClose() {
  return input_.empty() && !ReadMore() && ended_;
}

bool StaySilent(const std::vector<const ClientSocket*>& sockets) {
  std::vector<pollfd> fds;
  for (const ClientSocket* socket : sockets) {
    fds.push_back(pollfd{socket->fd(), POLLIN, 0});
  }
  return ::poll(fds.data(), fds.size(), static_cast<int>(kSilence.count())) == 0;
}

Reply Fetch(
    uint16_t port,
    std::string_view method,
    std::string_view path,
    std::string_view body,
    const RequestHeaders& headers) {
  ClientSocket socket(port);
  socket.Send(RequestText(method, path, body, headers));
  return socket.ReadReply();
}

}  // namespace perdure::integration
