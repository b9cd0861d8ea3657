// SPDX-License-Identifier: Apache-2.0
//
// TLS over one connected socket, without blocking. Its bytes go to and from the socket directly, so
// that no second buffer stands between the kernel and the records. Knows no certificates: what is
// trusted is set where a session is made. Refuses renegotiation.
#pragma once

#include "net/io_result.h"
#include "perdure/base/bytes.h"

#include <boost/asio/ip/tcp.hpp>

#include <memory>
#include <string>
#include <string_view>

struct ssl_st;
struct bio_method_st;

namespace perdure {

struct SslDeleter {
  void operator()(ssl_st* ssl) const;
};
using SslHandle = std::unique_ptr<ssl_st, SslDeleter>;

// Thread: that of the socket. After kFailed only failure() may be called.
class TlsSession {
 public:
  // REQUIRES: `ssl` knows its side, and what to expect of the peer; `socket` outlives the session.
  TlsSession(SslHandle ssl, boost::asio::ip::tcp::socket& socket);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  // kOk, kWouldBlock or kFailed.
  IoStatus Handshake();
  // REQUIRES: the handshake is done (here and below).
  ReadResult Read(std::string& buffer);
  IoStatus Write(BytesView& bytes);
  // Tells the peer that nothing more comes, if the socket takes it at once. Nothing after a failure
  // or before the end of the handshake.
  void SayGoodbye();

  // What was agreed on by ALPN: "h2", "http/1.1", or nothing.
  std::string_view protocol() const { return protocol_; }
  // Something may have been read from the socket that was not given out yet.
  bool may_have_input() const { return established_ && !drained_; }
  // What Handshake or Read would block for is room to write.
  bool wants_write() const { return wants_write_; }
  // Why it failed.
  std::string_view failure() const { return failure_; }

 private:
  struct Wire;

  static const bio_method_st* Method();
  // The meaning of a call that gave `result`, not 1.
  IoStatus Judge(int result);
  void Fail(std::string text);

  std::unique_ptr<Wire> wire_;
  SslHandle ssl_;
  std::string protocol_;
  std::string failure_;
  bool established_ = false;
  bool failed_ = false;
  bool drained_ = false;
  bool wants_write_ = false;
};

}  // namespace perdure
