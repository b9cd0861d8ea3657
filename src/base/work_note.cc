// SPDX-License-Identifier: Apache-2.0
//
// Stores are relaxed: the note is read by the same thread in a signal handler, by others only for
// people, and from the file after the process is gone.
#include "perdure/base/work_note.h"

#include "perdure/base/assert.h"

#include <csignal>
#include <cstring>
#include <iterator>
#include <mutex>
#include <string>

namespace perdure {
namespace {

thread_local WorkNote* current = nullptr;

constexpr int kFatalSignals[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
struct sigaction previous[std::size(kFatalSignals)];

// The signal comes again when this returns, and finds what was there before.
void OnFatalSignal(int signal) {
  WorkNote::MarkFatalOfThisThread();
  for (size_t i = 0; i < std::size(kFatalSignals); ++i) {
    if (kFatalSignals[i] == signal) {
      sigaction(signal, &previous[i], nullptr);
    }
  }
  static_cast<void>(raise(signal));
}

}  // namespace

void WorkNote::Begin(uint32_t what, const InvocationId& id) {
  Begin(what);
  Subject(id);
}

void WorkNote::Begin(uint32_t what) {
  current = this;
  known_.store(0, std::memory_order_relaxed);
  what_.store(what, std::memory_order_relaxed);
  busy_.store(1, std::memory_order_relaxed);
}

void WorkNote::Subject(const InvocationId& id) {
  static_assert(sizeof(id.uuid) == 16);
  uint64_t words[2];
  std::memcpy(words, id.uuid.data(), sizeof(words));
  id_[0].store(id.partition_key.value, std::memory_order_relaxed);
  id_[1].store(words[0], std::memory_order_relaxed);
  id_[2].store(words[1], std::memory_order_relaxed);
  known_.store(1, std::memory_order_relaxed);
}

void WorkNote::End() {
  busy_.store(0, std::memory_order_relaxed);
}

std::optional<InvocationId> WorkNote::subject() const {
  if (known_.load(std::memory_order_relaxed) == 0) {
    return std::nullopt;
  }
  InvocationId id;
  id.partition_key.value = id_[0].load(std::memory_order_relaxed);
  const uint64_t words[2] = {
      id_[1].load(std::memory_order_relaxed), id_[2].load(std::memory_order_relaxed)};
  std::memcpy(id.uuid.data(), words, sizeof(words));
  return id;
}

void WorkNote::Reset() {
  busy_.store(0);
  fatal_.store(0);
  known_.store(0);
  what_.store(0);
}

void WorkNote::MarkFatalOfThisThread() {
  if (current != nullptr && current->busy()) {
    current->MarkFatal();
  }
}

void MarkNotesOnFatalSignals() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action = {};
    action.sa_handler = OnFatalSignal;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < std::size(kFatalSignals); ++i) {
      PERDURE_ASSERT(sigaction(kFatalSignals[i], &action, &previous[i]) == 0);
    }
  });
}

}  // namespace perdure
