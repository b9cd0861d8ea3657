// SPDX-License-Identifier: Apache-2.0
//
// What both server codecs add to every response: reason phrases, the date, and which fields belong
// to the codec and not to a handler.
#pragma once

#include "perdure/base/clock.h"

#include <string>
#include <string_view>

namespace perdure {

// "<none>" for a status without a registered name.
std::string_view ReasonPhrase(int status);

// True for statuses whose response never has a body.
bool StatusForbidsBody(int status);

// Fields that speak of the connection or are set by the codec itself. `name` in lower case.
bool IsCodecField(std::string_view name);

// Line breaks and NUL in a value would let it forge other fields; they become spaces.
bool HasForbiddenByte(std::string_view value);
std::string WithoutForbiddenBytes(std::string_view value);

std::string LowerCase(std::string_view text);

// The date as HTTP writes it; formatted once per second.
class DateText {
 public:
  explicit DateText(const Clock& clock) : clock_(clock) {}
  std::string_view Now();

 private:
  const Clock& clock_;
  TimeMs second_ = 0;
  std::string text_;
};

}  // namespace perdure
