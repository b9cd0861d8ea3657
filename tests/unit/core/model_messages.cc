// SPDX-License-Identifier: Apache-2.0
//
// What invocations tell each other at random: signals by index and name, awakeables, promises, and
// results that are asked for. See model_driver.h.
#include "tests/unit/core/model_driver.h"

#include <string>

namespace perdure::test {
namespace {

std::string StateName(const Model::LifePtr& life) {
  if (life == nullptr) {
    return "nobody";
  }
  switch (life->state) {
    case InvocationState::kScheduled:
      return "scheduled";
    case InvocationState::kInboxed:
      return "inboxed";
    case InvocationState::kInvoked:
      return "invoked";
    case InvocationState::kSuspended:
      return "suspended";
    case InvocationState::kPaused:
      return "paused";
    case InvocationState::kCompleted:
      return "completed";
  }
  return {};
}

}  // namespace

void Driver::NoteControl(const char* what, const InvocationId& target) {
  ++reached_[std::string(what) + " of " + StateName(model_.Find(target))];
}

// The first awakeable of an SDK is signal 17 (service protocol 3.8).
SignalName Driver::RandomSignal() {
  static const std::vector<SignalName> kSignals = {
      17U, 18U, std::string("go"), std::string("stay"), std::string()};
  return kSignals[Pick(kSignals.size())];
}

// Queued and scheduled ones, also those that do not wait for it, or not yet.
void Driver::NoteSignal(const InvocationId& target, const SignalName& signal) {
  const bool cancel = signal == SignalName{kCancelSignal};
  ++reached_[(cancel ? "cancel of " : "signal to ") + StateName(model_.Find(target))];
}

void Driver::SignalFromOutside() {
  if (ids_.empty()) {
    return;
  }
  const InvocationId id = AnyId();
  const SignalName signal = RandomSignal();
  NoteSignal(id, signal);
  ++reached_["signal from outside"];
  const std::string text = std::to_string(Pick(100));
  switch (Pick(3)) {
    case 0:
      world_.DeliverTo(id, signal, VoidResult{});
      model_.Signal(id, signal, "void");
      break;
    case 1:
      world_.DeliverTo(id, signal, Failure{500, text, {}});
      model_.Signal(id, signal, "failure 500 " + text);
      break;
    default:
      world_.DeliverTo(id, signal, SharedBytes::Copy(text));
      model_.Signal(id, signal, "value " + text);
      break;
  }
}

void Driver::SendSomeSignal(Model::Life& life) {
  const InvocationId target = AnyId();
  model_.Command(life, "SendSignal");
  if (Pick(3) == 0) {
    NoteSignal(target, kCancelSignal);
    ++reached_["cancel by a handler"];
    Send(life, {SendCancel(target)});
    model_.Signal(target, kCancelSignal, "void");
    return;
  }
  const SignalName signal = RandomSignal();
  const std::string text = std::to_string(Pick(100));
  NoteSignal(target, signal);
  Send(life, {SendSignal(target.ToString(), signal, text)});
  model_.Signal(target, signal, "value " + text);
}

void Driver::CompleteSomeAwakeable(Model::Life& life) {
  const uint32_t signal = 17 + static_cast<uint32_t>(Pick(3));
  const InvocationId target = AnyId();
  const std::string id = AwakeableId{target, signal}.ToString();
  const std::string text = std::to_string(Pick(100));
  NoteSignal(target, signal);
  model_.Command(life, "CompleteAwakeable");
  if (Pick(3) == 0) {
    ++reached_["awakeable rejected"];
    Send(life, {RejectAwakeable(id, 418, text)});
    model_.Signal(target, signal, "failure 418 " + text);
    return;
  }
  ++reached_["awakeable completed"];
  Send(life, {CompleteAwakeable(id, text)});
  model_.Signal(target, signal, "value " + text);
}

void Driver::UsePromise(Model::Life& life) {
  if (life.target.service_type != ServiceType::kWorkflow) {
    return;
  }
  const std::string promise(1, static_cast<char>('p' + Pick(5)));
  const bool completed = model_.promises[Model::ObjectOf(life)].count(promise) > 0;
  const CompletionId completion = life.next_completion++;
  const std::string text = std::to_string(Pick(100));
  switch (Pick(4)) {
    case 0:
      ++reached_[completed ? "promise got after" : "promise got before"];
      Send(life, {GetPromise(completion, promise)});
      model_.GetPromise(life, completion, promise);
      break;
    case 1:
      ++reached_[completed ? "peek after" : "peek before"];
      Send(life, {PeekPromise(completion, promise)});
      model_.PeekPromise(life, completion, promise);
      break;
    case 2:
      ++reached_[completed ? "promise completed again" : "promise completed"];
      Send(life, {CompletePromise(completion, promise, text)});
      model_.CompletePromise(life, completion, promise, "value " + text);
      break;
    default: {
      // Suspends at once, so that whoever completes it has somebody to wake.
      ++reached_[completed ? "promise got after" : "promise got before"];
      Send(life, {GetPromise(completion, promise), SuspendOn({completion})});
      model_.GetPromise(life, completion, promise);
      Model::Waits waits;
      waits.completions.insert(completion);
      model_.Suspend(life, waits);
      break;
    }
  }
}

void Driver::AskForResult(Model::Life& life) {
  const InvocationId target = AnyId();
  const Model::LifePtr found = model_.Find(target);
  const bool there = found != nullptr;
  const bool done = there && found->state == InvocationState::kCompleted;
  const CompletionId completion = life.next_completion++;
  const bool waits = Pick(2) == 0;
  const std::string what = waits ? "attach " : "output ";
  ++reached_[what + (done ? "after the end" : there ? "before the end" : "to nobody")];
  Send(
      life,
      {waits ? AttachTo(completion, target.ToString()) : GetOutput(completion, target.ToString())});
  model_.AskForResult(life, completion, target, waits);
}

}  // namespace perdure::test
