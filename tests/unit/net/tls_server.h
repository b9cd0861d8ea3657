// SPDX-License-Identifier: Apache-2.0
//
// For tests of TLS: certificates made on the spot, and a server with blocking sockets that presents
// one of them and speaks HTTP/2 or HTTP/1.1 through our own codec, or whatever a test has it say.
#pragma once

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace perdure::net_test {

template <auto kFree>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using KeyHandle = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using CertificateHandle = std::unique_ptr<X509, Freed<X509_free>>;
using ContextHandle = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;

struct Certificate {
  KeyHandle key;
  CertificateHandle certificate;
};

// An authority of this test alone. While it lives, new networks trust it and nobody else
// (SSL_CERT_FILE).
class Authority {
 public:
  Authority();
  ~Authority();
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  // `names` as OpenSSL writes them: "DNS:localhost,IP:127.0.0.1".
  Certificate Issue(const std::string& names, bool expired = false) const;

 private:
  Certificate own_;
  std::string file_;
};

class TlsServer {
 public:
  struct Options {
    std::vector<std::string> protocols = {"h2", "http/1.1"};  // by preference; empty: no ALPN
    // What is done with a connection after its handshake; null: echo over HTTP.
    std::function<void(SSL*)> serve;
    bool wants_client_certificate = false;
  };

  TlsServer(Certificate certificate, Options options);
  ~TlsServer();
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  uint16_t port() const { return port_; }
  size_t connections();
  // Of the newest connection.
  std::string server_name();

 private:
  void Accept();
  void Serve(int fd);
  static int Choose(
      SSL* ssl,
      const unsigned char** out,
      unsigned char* out_size,
      const unsigned char* offer,
      unsigned int offer_size,
      void* self);

  const Certificate certificate_;
  const Options options_;
  ContextHandle context_;
  int listener_ = -1;
  uint16_t port_ = 0;

  std::mutex mutex_;  // protects what follows
  std::vector<int> open_;
  std::vector<std::thread> serving_;
  std::string server_name_;

  std::thread accepting_;
};

}  // namespace perdure::net_test
