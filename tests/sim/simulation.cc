// SPDX-License-Identifier: Apache-2.0
//
// See simulation.h.
#include "tests/sim/simulation.h"

#include "perdure/core/rows.h"
#include "tests/sim/sdk.h"

#include <algorithm>
#include <utility>

namespace perdure::sim {
namespace {

constexpr uint64_t kSecond = 1'000 * kMs;
constexpr uint64_t kDrainMax = 1'800 * kSecond;
// Who should have sent a signal had time enough by then; see message_checks.cc.
constexpr uint64_t kFillAfter = 300 * kSecond;

// Lets everything go at once: what was promised may be lost.
class HastyLog final : public CommitLog {
 public:
  explicit HastyLog(CommitLog& log) : log_(log) {}
  Ticket Append(PartitionId partition, uint64_t term, StateTxn& txn) override {
    return log_.Append(partition, term, txn);
  }
  Ticket newest() const override { return log_.newest(); }
  Ticket durable() const override { return log_.durable(); }
  void Hold(Ticket, Executor& destination, MoveFunction<void()> work) override {
    destination.Post(std::move(work));
  }
  void SyncFromNow(Executor& destination, MoveFunction<void()> work) override {
    log_.SyncFromNow(destination, std::move(work));
  }
  bool congested() const override { return log_.congested(); }
  void WaitWhileCongested() override { log_.WaitWhileCongested(); }
  bool hop_before_durable() const override { return log_.hop_before_durable(); }

 private:
  CommitLog& log_;
};

MemoryDatabaseOptions AnyDatabaseOptions(Rng& rng) {
  MemoryDatabaseOptions options;
  if (rng.Percent(20)) {
    options.unsynced_bytes_max = 16 * limits::kKiB;
    options.held_effects_max = 20;
  }
  return options;
}

ServerShape AnyShape(Rng& rng) {
  static constexpr size_t kSlots[] = {2, 4, 100, 100};
  static constexpr size_t kEager[] = {0, 64, limits::kEagerStateMax};
  ServerShape shape;
  shape.slots = kSlots[rng.Below(4)];
  shape.eager_state_bytes_max = kEager[rng.Below(3)];
  shape.frame_memory_max = rng.Percent(30) ? 100 * limits::kKiB : 4 * limits::kMiB;
  return shape;
}

}  // namespace

Simulation::Simulation(uint64_t seed, Bug bug, size_t keep_lines)
    : core_(seed, bug, keep_lines),
      oracle_(core_),
      database_(MemoryDatabase::Create(AnyDatabaseOptions(core_.rng))),
      network_(core_),
      shape_(AnyShape(core_.rng)),
      services_(AnyServiceOptions(core_.rng)),
      mail_(core_, oracle_, [this] { return process_.get(); }),
      clients_(core_, oracle_, [this] { return process_.get(); }) {
  if (seed % 3 == 0) {
    shape_.work_items_max = 3;  // everything larger goes in slices
  }
  if (bug == Bug::kEarlyRelease) {
    planted_log_ = std::make_unique<HastyLog>(database_->log());
  }
  network_.SetServants([this](std::shared_ptr<Link> link, const HttpStreamRequest& request) {
    return std::make_shared<SdkAttempt>(core_, oracle_, mail_, std::move(link), request);
  });
}

Simulation::~Simulation() = default;

void Simulation::Boot() {
  core_.Say("server: starts");
  CommitLog& log = planted_log_ == nullptr ? database_->log() : *planted_log_;
  const Surroundings around{core_, *database_, log, network_, oracle_, holders_, strays_};
  process_ = std::make_unique<Process>(around, shape_);
  process_->Start();
  process_->CheckAll();
}

void Simulation::Crash(bool again) {
  if (process_ == nullptr || !core_.faults) {
    return;
  }
  const size_t unsynced = database_->unsynced_write_sets();
  const size_t survivors = unsynced == 0 ? 0 : core_.rng.Below(unsynced + 1);
  core_.Say(
      "server: crashes, " + std::to_string(survivors) + " of " + std::to_string(unsynced) +
      " unsynced write sets are found again");
  ++core_.coverage["crashes"];
  core_.coverage["write sets lost"] += unsynced - survivors;
  process_.reset();
  database_->CrashAndRecover(survivors);
  mail_.OnCrash();
  clients_.OnCrash();
  const uint64_t away = again ? 0 : core_.rng.Below(1'500) * kMs;
  core_.scheduler.After(away, [this, again] {
    if (process_ != nullptr) {
      return;
    }
    Boot();
    if (again) {
      core_.scheduler.After(core_.rng.Below(5 * kMs), [this] { Crash(false); });
    }
  });
}

void Simulation::Register(uint8_t number) {
  if (process_ == nullptr) {
    return;
  }
  IoContext& context = process_->context(0);
  const ReplyTo reply_to = context.replies.Take([this, number](Reply reply) {
    const auto* outcome = std::get_if<RegistrationOutcome>(&reply);
    if (outcome == nullptr || outcome->kind == RegistrationOutcome::Kind::kTypeChanged) {
      core_.Violate("a deployment was not registered");
    }
    core_.Say("operator: deployment " + std::to_string(number) + " is registered");
    registered_ = true;
  });
  RegisterDeployment command;
  command.deployment = MakeDeployment(number, services_);
  static_cast<void>(
      process_->Submit(kMetadataPartition, Source::kControl, std::move(command), reply_to));
}

void Simulation::Step() {
  core_.scheduler.RunOne();
  // Crashes find it with something to lose.
  if (crashes_left_ > 0 && database_->unsynced_write_sets() > 0 && core_.Fault(crash_share_)) {
    --crashes_left_;
    Crash(core_.rng.Percent(20));
  }
  Sync();
}

// As the real syncer: when something waits, or some time after something was written.
void Simulation::Sync() {
  if (sync_end_ && !database_->syncing()) {
    core_.scheduler.Cancel(*sync_end_);  // a crash, or a runner that could not wait
    sync_end_.reset();
  }
  if (sync_end_) {
    return;
  }
  if (database_->sync_wanted()) {
    database_->BeginSync();
    const uint64_t lasts =
        core_.Fault(30) ? core_.rng.Between(20, 400) * kMs : core_.rng.Between(100, 1'200) * kUs;
    sync_end_ = core_.scheduler.After(lasts, [this] {
      sync_end_.reset();
      database_->FinishSync();
    });
  } else if (database_->unsynced_write_sets() > 0 && !lazy_sync_) {
    lazy_sync_ = core_.scheduler.After(20 * kMs, [this] {
      lazy_sync_.reset();
      if (!database_->syncing()) {
        database_->Sync();
      }
    });
  }
}

void Simulation::RunUntil(uint64_t at_ns) {
  while (ok() && !core_.scheduler.empty() && core_.scheduler.next_ns() <= at_ns) {
    Step();
  }
}

void Simulation::PlanFaults(uint64_t span_ns) {
  Rng& rng = core_.rng;
  static constexpr uint64_t kShares[] = {0, 1, 2, 10};
  crash_share_ = kShares[rng.Below(4)];
  crashes_left_ = rng.Below(8);
  for (uint64_t crashes = rng.Below(3); crashes > 0; --crashes) {
    const bool again = rng.Percent(20);
    core_.scheduler.After(rng.Below(span_ns), [this, again] { Crash(again); });
  }
  for (uint64_t downs = rng.Below(3); downs > 0; --downs) {
    const std::string host = HostOf(static_cast<uint8_t>(rng.Between(1, 2)));
    const uint64_t lasts = rng.Between(20, 2'500) * kMs;
    core_.scheduler.After(
        rng.Below(span_ns), [this, host, lasts] { network_.TakeDown(host, lasts); });
  }
  for (uint64_t jumps = rng.Percent(30) ? rng.Between(1, 3) : 0; jumps > 0; --jumps) {
    const int64_t by = static_cast<int64_t>(rng.Below(15'000)) - 5'000;
    core_.scheduler.After(rng.Below(span_ns), [this, by] { core_.JumpWallClock(by); });
  }
  if (rng.Percent(50)) {
    core_.scheduler.After(rng.Below(span_ns), [this] { Register(2); });
  }
}

// Resumes what is paused.
void Simulation::Operate() {
  if (!operating_) {
    return;
  }
  core_.scheduler.After(700 * kMs, [this] { Operate(); });
  if (process_ == nullptr) {
    return;
  }
  const std::unique_ptr<StateReader> reader = database_->store().Snapshot();
  StatusScanner scanner(*reader, std::nullopt);
  while (std::optional<StatusRow> row = scanner.Next()) {
    if (row->status.state == InvocationState::kPaused) {
      core_.Say("operator: resumes " + Short(row->id));
      ++core_.coverage["resumes"];
      static_cast<void>(
          process_->Submit(process_->PartitionFor(row->id), Source::kControl, Resume{row->id}));
    }
  }
}

std::optional<std::string> Simulation::Unfinished() {
  if (process_ == nullptr) {
    return "the server is not there";
  }
  if (!clients_.settled()) {
    return "a client waits: " + clients_.Unsettled();
  }
  if (!mail_.settled()) {
    return "the completion of an awakeable is not acknowledged";
  }
  if (std::optional<std::string> what = process_->Unfinished()) {
    return what;
  }
  if (network_.open_links() > 0) {
    return "a stream is open";
  }
  const std::unique_ptr<StateReader> reader = database_->store().Snapshot();
  StatusScanner scanner(*reader, std::nullopt);
  while (std::optional<StatusRow> row = scanner.Next()) {
    if (row->status.state != InvocationState::kCompleted) {
      return Short(row->id) + " (" + row->status.target.ToString() + ") is in state " +
             std::to_string(static_cast<int>(row->status.state));
    }
  }
  return std::nullopt;
}

void Simulation::Drain() {
  core_.Say("--- the faults stop ---");
  core_.faults = false;
  clients_.SettleFlows();
  const uint64_t limit = core_.now_ns() + kDrainMax;
  const uint64_t fill_at = core_.now_ns() + kFillAfter;
  std::optional<std::string> left = Unfinished();
  while (ok() && left && core_.now_ns() < limit) {
    RunUntil(core_.now_ns() + 250 * kMs);
    // Events may be far apart: look no further than the next one.
    core_.scheduler.After(250 * kMs, [] {});
    Step();
    if (core_.now_ns() > fill_at) {
      mail_.FillRest();
    }
    left = Unfinished();
  }
  if (ok() && left) {
    core_.Violate("it never comes to an end: " + *left);
  }
}

Outcome Simulation::Run() {
  core_.faults = false;
  Boot();
  Register(1);
  while (ok() && !registered_) {
    Step();
  }
  core_.faults = true;
  static constexpr uint64_t kLevels[] = {1, 2, 4, 8};
  core_.fault_level = kLevels[core_.rng.Below(4)];
  const uint64_t span = core_.rng.Between(1, 8) * kSecond;
  clients_.Plan(core_.rng.Between(10, 40), span);
  PlanFaults(span);
  Operate();
  RunUntil(core_.now_ns() + span);
  if (ok()) {
    Drain();
  }
  if (ok()) {
    process_->CheckAll();
    CheckResults();
    CheckCounters();
    CheckCallees();
    CheckMessages();
    HashRows();
    operating_ = false;
  }
  if (ok()) {
    CheckForgotten();
  }
  Outcome outcome;
  outcome.hash = core_.story().hash();
  outcome.violations = core_.violations();
  outcome.story = core_.story().lines();
  outcome.coverage = core_.coverage;
  return outcome;
}

}  // namespace perdure::sim
