// SPDX-License-Identifier: Apache-2.0
//
// Builds responses. Bytes that are not UTF-8 are replaced in JSON, never refused: an error about a
// strange name must be sayable.
#include "admin/responses.h"

#include <nlohmann/json.hpp>

#include <utility>

namespace perdure::admin {

HttpResponse JsonResponse(int status, std::string json) {
  HttpResponse out;
  out.status = status;
  out.headers.Add("content-type", "application/json");
  out.body = SharedBytes(std::move(json));
  return out;
}

HttpResponse ErrorResponse(int status, std::string_view message, std::string_view code) {
  nlohmann::ordered_json body;
  body["message"] = message;
  body["restate_code"] = nullptr;
  if (!code.empty()) {
    body["restate_code"] = code;
  }
  return JsonResponse(
      status, body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

HttpResponse TextResponse(int status, std::string text) {
  HttpResponse out;
  out.status = status;
  out.headers.Add("content-type", "text/plain; charset=utf-8");
  out.body = SharedBytes(std::move(text));
  return out;
}

HttpResponse EmptyResponse(int status) {
  HttpResponse out;
  out.status = status;
  return out;
}

HttpResponse OverloadedResponse() {
  return RefusedResponse(RequestRefused::Reason::kOverloaded);
}

HttpResponse RefusedResponse(RequestRefused::Reason reason) {
  const bool disk = reason == RequestRefused::Reason::kDiskNearlyFull;
  const std::string why = disk ? "the disk of the data folder is nearly full, free some space"
                               : "the server is overloaded, retry later";
  HttpResponse out =
      ErrorResponse(503, "Error when routing the request internally. Reason: " + why);
  out.headers.Add("retry-after", "1");
  return out;
}

}  // namespace perdure::admin
