// SPDX-License-Identifier: Apache-2.0
//
// Bytes of a request body that wait to be sent: small pieces are gathered, large shared ones are
// kept by reference until they are copied, once, into the output. Unbounded by itself: the writer
// watches `size`.
#pragma once

#include "perdure/base/assert.h"
#include "perdure/base/bytes.h"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <string>
#include <utility>

namespace perdure {

class BodyQueue {
 public:
  void Push(std::string bytes) {
    size_ += bytes.size();
    if (bytes.size() < kGatherMax && CanGather()) {
      pieces_.back().own += bytes;
    } else if (!bytes.empty()) {
      pieces_.push_back({std::move(bytes), {}});
    }
  }

  void Push(SharedBytes bytes) {
    if (bytes.size() < kGatherMax) {
      Push(std::string(bytes.view()));
      return;
    }
    size_ += bytes.size();
    pieces_.push_back({{}, std::move(bytes)});
  }

  // Moves the first `count` bytes to the end of `out`. REQUIRES: count <= size().
  void MoveTo(std::string& out, size_t count) {
    PERDURE_ASSERT(count <= size_);
    size_ -= count;
    while (count > 0) {
      const BytesView piece = pieces_.front().view().substr(front_, count);
      out.append(piece);
      count -= piece.size();
      front_ += piece.size();
      if (front_ == pieces_.front().view().size()) {
        pieces_.pop_front();
        front_ = 0;
      }
    }
  }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  // Below this a copy is cheaper than a piece of its own.
  static constexpr size_t kGatherMax = 4096;

  struct Piece {
    std::string own;
    SharedBytes shared;
    BytesView view() const { return shared.empty() ? BytesView(own) : shared.view(); }
  };

  bool CanGather() const {
    return !pieces_.empty() && pieces_.back().shared.empty() &&
           pieces_.back().own.size() < kGatherMax;
  }

  std::deque<Piece> pieces_;
  size_t front_ = 0;  // sent bytes of the first piece
  size_t size_ = 0;
};

}  // namespace perdure
