// SPDX-License-Identifier: Apache-2.0
//
// What TLS towards endpoints needs: the certificates this system trusts (or those that
// SSL_CERT_FILE and SSL_CERT_DIR name), TLS 1.2 or newer, and a peer that proves the name it was
// asked for by. There is no switch to trust without proof.
#pragma once

#include "net/tls_session.h"

#include <boost/asio/ip/tcp.hpp>

#include <memory>
#include <mutex>
#include <string>

struct ssl_ctx_st;

namespace perdure {

// Thread: any. The certificates are read at the first session, not at the start of a process that
// may never need them.
class TlsClient {
 public:
  TlsClient();
  ~TlsClient();
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  // `host`: a name or a literal address. Offers HTTP/2 and HTTP/1.1, or the latter only. Null: no
  // certificate can be for this host. REQUIRES: `socket` outlives the session.
  std::unique_ptr<TlsSession> Begin(
      boost::asio::ip::tcp::socket& socket, const std::string& host, bool http11_only);

 private:
  struct Deleter {
    void operator()(ssl_ctx_st* context) const;
  };

  void MakeContext();

  std::once_flag once_;
  std::unique_ptr<ssl_ctx_st, Deleter> context_;  // written once
};

}  // namespace perdure
