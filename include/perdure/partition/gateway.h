// SPDX-License-Identifier: Apache-2.0
//
// The one door (promise 2). Everything that may change an invocation is submitted here.
#pragma once

#include "perdure/base/ids.h"
#include "perdure/core/command.h"
#include "perdure/core/reply.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

namespace perdure {

// Who submits. Each source has a window of its own in every mailbox, so accepted work always gets
// in.
enum class Source : uint8_t {
  // Ingress, Kafka: refused when its window is full, the log is behind or the disk nearly full.
  kNewWork,
  kRead,     // ingress: attach and output, which write nothing; refused when its window is full
  kControl,  // admin: the same
  kStream,   // attempts: bounded by StreamWindow
  kPeer,     // outbox of another partition
  // The partition itself: one continuation, two timers, one wake-up for slots; and a forgotten
  // reply for each request in flight, which the ingress bounds.
  kSelf,
};

// The window of one attempt into the mailbox: how many of its commands are there now. The stream
// takes a place before it submits; the runner gives it back when the command was taken.
class StreamWindow {
 public:
  virtual ~StreamWindow() = default;
  // Thread: the partition's. May post to the stream's I/O thread if it was waiting.
  virtual void Returned() = 0;
};

enum class Submitted : uint8_t {
  kAccepted,
  kOverloaded,      // try again in a moment
  kDiskNearlyFull,  // kNewWork only: until somebody frees space
};

class PartitionGateway {
 public:
  virtual ~PartitionGateway() = default;
  // Thread: any. kNewWork, kRead and kControl may be refused; the other sources never are (their
  // windows bound them).
  virtual Submitted Submit(
      PartitionId partition,
      Source source,
      Command command,
      ReplyTo reply_to = kNoReply,
      std::shared_ptr<StreamWindow> window = nullptr) = 0;

  // The result of an invocation that completed earlier, if it is in memory and everything that its
  // partition wrote is durable: what Attach would be answered, without a turn. Nothing: submit it.
  // Thread: any. Does not block.
  virtual std::optional<InvocationResult> FindResult(const InvocationId& id) const = 0;

  virtual uint16_t partition_count() const = 0;
  PartitionId PartitionFor(const InvocationId& id) const {
    return PartitionOf(id.partition_key, partition_count());
  }
};

}  // namespace perdure
