// SPDX-License-Identifier: Apache-2.0
//
// One HTTP/1 message at a time, as calls on a sink. Hides the parser library from the codecs: its
// headers are slow to compile and stay in http1_parser.cc. Decides nothing about answers.
#pragma once

#include "perdure/base/bytes.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace perdure {

struct Http1Head {
  std::optional<uint64_t> content_length;
  bool chunked = false;
  bool keep_alive = false;
};

class Http1ParserSink {
 public:
  virtual ~Http1ParserSink() = default;
  virtual void OnRequestLine(std::string_view method, std::string_view target, bool is_http10) = 0;
  virtual void OnStatusLine(int status) = 0;
  virtual void OnField(std::string_view name, std::string_view value) = 0;
  // All fields have come. False stops the parser: its message will not be read further.
  virtual bool OnHead(const Http1Head& head) = 0;
  virtual bool OnBody(BytesView bytes) = 0;  // the same
};

enum class Http1Progress : uint8_t {
  kNeedMore,
  kDone,
  kStopped,       // by the sink
  kHeadTooLarge,  // bytes or number of lines
  kMalformed,
};

class Http1Parser {
 public:
  enum class Kind : uint8_t { kRequest, kResponse };

  struct Step {
    size_t consumed = 0;
    Http1Progress progress = Http1Progress::kNeedMore;
  };

  Http1Parser(Kind kind, Http1ParserSink& sink);
  ~Http1Parser();
  Http1Parser(const Http1Parser&) = delete;
  Http1Parser& operator=(const Http1Parser&) = delete;

  // Parses as much as it can. Bytes not consumed must be given again, with more behind them.
  Step Feed(BytesView bytes);
  // The input ended: true if that completes the message (a body without length).
  bool FeedEnd();
  // Ready for the next message. `skip_body`: the answer to HEAD has no body whatever its fields
  // say.
  void Restart(bool skip_body = false);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace perdure
