// SPDX-License-Identifier: Apache-2.0
//
// Brings released effects to their I/O thread: answers to waiting requests, the rest to the attempt
// host of that thread.
#pragma once

#include "perdure/invoker/attempt_host.h"
#include "perdure/partition/io_context.h"
#include "perdure/partition/partitions.h"
#include "perdure/query/introspection.h"

#include <memory>
#include <vector>

namespace perdure {

class Delivery final : public EffectTarget {
 public:
  explicit Delivery(IoContexts& contexts) : contexts_(contexts) {}

  // REQUIRES: before the partitions start; one host per context.
  void SetHosts(std::vector<std::unique_ptr<AttemptHost>>& hosts) { hosts_ = &hosts; }

  size_t io_thread_count() const override { return contexts_.size(); }
  Executor& executor(size_t io_thread) override { return contexts_[io_thread].executor; }
  void Deliver(size_t io_thread, Effects effects) override;

  // The live attempts of all I/O threads.
  LiveAttemptsSource LiveAttempts();

 private:
  IoContexts& contexts_;
  std::vector<std::unique_ptr<AttemptHost>>* hosts_ = nullptr;
};

}  // namespace perdure
