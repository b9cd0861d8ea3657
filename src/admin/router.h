// SPDX-License-Identifier: Apache-2.0
//
// Which route a request means (admin API 1, 4): one table, mounted without prefix and under /v2,
// /v3 and /v4. Routes that exist in the API but are not built yet are in the table too, so that
// their answer differs from that of an unknown path. Looks at method and path only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace perdure::admin {

enum class Endpoint : uint8_t {
  kHealth,
  kVersion,
  kClusterHealth,
  kListDeployments,
  kRegisterDeployment,
  kGetDeployment,
  kPutDeployment,
  kListServices,
  kGetService,
  kListHandlers,
  kGetHandler,
  kListInvocations,
  kGetInvocation,
  kCancelInvocation,
  kKillInvocation,
  kResumeInvocation,
  kRestartInvocation,
  kPauseInvocation,
  kPurgeInvocation,
  kPurgeJournal,
  kNotBuilt,
};

struct RouteMatch {
  Endpoint endpoint = Endpoint::kNotBuilt;
  std::string route;                // "/deployments/{deployment}"
  std::vector<std::string> params;  // percent-decoded, in the order of the pattern
};
struct NoRoute {};
struct WrongMethod {
  std::string allow;  // "GET,HEAD,POST"
};
struct BadParameter {
  std::string name;  // its value is not UTF-8
};
using RouteResult = std::variant<RouteMatch, NoRoute, WrongMethod, BadParameter>;

// `path` has no version prefix and no query. HEAD finds what GET finds.
RouteResult FindRoute(std::string_view method, std::string_view path);

// Splits "/v3/services" into 3 and "/services"; without such a prefix the version is 0. The version
// may be one that is not served.
struct VersionedPath {
  int version = 0;
  std::string_view path;
};
VersionedPath SplitVersion(std::string_view path);

inline constexpr int kAdminVersionMin = 2;
inline constexpr int kAdminVersionMax = 4;

}  // namespace perdure::admin
