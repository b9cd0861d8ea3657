// SPDX-License-Identifier: Apache-2.0
//
// Assertions that stay on in release builds. PERDURE_ASSERT guards what the code itself promises;
// it is never reachable by user input (bad input is a Result). A broken assertion prints where and
// why to standard error and aborts: a crash is recoverable, a wrong answer is not.
#pragma once

#include <string_view>

namespace perdure::internal {
[[noreturn]] void AssertFailed(
    const char* file, int line, const char* condition, std::string_view message);
}  // namespace perdure::internal

#define PERDURE_ASSERT(condition)                                            \
  do {                                                                       \
    if (!(condition)) [[unlikely]] {                                         \
      ::perdure::internal::AssertFailed(__FILE__, __LINE__, #condition, {}); \
    }                                                                        \
  } while (false)

// Like PERDURE_ASSERT, with a message (convertible to std::string_view) that is built only on
// failure.
#define PERDURE_INVARIANT(condition, message)                                       \
  do {                                                                              \
    if (!(condition)) [[unlikely]] {                                                \
      ::perdure::internal::AssertFailed(__FILE__, __LINE__, #condition, (message)); \
    }                                                                               \
  } while (false)
