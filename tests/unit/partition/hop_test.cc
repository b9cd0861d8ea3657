// SPDX-License-Identifier: Apache-2.0
//
// Two real machines and their runners: a call hops to the other partition before anything is
// durable. Whatever prefix of the unsynced write sets a crash leaves, the callee is created once.
#include "perdure/core/partition.h"
#include "perdure/core/rows.h"
#include "tests/unit/partition/partition_test_support.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace perdure::test {
namespace {

const ReplyTo kReply{0, 1, 1};

std::shared_ptr<const SchemaView> OneService() {
  auto service = std::make_shared<ServiceSchema>();
  service->name = "Svc";
  HandlerSchema handler;
  handler.name = "run";
  handler.journal_retention = 1000;
  service->handlers.emplace("run", handler);
  HandlerSchema keyed = handler;
  auto object = std::make_shared<ServiceSchema>();
  object->name = "Obj";
  object->type = ServiceType::kVirtualObject;
  keyed.name = "add";
  keyed.type = HandlerType::kExclusive;
  object->handlers.emplace("add", keyed);
  auto deployment = std::make_shared<DeploymentSchema>();
  deployment->min_protocol_version = 5;
  deployment->max_protocol_version = 6;
  deployment->services["Svc"] = service;
  deployment->services["Obj"] = object;
  auto view = std::make_shared<SchemaView>();
  view->services["Svc"] = service;
  view->services["Obj"] = object;
  view->deployments[deployment->id] = deployment;
  return view;
}

struct TwoPartitions {
  std::unique_ptr<MemoryDatabase> db = MemoryDatabase::Create();
  ManualClock clock;
  SchemaPublisher publisher;
  FakeTarget target{1};
  std::unique_ptr<FakeGateway> gateway;
  FakeSlots slots;
  std::vector<std::unique_ptr<Runner>> runners;
  InvocationId caller{PartitionKey{1}, {}};

  TwoPartitions() {
    publisher.Publish(OneService());
    Start();
  }
  // A new process on the same folder.
  void Start() {
    runners.clear();
    gateway = std::make_unique<FakeGateway>();
    for (uint16_t i = 0; i < 2; ++i) {
      PartitionMachineOptions options;
      options.partition = PartitionId{i};
      options.partition_count = 2;
      options.start_counter = db->start_counter();
      const RunnerParts parts{
          db->store(), db->log(), clock, publisher, target, *gateway, &slots, db->start_counter()};
      runners.push_back(std::make_unique<Runner>(
          parts,
          PartitionId{i},
          MakePartitionMachine(options),
          gateway->mailboxes[PartitionId{i}],
          i));
    }
    for (const auto& runner : runners) {
      runner->Open();
    }
  }
  void Submit(Source source, Command command, ReplyTo reply_to = kNoReply) {
    gateway->Submit(PartitionId{0}, source, std::move(command), reply_to, nullptr);
  }
  void RunUntilQuiet() {
    bool more = true;
    while (more) {
      more = false;
      for (const auto& runner : runners) {
        more = runner->Turn() || more;
      }
      for (const auto& [partition, mailbox] : gateway->mailboxes) {
        more = more || !mailbox.empty();
      }
    }
  }
  AttemptEpoch BeginCaller() {
    Invoke invoke;
    invoke.spec.id = caller;
    invoke.spec.target = {"Svc", "", "run", ServiceType::kService, HandlerType::kUnkeyed};
    invoke.spec.retention = {1000, 1000};
    Submit(Source::kNewWork, std::move(invoke), kReply);
    RunUntilQuiet();
    db->Sync();
    target.RunAll();
    for (const Effect& effect : target.delivered[0]) {
      if (const auto* start = std::get_if<StartAttempt>(&effect)) {
        return start->epoch;
      }
    }
    ADD_FAILURE() << "the caller was not started";
    return {};
  }
  // A call to an object in the other partition.
  void Call(AttemptEpoch epoch) {
    std::string key;
    for (int i = 0; PartitionOf(PartitionKeyOfObject(key), 2).value != 1; ++i) {
      key = std::to_string(i);
    }
    CallCommand call;
    call.service = "Obj";
    call.handler = "add";
    call.key = key;
    call.invocation_id_completion_id = 1;
    call.result_completion_id = 2;
    SdkFrame frame;
    frame.type = MessageType::kCallCommand;
    frame.payload = SharedBytes(std::string("as the SDK wrote it"));
    frame.message = std::move(call);
    Submit(Source::kStream, JournalAppend{caller, epoch, 0, {frame}});
  }
  std::vector<StatusRow> Invocations() {
    std::vector<StatusRow> rows;
    const auto reader = db->store().Snapshot();
    StatusScanner scanner(*reader, std::nullopt);
    while (std::optional<StatusRow> row = scanner.Next()) {
      rows.push_back(std::move(*row));
    }
    return rows;
  }
  size_t OutboxRows() {
    size_t count = 0;
    const auto reader = db->store().Snapshot();
    const auto row = reader->Scan(Family::kQueue, "\x44", "\x45");
    for (; row->Valid(); row->Next()) {
      ++count;
    }
    return count;
  }
};

TEST(Hop, TheCalleeIsCreatedBeforeAnythingIsDurable) {
  TwoPartitions two;
  const AttemptEpoch epoch = two.BeginCaller();
  two.target.delivered[0].clear();
  two.Call(epoch);
  two.RunUntilQuiet();
  EXPECT_EQ(two.Invocations().size(), 2U);
  EXPECT_EQ(two.OutboxRows(), 0U);  // acknowledged, the same way back
  EXPECT_GE(two.db->unsynced_write_sets(), 3U);
  // And not one effect left: neither the notification nor the callee's start.
  two.target.RunAll();
  EXPECT_TRUE(two.target.delivered[0].empty());
  two.db->Sync();
  two.target.RunAll();
  EXPECT_EQ(two.target.delivered[0].size(), 2U);
}

TEST(Hop, EveryPrefixThatACrashLeavesGivesOneCallee) {
  size_t longest = 1;
  for (size_t survivors = 0; survivors <= longest; ++survivors) {
    SCOPED_TRACE("survivors " + std::to_string(survivors));
    TwoPartitions two;
    const AttemptEpoch epoch = two.BeginCaller();
    two.Call(epoch);
    two.RunUntilQuiet();
    longest = two.db->unsynced_write_sets();
    two.db->CrashAndRecover(survivors);
    two.Start();
    two.RunUntilQuiet();
    // With no survivor the caller has not called, and its next attempt will; else there is one
    // callee, known to its caller by its id, and nothing more to send.
    const std::vector<StatusRow> rows = two.Invocations();
    ASSERT_EQ(rows.size(), survivors == 0 ? 1U : 2U);
    EXPECT_EQ(two.OutboxRows(), 0U);
    for (const StatusRow& row : rows) {
      if (row.id == two.caller) {
        EXPECT_EQ(row.status.journal_length, survivors == 0 ? 1U : 3U);
      } else {
        EXPECT_EQ(row.status.caller->id, two.caller);
        EXPECT_EQ(row.status.state, InvocationState::kInvoked);
      }
    }
  }
  EXPECT_GE(longest, 3U);
}

}  // namespace
}  // namespace perdure::test
