// SPDX-License-Identifier: Apache-2.0
//
// See service.h. The loop holds the lock except while it waits and while scripts run.
#include "tests/integration/service.h"

#include "http/protocol_sniffer.h"
#include "perdure/base/assert.h"
#include "tests/integration/wait.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace perdure::integration {
namespace {

using Guard = std::lock_guard<std::mutex>;

std::string Manifest(Service::Mode mode) {
  std::string out = R"({"protocolMode":")";
  out += mode == Service::Mode::kBidirectional ? "BIDI_STREAM" : "REQUEST_RESPONSE";
  return out + R"(","minProtocolVersion":5,"maxProtocolVersion":6,"services":[)"
               R"({"name":"Test","ty":"SERVICE","handlers":[{"name":"echo"},{"name":"held"},)"
               R"({"name":"broken"},{"name":"doze"},{"name":"relay"}]}]})";
}

// "/invoke/Test/echo" to "Test/echo".
std::string TargetOf(std::string_view path) {
  constexpr std::string_view kInvoke = "/invoke/";
  const size_t at = path.find(kInvoke);
  return std::string(at == std::string_view::npos ? path : path.substr(at + kInvoke.size()));
}

}  // namespace

Service::Service(Mode mode) : Service(Manifest(mode)) {}

Service::Service(std::string manifest, uint16_t port) : manifest_(std::move(manifest)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int on = 1;
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  PERDURE_ASSERT(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
  PERDURE_ASSERT(::listen(listener_, 128) == 0);
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  state_.wake = [this] { PERDURE_ASSERT(::eventfd_write(wake_, 1) == 0); };
  scripts_["Test/echo"] = [](ServiceAttempt& attempt) { attempt.Complete(attempt.input()); };
  thread_ = std::thread([this] { Run(); });
}

Service::~Service() {
  {
    const Guard lock(state_.mutex);
    stopping_ = true;
  }
  state_.wake();
  thread_.join();
  const Guard lock(state_.mutex);
  for (Link& link : links_) {
    link.connection.reset();
    ::close(link.fd);
  }
  ::close(listener_);
  ::close(wake_);
}

void Service::On(const std::string& target, Script script) {
  const Guard lock(state_.mutex);
  scripts_[target] = std::move(script);
}

std::shared_ptr<ServiceAttempt> Service::NextAttempt(const std::string& target) {
  std::unique_lock<std::mutex> lock(state_.mutex);
  auto& offered = offered_[target];
  if (!state_.changed.wait_for(lock, kPatience, [&offered] { return !offered.empty(); })) {
    return nullptr;
  }
  std::shared_ptr<ServiceAttempt> attempt = std::move(offered.front());
  offered.pop_front();
  return attempt;
}

size_t Service::attempts(const std::string& target) {
  const Guard lock(state_.mutex);
  return begun_[target];
}

bool Service::AwaitAttempts(const std::string& target, size_t count) {
  std::unique_lock<std::mutex> lock(state_.mutex);
  const size_t& begun = begun_[target];
  return state_.changed.wait_for(lock, kPatience, [&begun, count] { return begun >= count; });
}

size_t Service::heard() {
  const Guard lock(state_.mutex);
  return heard_;
}

void Service::Freeze() {
  const Guard lock(state_.mutex);
  frozen_ = true;
}

std::shared_ptr<ServiceAttempt> Service::Begin(
    ServiceConnection& connection, uint32_t stream, std::string_view path, RequestHeaders headers) {
  std::string target = TargetOf(path);
  ++begun_[target];
  return std::make_shared<ServiceAttempt>(
      state_, connection, stream, std::move(target), std::move(headers));
}

void Service::Touch(ServiceAttempt& attempt) {
  if (attempt.replayed() && !std::exchange(attempt.touched, true)) {
    touched_.push_back(attempt.shared_from_this());
  }
}

void Service::Run() {
  for (;;) {
    Wait();
    std::vector<std::shared_ptr<ServiceAttempt>> touched;
    {
      const Guard lock(state_.mutex);
      if (stopping_) {
        return;
      }
      if (!frozen_) {
        Accept();
        ServeLinks();
      }
      touched.swap(touched_);
      for (const auto& attempt : touched) {
        attempt->touched = false;
      }
      state_.changed.notify_all();
    }
    for (const auto& attempt : touched) {
      RunScript(attempt);
    }
  }
}

void Service::Wait() {
  std::vector<pollfd> fds{{wake_, POLLIN, 0}};
  {
    const Guard lock(state_.mutex);
    if (!frozen_) {
      fds.push_back({listener_, POLLIN, 0});
      for (const Link& link : links_) {
        const int events = link.unsent.empty() ? POLLIN : POLLIN | POLLOUT;
        fds.push_back({link.fd, static_cast<short>(events), 0});
      }
    }
  }
  ::poll(fds.data(), fds.size(), -1);
  eventfd_t ignored = 0;
  ::eventfd_read(wake_, &ignored);
}

void Service::Accept() {
  for (;;) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
      return;
    }
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    links_.push_back(Link{fd, nullptr, {}});
  }
}

void Service::ServeLinks() {
  for (size_t i = 0; i < links_.size();) {
    if (Read(links_[i]) && Write(links_[i])) {
      ++i;
      continue;
    }
    links_[i].connection.reset();
    ::close(links_[i].fd);
    links_.erase(links_.begin() + static_cast<ptrdiff_t>(i));
  }
}

bool Service::Read(Link& link) {
  char buffer[65536];
  for (;;) {
    const ssize_t size = ::recv(link.fd, buffer, sizeof(buffer), 0);
    if (size < 0) {
      return errno == EAGAIN;
    }
    if (size == 0) {
      return false;
    }
    const std::string_view bytes(buffer, static_cast<size_t>(size));
    if (link.connection == nullptr) {
      // The server sends its preface in one piece.
      link.connection = SniffProtocol(bytes) == WireProtocol::kHttp2
                            ? MakeHttp2ServiceConnection(*this)
                            : MakeHttp1ServiceConnection(*this);
    }
    if (!link.connection->OnBytes(bytes)) {
      return false;
    }
  }
}

bool Service::Write(Link& link) {
  if (link.connection == nullptr) {
    return true;
  }
  link.unsent += link.connection->TakeOutput();
  link.unsent += link.connection->TakeInjected();
  while (!link.unsent.empty()) {
    const ssize_t sent = ::send(link.fd, link.unsent.data(), link.unsent.size(), MSG_NOSIGNAL);
    if (sent < 0) {
      return errno == EAGAIN;
    }
    link.unsent.erase(0, static_cast<size_t>(sent));
  }
  return !link.connection->doomed();
}

void Service::RunScript(const std::shared_ptr<ServiceAttempt>& attempt) {
  Script script;
  {
    const Guard lock(state_.mutex);
    const auto found = scripts_.find(attempt->target());
    if (found != scripts_.end()) {
      script = found->second;
    } else if (!std::exchange(attempt->offered, true)) {
      offered_[attempt->target()].push_back(attempt);
      state_.changed.notify_all();
    }
  }
  if (script) {
    script(*attempt);
  }
}

}  // namespace perdure::integration
