// SPDX-License-Identifier: Apache-2.0
//
// Tables of HTTP: reason phrases, fields kept by the codec, and the date format. No protocol logic.
#include "http/status_text.h"

#include <algorithm>
#include <array>
#include <ctime>

namespace perdure {
namespace {

struct Phrase {
  int status;
  std::string_view text;
};

constexpr std::array<Phrase, 54> kPhrases = {{
    {100, "Continue"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Payload Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {418, "I'm a teapot"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Entity"},
    {423, "Locked"},
    {424, "Failed Dependency"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {506, "Variant Also Negotiates"},
    {507, "Insufficient Storage"},
    {508, "Loop Detected"},
    {511, "Network Authentication Required"},
}};

// Names that a handler may not set: hop-by-hop (RFC 9110 7.6.1), framing, and the date.
constexpr std::array<std::string_view, 8> kCodecFields = {
    "connection",
    "content-length",
    "date",
    "keep-alive",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade"};

constexpr std::string_view kForbidden("\r\n\0", 3);

}  // namespace

std::string_view ReasonPhrase(int status) {
  const auto* const found = std::lower_bound(
      kPhrases.begin(), kPhrases.end(), status, [](const Phrase& phrase, int wanted) {
        return phrase.status < wanted;
      });
  return found != kPhrases.end() && found->status == status ? found->text : "<none>";
}

bool StatusForbidsBody(int status) {
  return status < 200 || status == 204 || status == 304;
}

bool IsCodecField(std::string_view name) {
  return std::find(kCodecFields.begin(), kCodecFields.end(), name) != kCodecFields.end();
}

bool HasForbiddenByte(std::string_view value) {
  return value.find_first_of(kForbidden) != std::string_view::npos;
}

std::string WithoutForbiddenBytes(std::string_view value) {
  std::string out(value);
  for (char& c : out) {
    if (kForbidden.find(c) != std::string_view::npos) {
      c = ' ';
    }
  }
  return out;
}

std::string LowerCase(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') {
      c = static_cast<char>(c - 'A' + 'a');
    }
  }
  return out;
}

std::string_view DateText::Now() {
  const TimeMs second = clock_.WallMs() / 1000;
  if (second != second_ || text_.empty()) {
    second_ = second;
    const std::time_t time = static_cast<std::time_t>(second);
    std::tm parts{};
    gmtime_r(&time, &parts);
    std::array<char, 64> buffer{};
    // The process runs in the "C" locale, so the names are English as RFC 9110 5.6.7 wants.
    const size_t size =
        std::strftime(buffer.data(), buffer.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    text_.assign(buffer.data(), size);
  }
  return text_;
}

}  // namespace perdure
