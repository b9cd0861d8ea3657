// SPDX-License-Identifier: Apache-2.0
//
// The machine against the model, by seed. A failure names seed and step; see model_driver.h for
// what is done and compared.
#include "tests/unit/core/model_driver.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

namespace perdure::test {
namespace {

// PERDURE_MODEL_SEEDS runs more of them, PERDURE_MODEL_FIRST_SEED begins elsewhere.
uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  // No other thread runs. NOLINTNEXTLINE(concurrency-mt-unsafe)
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::stoull(text);
}

TEST(Model, AgreesWithTheMachine) {
  const uint64_t first = FromEnvironment("PERDURE_MODEL_FIRST_SEED", 1);
  const uint64_t seeds = FromEnvironment("PERDURE_MODEL_SEEDS", 100);
  Reached reached;
  for (uint64_t seed = first; seed < first + seeds && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Driver driver(seed);
    driver.RunAll();
    for (const auto& [what, times] : driver.reached()) {
      reached[what] += times;
    }
  }
  if (seeds < 100) {
    return;
  }
  // A run that avoids what it is there for would pass for ever.
  for (const char* what : {"cancel of scheduled",   "cancel of inboxed",
                           "cancel of invoked",     "cancel of suspended",
                           "cancel of paused",      "cancel of completed",
                           "cancel of nobody",      "kill of scheduled",
                           "kill of inboxed",       "kill of invoked",
                           "kill of suspended",     "kill of paused",
                           "kill of completed",     "kill of nobody",
                           "signal to scheduled",   "signal to inboxed",
                           "signal to invoked",     "signal to suspended",
                           "signal to paused",      "signal to completed",
                           "signal to nobody",      "awakeable completed",
                           "awakeable rejected",    "cancel by a handler",
                           "signal from outside",   "suspended on what is here",
                           "promise got before",    "promise got after",
                           "peek before",           "peek after",
                           "promise completed",     "promise completed again",
                           "attach before the end", "attach after the end",
                           "attach to nobody",      "output before the end",
                           "output after the end"}) {
    EXPECT_GT(reached[what], 5U) << what;
  }
}

}  // namespace
}  // namespace perdure::test
