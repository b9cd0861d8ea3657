// SPDX-License-Identifier: Apache-2.0
//
// Reading and writing a connected socket: see socket_io.h.
#include "net/socket_io.h"

#include <boost/asio/buffer.hpp>

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <utility>

namespace perdure {
namespace {

using boost::system::error_code;

// A peer that vanished without a word is noticed by the kernel after about two minutes.
constexpr int kProbeIdleSeconds = 60;
constexpr int kProbeIntervalSeconds = 20;
constexpr int kProbeCount = 3;

// Options that tune only: a kernel that refuses one does not make the connection useless.
void SetOption(int fd, int level, int name, int value) {
  (void)::setsockopt(fd, level, name, &value, sizeof(value));
}

bool WouldBlock(const error_code& ec) {
  return ec == boost::asio::error::would_block || ec == boost::asio::error::try_again;
}

}  // namespace

void PrepareSocket(boost::asio::ip::tcp::socket& socket) {
  error_code ignored;
  socket.non_blocking(true, ignored);
  const int fd = socket.native_handle();
  SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  SetOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, kProbeIdleSeconds);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, kProbeIntervalSeconds);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPCNT, kProbeCount);
}

std::string OsErrorText(const error_code& ec) {
  if (ec.category() != boost::system::system_category()) {
    return ec.message();
  }
  return ec.message() + " (os error " + std::to_string(ec.value()) + ")";
}

IoStatus SocketWriter::WriteSome(BytesView& bytes) {
  while (!bytes.empty()) {
    error_code ec;
    const size_t size = socket_.write_some(boost::asio::buffer(bytes.data(), bytes.size()), ec);
    if (WouldBlock(ec)) {
      return IoStatus::kWouldBlock;
    }
    if (ec) {
      return IoStatus::kFailed;
    }
    written_bytes_ += size;
    bytes.remove_prefix(size);
  }
  return IoStatus::kOk;
}

IoStatus SocketWriter::WriteKept() {
  BytesView rest = BytesView(kept_).substr(kept_sent_);
  const IoStatus status = WriteSome(rest);
  if (rest.empty()) {
    kept_ = {};
    kept_sent_ = 0;
  } else {
    kept_sent_ = kept_.size() - rest.size();
  }
  return status;
}

IoStatus SocketWriter::WriteFrom(std::string& bytes) {
  BytesView rest = bytes;
  const IoStatus status = WriteSome(rest);
  if (status == IoStatus::kWouldBlock) {
    kept_.assign(rest);
    kept_sent_ = 0;
  }
  return status;
}

ReadResult ReadSome(boost::asio::ip::tcp::socket& socket, std::string& buffer) {
  error_code ec;
  const size_t size = socket.read_some(boost::asio::buffer(buffer.data(), buffer.size()), ec);
  if (!ec) {
    return {IoStatus::kOk, BytesView(buffer).substr(0, size)};
  }
  if (WouldBlock(ec)) {
    return {IoStatus::kWouldBlock, {}};
  }
  return {ec == boost::asio::error::eof ? IoStatus::kEnd : IoStatus::kFailed, {}};
}

}  // namespace perdure
