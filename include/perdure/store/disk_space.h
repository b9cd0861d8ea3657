// SPDX-License-Identifier: Apache-2.0
//
// Whether the disk of the data folder has room for new work. Asked by the gateway at every
// submission, answered from memory: whoever implements it looks at the disk at other times.
#pragma once

namespace perdure {

class DiskSpace {
 public:
  virtual ~DiskSpace() = default;
  // True: only the reserve is left, which belongs to work that was accepted already and to
  // recovery. Thread: any.
  virtual bool nearly_full() const = 0;
};

}  // namespace perdure
