// SPDX-License-Identifier: Apache-2.0
//
// How the integration tests wait: for an event or a condition, with a deadline that only a broken
// server reaches.
#pragma once

#include <chrono>
#include <thread>

namespace perdure::integration {

using SteadyClock = std::chrono::steady_clock;

inline constexpr auto kPatience = std::chrono::seconds(20);
// How long something that must not happen is waited for, after it had every reason to happen.
inline constexpr auto kSilence = std::chrono::milliseconds(150);

// Asks until the answer is yes. False: it never was.
template <typename Condition>
bool Eventually(Condition condition) {
  const auto deadline = SteadyClock::now() + kPatience;
  while (!condition()) {
    if (SteadyClock::now() > deadline) {
      return false;
    }
    // Sleeps: the server tells nobody when this changes; it is asked again until a deadline.
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace perdure::integration
