// SPDX-License-Identifier: Apache-2.0
//
// See delivery.h.
#include "server/delivery.h"

#include "perdure/base/assert.h"
#include "perdure/base/overloaded.h"

#include <atomic>
#include <utility>

namespace perdure {
namespace {

using LiveList = std::vector<AttemptHost::LiveAttempt>;

// Filled by each I/O thread in its own place; the last one calls back.
struct Collection {
  explicit Collection(size_t threads) : parts(threads), missing(threads) {}
  std::vector<LiveList> parts;
  std::atomic<size_t> missing;
  MoveFunction<void(LiveList)> done;
};

}  // namespace

void Delivery::Deliver(size_t io_thread, Effects effects) {
  AttemptHost& host = *(*hosts_)[io_thread];
  for (Effect& effect : effects) {
    std::visit(
        Overloaded{
            [&host](StartAttempt& start) { host.Start(std::move(start)); },
            [&host](NotifyAttempt& notify) { host.Notify(std::move(notify)); },
            [&host](StopAttempt& stop) { host.Stop(stop); },
            [this, io_thread](SendReply& reply) {
              contexts_[io_thread].replies.Deliver(reply.to, std::move(reply.reply));
            },
            [](auto&) { PERDURE_INVARIANT(false, "an effect of the partition reached I/O"); }},
        effect);
  }
}

LiveAttemptsSource Delivery::LiveAttempts() {
  return [this](MoveFunction<void(LiveList)> done) {
    auto collection = std::make_shared<Collection>(contexts_.size());
    collection->done = std::move(done);
    for (size_t i = 0; i < contexts_.size(); ++i) {
      contexts_[i].executor.Post([this, collection, i] {
        collection->parts[i] = (*hosts_)[i]->Live();
        if (collection->missing.fetch_sub(1) == 1) {
          LiveList all;
          for (LiveList& part : collection->parts) {
            std::move(part.begin(), part.end(), std::back_inserter(all));
          }
          collection->done(std::move(all));
        }
      });
    }
  };
}

}  // namespace perdure
