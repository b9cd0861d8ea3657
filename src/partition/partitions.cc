// SPDX-License-Identifier: Apache-2.0
//
// The router: one mailbox and one runner per partition, spread over the partition threads.
#include "perdure/partition/partitions.h"

#include "partition/mailbox.h"
#include "partition/partition_thread.h"
#include "partition/runner.h"
#include "perdure/base/assert.h"

#include <atomic>
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
      : options_(options), parts_(parts), make_machine_(make_machine) {
    PERDURE_ASSERT(options.partition_count > 0 && options.threads > 0);
    for (size_t i = 0; i < options.threads; ++i) {
      threads_.push_back(std::make_unique<PartitionThread>(parts.clock));
    }
    // The last place belongs to the metadata partition.
    for (size_t i = 0; i <= options.partition_count; ++i) {
      mailboxes_.push_back(std::make_unique<Mailbox>());
    }
  }
  ~PartitionsImpl() override { Stop(); }

  void SetSlots(SlotPool& slots) override { slots_ = &slots; }

  void Start() override {
    PERDURE_ASSERT(slots_ != nullptr && runners_.empty());
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
    // What Open found ready starts with the first turn.
    for (uint16_t i = 0; i < options_.partition_count; ++i) {
      static_cast<void>(Submit(PartitionId{i}, Source::kSelf, SlotsFreed{}, kNoReply, nullptr));
    }
  }

  void Stop() override {
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
      if (parts_.log.congested()) {
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
};

}  // namespace

std::unique_ptr<Partitions> MakePartitions(
    const PartitionsOptions& options,
    const PartitionsParts& parts,
    const MachineFactory& make_machine) {
  return std::make_unique<PartitionsImpl>(options, parts, make_machine);
}

}  // namespace perdure
