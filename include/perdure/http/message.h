// SPDX-License-Identifier: Apache-2.0
//
// HTTP requests and responses as values, the same for HTTP/1.0, 1.1 and 2. Names of headers are
// lower-case. Knows nothing of connections.
#pragma once

#include "perdure/base/bytes.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace perdure {

struct HttpHeader {
  std::string name;  // lower-case
  std::string value;
  friend bool operator==(const HttpHeader&, const HttpHeader&) = default;
};

// In the order they came; repeated names stay repeated.
class HttpHeaders {
 public:
  HttpHeaders() = default;
  HttpHeaders(std::initializer_list<HttpHeader> items) : items_(items) {}

  void Add(std::string name, std::string value) {
    items_.push_back({std::move(name), std::move(value)});
  }
  // The first value of `name` (given in lower case).
  std::optional<std::string_view> Get(std::string_view name) const {
    for (const HttpHeader& header : items_) {
      if (header.name == name) {
        return std::string_view(header.value);
      }
    }
    return std::nullopt;
  }
  const std::vector<HttpHeader>& items() const { return items_; }
  std::vector<HttpHeader>& items() { return items_; }

 private:
  std::vector<HttpHeader> items_;
};

enum class HttpVersion : uint8_t { kHttp10, kHttp11, kHttp2 };

enum class BodyState : uint8_t {
  kComplete,
  kDeclaredTooLarge,  // content-length above the limit: the body was not read
  kStreamedTooLarge,  // grew above the limit while it was read; what was read is dropped
};

struct HttpRequest {
  std::string method;
  std::string target;  // path and query as sent ("/a/b?x=1")
  std::string authority;
  HttpVersion version = HttpVersion::kHttp11;
  HttpHeaders headers;  // without pseudo headers; `host` is kept for HTTP/1
  SharedBytes body;
  BodyState body_state = BodyState::kComplete;
};

// The codec adds content-length and date; a HEAD request gets no body.
struct HttpResponse {
  int status = 200;  // 100..999
  HttpHeaders headers;
  SharedBytes body;
};

}  // namespace perdure
