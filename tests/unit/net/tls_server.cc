// SPDX-License-Identifier: Apache-2.0
//
// See tls_server.h. Failures of OpenSSL here are failures of the test.
#include "tests/unit/net/tls_server.h"

#include "perdure/http/server_codec.h"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <utility>

namespace perdure::net_test {
namespace {

constexpr int kDay = 24 * 60 * 60;

void AddExtension(X509* certificate, int kind, const std::string& value) {
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str());
  ASSERT_NE(extension, nullptr) << value;
  EXPECT_EQ(X509_add_ext(certificate, extension, -1), 1);
  X509_EXTENSION_free(extension);
}

// Signed by `issuer`, or by itself.
Certificate Make(const std::string& name, const Certificate* issuer, bool expired) {
  Certificate out;
  out.key.reset(EVP_EC_gen("P-256"));
  out.certificate.reset(X509_new());
  X509* const certificate = out.certificate.get();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), issuer == nullptr ? 1 : 2);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -2L * kDay);
  X509_gmtime_adj(X509_getm_notAfter(certificate), expired ? -1L * kDay : 1L * kDay);
  X509_set_pubkey(certificate, out.key.get());
  X509_NAME_add_entry_by_txt(
      X509_get_subject_name(certificate),
      "CN",
      MBSTRING_ASC,
      reinterpret_cast<const unsigned char*>(name.c_str()),
      -1,
      -1,
      0);
  const Certificate& signer = issuer == nullptr ? out : *issuer;
  X509_set_issuer_name(certificate, X509_get_subject_name(signer.certificate.get()));
  if (issuer == nullptr) {
    AddExtension(certificate, NID_basic_constraints, "critical,CA:TRUE");
  } else {
    AddExtension(certificate, NID_subject_alt_name, name);
  }
  EXPECT_GT(X509_sign(certificate, signer.key.get(), EVP_sha256()), 0);
  return out;
}

// Echoes requests until the peer closes.
class EchoConnection final : private ServerCodecEvents {
 public:
  explicit EchoConnection(SSL* ssl)
      : ssl_(ssl), codec_(MakeServerCodec({.body_size_max = 64 << 20}, *this)) {}

  void Run() {
    std::string buffer(64 * 1024, '\0');
    for (;;) {
      std::string out;
      do {
        out.clear();
        codec_->Produce(out, 64 * 1024);
        if (!out.empty() && SSL_write(ssl_, out.data(), static_cast<int>(out.size())) <= 0) {
          return;
        }
      } while (!out.empty());
      const int size = SSL_read(ssl_, buffer.data(), static_cast<int>(buffer.size()));
      if (size <= 0 || codec_->wants_close()) {
        return;
      }
      codec_->Feed(BytesView(buffer).substr(0, static_cast<size_t>(size)));
    }
  }

 private:
  void OnRequest(ServerStreamId stream, HttpRequest request) override {
    HttpResponse response;
    response.status = 200;
    response.body = SharedBytes(
        request.method + " " + request.authority + request.target + " " +
        std::string(request.body.view()));
    codec_->Respond(stream, std::move(response));
  }
  void OnStreamClosed(ServerStreamId) override {}

  SSL* ssl_;
  std::unique_ptr<ServerCodec> codec_;
};

}  // namespace

Authority::Authority() : own_(Make("an authority", nullptr, false)) {
  std::string name = (std::filesystem::temp_directory_path() / "perdure-ca-XXXXXX").string();
  const int fd = ::mkstemp(name.data());
  FILE* const file = ::fdopen(fd, "w");
  EXPECT_EQ(PEM_write_X509(file, own_.certificate.get()), 1);
  std::fclose(file);
  file_ = name;
  // NOLINTBEGIN(concurrency-mt-unsafe): a test makes its authority before its threads, and ends it
  // behind them.
  ::setenv("SSL_CERT_FILE", file_.c_str(), 1);
  ::setenv("SSL_CERT_DIR", "/nonexistent", 1);
}

Authority::~Authority() {
  ::unsetenv("SSL_CERT_FILE");
  ::unsetenv("SSL_CERT_DIR");
  // NOLINTEND(concurrency-mt-unsafe)
  std::filesystem::remove(file_);
}

Certificate Authority::Issue(const std::string& names, bool expired) const {
  return Make(names, &own_, expired);
}

TlsServer::TlsServer(Certificate certificate, Options options)
    : certificate_(std::move(certificate)),
      options_(std::move(options)),
      context_(SSL_CTX_new(TLS_server_method())) {
  EXPECT_EQ(SSL_CTX_use_certificate(context_.get(), certificate_.certificate.get()), 1);
  EXPECT_EQ(SSL_CTX_use_PrivateKey(context_.get(), certificate_.key.get()), 1);
  if (!options_.protocols.empty()) {
    SSL_CTX_set_alpn_select_cb(context_.get(), &TlsServer::Choose, this);
  }
  if (options_.wants_client_certificate) {
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::listen(listener_, 16), 0);
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  accepting_ = std::thread([this] { Accept(); });
}

TlsServer::~TlsServer() {
  ::shutdown(listener_, SHUT_RDWR);
  accepting_.join();
  ::close(listener_);
  for (const int fd : open_) {
    ::shutdown(fd, SHUT_RDWR);
  }
  for (std::thread& thread : serving_) {
    thread.join();
  }
  for (const int fd : open_) {
    ::close(fd);
  }
}

size_t TlsServer::connections() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return open_.size();
}

std::string TlsServer::server_name() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return server_name_;
}

void TlsServer::Accept() {
  for (;;) {
    const int fd = ::accept(listener_, nullptr, nullptr);
    if (fd < 0) {
      return;
    }
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    const std::lock_guard<std::mutex> lock(mutex_);
    open_.push_back(fd);
    serving_.emplace_back([this, fd] { Serve(fd); });
  }
}

void TlsServer::Serve(int fd) {
  sigset_t pipe;  // OpenSSL writes to the socket with write(): a peer that left must not end us
  ::sigemptyset(&pipe);
  ::sigaddset(&pipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  SSL* const ssl = SSL_new(context_.get());
  SSL_set_fd(ssl, fd);
  if (SSL_accept(ssl) == 1) {
    if (const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)) {
      const std::lock_guard<std::mutex> lock(mutex_);
      server_name_ = name;
    }
    if (options_.serve) {
      options_.serve(ssl);
    } else {
      EchoConnection(ssl).Run();
    }
  }
  SSL_free(ssl);
  ::shutdown(fd, SHUT_RDWR);
}

int TlsServer::Choose(
    SSL*,
    const unsigned char** out,
    unsigned char* out_size,
    const unsigned char* offer,
    unsigned int offer_size,
    void* self) {
  const std::string_view offered(reinterpret_cast<const char*>(offer), offer_size);
  for (const std::string& mine : static_cast<TlsServer*>(self)->options_.protocols) {
    const size_t at = offered.find(static_cast<char>(mine.size()) + mine);
    if (at != std::string_view::npos) {
      *out = offer + at + 1;
      *out_size = static_cast<unsigned char>(mine.size());
      return SSL_TLSEXT_ERR_OK;
    }
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace perdure::net_test
