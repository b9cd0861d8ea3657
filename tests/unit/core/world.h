// SPDX-License-Identifier: Apache-2.0
//
// The machines of a small database in memory, one command at a time: every command is a turn of its
// own, and after each the invariants are checked. Messages between partitions and continuations
// wait until a test lets them through. There is no clock and no chance but what the test sets.
#pragma once

#include "core/invariants.h"
#include "core/partition_machine.h"
#include "perdure/core/command.h"
#include "perdure/core/effect.h"
#include "perdure/core/rows.h"
#include "perdure/log/memory.h"
#include "tests/unit/core/frames.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace perdure::test {

// One end of a stream: numbers its frames.
struct Attempt {
  InvocationId id;
  AttemptEpoch epoch;
  uint64_t next_frame = 0;
};

// Svc/{run,other}, Obj/{add (exclusive), peek (shared)}, Wf/{run, status (shared)}: all on one
// deployment, retention 1000 ms, retries 100 ms doubling to 1000 ms, 4 attempts, then paused.
class World {
 public:
  explicit World(uint16_t partitions = 1);

  // --- the schema ---
  using EditHandler = std::function<void(HandlerSchema&)>;
  // Changes one handler on the active deployment.
  void Edit(const std::string& service, const std::string& handler, const EditHandler& edit);
  // Registers all services again under a new deployment, which becomes active.
  DeploymentId AddDeployment(int max_protocol_version = 6);
  void RemoveService(const std::string& service);
  void RemoveDeployment(const DeploymentId& id);
  const DeploymentId& active() const { return active_; }

  // --- new invocations ---
  // Unkeyed targets live in `partition`; keyed ones where their key says.
  InvocationSpec Spec(
      const std::string& service,
      const std::string& handler,
      const std::string& key = {},
      uint16_t partition = 0);
  InvocationSpec IdempotentSpec(
      const std::string& service,
      const std::string& handler,
      const std::string& key,
      const std::string& idempotency_key);
  // A key whose object lives in `partition`; different for different `n`.
  std::string KeyIn(uint16_t partition, int n = 0) const;

  // --- commands ---
  void Apply(uint16_t partition, Command command, ReplyTo reply_to = kNoReply);
  // To the partition of the invocation.
  void ApplyTo(const InvocationId& id, Command command, ReplyTo reply_to = kNoReply);
  // Invoke with wait; the answer goes to the slot that is returned.
  uint32_t CallIn(const InvocationSpec& spec);
  uint32_t SendIn(const InvocationSpec& spec);
  uint32_t AttachTo(const InvocationId& id, bool wait = true);
  ControlResult Control(const InvocationId& id, Command command);
  // A signal from outside, which is always accepted.
  void DeliverTo(const InvocationId& id, SignalName signal, SignalResult result);
  // From the input, on the latest deployment.
  RestartOutcome RestartAsNew(const InvocationId& id);
  // Pulls every start of the partition of `id`, and gives the attempt of `id`.
  Attempt Begin(const InvocationId& id);
  size_t Pull(uint16_t partition = 0, size_t slots = 1000);
  void Send(Attempt& attempt, std::vector<SdkFrame> frames);
  // Begins, answers `value`, ends.
  void RunToEnd(const InvocationId& id, const std::string& value = "done");
  void FireTimers(uint16_t partition = 0);
  void FireRetention(uint16_t partition = 0);

  // --- messages and continuations ---
  // One message or continuation; false if there is none.
  bool Step();
  void Settle();
  struct Message {
    uint16_t to = 0;
    Command command;
    bool self = false;
  };
  std::deque<Message> wire;

  // --- what came out, oldest first ---
  std::vector<StartAttempt> starts;
  std::vector<NotifyAttempt> notifies;
  std::vector<StopAttempt> stops;
  std::map<uint32_t, std::vector<Reply>> replies;
  const StartAttempt& LastStart(const InvocationId& id) const;
  // The answer of a slot. REQUIRES: exactly one.
  template <typename T>
  T Answer(uint32_t slot) const {
    const auto found = replies.find(slot);
    PERDURE_INVARIANT(found != replies.end(), "no answer for the slot");
    PERDURE_INVARIANT(found->second.size() == 1, "several answers for one slot");
    const T* answer = std::get_if<T>(&found->second.front());
    PERDURE_INVARIANT(answer != nullptr, "the answer is of another kind");
    return *answer;
  }
  bool answered(uint32_t slot) const { return replies.count(slot) > 0; }
  // "value hi" or "failure 409 killed".
  std::string ResultText(uint32_t slot) const;

  // --- what is stored ---
  std::optional<InvocationStatus> Status(const InvocationId& id);
  // REQUIRES: it exists.
  InvocationStatus StatusOf(const InvocationId& id);
  std::vector<std::string> Journal(const InvocationId& id);
  JournalEntry Entry(const InvocationId& id, JournalIndex index);
  std::optional<std::string> StateValue(
      const std::string& service, const std::string& key, const std::string& state_key);
  // All of it, as an attempt would be given it.
  std::map<std::string, std::string> State(const std::string& service, const std::string& key);
  size_t RowCount(Family family);
  std::unique_ptr<StateReader> Snapshot() { return db_->store().Snapshot(); }
  // Writes past the machine.
  void Tamper(const std::function<void(StateTxn&)>& write);

  // --- process ---
  // Ends and starts again: memory and messages on their way are gone, rows stay.
  void Restart();
  PartitionMachine& machine(uint16_t partition = 0) { return *machines_[partition]; }
  uint16_t partitions() const { return static_cast<uint16_t>(machines_.size()); }
  uint16_t PartitionNumber(const InvocationId& id) const {
    return PartitionOf(id.partition_key, partitions()).value;
  }
  void CheckAll();

  TimeMs now = 1'000'000;
  uint64_t entropy = 7;
  // Off for tests with thousands of rows, which call CheckAll at the end.
  bool check_every_command = true;
  // Of the next start.
  size_t eager_state_bytes_max = limits::kEagerStateMax;
  size_t message_bytes_max = limits::kMessageSizeDefault;
  size_t work_items_max = limits::kWorkItemsPerTurn;
  int protocol_version_max = kProtocolVersionMax;

 private:
  Stamp MakeStamp();
  void Commit(uint16_t partition, StateTxn& txn, Effects effects);
  void Check(uint16_t partition);
  void Open(uint16_t partition);
  void Publish(const std::shared_ptr<DeploymentSchema>& deployment);

  std::unique_ptr<MemoryDatabase> db_;
  std::vector<std::unique_ptr<PartitionMachine>> machines_;
  std::vector<PartitionSnapshot> last_;
  std::shared_ptr<SchemaView> schema_;
  DeploymentId active_;
  uint8_t deployments_ = 0;
  uint32_t next_slot_ = 1;
  uint64_t next_uuid_ = 1;
};

}  // namespace perdure::test
