// SPDX-License-Identifier: Apache-2.0
//
// Splits and checks deployment URIs by hand: the accepted subset is small, and every part of it
// ends up in a request line or in a name lookup. Does not resolve names.
#include "schema/deployment_uri.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace perdure {
namespace {

constexpr size_t kUriBytesMax = 4096;
constexpr uint16_t kHttpPort = 80;
constexpr uint16_t kHttpsPort = 443;

bool IsAlpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') {
      c = static_cast<char>(c - 'A' + 'a');
    }
  }
  return out;
}

// Visible ASCII without the characters that RFC 3986 excludes everywhere.
bool IsUriText(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c < '\x7f' &&
           std::string_view("\"<>\\^`{|}").find(c) == std::string_view::npos;
  });
}

bool IsScheme(std::string_view text) {
  return !text.empty() && IsAlpha(text.front()) &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return IsAlpha(c) || IsDigit(c) || c == '+' || c == '-' || c == '.';
         });
}

bool IsIpv6Text(std::string_view text) {
  return text.find(':') != std::string_view::npos &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' ||
                  c == '.';
         });
}

bool IsHostName(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return IsAlpha(c) || IsDigit(c) || c == '-' || c == '.' || c == '_' || c == '~';
  });
}

std::optional<uint16_t> ParsePort(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) {
    return std::nullopt;
  }
  return port;
}

Error NotAbsolute(std::string_view uri) {
  return InvalidArgument(
      "The provided uri " + std::string(uri) + " is not absolute, only absolute URIs can be used.");
}

struct HostPort {
  std::string host;
  uint16_t port = 0;
};

Result<HostPort> ParseAuthority(std::string_view authority, uint16_t usual_port) {
  if (authority.find('@') != std::string_view::npos) {
    return InvalidArgument("credentials in the uri are not supported, use additional_headers");
  }
  HostPort out;
  out.port = usual_port;
  std::string_view port;
  if (authority.front() == '[') {
    const size_t close = authority.find(']');
    if (close == std::string_view::npos || !IsIpv6Text(authority.substr(1, close - 1))) {
      return InvalidArgument("invalid host in '" + std::string(authority) + "'");
    }
    out.host = Lower(authority.substr(1, close - 1));
    port = authority.substr(close + 1);
  } else {
    const size_t colon = std::min(authority.find(':'), authority.size());
    if (!IsHostName(authority.substr(0, colon))) {
      return InvalidArgument("invalid host in '" + std::string(authority) + "'");
    }
    out.host = Lower(authority.substr(0, colon));
    port = authority.substr(colon);
  }
  if (port.empty()) {
    return out;
  }
  const std::optional<uint16_t> number =
      port.front() == ':' ? ParsePort(port.substr(1)) : std::nullopt;
  if (!number.has_value()) {
    return InvalidArgument("invalid port in '" + std::string(authority) + "'");
  }
  out.port = *number;
  return out;
}

}  // namespace

Result<DeploymentAddress> ParseDeploymentUri(std::string_view text, bool use_http_11) {
  if (text.size() > kUriBytesMax) {
    return InvalidArgument("the uri is longer than " + std::to_string(kUriBytesMax) + " bytes");
  }
  if (!IsUriText(text)) {
    return InvalidArgument("the uri contains a character that must be percent-encoded");
  }
  const std::string_view uri = text.substr(0, text.find('#'));
  const size_t scheme_end = uri.find("://");
  if (scheme_end == std::string_view::npos || !IsScheme(uri.substr(0, scheme_end))) {
    return NotAbsolute(text);
  }
  const std::string scheme = Lower(uri.substr(0, scheme_end));
  const std::string_view rest = uri.substr(scheme_end + 3);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
  if (authority.empty()) {
    return NotAbsolute(text);
  }
  const bool tls = scheme == "https";
  if (!tls && scheme != "http") {
    return InvalidArgument("the scheme '" + scheme + "' is not supported, use http or https");
  }
  Result<HostPort> host_port = ParseAuthority(authority, tls ? kHttpsPort : kHttpPort);
  if (!host_port.ok()) {
    return host_port.error();
  }

  const std::string_view target = rest.substr(authority.size());
  const size_t query_start = std::min(target.find('?'), target.size());
  std::string_view path = target.substr(0, query_start);
  DeploymentAddress out;
  out.query = target.substr(query_start);
  out.uri = scheme + "://" + std::string(authority) + (path.empty() ? "/" : std::string(path)) +
            out.query;
  while (!path.empty() && path.back() == '/') {
    path.remove_suffix(1);
  }
  out.path_prefix = path;
  out.endpoint.tls = tls;
  out.endpoint.host = std::move(host_port->host);
  out.endpoint.port = host_port->port;
  out.endpoint.http11 = use_http_11;
  return out;
}

}  // namespace perdure
