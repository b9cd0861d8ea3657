// SPDX-License-Identifier: Apache-2.0
//
// Which invocation a thread is at work on, in plain memory that may outlive the process (a mapped
// file), so that a crash can be laid at its door (design 5, poison). A note is all zero when it is
// new. Written by one thread; read by the watchdog, by the handler of fatal signals, and after the
// next start.
#pragma once

#include "perdure/base/ids.h"

#include <atomic>
#include <cstdint>
#include <optional>

namespace perdure {

class WorkNote {
 public:
  // Thread: the one that does the work. `what` numbers the command, for people.
  void Begin(uint32_t what, const InvocationId& id);
  void Begin(uint32_t what);  // of no invocation, or not yet known of which
  void Subject(const InvocationId& id);
  void End();

  // Thread: any. What they say may be a moment old.
  std::optional<InvocationId> subject() const;
  uint32_t what() const { return what_.load(std::memory_order_relaxed); }
  bool busy() const { return busy_.load(std::memory_order_relaxed) != 0; }
  bool fatal() const { return fatal_.load(std::memory_order_relaxed) != 0; }

  // The process ends because of this work.
  void MarkFatal() { fatal_.store(1, std::memory_order_relaxed); }
  void Reset();

  // Marks the note of the calling thread, if it is at work. Safe in a signal handler.
  static void MarkFatalOfThisThread();

 private:
  static constexpr size_t kIdWords = 3;

  std::atomic<uint32_t> busy_;
  std::atomic<uint32_t> fatal_;
  std::atomic<uint32_t> known_;  // whether `id_` is set
  std::atomic<uint32_t> what_;
  std::atomic<uint64_t> id_[kIdWords];
};

// From now on a fatal signal (SIGABRT of a broken assertion, SIGSEGV, SIGBUS, SIGFPE, SIGILL) marks
// the note of the thread it hits, and then does what it did before. Call once, before threads
// start; more calls change nothing.
void MarkNotesOnFatalSignals();

}  // namespace perdure
