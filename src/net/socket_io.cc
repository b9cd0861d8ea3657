// SPDX-License-Identifier: Apache-2.0
//
// Reading and writing a connected socket: see socket_io.h.
#include "net/socket_io.h"

#include <boost/asio/buffer.hpp>

#include <netinet/tcp.h>
#include <sys/socket.h>

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

}  // namespace

std::string OsErrorText(const error_code& ec) {
  if (ec.category() != boost::system::system_category()) {
    return ec.message();
  }
  return ec.message() + " (os error " + std::to_string(ec.value()) + ")";
}

void SocketStream::Prepare() {
  error_code ignored;
  socket_.non_blocking(true, ignored);
  const int fd = socket_.native_handle();
  SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  SetOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, kProbeIdleSeconds);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, kProbeIntervalSeconds);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPCNT, kProbeCount);
}

ReadResult SocketStream::Read(std::string& buffer) {
  if (tls_ != nullptr) {
    return tls_->Read(buffer);
  }
  error_code ec;
  const size_t size = socket_.read_some(boost::asio::buffer(buffer.data(), buffer.size()), ec);
  if (!ec) {
    return {IoStatus::kOk, BytesView(buffer).substr(0, size)};
  }
  if (WouldBlock(ec)) {
    return {IoStatus::kWouldBlock, {}};
  }
  return {ec == boost::asio::error::eof ? IoStatus::kEnd : IoStatus::kFailed, {}};
}

IoStatus SocketStream::Write(BytesView& bytes) {
  if (tls_ != nullptr) {
    return tls_->Write(bytes);
  }
  while (!bytes.empty()) {
    error_code ec;
    const size_t size = socket_.write_some(boost::asio::buffer(bytes.data(), bytes.size()), ec);
    if (WouldBlock(ec)) {
      return IoStatus::kWouldBlock;
    }
    if (ec) {
      return IoStatus::kFailed;
    }
    bytes.remove_prefix(size);
  }
  return IoStatus::kOk;
}

void SocketStream::Close() {
  if (tls_ != nullptr) {
    tls_->SayGoodbye();
  }
  error_code ignored;
  socket_.close(ignored);
}

IoStatus SocketWriter::WriteSome(BytesView& bytes) {
  const size_t before = bytes.size();
  const IoStatus status = stream_.Write(bytes);
  written_bytes_ += before - bytes.size();
  return status;
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

}  // namespace perdure
