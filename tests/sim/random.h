// SPDX-License-Identifier: Apache-2.0
//
// Chance by seed (SplitMix64). The same seed gives the same numbers on every machine, so nothing
// here uses the distributions of the standard library, whose results it leaves open.
#pragma once

#include <cstdint>

namespace perdure::sim {

class Rng {
 public:
  explicit Rng(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    state_ += 0x9e3779b97f4a7c15ULL;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  // From 0 to `bound` - 1. REQUIRES: bound > 0.
  uint64_t Below(uint64_t bound) { return Next() % bound; }
  // Both ends included.
  uint64_t Between(uint64_t low, uint64_t high) { return low + Below(high - low + 1); }
  bool Percent(uint64_t percent) { return Below(100) < percent; }
  bool PerMille(uint64_t share) { return Below(1000) < share; }

 private:
  uint64_t state_;
};

}  // namespace perdure::sim
