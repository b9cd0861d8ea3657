// SPDX-License-Identifier: Apache-2.0
//
// What happens when an assertion breaks: one line on standard error, then abort. It writes with the
// system call, not through the log, because the log may be what is broken.
#include "perdure/base/assert.h"

#include <unistd.h>

#include <cstdlib>
#include <string>

namespace perdure::internal {

void AssertFailed(const char* file, int line, const char* condition, std::string_view message) {
  std::string text = "assertion failed: ";
  text += condition;
  if (!message.empty()) {
    text += ": ";
    text += message;
  }
  text += " (";
  text += file;
  text += ':';
  text += std::to_string(line);
  text += ")\n";
  const char* next = text.data();
  size_t left = text.size();
  while (left > 0) {
    const ssize_t written = ::write(STDERR_FILENO, next, left);
    if (written <= 0) {
      break;
    }
    next += written;
    left -= static_cast<size_t>(written);
  }
  std::abort();
}

}  // namespace perdure::internal
