// SPDX-License-Identifier: Apache-2.0
//
// A connected socket as both kinds of connection use it: wait until it is ready, read into the
// thread's buffer, write what a codec produces and keep only what the kernel did not take. Holds no
// buffer while idle. Knows nothing of protocols or deadlines.
#pragma once

#include "perdure/base/bytes.h"
#include "perdure/base/limits.h"

#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace perdure {

enum class IoStatus : uint8_t { kOk, kWouldBlock, kEnd, kFailed };

// Sets what every connection wants: not blocking, no delay, kernel keep-alive probes.
void PrepareSocket(boost::asio::ip::tcp::socket& socket);

// "Connection refused (os error 111)".
std::string OsErrorText(const boost::system::error_code& ec);

class SocketWriter {
 public:
  explicit SocketWriter(boost::asio::ip::tcp::socket& socket) : socket_(socket) {}

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

  boost::asio::ip::tcp::socket& socket_;
  std::string kept_;
  size_t kept_sent_ = 0;
  uint64_t written_bytes_ = 0;
};

struct ReadResult {
  IoStatus status = IoStatus::kOk;
  BytesView bytes;
};

// One read into `buffer`, without blocking.
ReadResult ReadSome(boost::asio::ip::tcp::socket& socket, std::string& buffer);

}  // namespace perdure
