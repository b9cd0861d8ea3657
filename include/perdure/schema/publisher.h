// SPDX-License-Identifier: Apache-2.0
//
// Hands the current SchemaView to every thread: a generation counter that is cheap to ask, and a
// copy of the pointer per thread. Publishing happens only after the view is durable.
#pragma once

#include "perdure/schema/schema.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

namespace perdure {

// Thread: any.
class SchemaPublisher {
 public:
  SchemaPublisher() : view_(std::make_shared<const SchemaView>()) {}

  void Publish(std::shared_ptr<const SchemaView> view) {
    const std::lock_guard<std::mutex> lock(mutex_);
    view_ = std::move(view);
    generation_.fetch_add(1, std::memory_order_release);
  }
  uint64_t generation() const { return generation_.load(std::memory_order_acquire); }
  std::shared_ptr<const SchemaView> Load() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return view_;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const SchemaView> view_;
  std::atomic<uint64_t> generation_{1};
};

// One thread's copy. Thread: one. The view stays valid until the next call of Get.
class SchemaCache {
 public:
  explicit SchemaCache(const SchemaPublisher& publisher) : publisher_(publisher) {}

  const std::shared_ptr<const SchemaView>& Get() {
    const uint64_t generation = publisher_.generation();
    if (generation != generation_) {
      view_ = publisher_.Load();
      generation_ = generation;
    }
    return view_;
  }

 private:
  const SchemaPublisher& publisher_;
  std::shared_ptr<const SchemaView> view_;
  uint64_t generation_ = 0;
};

}  // namespace perdure
