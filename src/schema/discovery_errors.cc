// SPDX-License-Identifier: Apache-2.0
//
// Words for what went wrong while asking an endpoint. Decides nothing.
#include "schema/discovery_errors.h"

#include "perdure/protocol/message_type.h"

namespace perdure {
namespace {

// Of a foreign body and of headers, in a message: enough to see who answered.
constexpr size_t kShownBytesMax = 4096;

DiscoveryError Doubled(std::string_view code, std::string_view message) {
  const std::string prefix = "[" + std::string(code) + "] ";
  return DiscoveryError{500, std::string(code), prefix + prefix + std::string(message)};
}

std::string Calling(std::string_view uri) {
  return "error when calling '" + std::string(uri) + "': ";
}

std::string StatusText(int status) {
  struct Phrase {
    int status;
    std::string_view text;
  };
  static constexpr Phrase kPhrases[] = {
      {204, "No Content"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {307, "Temporary Redirect"},
      {308, "Permanent Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {405, "Method Not Allowed"},
      {408, "Request Timeout"},
      {415, "Unsupported Media Type"},
      {429, "Too Many Requests"},
      {500, "Internal Server Error"},
      {502, "Bad Gateway"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"}};
  for (const Phrase& phrase : kPhrases) {
    if (phrase.status == status) {
      return std::to_string(status) + " " + std::string(phrase.text);
    }
  }
  return std::to_string(status);
}

std::string HeadersText(const HttpHeaders& headers) {
  std::string out = "{";
  for (const HttpHeader& header : headers.items()) {
    out += out.size() == 1 ? "\"" : ", \"";
    out += header.name + "\": \"" + header.value + "\"";
    if (out.size() > kShownBytesMax) {
      out += ", ...";
      break;
    }
  }
  return out + "}";
}

}  // namespace

DiscoveryError BadUri(std::string_view reason) {
  return DiscoveryError{
      400, "", "The request field 'uri' is invalid. Reason: " + std::string(reason)};
}

DiscoveryError CallFailed(
    std::string_view uri, bool http11, HttpFailure failure, std::string_view message) {
  const std::string reason = "\nReason: " + std::string(message);
  switch (failure) {
    case HttpFailure::kNotHttp2:
      return Doubled(
          "META0014",
          Calling(uri) +
              "server possibly supports only HTTP1.1, consider discovery with --use-http1.1.");
    case HttpFailure::kProtocol:
      if (http11) {
        return Doubled(
            "META0003",
            Calling(uri) +
                "server possibly supports only HTTP/2, consider discovering without "
                "--use-http1.1." +
                reason);
      }
      break;
    case HttpFailure::kConnect:
      return Doubled("META0003", Calling(uri) + "unable to reach the remote endpoint." + reason);
    case HttpFailure::kStreamReset:
    case HttpFailure::kRefused:
    case HttpFailure::kConnectionLost:
      break;
  }
  return Doubled("META0003", Calling(uri) + std::string(message));
}

DiscoveryError BadStatus(int status, const HttpHeaders& headers, std::string_view body) {
  const std::string advice =
      status == 404 ? " Make sure the provided URI has the correct path where the Restate SDK "
                      "endpoint is mounted."
                    : "";
  const std::string shown = status == 404 ? std::to_string(status) : StatusText(status);
  return Doubled(
      "META0003",
      "got status code '" + shown + "'." + advice + " Response headers: " + HeadersText(headers) +
          ". Body: " + std::string(body.substr(0, kShownBytesMax)));
}

DiscoveryError BadManifest(const ManifestError& error) {
  if (error.code.empty()) {
    return DiscoveryError{error.status, "", error.message};
  }
  DiscoveryError out = Doubled(error.code, error.message);
  out.status = error.status;
  if (!error.from_discovery) {
    out.message = "[" + std::string(error.code) + "] " + error.message;
  }
  return out;
}

DiscoveryError BodyTooLarge(size_t limit) {
  return Doubled(
      "META0013",
      "received a bad response from the SDK: the discovery response is larger than " +
          std::to_string(limit) + " bytes");
}

DiscoveryError TimedOut(std::string_view uri, DurationMs after) {
  return Doubled(
      "META0003",
      Calling(uri) + "no complete answer within " + std::to_string(after / 1000) + " seconds");
}

}  // namespace perdure
