// SPDX-License-Identifier: Apache-2.0
//
// See world.h.
#include "tests/unit/core/world.h"

#include "core/keys.h"
#include "perdure/base/overloaded.h"

#include <gtest/gtest.h>

namespace perdure::test {
namespace {

HandlerSchema MakeHandler(const std::string& name, HandlerType type) {
  HandlerSchema handler;
  handler.name = name;
  handler.type = type;
  handler.inactivity_timeout = 60'000;
  handler.abort_timeout = 600'000;
  handler.journal_retention = 1000;
  handler.idempotency_retention = 1000;
  handler.workflow_completion_retention = 1000;
  handler.retry_policy = {100, 2.0, 1000, 4, OnMaxAttempts::kPause};
  return handler;
}

void AddService(
    DeploymentSchema& deployment,
    const std::string& name,
    ServiceType type,
    const std::vector<std::pair<std::string, HandlerType>>& handlers) {
  auto service = std::make_shared<ServiceSchema>();
  service->name = name;
  service->type = type;
  service->deployment_id = deployment.id;
  for (const auto& [handler, handler_type] : handlers) {
    service->handlers.emplace(handler, MakeHandler(handler, handler_type));
  }
  deployment.services[name] = std::move(service);
}

}  // namespace

World::World(uint16_t partitions)
    : db_(MemoryDatabase::Create()), last_(partitions), schema_(std::make_shared<SchemaView>()) {
  machines_.resize(partitions);
  AddDeployment();
  for (uint16_t i = 0; i < partitions; ++i) {
    Open(i);
  }
}

DeploymentId World::AddDeployment(int max_protocol_version) {
  auto deployment = std::make_shared<DeploymentSchema>();
  deployment->id.ulid[15] = ++deployments_;
  deployment->min_protocol_version = 5;
  deployment->max_protocol_version = max_protocol_version;
  AddService(
      *deployment,
      "Svc",
      ServiceType::kService,
      {{"run", HandlerType::kUnkeyed}, {"other", HandlerType::kUnkeyed}});
  AddService(
      *deployment,
      "Obj",
      ServiceType::kVirtualObject,
      {{"add", HandlerType::kExclusive}, {"peek", HandlerType::kShared}});
  AddService(
      *deployment,
      "Wf",
      ServiceType::kWorkflow,
      {{"run", HandlerType::kWorkflow}, {"status", HandlerType::kShared}});
  active_ = deployment->id;
  Publish(deployment);
  return active_;
}

void World::Publish(const std::shared_ptr<DeploymentSchema>& deployment) {
  schema_ = std::make_shared<SchemaView>(*schema_);
  for (const auto& [name, service] : deployment->services) {
    schema_->services[name] = service;
  }
  schema_->deployments[deployment->id] = deployment;
}

void World::Edit(const std::string& service, const std::string& handler, const EditHandler& edit) {
  auto deployment = std::make_shared<DeploymentSchema>(*schema_->deployments.at(active_));
  auto changed = std::make_shared<ServiceSchema>(*deployment->services.at(service));
  edit(changed->handlers.at(handler));
  deployment->services[service] = std::move(changed);
  Publish(deployment);
}

void World::RemoveService(const std::string& service) {
  schema_ = std::make_shared<SchemaView>(*schema_);
  schema_->services.erase(service);
}

void World::RemoveDeployment(const DeploymentId& id) {
  schema_ = std::make_shared<SchemaView>(*schema_);
  schema_->deployments.erase(id);
}

InvocationSpec World::Spec(
    const std::string& service,
    const std::string& handler,
    const std::string& key,
    uint16_t partition) {
  const ServiceSchema& schema = *schema_->services.at(service);
  const HandlerSchema& handler_schema = schema.handlers.at(handler);
  InvocationSpec spec;
  spec.target = {service, key, handler, schema.type, handler_schema.type};
  spec.retention = RetentionOf(handler_schema, false);
  spec.body = SharedBytes(std::string("in"));
  spec.random_seed = next_uuid_;
  if (spec.target.workflow_run()) {
    spec.id = MakeInvocationId({service, key, handler, true, {}}, now, {});
    return spec;
  }
  if (spec.target.keyed()) {
    spec.id.partition_key = PartitionKeyOfObject(key);
  } else {
    // The middle of the partition's range.
    const uint64_t width = ~uint64_t{0} / partitions();
    spec.id.partition_key.value = width * partition + width / 2;
  }
  const uint64_t number = next_uuid_++;
  for (size_t i = 0; i < 8; ++i) {
    spec.id.uuid[8 + i] = static_cast<uint8_t>(number >> (8 * (7 - i)));
  }
  return spec;
}

InvocationSpec World::IdempotentSpec(
    const std::string& service,
    const std::string& handler,
    const std::string& key,
    const std::string& idempotency_key) {
  InvocationSpec spec = Spec(service, handler, key);
  IdParts parts{service, {}, handler, false, idempotency_key};
  if (spec.target.keyed()) {
    parts.key = key;
  }
  spec.id = MakeInvocationId(parts, now, {});
  spec.idempotency_key = idempotency_key;
  spec.retention = RetentionOf(schema_->services.at(service)->handlers.at(handler), true);
  return spec;
}

std::string World::KeyIn(uint16_t partition, int n) const {
  int seen = 0;
  for (int i = 0;; ++i) {
    std::string key = "k" + std::to_string(i);
    if (PartitionOf(PartitionKeyOfObject(key), partitions()).value == partition && seen++ == n) {
      return key;
    }
  }
}

Stamp World::MakeStamp() {
  entropy = entropy * 6364136223846793005ULL + 1442695040888963407ULL;
  return Stamp{now, entropy, schema_.get()};
}

void World::Open(uint16_t partition) {
  PartitionMachineOptions options;
  options.partition = PartitionId{partition};
  options.partition_count = static_cast<uint16_t>(machines_.size());
  options.start_counter = db_->start_counter();
  options.eager_state_bytes_max = eager_state_bytes_max;
  options.message_bytes_max = message_bytes_max;
  options.work_items_max = work_items_max;
  options.protocol_version_max = protocol_version_max;
  machines_[partition] = std::make_unique<PartitionMachine>(options);
  const auto txn = db_->store().Begin();
  Effects effects;
  machines_[partition]->Open(*txn, MakeStamp(), effects);
  machines_[partition]->EndTurn(*txn);
  Commit(partition, *txn, std::move(effects));
}

void World::Apply(uint16_t partition, Command command, ReplyTo reply_to) {
  const auto txn = db_->store().Begin();
  Effects effects;
  machines_[partition]->Apply(std::move(command), reply_to, MakeStamp(), *txn, effects);
  machines_[partition]->EndTurn(*txn);
  Commit(partition, *txn, std::move(effects));
}

void World::ApplyTo(const InvocationId& id, Command command, ReplyTo reply_to) {
  Apply(PartitionNumber(id), std::move(command), reply_to);
}

size_t World::Pull(uint16_t partition, size_t slots) {
  const auto txn = db_->store().Begin();
  Effects effects;
  const size_t started = machines_[partition]->PullStarts(slots, MakeStamp(), *txn, effects);
  machines_[partition]->EndTurn(*txn);
  Commit(partition, *txn, std::move(effects));
  return started;
}

void World::Commit(uint16_t partition, StateTxn& txn, Effects effects) {
  db_->log().Append(PartitionId{partition}, db_->start_counter(), txn);
  db_->Sync();
  for (Effect& effect : effects) {
    std::visit(
        Overloaded{
            [&](StartAttempt& start) { starts.push_back(std::move(start)); },
            [&](NotifyAttempt& notify) { notifies.push_back(std::move(notify)); },
            [&](StopAttempt& stop) { stops.push_back(stop); },
            [&](SendReply& reply) { replies[reply.to.slot].push_back(std::move(reply.reply)); },
            [&](SendPeer& peer) {
              Message message{peer.to.value, ContinueWork{}, false};
              if (auto* sent = std::get_if<PeerMessage>(&peer.message)) {
                message.command = std::move(*sent);
              } else {
                message.command = std::get<PeerAck>(peer.message);
              }
              wire.push_back(std::move(message));
            },
            [&](PublishSchema&) { ADD_FAILURE() << "a partition of invocations has no schema"; },
            [&](SubmitToSelf& self) {
              wire.push_back(Message{partition, std::move(self.command), true});
            }},
        effect);
  }
  if (check_every_command) {
    Check(partition);
  }
}

void World::Check(uint16_t partition) {
  const auto reader = db_->store().Snapshot();
  const auto count = static_cast<uint16_t>(machines_.size());
  for (const std::string& what : CheckPartition(*reader, PartitionId{partition}, count)) {
    ADD_FAILURE() << "rows: " << what;
  }
  for (const std::string& what : CheckMemory(*reader, machines_[partition]->memory())) {
    ADD_FAILURE() << "memory: " << what;
  }
  PartitionSnapshot snapshot = TakePartitionSnapshot(*reader, PartitionId{partition}, count);
  for (const std::string& what : CheckStep(last_[partition], snapshot)) {
    ADD_FAILURE() << "step: " << what;
  }
  last_[partition] = std::move(snapshot);
}

void World::CheckAll() {
  for (uint16_t i = 0; i < partitions(); ++i) {
    Check(i);
  }
}

uint32_t World::CallIn(const InvocationSpec& spec) {
  const uint32_t slot = next_slot_++;
  ApplyTo(spec.id, Invoke{spec, true}, ReplyTo{0, slot, 1});
  return slot;
}

uint32_t World::SendIn(const InvocationSpec& spec) {
  const uint32_t slot = next_slot_++;
  ApplyTo(spec.id, Invoke{spec, false}, ReplyTo{0, slot, 1});
  return slot;
}

uint32_t World::AttachTo(const InvocationId& id, bool wait) {
  const uint32_t slot = next_slot_++;
  ApplyTo(id, perdure::Attach{id, wait}, ReplyTo{0, slot, 1});
  return slot;
}

ControlResult World::Control(const InvocationId& id, Command command) {
  const uint32_t slot = next_slot_++;
  ApplyTo(id, std::move(command), ReplyTo{0, slot, 1});
  const auto outcome = Answer<ControlOutcome>(slot);
  EXPECT_EQ(outcome.id, id);
  return outcome.result;
}

void World::DeliverTo(const InvocationId& id, SignalName signal, SignalResult result) {
  const uint32_t slot = next_slot_++;
  ApplyTo(id, DeliverSignal{id, std::move(signal), std::move(result)}, ReplyTo{0, slot, 1});
  Answer<SignalAccepted>(slot);
}

RestartOutcome World::RestartAsNew(const InvocationId& id) {
  const uint32_t slot = next_slot_++;
  const DeploymentChoice latest{DeploymentChoice::Kind::kLatest, {}};
  ApplyTo(id, perdure::RestartAsNew{id, 0, latest}, ReplyTo{0, slot, 1});
  return Answer<RestartOutcome>(slot);
}

Attempt World::Begin(const InvocationId& id) {
  const uint16_t partition = PartitionNumber(id);
  do {
    Pull(partition);
  } while (machines_[partition]->ready_count() > 0);
  const StartAttempt& start = LastStart(id);
  return Attempt{id, start.epoch, 0};
}

const StartAttempt& World::LastStart(const InvocationId& id) const {
  for (auto start = starts.rbegin(); start != starts.rend(); ++start) {
    if (start->id == id) {
      return *start;
    }
  }
  PERDURE_INVARIANT(false, "the invocation was never started");
  return starts.front();
}

void World::Send(Attempt& attempt, std::vector<SdkFrame> frames) {
  const size_t count = frames.size();
  ApplyTo(
      attempt.id, JournalAppend{attempt.id, attempt.epoch, attempt.next_frame, std::move(frames)});
  attempt.next_frame += count;
}

void World::RunToEnd(const InvocationId& id, const std::string& value) {
  Attempt attempt = Begin(id);
  Send(attempt, {Output(value), EndFrame()});
}

void World::FireTimers(uint16_t partition) {
  Apply(partition, TimersDue{now});
}
void World::FireRetention(uint16_t partition) {
  Apply(partition, RetentionDue{now});
}

bool World::Step() {
  if (wire.empty()) {
    return false;
  }
  Message message = std::move(wire.front());
  wire.pop_front();
  Apply(message.to, std::move(message.command));
  return true;
}

void World::Settle() {
  while (Step()) {
  }
}

std::string World::ResultText(uint32_t slot) const {
  const auto result = Answer<InvocationResult>(slot);
  if (const auto* value = std::get_if<SharedBytes>(&result.result)) {
    return "value " + std::string(value->view());
  }
  const auto& failure = std::get<Failure>(result.result);
  return "failure " + std::to_string(failure.code) + " " + failure.message;
}

std::optional<InvocationStatus> World::Status(const InvocationId& id) {
  return ReadStatus(*Snapshot(), id);
}

InvocationStatus World::StatusOf(const InvocationId& id) {
  std::optional<InvocationStatus> status = Status(id);
  PERDURE_INVARIANT(status.has_value(), "the invocation does not exist");
  return *status;
}

std::vector<std::string> World::Journal(const InvocationId& id) {
  std::vector<std::string> out;
  const auto reader = Snapshot();
  const std::optional<InvocationStatus> status = ReadStatus(*reader, id);
  PERDURE_INVARIANT(status.has_value(), "the invocation does not exist");
  for (JournalIndex index = 0; index < status->journal_length; ++index) {
    const std::optional<JournalEntry> entry = ReadJournalEntry(*reader, id, *status, index);
    PERDURE_INVARIANT(entry.has_value(), "the journal has a hole");
    out.push_back(Describe(*entry));
  }
  return out;
}

JournalEntry World::Entry(const InvocationId& id, JournalIndex index) {
  std::optional<JournalEntry> entry = ReadJournalEntry(*Snapshot(), id, StatusOf(id), index);
  PERDURE_INVARIANT(entry.has_value(), "the journal has no such entry");
  return *entry;
}

std::optional<std::string> World::StateValue(
    const std::string& service, const std::string& key, const std::string& state_key) {
  const uint16_t partition = PartitionOf(PartitionKeyOfObject(key), partitions()).value;
  const ObjectState state(machines_[partition]->memory().clearing, service, key);
  return Snapshot()->Get(Family::kState, state.RowOf(state_key));
}

std::map<std::string, std::string> World::State(
    const std::string& service, const std::string& key) {
  std::map<std::string, std::string> found;
  const uint16_t partition = PartitionOf(PartitionKeyOfObject(key), partitions()).value;
  const ObjectState state(machines_[partition]->memory().clearing, service, key);
  state.Each(*Snapshot(), [&](BytesView state_key, BytesView value) {
    EXPECT_TRUE(found.emplace(state_key, value).second) << "twice: " << state_key;
    return true;
  });
  return found;
}

size_t World::RowCount(Family family) {
  size_t count = 0;
  const auto reader = Snapshot();
  for (auto row = reader->Scan(family, {}, {}); row->Valid(); row->Next()) {
    ++count;
  }
  return count;
}

void World::Tamper(const std::function<void(StateTxn&)>& write) {
  const auto txn = db_->store().Begin();
  write(*txn);
  db_->log().Append(PartitionId{0}, db_->start_counter(), *txn);
  db_->Sync();
}

void World::Restart() {
  db_->CrashAndRecover(0);
  wire.clear();
  for (uint16_t i = 0; i < partitions(); ++i) {
    Open(i);
  }
}

}  // namespace perdure::test
