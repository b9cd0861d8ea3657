// SPDX-License-Identifier: Apache-2.0
//
// Which invocations brought the process down, over restarts (design 5, poison): a small mapped file
// beside the database. It is advice, never truth: an unreadable file is made anew, and nothing in
// it is synced, because the memory of a crashed process is the kernel's.
#pragma once

#include "perdure/base/ids.h"
#include "perdure/base/result.h"
#include "perdure/base/work_note.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace perdure {

// After this many crashes in a row at work on one invocation it is paused at the next start.
inline constexpr uint32_t kCrashesInARow = 3;

class CrashNotes {
 public:
  struct Suspect {
    InvocationId id;
    uint32_t crashes = 0;
  };

  virtual ~CrashNotes() = default;
  // Reads what the process before left, and begins with empty notes: one for each of `places`.
  static Result<std::unique_ptr<CrashNotes>> Open(const std::string& folder, size_t places);

  // The note of a place lives as long as this. REQUIRES: place < places.
  virtual WorkNote& note(size_t place) = 0;
  // Those whose work ended the process before, and now for the third time in a row or more.
  virtual const std::vector<Suspect>& suspects() const = 0;
  // The process stops as it should: rows of crashes end here.
  virtual void StoppedCleanly() = 0;
};

}  // namespace perdure
