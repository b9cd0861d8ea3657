// SPDX-License-Identifier: Apache-2.0
//
// OpenSSL on a socket of ours: see tls_session.h. OpenSSL reads and writes through a BIO that calls
// the socket without blocking and without signals.
#include "net/tls_session.h"

#include "net/socket_io.h"
#include "perdure/base/assert.h"

#include <boost/asio/buffer.hpp>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <utility>

namespace perdure {
namespace {

using boost::system::error_code;

// The reason of the oldest error of this thread, in OpenSSL's words; empties the list.
std::string TakeReason() {
  const auto code = ERR_get_error();
  ERR_clear_error();
  const char* const reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "unknown" : reason;
}

}  // namespace

void SslDeleter::operator()(ssl_st* ssl) const {
  SSL_free(ssl);
}

// What the BIO works on.
struct TlsSession::Wire {
  boost::asio::ip::tcp::socket& socket;
  error_code error;  // of the last call that failed, not for lack of bytes or room

  static Wire& Of(BIO* bio) { return *static_cast<Wire*>(BIO_get_data(bio)); }

  static int Read(BIO* bio, char* out, int size) {
    Wire& wire = Of(bio);
    error_code ec;
    const size_t count =
        wire.socket.read_some(boost::asio::buffer(out, static_cast<size_t>(size)), ec);
    BIO_clear_retry_flags(bio);
    if (WouldBlock(ec)) {
      BIO_set_retry_read(bio);
      return -1;
    }
    return wire.Result(ec, count);
  }

  static int Write(BIO* bio, const char* bytes, int size) {
    Wire& wire = Of(bio);
    error_code ec;
    const size_t count =
        wire.socket.write_some(boost::asio::buffer(bytes, static_cast<size_t>(size)), ec);
    BIO_clear_retry_flags(bio);
    if (WouldBlock(ec)) {
      BIO_set_retry_write(bio);
      return -1;
    }
    return wire.Result(ec, count);
  }

  static long Control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

  int Result(const error_code& ec, size_t count) {
    if (!ec) {
      return static_cast<int>(count);
    }
    error = ec;
    return ec == boost::asio::error::eof ? 0 : -1;
  }
};

const bio_method_st* TlsSession::Method() {
  static const BIO_METHOD* const kMethod = [] {
    BIO_METHOD* const made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    PERDURE_ASSERT(made != nullptr);
    BIO_meth_set_read(made, &Wire::Read);
    BIO_meth_set_write(made, &Wire::Write);
    BIO_meth_set_ctrl(made, &Wire::Control);
    return made;
  }();
  return kMethod;
}

TlsSession::TlsSession(SslHandle ssl, boost::asio::ip::tcp::socket& socket)
    : wire_(std::make_unique<Wire>(Wire{socket, {}})), ssl_(std::move(ssl)) {
  BIO* const bio = BIO_new(Method());
  PERDURE_ASSERT(bio != nullptr);
  BIO_set_data(bio, wire_.get());
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_read_ahead(ssl_.get(), 1);
  SSL_set_mode(
      ssl_.get(),
      SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
          SSL_MODE_RELEASE_BUFFERS);
  SSL_set_options(ssl_.get(), SSL_OP_NO_RENEGOTIATION);
}

TlsSession::~TlsSession() = default;

void TlsSession::Fail(std::string text) {
  failed_ = true;
  failure_ = std::move(text);
}

IoStatus TlsSession::Judge(int result) {
  wants_write_ = false;
  drained_ = false;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      drained_ = true;
      return IoStatus::kWouldBlock;
    case SSL_ERROR_WANT_WRITE:
      drained_ = true;
      wants_write_ = true;
      return IoStatus::kWouldBlock;
    case SSL_ERROR_ZERO_RETURN:
      return IoStatus::kEnd;
    case SSL_ERROR_SYSCALL:
      Fail(
          wire_->error && wire_->error != boost::asio::error::eof
              ? "connection lost: " + OsErrorText(wire_->error)
              : "connection closed by the peer without a word");
      break;
    default:
      Fail("tls error: " + TakeReason());
      break;
  }
  ERR_clear_error();
  return IoStatus::kFailed;
}

IoStatus TlsSession::Handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    established_ = true;
    drained_ = false;
    wants_write_ = false;
    const unsigned char* name = nullptr;
    unsigned int size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &name, &size);
    protocol_.assign(name, name + size);
    return IoStatus::kOk;
  }
  const IoStatus status = Judge(result);
  if (status == IoStatus::kWouldBlock) {
    return status;
  }
  if (const auto verified = SSL_get_verify_result(ssl_.get()); verified != X509_V_OK) {
    Fail(std::string("invalid peer certificate: ") + X509_verify_cert_error_string(verified));
  } else if (wire_->error == boost::asio::error::eof) {
    Fail("tls handshake eof");
  } else if (status == IoStatus::kEnd) {
    Fail("tls error: closed during the handshake");
  }
  return IoStatus::kFailed;
}

ReadResult TlsSession::Read(std::string& buffer) {
  PERDURE_ASSERT(established_);
  if (failed_) {
    return {IoStatus::kFailed, {}};
  }
  ERR_clear_error();
  size_t filled = 0;
  while (filled < buffer.size()) {
    size_t count = 0;
    const int result =
        SSL_read_ex(ssl_.get(), buffer.data() + filled, buffer.size() - filled, &count);
    if (result != 1) {
      const IoStatus status = Judge(result);
      if (filled == 0) {
        return {status, {}};
      }
      break;  // an end or a failure is told by the next call
    }
    drained_ = false;
    filled += count;
  }
  return {IoStatus::kOk, BytesView(buffer).substr(0, filled)};
}

IoStatus TlsSession::Write(BytesView& bytes) {
  PERDURE_ASSERT(established_);
  if (failed_) {
    return IoStatus::kFailed;
  }
  ERR_clear_error();
  while (!bytes.empty()) {
    size_t count = 0;
    const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &count);
    if (result == 1) {
      bytes.remove_prefix(count);
      continue;
    }
    // What reading waits for stays as it is.
    if (SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_WRITE) {
      return IoStatus::kWouldBlock;
    }
    Judge(result);
    if (!failed_) {
      Fail("tls error: closed by the peer");
    }
    return IoStatus::kFailed;
  }
  return IoStatus::kOk;
}

void TlsSession::SayGoodbye() {
  if (established_ && !failed_) {
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }
}

}  // namespace perdure
