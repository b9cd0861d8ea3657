// SPDX-License-Identifier: Apache-2.0
//
// See entropy.h. Bytes are handed out once and never kept. A process that forks without exec would
// hand them out twice; the server never does.
#include "ingress/entropy.h"

#include "perdure/base/assert.h"

#include <sys/random.h>

#include <cerrno>
#include <cstring>

namespace perdure::ingress {
namespace {

class EntropyPool {
 public:
  void Take(void* out, size_t size) {
    if (used_ + size > bytes_.size()) {
      Refill();
    }
    std::memcpy(out, bytes_.data() + used_, size);
    used_ += size;
  }

 private:
  void Refill() {
    size_t filled = 0;
    while (filled < bytes_.size()) {
      const ssize_t got = ::getrandom(bytes_.data() + filled, bytes_.size() - filled, 0);
      // Without flags only a signal can interrupt it.
      PERDURE_ASSERT(got > 0 || errno == EINTR);
      filled += got > 0 ? static_cast<size_t>(got) : 0;
    }
    used_ = 0;
  }

  std::array<uint8_t, 4096> bytes_{};
  size_t used_ = bytes_.size();
};

EntropyPool& Pool() {
  thread_local EntropyPool pool;
  return pool;
}

}  // namespace

std::array<uint8_t, 16> RandomId() {
  std::array<uint8_t, 16> out{};
  Pool().Take(out.data(), out.size());
  return out;
}

uint64_t RandomNumber() {
  uint64_t out = 0;
  Pool().Take(&out, sizeof(out));
  return out;
}

}  // namespace perdure::ingress
