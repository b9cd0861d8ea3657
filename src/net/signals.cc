// SPDX-License-Identifier: Apache-2.0
//
// Signals of the process, taken synchronously by the main thread: no handler ever runs.
#include "perdure/base/assert.h"
#include "perdure/net/server.h"

#include <csignal>

namespace perdure {
namespace {

sigset_t OurSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1, SIGPIPE}) {
    sigaddset(&set, signal);
  }
  return set;
}

}  // namespace

void BlockSignals() {
  const sigset_t set = OurSignals();
  PERDURE_ASSERT(pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
}

int WaitForStopSignal(const MoveFunction<void()>* on_usr1) {
  const sigset_t set = OurSignals();
  for (;;) {
    int signal = 0;
    PERDURE_ASSERT(sigwait(&set, &signal) == 0);
    if (signal == SIGTERM || signal == SIGINT) {
      return signal;
    }
    // A write to a closed pipe shows up here too and means nothing.
    if (signal == SIGUSR1 && on_usr1 != nullptr) {
      (*const_cast<MoveFunction<void()>*>(on_usr1))();  // NOLINT: calling is not const
    }
  }
}

}  // namespace perdure
