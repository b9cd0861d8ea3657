// SPDX-License-Identifier: Apache-2.0
//
// Byte strings. `BytesView` borrows; `SharedBytes` is an immutable slice that shares its storage,
// so a body can travel between threads and sit in several queues without a copy. Neither knows what
// the bytes mean.
#pragma once

#include "perdure/base/assert.h"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace perdure {

using BytesView = std::string_view;

// An immutable, shared slice of bytes. Thread: any; copies may live on different threads.
class SharedBytes {
 public:
  SharedBytes() = default;
  // Takes over `bytes` without a copy.
  explicit SharedBytes(std::string bytes)
      : owner_(std::make_shared<const std::string>(std::move(bytes))), view_(*owner_) {}

  static SharedBytes Copy(BytesView bytes) { return SharedBytes(std::string(bytes)); }

  // A part of this slice, sharing the storage. REQUIRES: `part` lies inside view().
  SharedBytes Slice(BytesView part) const {
    PERDURE_ASSERT(
        part.empty() ||
        (part.data() >= view_.data() && part.data() + part.size() <= view_.data() + view_.size()));
    SharedBytes out;
    if (!part.empty()) {
      out.owner_ = owner_;
      out.view_ = part;
    }
    return out;
  }

  BytesView view() const { return view_; }
  size_t size() const { return view_.size(); }
  bool empty() const { return view_.empty(); }

  friend bool operator==(const SharedBytes& a, const SharedBytes& b) { return a.view_ == b.view_; }

 private:
  std::shared_ptr<const std::string> owner_;
  BytesView view_;
};

}  // namespace perdure
