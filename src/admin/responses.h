// SPDX-License-Identifier: Apache-2.0
//
// The forms of answer of the admin API (admin API 2): JSON, JSON errors, plain text errors,
// nothing.
#pragma once

#include "perdure/core/reply.h"
#include "perdure/http/message.h"

#include <string>
#include <string_view>

namespace perdure::admin {

HttpResponse JsonResponse(int status, std::string json);
// {"message":...,"restate_code":...}; an empty code becomes null.
HttpResponse ErrorResponse(int status, std::string_view message, std::string_view code = {});
// What a framework would say, before the application sees the request.
HttpResponse TextResponse(int status, std::string text);
HttpResponse EmptyResponse(int status);
// 503: no room now, the same request may be sent again.
HttpResponse OverloadedResponse();
HttpResponse RefusedResponse(RequestRefused::Reason reason);

}  // namespace perdure::admin
