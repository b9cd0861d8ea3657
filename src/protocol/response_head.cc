// SPDX-License-Identifier: Apache-2.0
//
// The classes of responses and their error codes (service protocol 4.5).
#include "protocol/response_head.h"

#include "base/utf8.h"

namespace perdure {
namespace {

std::string_view DocCodeOf(int status) {
  switch (status) {
    case 413:
      return "RT0019";
    case 415:
      return "RT0015";
    case 429:
    case 503:
      return "RT0023";
    case 502:
    case 504:
      return "RT0010";
    default:
      return "RT0012";
  }
}

std::string MessageOf(int status) {
  const std::string number = std::to_string(status);
  switch (status) {
    case 404:
      return "the service answered with HTTP status 404: it does not know this service or handler, "
             "or the path of the deployment's URI is wrong";
    case 413:
      return "the service answered with HTTP status 413: the journal is too large for it";
    case 415:
      return "the service answered with HTTP status 415: it no longer supports the protocol "
             "version "
             "of this invocation; register the deployment again";
    case 429:
    case 503:
      return "the service is overloaded, it answered with HTTP status " + number;
    default:
      return "the service answered with HTTP status " + number;
  }
}

}  // namespace

std::optional<AttemptProblem> CheckResponseHead(
    int status,
    const HttpHeaders& headers,
    std::string_view expected_content_type,
    TimeMs wall_now) {
  AttemptProblem problem;
  if (status < 200 || status > 299) {
    problem.doc_code = DocCodeOf(status);
    problem.message = MessageOf(status);
    problem.reached_sdk = status != 415;
    const std::optional<std::string_view> retry_after = headers.Get("retry-after");
    if ((status == 429 || status == 503) && retry_after.has_value()) {
      problem.retry_after = ParseRetryAfter(*retry_after, wall_now);
    }
    return problem;
  }
  const std::optional<std::string_view> content_type = headers.Get("content-type");
  if (status == 200 && content_type == expected_content_type) {
    return std::nullopt;
  }
  problem.doc_code = "RT0012";
  if (status != 200) {
    problem.message = MessageOf(status) + ", expected 200";
  } else if (!content_type.has_value()) {
    problem.message = "the response of the service has no content type, expected " +
                      std::string(expected_content_type);
  } else {
    problem.message = "the response of the service has the content type " +
                      Excerpt(*content_type, 200) + ", expected " +
                      std::string(expected_content_type);
  }
  return problem;
}

}  // namespace perdure
