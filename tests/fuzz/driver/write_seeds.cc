// SPDX-License-Identifier: Apache-2.0
//
// Writes the seeds of a target into a folder that is there: write_seeds TARGET FOLDER.
#include "tests/fuzz/target.h"

#include <cstdio>
#include <fstream>
#include <string>
#include <string_view>

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: fuzz_seeds TARGET FOLDER\n", stderr);
    return 2;
  }
  for (const perdure::fuzz::Target& target : perdure::fuzz::Targets()) {
    if (target.name != std::string_view(argv[1])) {
      continue;
    }
    for (size_t i = 0; i < target.seeds.size(); ++i) {
      std::ofstream file(std::string(argv[2]) + "/seed-" + std::to_string(i), std::ios::binary);
      file << target.seeds[i];
      if (!file.good()) {
        std::fprintf(stderr, "cannot write to %s\n", argv[2]);
        return 1;
      }
    }
    return 0;
  }
  std::fprintf(stderr, "no such target: %s\n", argv[1]);
  return 2;
}
