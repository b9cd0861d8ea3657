// SPDX-License-Identifier: Apache-2.0
//
// The mailbox of one partition: many threads put envelopes in, the partition's thread takes them
// out in order. Lock-free (an intrusive list that is taken whole). Admission is by source: only new
// work, reads and control have a window that can be full; the other sources are bounded where they
// come from.
#pragma once

#include "perdure/core/command.h"
#include "perdure/partition/gateway.h"

#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

namespace perdure {

struct Envelope {
  Command command;
  ReplyTo reply_to;
  Source source = Source::kSelf;
  std::shared_ptr<StreamWindow> window;
  Envelope* next = nullptr;
};

// Thread: Put from any, Take from the partition's.
class Mailbox {
 public:
  Mailbox() = default;
  ~Mailbox();
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  // False: the window of the source is full; the envelope is dropped.
  bool Put(std::unique_ptr<Envelope> envelope);
  // Everything that is there, oldest first, appended to the two lanes; reads are in that of new
  // work, because nothing accepted waits for them.
  void Take(
      std::vector<std::unique_ptr<Envelope>>& accepted,
      std::vector<std::unique_ptr<Envelope>>& new_work);
  bool empty() const { return head_.load(std::memory_order_acquire) == nullptr; }
  // The runner has applied an envelope of this source.
  void Done(Source source);

  size_t new_work_waiting() const { return new_work_.load(std::memory_order_relaxed); }

 private:
  struct Window {
    std::atomic<size_t>* used = nullptr;  // null: the source has no window
    size_t limit = 0;
  };
  Window WindowOf(Source source);

  std::atomic<Envelope*> head_{nullptr};
  std::atomic<size_t> new_work_{0};
  std::atomic<size_t> reads_{0};
  std::atomic<size_t> control_{0};
};

}  // namespace perdure
