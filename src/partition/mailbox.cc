// SPDX-License-Identifier: Apache-2.0
//
// See mailbox.h. Producers push on a stack; the one consumer takes the whole stack and reverses it.
#include "partition/mailbox.h"

#include "perdure/base/limits.h"

#include <algorithm>

namespace perdure {

Mailbox::~Mailbox() {
  std::vector<std::unique_ptr<Envelope>> rest;
  Take(rest, rest);
}

Mailbox::Window Mailbox::WindowOf(Source source) {
  switch (source) {
    case Source::kNewWork:
      return {&new_work_, limits::kMailboxNewWork};
    case Source::kRead:
      return {&reads_, limits::kMailboxReads};
    case Source::kControl:
      return {&control_, limits::kMailboxControl};
    case Source::kStream:
    case Source::kPeer:
    case Source::kSelf:
      return {};
  }
  return {};
}

bool Mailbox::Put(std::unique_ptr<Envelope> envelope) {
  const Window window = WindowOf(envelope->source);
  if (window.used != nullptr &&
      window.used->fetch_add(1, std::memory_order_relaxed) >= window.limit) {
    window.used->fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  Envelope* node = envelope.release();
  node->next = head_.load(std::memory_order_relaxed);
  while (!head_.compare_exchange_weak(
      node->next, node, std::memory_order_release, std::memory_order_relaxed)) {
  }
  return true;
}

void Mailbox::Take(
    std::vector<std::unique_ptr<Envelope>>& accepted,
    std::vector<std::unique_ptr<Envelope>>& new_work) {
  Envelope* newest = head_.exchange(nullptr, std::memory_order_acquire);
  Envelope* oldest = nullptr;
  while (newest != nullptr) {
    Envelope* next = newest->next;
    newest->next = oldest;
    oldest = newest;
    newest = next;
  }
  while (oldest != nullptr) {
    Envelope* next = oldest->next;
    oldest->next = nullptr;
    const bool waits = oldest->source == Source::kNewWork || oldest->source == Source::kRead;
    auto& lane = waits ? new_work : accepted;
    lane.emplace_back(oldest);
    oldest = next;
  }
}

void Mailbox::Done(Source source) {
  if (const Window window = WindowOf(source); window.used != nullptr) {
    window.used->fetch_sub(1, std::memory_order_relaxed);
  }
}

}  // namespace perdure
