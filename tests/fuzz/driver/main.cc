// SPDX-License-Identifier: Apache-2.0
//
// The door of libFuzzer to one target, which the build names.
#include "tests/fuzz/target.h"

#include <gtest/gtest.h>

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  // The fakes of the unit tests complain by EXPECT.
  GTEST_FLAG_SET(break_on_failure, true);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  perdure::fuzz::PERDURE_FUZZ_TARGET(perdure::BytesView(reinterpret_cast<const char*>(data), size));
  return 0;
}
