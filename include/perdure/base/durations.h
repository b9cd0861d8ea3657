// SPDX-License-Identifier: Apache-2.0
//
// Durations and timestamps as users write and read them: ISO 8601 and the "friendly" form in
// (ingress API 5.1, admin API 3), three fixed forms of each out. Precision is a millisecond; finer
// parts are cut. Knows no clock and no time zone but UTC.
#pragma once

#include "perdure/base/ids.h"
#include "perdure/base/result.h"

#include <string>
#include <string_view>

namespace perdure {

// "10s", "1h 30m", "1 day 00:00:10", "PT1.5H", "P1DT2H", "0". Years, months and negative durations
// are refused. The message of the error is the reason alone, for the end of a sentence.
Result<DurationMs> ParseDuration(std::string_view text);

// "1d 3h", "1m 30s", "500ms", "0s" (admin API 3).
std::string FormatDurationFriendly(DurationMs duration);

// "PT86400S", "PT0.5S", zero "P0D" (admin API 20.1).
std::string FormatDurationIso(DurationMs duration);

// "2026-11-24T01:56:00.468000000Z"
std::string FormatRfc3339Nanos(TimeMs time);

// "2026-11-24T02:06:00.974Z"
std::string FormatRfc3339Millis(TimeMs time);

// "2026-11-25T01:58:01.551+00:00"; the fraction only if it is not zero (ingress API 6).
std::string FormatExpires(TimeMs time);

}  // namespace perdure
