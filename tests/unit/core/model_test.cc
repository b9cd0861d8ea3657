// SPDX-License-Identifier: Apache-2.0
//
// Random commands to the machine and to a model of what a client can see. After every step both
// must agree about every invocation, its journal, every answer and all state, and the invariants of
// both partitions must hold. A failure names seed and step; the same seed does the same again.
#include "tests/unit/core/model.h"

#include "core/keys.h"
#include "tests/unit/core/random_spec.h"
#include "tests/unit/core/world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace perdure::test {
namespace {

constexpr DurationMs kKept = 5000;
constexpr int kSteps = 200;

class Driver {
 public:
  explicit Driver(uint64_t seed) : random_(seed) {
    world_.check_every_command = false;
    // Every other seed does all larger work in slices of three.
    world_.work_items_max = seed % 2 == 0 ? limits::kWorkItemsPerTurn : 3;
    world_.Restart();
    model_.now = world_.now;
    world_.entropy = seed;
    // One handler is killed when its attempts are used up, the others are paused.
    world_.Edit("Svc", "other", [](HandlerSchema& handler) {
      handler.retry_policy.max_attempts = 2;
      handler.retry_policy.on_max_attempts = OnMaxAttempts::kKill;
    });
    for (const auto& [service, handler] :
         {std::pair("Svc", "run"),
          std::pair("Svc", "other"),
          std::pair("Obj", "add"),
          std::pair("Obj", "peek"),
          std::pair("Wf", "run")}) {
      world_.Edit(service, handler, [](HandlerSchema& schema) {
        schema.journal_retention = kKept;
        schema.idempotency_retention = kKept;
        schema.workflow_completion_retention = 2 * kKept;
      });
    }
  }

  void Run() {
    for (int step = 0; step < kSteps && !testing::Test::HasFailure(); ++step) {
      SCOPED_TRACE("step " + std::to_string(step));
      // New work is rarer than what goes on with it.
      const size_t what = Pick(20);
      if (what < 3) {
        NewInvocation();
      } else if (what < 5) {
        ControlSomething();
      } else if (what < 6) {
        PassTime();
      } else if (what < 7) {
        Disturb();
      } else if (what < 10) {
        StartAll();
      } else {
        Progress();
      }
      world_.Settle();
      world_.CheckAll();
      Compare();
    }
  }

 private:
  size_t Pick(size_t count) { return random_() % count; }

  InvocationSpec RandomSpec() {
    return test::RandomSpec(world_, [this](size_t count) { return Pick(count); });
  }

  void NewInvocation() {
    const InvocationSpec spec = RandomSpec();
    if (Pick(2) == 0) {
      const uint32_t slot = world_.CallIn(spec);
      model_.Invoke(spec, slot, std::nullopt);
    } else {
      world_.SendIn(spec);
      model_.Invoke(spec, std::nullopt, std::nullopt);
    }
    ids_.push_back(spec.id);
  }

  void ControlSomething() {
    if (ids_.empty()) {
      return;
    }
    const InvocationId id = ids_[Pick(ids_.size())];
    ControlResult expected{};
    ControlResult actual{};
    switch (Pick(5)) {
      case 4: {
        const RestartOutcome restarted = world_.RestartAsNew(id);
        EXPECT_EQ(restarted.result, model_.RestartAsNew(id, restarted.new_id)) << id.ToString();
        if (restarted.result == RestartResult::kRestarted) {
          ids_.push_back(restarted.new_id);
        }
        break;
      }
      case 0:
        actual = world_.Control(id, Cancel{id});
        expected = model_.Cancel(id);
        break;
      case 1:
        actual = world_.Control(id, Kill{id});
        expected = model_.Kill(id);
        break;
      case 2:
        actual = world_.Control(id, Resume{id});
        expected = model_.Resume(id);
        break;
      default:
        model_.Attach(id, world_.AttachTo(id));
        break;
    }
    EXPECT_EQ(actual, expected) << id.ToString();
  }

  // Longer than any backoff, so that whether a retry is due does not depend on its jitter.
  void PassTime() {
    world_.now += 2000;
    const auto due = [this](std::optional<TimeMs> at) { return at && *at <= world_.now; };
    for (uint16_t partition = 0; partition < 2; ++partition) {
      while (due(world_.machine(partition).next_timer())) {
        world_.FireTimers(partition);
      }
    }
    world_.Settle();
    model_.PassTime(world_.now);
    for (uint16_t partition = 0; partition < 2; ++partition) {
      while (due(world_.machine(partition).next_retention())) {
        world_.FireRetention(partition);
      }
    }
    model_.Expire(world_.now);
  }

  // Nothing a client could see.
  void Disturb() {
    switch (Pick(4)) {
      case 0:
        world_.Restart();
        model_.Restart();
        attempts_.clear();
        break;
      case 1:
        if (!late_.empty()) {
          world_.ApplyTo(late_.back().id, late_.back());
        }
        break;
      case 2:
        if (!late_.empty()) {
          const InvocationId id = late_.back().id;
          world_.ApplyTo(id, AttemptFailed{id, AttemptEpoch{1}, {}, "RT0010", {}, true});
        }
        break;
      default:
        world_.Apply(static_cast<uint16_t>(Pick(2)), ContinueWork{});
        break;
    }
  }

  void StartAll() {
    world_.starts.clear();
    for (uint16_t partition = 0; partition < 2; ++partition) {
      while (world_.machine(partition).ready_count() > 0) {
        world_.Pull(partition);
      }
    }
    std::set<InvocationId> started;
    for (const StartAttempt& start : world_.starts) {
      EXPECT_TRUE(started.insert(start.id).second);
      attempts_[start.id] = Attempt{start.id, start.epoch, 0};
      CheckStart(start);
    }
    EXPECT_EQ(started, model_.StartAll());
  }

  void CheckStart(const StartAttempt& start) {
    const Model::LifePtr life = model_.Find(start.id);
    ASSERT_NE(life, nullptr);
    EXPECT_EQ(start.known_entries, life->journal.size());
    if (start.target.keyed()) {
      const auto& state = model_.state[Model::ObjectOf(*life)];
      const std::map<std::string, std::string> eager(start.state.begin(), start.state.end());
      EXPECT_EQ(eager, state);
    }
  }

  void Send(Model::Life& life, std::vector<SdkFrame> frames) {
    Attempt& attempt = attempts_.at(life.id);
    late_.push_back({life.id, attempt.epoch, attempt.next_frame, frames});
    world_.Send(attempt, std::move(frames));
    world_.Settle();
  }

  // One step of one running attempt.
  void Progress() {
    std::vector<Model::LifePtr> running;
    for (const auto& [id, life] : model_.lives) {
      if (life->state == InvocationState::kInvoked && life->step == Model::Step::kRunning) {
        running.push_back(life);
      }
    }
    if (running.empty()) {
      StartAll();
      return;
    }
    Model::Life& life = *running[Pick(running.size())];
    const CompletionId completion = life.next_completion;
    const std::string text = std::to_string(completion);
    switch (Pick(8)) {
      case 0:
        life.next_completion += 1;
        model_.Command(life, "Run");
        if (Pick(3) == 0) {
          Send(life, {RunStep(completion), ProposeFailure(completion, 418, text)});
          model_.Answer(life, completion, "!Run(" + text + ")=failure 418 " + text);
        } else {
          Send(life, {RunStep(completion), Propose(completion, text)});
          model_.Answer(life, completion, "!Run(" + text + ")=value " + text);
        }
        break;
      case 1: {
        life.next_completion += 1;
        const TimeMs due = world_.now + Pick(6000);
        Send(life, {Sleep(completion, due)});
        model_.AddSleep(life, completion, due);
        break;
      }
      case 2:
        WriteState(life);
        break;
      case 3:
      case 4:
        MakeCall(life);
        break;
      case 5:
        Suspend(life, completion);
        break;
      case 6:
        FailSomehow(life);
        break;
      default:
        Finish(life);
        break;
    }
  }

  void Suspend(Model::Life& life, CompletionId completion) {
    const CompletionId first = static_cast<CompletionId>(Pick(completion + 1));
    // One that is there already or never comes, and often one that comes.
    const CompletionId second = completion - static_cast<CompletionId>(Pick(2));
    const bool for_cancel = Pick(2) == 0;
    WaitNode node{{first, second}, {}, {}, static_cast<Combinator>(Pick(5))};
    model_.Suspend(life, {first, second}, node.combinator, for_cancel);
    WaitSet waits;
    if (for_cancel) {
      waits.nodes.push_back({{}, {kCancelSignal}, {}, Combinator::kFirstCompleted});
    }
    waits.nodes.push_back(std::move(node));
    Send(life, {SuspendOnTree(std::move(waits))});
  }

  void FailSomehow(Model::Life& life) {
    const ErrorBehavior behavior = Pick(4) > 0    ? ErrorBehavior::kRetry
                                   : Pick(2) == 0 ? ErrorBehavior::kPause
                                                  : ErrorBehavior::kFail;
    if (behavior != ErrorBehavior::kRetry) {
      Send(life, {FailWith(behavior, 500, "boom")});
      model_.FailFor(life, behavior, "failure 500 boom");
      return;
    }
    Send(life, {Fail(500, "boom")});
    const bool kill = life.target.handler == "other";
    model_.FailAttempt(life, kill ? 2 : 4, kill, "failure 500 boom");
  }

  void WriteState(Model::Life& life) {
    if (!life.target.keyed() || life.target.handler_type == HandlerType::kShared) {
      return;
    }
    auto& state = model_.state[Model::ObjectOf(life)];
    const std::string key(1, static_cast<char>('a' + Pick(12)));
    switch (Pick(8)) {
      case 0:
        Send(life, {ClearState(key)});
        model_.Command(life, "ClearState");
        state.erase(key);
        break;
      case 1:
        Send(life, {ClearAllState()});
        model_.Command(life, "ClearAllState");
        state.clear();
        break;
      default: {
        const std::string value = std::to_string(Pick(100));
        Send(life, {SetState(key, value)});
        model_.Command(life, "SetState");
        state[key] = value;
        break;
      }
    }
  }

  void MakeCall(Model::Life& life) {
    InvocationSpec callee = RandomSpec();
    const bool one_way = Pick(3) == 0;
    const CompletionId completion = life.next_completion;
    life.next_completion += 2;
    CallTo to{
        .service = callee.target.service,
        .handler = callee.target.handler,
        .key = callee.target.key,
        .id_completion = completion,
        .result_completion = completion + 1,
        .idempotency_key = callee.idempotency_key,
        .invoke_time = callee.start_at};
    // What the machine itself decides about a callee.
    const bool workflow = callee.target.workflow_run();
    callee.retention = workflow ? Retention{2 * kKept, kKept} : Retention{kKept, kKept};
    if (!one_way) {
      callee.start_at = 0;
    }
    Send(life, {one_way ? OneWayCall(to) : Call(to)});
    const JournalIndex length = static_cast<JournalIndex>(life.journal.size());
    callee.id = CalleeOf(world_.Entry(life.id, length + 1));
    ids_.push_back(callee.id);
    called_.insert(callee.id);
    model_.Command(life, one_way ? "OneWayCall" : "Call");
    life.children.push_back(callee.id);
    model_.Answer(life, completion, "!CallInvocationId(" + std::to_string(completion) + ")=id");
    model_.Invoke(
        callee, std::nullopt, Model::Ref{life.id, life.number, one_way ? 0 : completion + 1});
  }

  void Finish(Model::Life& life) {
    const std::string text = "r" + std::to_string(Pick(1000));
    const bool failure = Pick(3) == 0;
    Send(life, {failure ? OutputFailure(418, text) : Output(text), EndFrame()});
    model_.Command(life, "Output");
    life.output = failure ? "failure 418 " + text : "value " + text;
    model_.End(life);
  }

  // --- the comparison ---

  void Compare() {
    const auto reader = world_.Snapshot();
    AgreeOnKilled(*reader);
    size_t found = 0;
    StatusScanner scanner(*reader, std::nullopt);
    while (const std::optional<StatusRow> row = scanner.Next()) {
      ++found;
      const Model::LifePtr life = model_.Find(row->id);
      ASSERT_NE(life, nullptr) << row->id.ToString() << " should be gone";
      CompareOne(*reader, *row, *life);
    }
    EXPECT_EQ(found, model_.lives.size());
    CompareAnswers();
    CompareState(*reader);
  }

  // A callee that was queued when its tree was killed: withdrawn, or, if who stood before it died
  // first, killed as the holder of its object. Only the second is kept.
  void AgreeOnKilled(const StateReader& reader) {
    const std::string killed = "failure 409 killed";
    std::erase_if(model_.lives, [&](const auto& item) {
      const Model::Life& life = *item.second;
      return life.result == killed && called_.count(life.id) > 0 && life.target.exclusive() &&
             life.journal.size() <= 1 && !ReadStatus(reader, life.id);
    });
    StatusScanner scanner(reader, std::nullopt);
    while (const std::optional<StatusRow> row = scanner.Next()) {
      const InvocationStatus& status = row->status;
      if (model_.Find(row->id) != nullptr || !status.failure || called_.count(row->id) == 0 ||
          status.failure->message != "killed" || status.journal_length > 1 ||
          !status.target.exclusive()) {
        continue;
      }
      const auto life = std::make_shared<Model::Life>();
      life->id = row->id;
      life->target = status.target;
      life->retention = status.retention;
      life->state = InvocationState::kCompleted;
      life->completed_at = status.completed_at;
      life->journal = world_.Journal(row->id);
      life->result = killed;
      model_.lives[row->id] = life;
    }
  }

  void CompareOne(const StateReader& reader, const StatusRow& row, const Model::Life& life) {
    const std::string name = row.id.ToString();
    EXPECT_EQ(static_cast<int>(row.status.state), static_cast<int>(life.state)) << name;
    EXPECT_EQ(row.status.failed_attempts, life.failed) << name;
    std::vector<std::string> journal = world_.Journal(row.id);
    std::vector<std::string> expected = life.journal;
    if (life.result == "failure 409 killed") {
      // Whether a killed caller still hears of a callee of the same tree depends on who died first.
      const auto call = [](const std::string& text) { return text.rfind("!Call(", 0) == 0; };
      std::erase_if(journal, call);
      std::erase_if(expected, call);
    }
    std::sort(journal.begin(), journal.end());
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(journal, expected) << name;
    if (life.state == InvocationState::kCompleted) {
      const ValueOrFailure result = *ReadResult(reader, row.id, row.status);
      const auto* value = std::get_if<SharedBytes>(&result);
      const std::string text = value != nullptr
                                   ? "value " + std::string(value->view())
                                   : "failure " + std::to_string(std::get<Failure>(result).code) +
                                         " " + std::get<Failure>(result).message;
      EXPECT_EQ(text, life.result) << name;
    }
  }

  void CompareAnswers() {
    for (const auto& [slot, expected] : model_.answers) {
      ASSERT_TRUE(world_.answered(slot)) << "slot " << slot << ": " << expected;
      if (expected == "unknown") {
        world_.Answer<InvocationUnknown>(slot);
      } else {
        EXPECT_EQ(world_.ResultText(slot), expected);
      }
    }
    for (const auto& [slot, replies] : world_.replies) {
      const bool result = std::holds_alternative<InvocationResult>(replies.front());
      EXPECT_TRUE(!result || model_.answers.count(slot) > 0) << "slot " << slot;
    }
  }

  void CompareState(const StateReader& reader) {
    size_t expected = 0;
    for (const auto& [object, values] : model_.state) {
      for (const auto& [key, value] : values) {
        ++expected;
        EXPECT_EQ(reader.Get(Family::kState, keys::State(object.first, object.second, key)), value);
      }
    }
    EXPECT_EQ(world_.RowCount(Family::kState), expected);
  }

  std::mt19937_64 random_;
  World world_{2};
  Model model_;
  std::vector<InvocationId> ids_;
  std::set<InvocationId> called_;
  std::map<InvocationId, Attempt> attempts_;
  std::vector<JournalAppend> late_;
};

// PERDURE_MODEL_SEEDS runs more of them, PERDURE_MODEL_FIRST_SEED begins elsewhere.
uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  // No other thread runs. NOLINTNEXTLINE(concurrency-mt-unsafe)
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::stoull(text);
}

TEST(Model, AgreesWithTheMachine) {
  const uint64_t first = FromEnvironment("PERDURE_MODEL_FIRST_SEED", 1);
  const uint64_t seeds = FromEnvironment("PERDURE_MODEL_SEEDS", 100);
  for (uint64_t seed = first; seed < first + seeds && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Driver(seed).Run();
  }
}

}  // namespace
}  // namespace perdure::test
