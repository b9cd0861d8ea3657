// SPDX-License-Identifier: Apache-2.0
//
// The target of a request, taken apart: path without needless slashes, its segments, the query
// (ingress API 1). Views into the request's target; decodes only query parameters that are asked
// for.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace perdure::ingress {

struct RequestPath {
  static constexpr size_t kSegmentsMin = 2;
  static constexpr size_t kSegmentsMax = 7;

  std::string_view path;                  // "/a/b", no slash at the end
  std::optional<std::string_view> query;  // without the '?'
  std::array<std::string_view, kSegmentsMax> items;
  size_t count = 0;
  bool acceptable = false;  // else the answer is 400 "bad path: ..."

  std::span<const std::string_view> segments() const { return {items.data(), count}; }
  // "<path>?<query>", as handlers see it (ingress API 4.3).
  std::string PathAndQuery() const;
  // The first value of a parameter; its name is compared without regard to case.
  std::optional<std::string> QueryParameter(std::string_view name) const;
};

// `target` outlives the result.
RequestPath ParseTarget(std::string_view target);

}  // namespace perdure::ingress
