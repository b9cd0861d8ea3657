// SPDX-License-Identifier: Apache-2.0
//
// Reads the JSON of a registration. A body that fits no form of the request gets the one text the
// reference has for it. Headers that belong to the connection cannot be set by an operator: they
// would break the framing of every call to the deployment.
#include "admin/register_request.h"

#include "admin/responses.h"
#include "perdure/base/limits.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <exception>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace perdure::admin {
namespace {

using Json = nlohmann::json;

constexpr size_t kHeaderBytesMax =
    16 * limits::kKiB;  // all additional headers of a deployment together

char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string Lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) { return Lower(c); });
  return out;
}

// "application/json", also with parameters, and "application/*+json".
bool IsJsonContentType(std::string_view value) {
  std::string essence = Lower(value.substr(0, value.find(';')));
  while (!essence.empty() && essence.back() == ' ') {
    essence.pop_back();
  }
  constexpr std::string_view kPrefix = "application/";
  constexpr std::string_view kSuffix = "+json";
  if (essence.compare(0, kPrefix.size(), kPrefix) != 0) {
    return false;
  }
  const std::string_view subtype = std::string_view(essence).substr(kPrefix.size());
  return subtype == "json" || (subtype.size() > kSuffix.size() &&
                               subtype.substr(subtype.size() - kSuffix.size()) == kSuffix);
}

HttpResponse DoesNotFit() {
  return TextResponse(
      422,
      "Failed to deserialize the JSON body into the target type: data did not match any variant of "
      "untagged enum RegisterDeploymentRequest");
}

HttpResponse BadHeaders(const std::string& reason) {
  return ErrorResponse(400, "The request field 'additional_headers' is invalid. Reason: " + reason);
}

bool IsHeaderName(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= '0' && c <= '9') || (Lower(c) >= 'a' && Lower(c) <= 'z') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool IsHeaderValue(std::string_view value) {
  return std::all_of(value.begin(), value.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= 0x20 && byte != 0x7f) || c == '\t';
  });
}

bool BelongsToConnection(std::string_view name) {
  static constexpr std::string_view kNames[] = {
      "connection",
      "content-length",
      "expect",
      "host",
      "keep-alive",
      "proxy-connection",
      "te",
      "trailer",
      "transfer-encoding",
      "upgrade"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

// A field that is a map of strings, absent or, if that is allowed, null.
bool ReadStringMap(
    const Json& body, const char* name, bool nullable, std::map<std::string, std::string>* out) {
  const auto field = body.find(name);
  if (field == body.end() || (nullable && field->is_null())) {
    return true;
  }
  if (!field->is_object()) {
    return false;
  }
  for (auto it = field->begin(); it != field->end(); ++it) {
    if (!it->is_string()) {
      return false;
    }
    (*out)[it.key()] = it->get<std::string>();
  }
  return true;
}

bool ReadBool(const Json& body, const char* name, bool* out) {
  const auto field = body.find(name);
  if (field == body.end()) {
    return true;
  }
  if (!field->is_boolean()) {
    return false;
  }
  *out = field->get<bool>();
  return true;
}

std::optional<HttpResponse> ReadHeaders(const Json& body, HttpHeaders* out) {
  std::map<std::string, std::string> given;
  if (!ReadStringMap(body, "additional_headers", true, &given)) {
    return DoesNotFit();
  }
  size_t bytes = 0;
  for (const auto& header : given) {
    if (!IsHeaderName(header.first) || !IsHeaderValue(header.second)) {
      return DoesNotFit();
    }
    const std::string name = Lower(header.first);
    if (BelongsToConnection(name)) {
      return BadHeaders("the header '" + name + "' cannot be set");
    }
    bytes += name.size() + header.second.size();
    out->Add(name, header.second);
  }
  if (bytes > kHeaderBytesMax) {
    return BadHeaders("more than " + std::to_string(kHeaderBytesMax) + " bytes");
  }
  return std::nullopt;
}

std::optional<HttpResponse> CheckTransport(const HttpRequest& request) {
  const auto content_type = request.headers.Get("content-type");
  if (!content_type.has_value() || !IsJsonContentType(*content_type)) {
    return TextResponse(415, "Expected request with `Content-Type: application/json`");
  }
  if (request.body_state != BodyState::kComplete) {
    return TextResponse(413, "Failed to buffer the request body: length limit exceeded");
  }
  return std::nullopt;
}

// The parser's own words without its tag: "parse error at line 1, column 7: ...".
std::string ParseReason(const std::exception& error) {
  const std::string_view what = error.what();
  const size_t tag_end = what.find("] ");
  return std::string(tag_end == std::string_view::npos ? what : what.substr(tag_end + 2));
}

}  // namespace

std::variant<RegisterRequest, HttpResponse> ParseRegisterRequest(const HttpRequest& request) {
  if (auto refused = CheckTransport(request)) {
    return *std::move(refused);
  }
  Json body;
  try {
    body = Json::parse(request.body.view());
  } catch (const Json::exception& error) {
    return TextResponse(400, "Failed to parse the request body as JSON: " + ParseReason(error));
  }
  if (!body.is_object()) {
    return DoesNotFit();
  }
  const auto uri = body.find("uri");
  if (uri == body.end() && body.find("arn") != body.end() && body["arn"].is_string()) {
    return ErrorResponse(400, "AWS Lambda deployments are not supported by this server");
  }
  if (uri == body.end() || !uri->is_string()) {
    return DoesNotFit();
  }

  RegisterRequest out;
  out.discovery.uri = uri->get<std::string>();
  if (!ReadBool(body, "use_http_11", &out.discovery.use_http_11) ||
      !ReadBool(body, "breaking", &out.breaking) || !ReadBool(body, "dry_run", &out.dry_run) ||
      !ReadStringMap(body, "metadata", false, &out.discovery.metadata)) {
    return DoesNotFit();
  }
  const auto force = body.find("force");
  if (force != body.end() && !force->is_null()) {
    if (!force->is_boolean()) {
      return DoesNotFit();
    }
    out.force = force->get<bool>();
  }
  if (auto refused = ReadHeaders(body, &out.discovery.additional_headers)) {
    return *std::move(refused);
  }
  const auto auth = body.find("auth");
  if (auth != body.end() && !auth->is_null()) {
    return ErrorResponse(501, "the field 'auth' of a deployment is not supported yet");
  }
  return out;
}

}  // namespace perdure::admin
