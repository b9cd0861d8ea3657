// SPDX-License-Identifier: Apache-2.0
//
// See request_path.h. Accepts origin form ("/a?b") and absolute form ("http://host/a?b"). Refuses
// nothing by itself: it says only whether the path can be routed at all.
#include "ingress/request_path.h"

#include "base/percent.h"
#include "ingress/text.h"

#include <algorithm>

namespace perdure::ingress {
namespace {

// The path, query and fragment of an absolute target; an origin-form target is left alone.
std::string_view WithoutOrigin(std::string_view target) {
  if (target.empty() || target.front() == '/') {
    return target;
  }
  const size_t scheme = target.find("://");
  if (scheme == std::string_view::npos) {
    return target;
  }
  const size_t path = target.find('/', scheme + 3);
  return path == std::string_view::npos ? "/" : target.substr(path);
}

// "//a/b//" -> "/a/b"; slashes in the middle stay, an empty object key is legal.
std::string_view Trim(std::string_view path) {
  const size_t first = path.find_first_not_of('/');
  if (first == std::string_view::npos) {
    return path.substr(0, 1);
  }
  const size_t last = path.find_last_not_of('/');
  return path.substr(first - 1, last - first + 2);
}

}  // namespace

RequestPath ParseTarget(std::string_view target) {
  RequestPath out;
  std::string_view rest = WithoutOrigin(target);
  rest = rest.substr(0, rest.find('#'));
  const size_t question = rest.find('?');
  if (question != std::string_view::npos) {
    out.query = rest.substr(question + 1);
    rest = rest.substr(0, question);
  }
  out.path = rest;
  // What the handler is told about the path must be text.
  if (rest.empty() || rest.front() != '/' || FindInvalidUtf8(target).has_value()) {
    return out;
  }
  out.path = Trim(rest);
  const auto slashes = static_cast<size_t>(std::count(out.path.begin(), out.path.end(), '/'));
  if (slashes < RequestPath::kSegmentsMin || slashes > RequestPath::kSegmentsMax) {
    return out;
  }
  std::string_view left = out.path.substr(1);
  for (;;) {
    const size_t slash = left.find('/');
    out.items[out.count++] = left.substr(0, slash);
    if (slash == std::string_view::npos) {
      break;
    }
    left.remove_prefix(slash + 1);
  }
  out.acceptable = true;
  return out;
}

std::string RequestPath::PathAndQuery() const {
  std::string out(path);
  if (query.has_value()) {
    out += '?';
    out += *query;
  }
  return out;
}

std::optional<std::string> RequestPath::QueryParameter(std::string_view name) const {
  std::string_view left = query.value_or(std::string_view());
  while (!left.empty()) {
    const size_t end = left.find('&');
    const std::string_view pair = left.substr(0, end);
    left = end == std::string_view::npos ? std::string_view() : left.substr(end + 1);
    const size_t equals = pair.find('=');
    if (EqualsIgnoreCase(PercentDecode(pair.substr(0, equals), true), name)) {
      return equals == std::string_view::npos ? std::string()
                                              : PercentDecode(pair.substr(equals + 1), true);
    }
  }
  return std::nullopt;
}

}  // namespace perdure::ingress
