// SPDX-License-Identifier: Apache-2.0
//
// The client's side of a TLS handshake: see tls_client.h.
#include "net/tls_client.h"

#include "perdure/base/assert.h"

#include <boost/asio/ip/address.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <string_view>
#include <vector>

namespace perdure {
namespace {

// ALPN lists: each name behind its length.
constexpr std::string_view kHttp2AndHttp11 = "\x02h2\x08http/1.1";
constexpr std::string_view kHttp11 = "\x08http/1.1";

bool IsAddress(const std::string& host) {
  boost::system::error_code ec;
  boost::asio::ip::make_address(host, ec);
  return !ec;
}

// What the peer's certificate must be for, and which one we ask for (SNI, names only).
// False: it can be for no such host.
bool ExpectHost(SSL* ssl, std::string host) {
  if (IsAddress(host)) {
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1;
  }
  if (host.size() > 1 && host.back() == '.') {
    host.pop_back();  // the root's dot is in no certificate
  }
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set1_host(ssl, host.c_str()) == 1 &&
         SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, host.data()) == 1;
}

}  // namespace

TlsClient::TlsClient() = default;
TlsClient::~TlsClient() = default;

void TlsClient::Deleter::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

void TlsClient::MakeContext() {
  context_.reset(SSL_CTX_new(TLS_client_method()));
  PERDURE_ASSERT(context_ != nullptr);
  PERDURE_ASSERT(
      SSL_CTX_ctrl(context_.get(), SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_2_VERSION, nullptr) == 1);
  SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
  // If nothing can be read, nobody is trusted: every handshake says so.
  SSL_CTX_set_default_verify_paths(context_.get());
  ERR_clear_error();
}

std::unique_ptr<TlsSession> TlsClient::Begin(
    boost::asio::ip::tcp::socket& socket, const std::string& host, bool http11_only) {
  std::call_once(once_, [this] { MakeContext(); });
  SslHandle ssl(SSL_new(context_.get()));
  PERDURE_ASSERT(ssl != nullptr);
  SSL_set_connect_state(ssl.get());
  if (!ExpectHost(ssl.get(), host)) {
    ERR_clear_error();
    return nullptr;
  }
  const std::string_view offer = http11_only ? kHttp11 : kHttp2AndHttp11;
  const std::vector<unsigned char> names(offer.begin(), offer.end());
  PERDURE_ASSERT(
      SSL_set_alpn_protos(ssl.get(), names.data(), static_cast<unsigned int>(names.size())) == 0);
  return std::make_unique<TlsSession>(std::move(ssl), socket);
}

}  // namespace perdure
