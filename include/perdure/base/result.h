// SPDX-License-Identifier: Apache-2.0
//
// `Result<T>` at module seams: a value or an `Error`. An error code exists only if somebody reacts
// to it; everything else is the message.
#pragma once

#include "perdure/base/assert.h"

#include <string>
#include <utility>
#include <variant>

namespace perdure {

enum class ErrorCode {
  kInvalidArgument,  // the caller gave something unusable; the message says what
  kNotFound,
  kConflict,
  kOverloaded,   // try again later
  kUnavailable,  // a peer or the disk did not answer
  kCorrupt,      // stored bytes do not make sense
  kLimit,        // larger than this server takes: the same again fails again
  kInternal,
};

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
};

// Either a value or an Error. REQUIRES: value() only if ok(), error() only if !ok().
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : storage_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit
  Result(Error error) : storage_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit

  bool ok() const { return storage_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & {
    PERDURE_ASSERT(ok());
    return std::get<0>(storage_);
  }
  const T& value() const& {
    PERDURE_ASSERT(ok());
    return std::get<0>(storage_);
  }
  T&& value() && {
    PERDURE_ASSERT(ok());
    return std::move(std::get<0>(storage_));
  }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }

  const Error& error() const {
    PERDURE_ASSERT(!ok());
    return std::get<1>(storage_);
  }

 private:
  std::variant<T, Error> storage_;
};

struct Unit {};
using Status = Result<Unit>;
inline Status OkStatus() {
  return Unit{};
}

inline Error InvalidArgument(std::string message) {
  return Error{ErrorCode::kInvalidArgument, std::move(message)};
}

}  // namespace perdure
