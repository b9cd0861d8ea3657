// SPDX-License-Identifier: Apache-2.0
//
// What a fuzzer feeds: functions that take any bytes and abort when something is wrong. Each is
// linked with libFuzzer by its name (`fuzz_frames` is FuzzFrames, see driver/), and all of them
// take the seeds, whole, cut and damaged, in a test of every build.
#pragma once

#include "perdure/base/assert.h"
#include "perdure/base/bytes.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace perdure::fuzz {

void FuzzFrames(BytesView input);
void FuzzMessages(BytesView input);
void FuzzManifest(BytesView input);
void FuzzAttempt(BytesView input);

struct Target {
  const char* name;
  void (*run)(BytesView input);
  std::vector<std::string> seeds;
};
std::vector<Target> Targets();

// Frames as SDKs and the server write them (service protocol 9), each whole.
const std::vector<std::string>& GoldenFrames();

// Takes the input apart, from its beginning. Behind the end there are zeros.
class Cursor {
 public:
  explicit Cursor(BytesView input) : rest_(input) {}
  bool empty() const { return rest_.empty(); }
  uint8_t Byte() {
    const BytesView byte = Bytes(1);
    return byte.empty() ? uint8_t{0} : static_cast<uint8_t>(byte.front());
  }
  BytesView Bytes(size_t count) {
    const BytesView out = rest_.substr(0, std::min(count, rest_.size()));
    rest_.remove_prefix(out.size());
    return out;
  }
  BytesView Rest() { return Bytes(rest_.size()); }

 private:
  BytesView rest_;
};

}  // namespace perdure::fuzz
