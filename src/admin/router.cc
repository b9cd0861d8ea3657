// SPDX-License-Identifier: Apache-2.0
//
// The route table and its matcher. A request costs a walk over the table: operators are few. Parts
// of a pattern in braces match one non-empty segment, a final "*" matches anything.
#include "admin/router.h"

#include "admin/text.h"
#include "base/percent.h"
#include "base/utf8.h"

#include <utility>

namespace perdure::admin {
namespace {

struct Row {
  std::string_view method;
  std::string_view pattern;
  Endpoint endpoint = Endpoint::kNotBuilt;
};

constexpr Row kRows[] = {
    {"GET", "/health", Endpoint::kHealth},
    {"GET", "/version", Endpoint::kVersion},
    {"GET", "/cluster-health", Endpoint::kClusterHealth},
    {"GET", "/openapi"},
    {"GET", "/"},
    {"GET", "/ui"},
    {"GET", "/ui/*"},
    {"GET", "/deployments", Endpoint::kListDeployments},
    {"POST", "/deployments", Endpoint::kRegisterDeployment},
    {"GET", "/deployments/{deployment}", Endpoint::kGetDeployment},
    {"PATCH", "/deployments/{deployment}"},
    {"PUT", "/deployments/{deployment}", Endpoint::kPutDeployment},
    {"DELETE", "/deployments/{deployment}"},
    {"GET", "/services", Endpoint::kListServices},
    {"GET", "/services/{service}", Endpoint::kGetService},
    {"PATCH", "/services/{service}"},
    {"GET", "/services/{service}/openapi"},
    {"POST", "/services/{service}/state"},
    {"GET", "/services/{service}/handlers", Endpoint::kListHandlers},
    {"GET", "/services/{service}/handlers/{handler}", Endpoint::kGetHandler},
    {"GET", "/invocations", Endpoint::kListInvocations},
    {"GET", "/invocations/{invocation_id}", Endpoint::kGetInvocation},
    {"DELETE", "/invocations/{invocation_id}"},
    {"PATCH", "/invocations/{invocation_id}/cancel", Endpoint::kCancelInvocation},
    {"PATCH", "/invocations/{invocation_id}/kill", Endpoint::kKillInvocation},
    {"PATCH", "/invocations/{invocation_id}/pause", Endpoint::kPauseInvocation},
    {"PATCH", "/invocations/{invocation_id}/resume", Endpoint::kResumeInvocation},
    {"PATCH", "/invocations/{invocation_id}/restart-as-new", Endpoint::kRestartInvocation},
    {"PATCH", "/invocations/{invocation_id}/purge", Endpoint::kPurgeInvocation},
    {"PATCH", "/invocations/{invocation_id}/purge-journal", Endpoint::kPurgeJournal},
    {"POST", "/internal/invocations_batch_operations/cancel"},
    {"POST", "/internal/invocations_batch_operations/kill"},
    {"POST", "/internal/invocations_batch_operations/pause"},
    {"POST", "/internal/invocations_batch_operations/resume"},
    {"POST", "/internal/invocations_batch_operations/restart-as-new"},
    {"POST", "/internal/invocations_batch_operations/purge"},
    {"POST", "/internal/invocations_batch_operations/purge-journal"},
    {"POST", "/internal/services/{service}/serdes/*"},
    {"GET", "/subscriptions"},
    {"POST", "/subscriptions"},
    {"GET", "/subscriptions/{subscription}"},
    {"DELETE", "/subscriptions/{subscription}"},
    {"GET", "/kafka-clusters"},
    {"POST", "/kafka-clusters"},
    {"GET", "/kafka-clusters/{cluster}"},
    {"PATCH", "/kafka-clusters/{cluster}"},
    {"DELETE", "/kafka-clusters/{cluster}"},
    {"PUT", "/limits/rules"},
    {"POST", "/limits/rules/bulk-delete"},
    {"POST", "/vqueues/{vqueue}/pause"},
    {"POST", "/vqueues/{vqueue}/resume"},
    {"POST", "/query"},
};

// Takes the first segment off "/a/b": returns "a", leaves "/b".
std::string_view TakeSegment(std::string_view* path) {
  const std::string_view rest = path->substr(1);
  const std::string_view segment = rest.substr(0, rest.find('/'));
  path->remove_prefix(1 + segment.size());
  return segment;
}

// Whether `path` has the form of `pattern`; `params` gets name and raw value of each part in
// braces.
using RawParams = std::vector<std::pair<std::string_view, std::string_view>>;
bool Matches(std::string_view pattern, std::string_view path, RawParams* params) {
  params->clear();
  while (!pattern.empty() && !path.empty()) {
    if (pattern == "/*") {
      return true;
    }
    const std::string_view expected = TakeSegment(&pattern);
    const std::string_view actual = TakeSegment(&path);
    if (!expected.empty() && expected.front() == '{') {
      if (actual.empty()) {
        return false;
      }
      params->push_back({expected.substr(1, expected.size() - 2), actual});
    } else if (expected != actual) {
      return false;
    }
  }
  return pattern.empty() && path.empty();
}

RouteResult MakeMatch(const Row& row, const RawParams& raw) {
  RouteMatch match{row.endpoint, std::string(row.pattern), {}};
  for (const auto& param : raw) {
    match.params.push_back(PercentDecode(param.second));
    if (!IsUtf8(match.params.back())) {
      return BadParameter{std::string(param.first)};
    }
  }
  return match;
}

}  // namespace

RouteResult FindRoute(std::string_view method, std::string_view path) {
  if (path.empty() || path.front() != '/') {
    return NoRoute{};
  }
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  std::string allow;
  RawParams params;
  for (const Row& row : kRows) {
    if (!Matches(row.pattern, path, &params)) {
      continue;
    }
    if (row.method == wanted) {
      return MakeMatch(row, params);
    }
    allow += allow.empty() ? "" : ",";
    allow += row.method == "GET" ? "GET,HEAD" : row.method;
  }
  if (allow.empty()) {
    return NoRoute{};
  }
  return WrongMethod{std::move(allow)};
}

VersionedPath SplitVersion(std::string_view path) {
  if (path.size() < 3 || path[0] != '/' || path[1] != 'v' || path[2] < '1' || path[2] > '9') {
    return {0, path};
  }
  if (path.size() > 3 && path[3] != '/') {
    return {0, path};
  }
  const std::string_view rest = path.substr(3);
  return {path[2] - '0', rest.empty() ? std::string_view("/") : rest};
}

}  // namespace perdure::admin
