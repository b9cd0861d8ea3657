// SPDX-License-Identifier: Apache-2.0
//
// Chance for the ids minted at the door. The system's generator is asked for a few kilobytes at a
// time, so that a request costs a copy and not a system call.
#pragma once

#include <array>
#include <cstdint>

namespace perdure::ingress {

// Thread: any; each thread has its own store.
std::array<uint8_t, 16> RandomId();
uint64_t RandomNumber();

}  // namespace perdure::ingress
