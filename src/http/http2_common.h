// SPDX-License-Identifier: Apache-2.0
//
// What the two HTTP/2 sessions share: owners for nghttp2's handles and the conversion of fields.
// For http2_server.cc and http2_client.cc only; nobody else sees nghttp2.
#pragma once

#include "http/status_text.h"
#include "perdure/base/assert.h"
#include "perdure/http/message.h"

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace perdure::http2 {

struct Deleter {
  void operator()(nghttp2_session* p) const { nghttp2_session_del(p); }
  void operator()(nghttp2_session_callbacks* p) const { nghttp2_session_callbacks_del(p); }
  void operator()(nghttp2_option* p) const { nghttp2_option_del(p); }
};
using Session = std::unique_ptr<nghttp2_session, Deleter>;
using Callbacks = std::unique_ptr<nghttp2_session_callbacks, Deleter>;
using Options = std::unique_ptr<nghttp2_option, Deleter>;

inline Callbacks MakeCallbacks() {
  nghttp2_session_callbacks* raw = nullptr;
  PERDURE_ASSERT(nghttp2_session_callbacks_new(&raw) == 0);
  return Callbacks(raw);
}

inline Options MakeOptions() {
  nghttp2_option* raw = nullptr;
  PERDURE_ASSERT(nghttp2_option_new(&raw) == 0);
  Options options(raw);
  // Credit is returned by us, where the bytes find room.
  nghttp2_option_set_no_auto_window_update(raw, 1);
  // Closed streams would be kept for the priority tree, which nobody uses any more.
  nghttp2_option_set_no_closed_streams(raw, 1);
  return options;
}

// nghttp2 takes pointers to non-const bytes and does not write to them.
inline uint8_t* Bytes(std::string_view text) {
  return const_cast<uint8_t*>(reinterpret_cast<const uint8_t*>(text.data()));  // NOLINT
}

inline std::string_view View(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};  // NOLINT
}

inline nghttp2_nv Field(std::string_view name, std::string_view value) {
  return {Bytes(name), Bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

// Appends `headers` to `fields`, without those that the codec owns. Values with forbidden bytes are
// rewritten into `repaired`, which must live as long as `fields`.
inline void AppendFields(
    const HttpHeaders& headers,
    std::vector<nghttp2_nv>& fields,
    std::vector<std::unique_ptr<std::string>>& repaired) {
  for (const HttpHeader& header : headers.items()) {
    if (IsCodecField(header.name) || header.name == "host" || HasForbiddenByte(header.name)) {
      continue;
    }
    if (HasForbiddenByte(header.value)) [[unlikely]] {
      repaired.push_back(std::make_unique<std::string>(WithoutForbiddenBytes(header.value)));
      fields.push_back(Field(header.name, *repaired.back()));
    } else {
      fields.push_back(Field(header.name, header.value));
    }
  }
}

// The size of a field as HTTP/2 counts it against a limit (RFC 9113 10.5.1).
inline size_t FieldSize(std::string_view name, std::string_view value) {
  return name.size() + value.size() + 32;
}

}  // namespace perdure::http2
