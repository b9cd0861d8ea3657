// SPDX-License-Identifier: Apache-2.0
//
// Two partitions with real machines and runners over a memory log, and an invocation in the first
// that can be played by hand.
#pragma once

#include "perdure/core/partition.h"
#include "perdure/core/rows.h"
#include "tests/unit/partition/partition_test_support.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace perdure::test {

inline const ReplyTo kReply{0, 1, 1};

inline std::shared_ptr<const SchemaView> OneService() {
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

}  // namespace perdure::test
