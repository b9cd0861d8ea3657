// SPDX-License-Identifier: Apache-2.0
//
// Goal: whatever goes wrong at whatever step of a session, no slot, no lease, no stream and no
// timer is left behind, and the partition hears of the end exactly once. Method: a script,
// interrupted at each step by each kind of trouble.
#include "tests/unit/invoker/fakes.h"

#include <gtest/gtest.h>

#include <functional>

namespace perdure::invoker_test {
namespace {

struct Step {
  const char* name;
  std::function<void(Bench&, StreamLog&)> act;
};

void Data(StreamLog& stream, const std::string& bytes) {
  if (stream.open()) {
    stream.listener->OnData(bytes);
  }
}

std::vector<Step> Script() {
  const std::string large = ProposalFrame(1, std::string(300'000, 'x'));
  return {
      {"head", [](Bench& bench, StreamLog& stream) { bench.Head(stream); }},
      {"run", [](Bench&, StreamLog& stream) { Data(stream, RunFrame(1)); }},
      {"part of a large proposal",
       [large](Bench&, StreamLog& stream) { Data(stream, large.substr(0, 50'000)); }},
      {"the rest of it",
       [large](Bench&, StreamLog& stream) { Data(stream, large.substr(50'000)); }},
      {"window full",
       [](Bench&, StreamLog& stream) {
         for (size_t i = 0; i < limits::kMailboxPerStream; ++i) {
           Data(stream, RunFrame(2));
         }
       }},
      {"notification",
       [](Bench& bench, StreamLog&) {
         NotifyAttempt notify{IdOf(1), AttemptEpoch{1}, {}, false};
         notify.chunk = {{EntryOf(2, MessageType::kRunCompletion, "r")}, 3, 3, 1};
         bench.host->Notify(notify);
       }},
      {"asked to suspend",
       [](Bench& bench, StreamLog&) {
         bench.host->Stop({IdOf(1), AttemptEpoch{1}, StopAttempt::How::kHalfClose});
       }},
      {"part of the last word",
       [](Bench&, StreamLog& stream) { Data(stream, SuspensionFrame(1).substr(0, 9)); }},
      {"the last word",
       [](Bench&, StreamLog& stream) { Data(stream, SuspensionFrame(1).substr(9)); }},
      {"end", [](Bench&, StreamLog& stream) { stream.listener->OnEnd(); }},
  };
}

struct Trouble {
  const char* name;
  std::function<void(Bench&, StreamLog&)> act;
  bool partition_knows = false;  // it caused the end: nothing more must come
};

std::vector<Trouble> Troubles() {
  return {
      {"stream reset",
       [](Bench&, StreamLog& stream) {
         stream.listener->OnFailure(HttpFailure::kStreamReset, "reset");
       }},
      {"connection lost",
       [](Bench&, StreamLog& stream) {
         stream.listener->OnFailure(HttpFailure::kConnectionLost, "lost");
       }},
      {"end of the response", [](Bench&, StreamLog& stream) { stream.listener->OnEnd(); }},
      {"a long silence", [](Bench& bench, StreamLog&) { bench.time.Advance(700'000); }},
      {"kill",
       [](Bench& bench, StreamLog&) {
         bench.host->Stop({IdOf(1), AttemptEpoch{1}, StopAttempt::How::kReset});
       },
       true},
      {"newer attempt, killed",
       [](Bench& bench, StreamLog&) {
         bench.Start(1, 2);
         bench.host->Stop({IdOf(1), AttemptEpoch{2}, StopAttempt::How::kReset});
         bench.time.Advance(6000);  // a stream that had ended may linger so long
       },
       true},
  };
}

// How often the partition hears that this attempt is over.
size_t TakeEndings(Bench& bench) {
  size_t endings = 0;
  while (std::optional<Command> command = bench.gateway.Take()) {
    bench.time.RunPosted();
    if (std::holds_alternative<AttemptFailed>(*command)) {
      ++endings;
    } else if (const auto* append = std::get_if<JournalAppend>(&*command)) {
      endings += append->frames.back().type == MessageType::kSuspension ? 1U : 0U;
    }
  }
  return endings;
}

TEST(AttemptSteps, NothingLeaksWhateverFailsWhenever) {
  const std::vector<Step> script = Script();
  for (const Trouble& trouble : Troubles()) {
    for (size_t steps = 0; steps <= script.size(); ++steps) {
      SCOPED_TRACE(std::string(trouble.name) + " after " + std::to_string(steps) + " steps");
      Bench bench;
      StreamLog& stream = bench.Start();
      for (size_t i = 0; i < steps; ++i) {
        script[i].act(bench, stream);
      }
      if (stream.open() || trouble.partition_knows) {
        trouble.act(bench, stream);
      }
      const size_t endings = TakeEndings(bench);

      EXPECT_EQ(bench.SlotsInUse(), 0U);
      EXPECT_EQ(bench.client.open_count(), 0U);
      EXPECT_TRUE(bench.host->Live().empty());
      // Both leases of a full memory can be had again.
      if (trouble.partition_knows) {
        EXPECT_LE(endings, 1U);
      } else {
        EXPECT_EQ(endings, 1U);
      }
      const std::string large = ProposalFrame(1, std::string(1'000'000, 'x')).substr(0, 20'000);
      for (uint8_t i = 10; i < 12; ++i) {
        StreamLog& fresh = bench.Start(i);
        bench.Head(fresh);
        fresh.listener->OnData(large);
        EXPECT_EQ(fresh.credit, large.size());
      }
    }
  }
}

}  // namespace
}  // namespace perdure::invoker_test
