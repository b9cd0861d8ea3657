// SPDX-License-Identifier: Apache-2.0
//
// A connected socket as both kinds of connection use it, in the clear or through TLS: wait until
// there may be something to read, read into the thread's buffer, write what a codec produces and
// keep only what the kernel did not take. Holds no buffer of its own while idle. Knows nothing of
// protocols or deadlines.
#pragma once

#include "net/io_result.h"
#include "net/tls_session.h"
#include "perdure/base/bytes.h"
#include "perdure/base/limits.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace perdure {

// "Connection refused (os error 111)".
std::string OsErrorText(const boost::system::error_code& ec);

// Bytes to and from the peer. Never blocks.
class SocketStream {
 public:
  using Socket = boost::asio::ip::tcp::socket;

  explicit SocketStream(Socket socket) : socket_(std::move(socket)) {}
  SocketStream(const SocketStream&) = delete;
  SocketStream& operator=(const SocketStream&) = delete;

  Socket& socket() { return socket_; }
  // Sets what every connection wants: not blocking, no delay, kernel keep-alive probes. REQUIRES:
  // connected.
  void Prepare();

  // From here on bytes go through TLS, after its handshake. REQUIRES: made for socket().
  void StartTls(std::unique_ptr<TlsSession> tls) { tls_ = std::move(tls); }
  // REQUIRES: StartTls. kOk: done. kWouldBlock: call again after WaitReadable.
  IoStatus Handshake() { return tls_->Handshake(); }
  // What both sides agreed to speak (ALPN); empty if nothing.
  std::string_view protocol() const { return tls_ == nullptr ? "" : tls_->protocol(); }

  // One read into `buffer`. Less than its size: there is no more at present.
  ReadResult Read(std::string& buffer);
  // Takes off `bytes` what was written.
  IoStatus Write(BytesView& bytes);
  // Why a call returned kFailed.
  std::string_view failure() const { return tls_ == nullptr ? "connection lost" : tls_->failure(); }

  // Calls `handler(error_code)`, never at once, when Read or Handshake may go on.
  template <typename Handler>
  void WaitReadable(Handler handler) {
    if (tls_ != nullptr && tls_->may_have_input()) {
      boost::asio::post(socket_.get_executor(), [handler = std::move(handler)]() mutable {
        handler(boost::system::error_code());
      });
      return;
    }
    const bool write_first = tls_ != nullptr && tls_->wants_write();
    socket_.async_wait(write_first ? Socket::wait_write : Socket::wait_read, std::move(handler));
  }
  template <typename Handler>
  void WaitWritable(Handler handler) {
    socket_.async_wait(Socket::wait_write, std::move(handler));
  }

  void Close();

 private:
  Socket socket_;
  std::unique_ptr<TlsSession> tls_;
};

class SocketWriter {
 public:
  explicit SocketWriter(SocketStream& stream) : stream_(stream) {}

  // Writes the kept bytes, then what `produce(buffer, max)` gives, until there is no more or the
  // socket is full. `scratch` is lent for the call.
  template <typename Produce>
  IoStatus Write(std::string& scratch, Produce produce) {
    for (;;) {
      const IoStatus status = WriteKept();
      if (status != IoStatus::kOk) {
        return status;
      }
      scratch.clear();
      produce(scratch, kWriteMax);
      if (scratch.empty()) {
        return IoStatus::kOk;
      }
      const IoStatus written = WriteFrom(scratch);
      if (written != IoStatus::kOk) {
        return written;
      }
    }
  }

  bool blocked() const { return !kept_.empty(); }
  uint64_t written_bytes() const { return written_bytes_; }

 private:
  // The most that one connection holds for a slow peer, apart from the bodies themselves.
  static constexpr size_t kWriteMax = 256 * limits::kKiB;

  IoStatus WriteKept();
  IoStatus WriteFrom(std::string& bytes);
  IoStatus WriteSome(BytesView& bytes);

  SocketStream& stream_;
  std::string kept_;
  size_t kept_sent_ = 0;
  uint64_t written_bytes_ = 0;
};

}  // namespace perdure
