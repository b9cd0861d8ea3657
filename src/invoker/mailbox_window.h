// SPDX-License-Identifier: Apache-2.0
//
// The places one attempt has in the mailbox of its partition. The attempt takes one per command,
// the runner gives it back when it took the command. An attempt that found none is called back on
// its I/O thread. Knows nothing of commands.
#pragma once

#include "perdure/base/assert.h"
#include "perdure/base/executor.h"
#include "perdure/base/limits.h"
#include "perdure/partition/gateway.h"

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace perdure {

// Called on the I/O thread.
class MailboxWindowOwner {
 public:
  virtual ~MailboxWindowOwner() = default;
  virtual void OnMailboxPlace() = 0;
};

class MailboxWindow final : public StreamWindow {
 public:
  // The owner may be gone when a place comes back; `io` outlives the window.
  MailboxWindow(Executor& io, std::weak_ptr<MailboxWindowOwner> owner)
      : io_(io), owner_(std::move(owner)) {}

  // Thread: the I/O thread. If false, the owner is called back when there is a place.
  bool Take() {
    if (TakePlace()) {
      return true;
    }
    // Said first, then looked again: a place that comes back in between is seen by one of the two.
    waiting_.store(true);
    if (!TakePlace()) {
      return false;
    }
    waiting_.store(false);
    return true;
  }

  void Returned() override {
    const size_t before = places_.fetch_add(1);
    PERDURE_ASSERT(before < limits::kMailboxPerStream);
    if (waiting_.exchange(false)) {
      // The owner is looked up on its own thread only, so that it is never destroyed on this one.
      io_.Post([owner = owner_] {
        if (const std::shared_ptr<MailboxWindowOwner> alive = owner.lock()) {
          alive->OnMailboxPlace();
        }
      });
    }
  }

 private:
  bool TakePlace() {
    size_t places = places_.load();
    while (places > 0) {
      if (places_.compare_exchange_weak(places, places - 1)) {
        return true;
      }
    }
    return false;
  }

  Executor& io_;
  const std::weak_ptr<MailboxWindowOwner> owner_;
  std::atomic<size_t> places_{limits::kMailboxPerStream};
  std::atomic<bool> waiting_{false};
};

}  // namespace perdure
