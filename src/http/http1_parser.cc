// SPDX-License-Identifier: Apache-2.0
//
// The only file that sees Beast. Its parser is used without I/O, and the few bodies it needs are
// compiled here: Beast's own "src.hpp" would drag in websockets, compression and with them Asio.
#include "http/http1_parser.h"

#include "perdure/base/assert.h"
#include "perdure/base/limits.h"

#include <boost/beast/core/impl/error.ipp>
#include <boost/beast/core/impl/string.ipp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/detail/basic_parser.ipp>
#include <boost/beast/http/detail/rfc7230.ipp>
#include <boost/beast/http/impl/basic_parser.ipp>
#include <boost/beast/http/impl/error.ipp>
#include <boost/beast/http/impl/field.ipp>
#include <boost/beast/http/impl/rfc7230.ipp>
#include <boost/beast/http/impl/verb.ipp>

namespace perdure {
namespace {

namespace beast = boost::beast;
namespace bhttp = boost::beast::http;

std::string_view View(beast::string_view text) {
  return {text.data(), text.size()};
}

template <bool kIsRequest>
class BeastParser final : public bhttp::basic_parser<kIsRequest> {
 public:
  explicit BeastParser(Http1ParserSink& sink) : sink_(sink) {
    this->eager(true);
    this->header_limit(static_cast<std::uint32_t>(limits::kHttpHeadMax));
    this->body_limit(boost::none);  // the codec knows what to answer
  }

  bool stopped() const { return stopped_; }
  bool too_many_fields() const { return too_many_fields_; }

 private:
  using Error = beast::error_code;

  void Stop(Error& ec) {
    stopped_ = true;
    ec = bhttp::error::end_of_stream;
  }

  void on_request_impl(
      bhttp::verb,
      beast::string_view method,
      beast::string_view target,
      int version,
      Error&) override {
    sink_.OnRequestLine(View(method), View(target), version == 10);
  }

  void on_response_impl(int code, beast::string_view, int, Error&) override {
    sink_.OnStatusLine(code);
  }

  void on_field_impl(
      bhttp::field, beast::string_view name, beast::string_view value, Error& ec) override {
    // A trailer's fields are checked by the parser and dropped: nobody here asked for any.
    if (head_done_) {
      return;
    }
    if (++fields_ > limits::kHttpHeadersMax) {
      too_many_fields_ = true;
      ec = bhttp::error::header_limit;
      return;
    }
    sink_.OnField(View(name), View(value));
  }

  void on_header_impl(Error& ec) override {
    head_done_ = true;
    Http1Head head;
    head.chunked = this->chunked();
    if (!head.chunked) {
      const boost::optional<std::uint64_t> length = this->content_length();
      if (length) {
        head.content_length = *length;
      }
    }
    head.keep_alive = this->keep_alive();
    if (!sink_.OnHead(head)) {
      Stop(ec);
    }
  }

  void on_body_init_impl(const boost::optional<std::uint64_t>&, Error&) override {}

  std::size_t on_body_impl(beast::string_view body, Error& ec) override {
    if (!sink_.OnBody(View(body))) {
      Stop(ec);
    }
    return body.size();
  }

  void on_chunk_header_impl(std::uint64_t, beast::string_view, Error&) override {}

  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view body, Error& ec) override {
    if (!sink_.OnBody(View(body))) {
      Stop(ec);
    }
    return body.size();
  }

  void on_finish_impl(Error&) override {}

  Http1ParserSink& sink_;
  size_t fields_ = 0;
  bool head_done_ = false;
  bool stopped_ = false;
  bool too_many_fields_ = false;
};

template <bool kIsRequest>
Http1Parser::Step Step(BeastParser<kIsRequest>& parser, BytesView bytes) {
  Http1Parser::Step step;
  if (bytes.empty()) {
    return step;
  }
  beast::error_code ec;
  step.consumed = parser.put(boost::asio::const_buffer(bytes.data(), bytes.size()), ec);
  if (parser.stopped()) {
    step.progress = Http1Progress::kStopped;
  } else if (ec == bhttp::error::header_limit || parser.too_many_fields()) {
    step.progress = Http1Progress::kHeadTooLarge;
  } else if (ec && ec != bhttp::error::need_more) {
    step.progress = Http1Progress::kMalformed;
  } else if (parser.is_done()) {
    step.progress = Http1Progress::kDone;
  }
  return step;
}

template <bool kIsRequest>
bool End(BeastParser<kIsRequest>& parser) {
  if (!parser.got_some()) {
    return false;
  }
  beast::error_code ec;
  parser.put_eof(ec);
  return !ec;
}

}  // namespace

struct Http1Parser::Impl {
  Impl(Kind k, Http1ParserSink& s) : kind(k), sink(s) {}

  Kind kind;
  Http1ParserSink& sink;
  std::optional<BeastParser<true>> request;
  std::optional<BeastParser<false>> response;
};

Http1Parser::Http1Parser(Kind kind, Http1ParserSink& sink)
    : impl_(std::make_unique<Impl>(kind, sink)) {
  Restart();
}

Http1Parser::~Http1Parser() = default;

void Http1Parser::Restart(bool skip_body) {
  if (impl_->kind == Kind::kRequest) {
    PERDURE_ASSERT(!skip_body);
    impl_->request.emplace(impl_->sink);
  } else {
    impl_->response.emplace(impl_->sink);
    impl_->response->skip(skip_body);
  }
}

Http1Parser::Step Http1Parser::Feed(BytesView bytes) {
  return impl_->kind == Kind::kRequest ? perdure::Step(*impl_->request, bytes)
                                       : perdure::Step(*impl_->response, bytes);
}

bool Http1Parser::FeedEnd() {
  return impl_->kind == Kind::kRequest ? End(*impl_->request) : End(*impl_->response);
}

}  // namespace perdure
