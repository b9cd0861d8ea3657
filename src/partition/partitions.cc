// SPDX-License-Identifier: Apache-2.0
//
// The router: one mailbox and one runner per partition, spread over the partition threads.
#include "perdure/partition/partitions.h"

#include "partition/mailbox.h"
#include "partition/partition_thread.h"
#include "partition/runner.h"
#include "partition/watchdog.h"
#include "perdure/base/assert.h"
#include "perdure/base/log.h"

#include <atomic>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace perdure {
namespace {

class PartitionsImpl final : public Partitions {
 public:
  PartitionsImpl(
      const PartitionsOptions& options,
      const PartitionsParts& parts,
      const MachineFactory& make_machine)
      : options_(options),
        parts_(parts),
        make_machine_(make_machine),
        threads_(MakeThreads(options.threads, parts.clock)),
        watchdog_(
            options.watchdog, ProgressOf(threads_), [this](size_t thread) { OnStuck(thread); }) {
    PERDURE_ASSERT(options.partition_count > 0 && options.threads > 0);
    // The last place belongs to the metadata partition.
    for (size_t i = 0; i <= options.partition_count; ++i) {
      mailboxes_.push_back(std::make_unique<Mailbox>());
    }
  }
  ~PartitionsImpl() override { Stop(); }

  void SetSlots(SlotPool& slots) override { slots_ = &slots; }

  void Start() override {
    PERDURE_ASSERT(slots_ != nullptr && runners_.empty());
    // Before what Open finds: nothing may touch them first.
    for (const CrashNotes::Suspect& suspect : options_.suspects) {
      static_cast<void>(Submit(
          PartitionFor(suspect.id),
          Source::kSelf,
          Quarantine{suspect.id, suspect.crashes},
          kNoReply,
          nullptr));
    }
    const RunnerParts parts{
        parts_.store,
        parts_.log,
        parts_.clock,
        parts_.publisher,
        parts_.target,
        *this,
        slots_,
        options_.term};
    for (size_t i = 0; i < mailboxes_.size(); ++i) {
      const PartitionId partition = i == options_.partition_count
                                        ? kMetadataPartition
                                        : PartitionId{static_cast<uint16_t>(i)};
      runners_.push_back(std::make_unique<Runner>(
          parts,
          partition,
          make_machine_(partition),
          *mailboxes_[i],
          options_.entropy_seed + (i + 1) * 0x9e3779b97f4a7c15ULL));
      threads_[i % threads_.size()]->Add(*runners_.back());
    }
    runners_.back()->Open();
    for (size_t i = 0; i < options_.partition_count; ++i) {
      runners_[i]->Open();
    }
    for (const auto& thread : threads_) {
      thread->Start();
      thread->Wake();
    }
    started_.store(true, std::memory_order_release);
    watchdog_.Start();
    // What Open found ready starts with the first turn.
    for (uint16_t i = 0; i < options_.partition_count; ++i) {
      static_cast<void>(Submit(PartitionId{i}, Source::kSelf, SlotsFreed{}, kNoReply, nullptr));
    }
  }

  void Stop() override {
    watchdog_.Stop();
    for (const auto& thread : threads_) {
      thread->Stop();
    }
  }

  Submitted Submit(
      PartitionId partition,
      Source source,
      Command command,
      ReplyTo reply_to,
      std::shared_ptr<StreamWindow> window) override {
    const size_t place = PlaceOf(partition);
    if (source == Source::kNewWork) {
      if (parts_.disk.nearly_full()) {
        return Submitted::kDiskNearlyFull;
      }
      if (parts_.log.congested() || watchdog_.stalled()) {
        return Submitted::kOverloaded;
      }
    }
    auto envelope = std::make_unique<Envelope>();
    envelope->command = std::move(command);
    envelope->reply_to = reply_to;
    envelope->source = source;
    envelope->window = std::move(window);
    if (!mailboxes_[place]->Put(std::move(envelope))) {
      return Submitted::kOverloaded;
    }
    threads_[place % threads_.size()]->Wake();
    return Submitted::kAccepted;
  }

  std::optional<InvocationResult> FindResult(const InvocationId& id) const override {
    if (!started_.load(std::memory_order_acquire)) {
      return std::nullopt;
    }
    return runners_[PlaceOf(PartitionFor(id))]->FindResult(id);
  }

  uint16_t partition_count() const override { return options_.partition_count; }

 private:
  static std::vector<std::unique_ptr<PartitionThread>> MakeThreads(
      size_t count, const Clock& clock) {
    std::vector<std::unique_ptr<PartitionThread>> threads;
    threads.reserve(count);
    for (size_t i = 0; i < count; ++i) {
      threads.push_back(std::make_unique<PartitionThread>(clock));
    }
    return threads;
  }
  static std::vector<const Progress*> ProgressOf(
      const std::vector<std::unique_ptr<PartitionThread>>& threads) {
    std::vector<const Progress*> all;
    all.reserve(threads.size());
    for (const auto& thread : threads) {
      all.push_back(&thread->progress());
    }
    return all;
  }

  // Says what it can and ends the process. Thread: the watchdog's.
  [[noreturn]] void OnStuck(size_t thread) {
    const Progress& progress = threads_[thread]->progress();
    PERDURE_LOG(
        kError,
        "partition_thread_stuck",
        {{"thread", thread},
         {"steps", progress.steps.load()},
         {"in_storage", progress.storage.load() % 2 != 0}});
    for (size_t place = thread; place < mailboxes_.size(); place += threads_.size()) {
      WorkNote* note = parts_.notes == nullptr ? nullptr : &parts_.notes->note(place);
      const bool busy = note != nullptr && note->busy();
      const std::optional<InvocationId> subject = busy ? note->subject() : std::nullopt;
      PERDURE_LOG(
          kError,
          "partition_of_stuck_thread",
          {{"partition", place},
           {"new_work_waiting", mailboxes_[place]->new_work_waiting()},
           {"mailbox_empty", mailboxes_[place]->empty()},
           {"command", busy ? std::to_string(note->what()) : "none"},
           {"invocation", subject ? subject->ToString() : ""}});
      if (busy) {
        note->MarkFatal();
      }
    }
    PERDURE_INVARIANT(false, "a partition thread has work and does nothing");
    std::abort();
  }

  size_t PlaceOf(PartitionId partition) const {
    if (partition == kMetadataPartition) {
      return options_.partition_count;
    }
    PERDURE_ASSERT(partition.value < options_.partition_count);
    return partition.value;
  }

  const PartitionsOptions options_;
  const PartitionsParts parts_;
  const MachineFactory make_machine_;
  SlotPool* slots_ = nullptr;
  std::atomic<bool> started_ = false;  // from then on `runners_` is as it stays
  // Destroyed in reverse: threads end first.
  std::vector<std::unique_ptr<Mailbox>> mailboxes_;
  std::vector<std::unique_ptr<Runner>> runners_;
  std::vector<std::unique_ptr<PartitionThread>> threads_;
  Watchdog watchdog_;
};

}  // namespace

std::unique_ptr<Partitions> MakePartitions(
    const PartitionsOptions& options,
    const PartitionsParts& parts,
    const MachineFactory& make_machine) {
  return std::make_unique<PartitionsImpl>(options, parts, make_machine);
}

}  // namespace perdure
