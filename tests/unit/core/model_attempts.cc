// SPDX-License-Identifier: Apache-2.0
//
// What a running attempt does at random. See model_driver.h.
#include "tests/unit/core/model_driver.h"

#include <string>
#include <utility>
#include <vector>

namespace perdure::test {
namespace {

constexpr DurationMs kKept = 5000;

// As the constructor of the driver sets them.
uint32_t AttemptsOf(const Target& target) {
  if (target.handler == "other") {
    return 2;
  }
  return target.handler == "add" || target.handler == "status" ? 1 : 4;
}

}  // namespace

void Driver::Send(Model::Life& life, std::vector<SdkFrame> frames) {
  Attempt& attempt = attempts_.at(life.id);
  late_.push_back({life.id, attempt.epoch, attempt.next_frame, frames});
  world_.Send(attempt, std::move(frames));
  world_.Settle();
}

void Driver::Progress() {
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
  switch (Pick(15)) {
    case 0:
      RunStepOf(life);
      break;
    case 1:
      AddSleep(life);
      break;
    case 2:
      WriteState(life);
      break;
    case 3:
    case 4:
      MakeCall(life);
      break;
    case 5:
    case 6:
      Suspend(life);
      break;
    case 7:
      FailSomehow(life);
      break;
    case 8:
      SendSomeSignal(life);
      break;
    case 9:
      CompleteSomeAwakeable(life);
      break;
    case 10:
    case 11:
    case 12:
      UsePromise(life);
      break;
    case 13:
      AskForResult(life);
      break;
    default:
      Finish(life);
      break;
  }
}

void Driver::AddSleep(Model::Life& life) {
  const CompletionId completion = life.next_completion++;
  const TimeMs due = world_.now + Pick(6000);
  Send(life, {Sleep(completion, due)});
  model_.AddSleep(life, completion, due);
}

void Driver::RunStepOf(Model::Life& life) {
  const CompletionId completion = life.next_completion++;
  const std::string text = std::to_string(completion);
  model_.Command(life, "Run");
  if (Pick(3) == 0) {
    Send(life, {RunStep(completion), ProposeFailure(completion, 418, text)});
    model_.Answer(life, completion, "!Run(" + text + ")=failure 418 " + text);
  } else {
    Send(life, {RunStep(completion), Propose(completion, text)});
    model_.Answer(life, completion, "!Run(" + text + ")=value " + text);
  }
}

// On any mixture of what may come: completions, awakeables, names, and a cancellation beside them.
void Driver::Suspend(Model::Life& life) {
  const CompletionId next = life.next_completion;
  const CompletionId first = static_cast<CompletionId>(Pick(next + 1));
  // One that is there already or never comes, and often one that comes.
  const CompletionId second = next - static_cast<CompletionId>(Pick(2));
  WaitNode node{{first, second}, {}, {}, static_cast<Combinator>(Pick(5))};
  Model::Waits waits{{first, second}, {}, node.combinator, Pick(2) == 0};
  for (size_t more = Pick(3); more > 0; --more) {
    waits.signals.insert(RandomSignal());
  }
  for (const SignalName& signal : waits.signals) {
    if (const auto* number = std::get_if<uint32_t>(&signal)) {
      node.signals.push_back(*number);
    } else {
      node.named_signals.push_back(std::get<std::string>(signal));
    }
    reached_["suspended on what is here"] += life.signals.count(signal);
  }
  WaitSet sent;
  if (waits.for_cancel) {
    sent.nodes.push_back({{}, {kCancelSignal}, {}, Combinator::kFirstCompleted});
  }
  sent.nodes.push_back(std::move(node));
  model_.Suspend(life, std::move(waits));
  Send(life, {SuspendOnTree(std::move(sent))});
}

void Driver::FailSomehow(Model::Life& life) {
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
  model_.FailAttempt(life, AttemptsOf(life.target), kill, "failure 500 boom");
}

void Driver::WriteState(Model::Life& life) {
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

void Driver::MakeCall(Model::Life& life) {
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

void Driver::Finish(Model::Life& life) {
  const std::string text = "r" + std::to_string(Pick(1000));
  const bool failure = Pick(3) == 0;
  Send(life, {failure ? OutputFailure(418, text) : Output(text), EndFrame()});
  model_.Command(life, "Output");
  life.output = failure ? "failure 418 " + text : "value " + text;
  model_.End(life);
}

}  // namespace perdure::test
