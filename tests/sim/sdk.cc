// SPDX-License-Identifier: Apache-2.0
//
// The program of an attempt, step by step. What it may know comes from the journal alone, in the
// order of the journal: a cancellation that came before an awaited result is seen before it, in
// every attempt. See sdk.h.
#include "tests/sim/sdk.h"

#include "perdure/base/assert.h"
#include "perdure/protocol/notifications.h"

#include <algorithm>
#include <utility>

namespace perdure::sim {
namespace {

constexpr const char* kCounter = "n";
constexpr const char* kPreviouslyInvoked = "the workflow method was already invoked";

uint64_t CounterIn(const std::string& value) {
  return value.empty() ? 0 : std::stoull(value);
}

// "after before padding": what comes before names its predecessor, so that a chain can be checked.
std::string CounterValue(uint64_t before, const Step& step) {
  return std::to_string(before + step.add) + " " + std::to_string(before) + " " +
         std::string(step.padding, '.');
}

}  // namespace

void SdkAttempt::Advance() {
  while (phase_ == Phase::kRunning && DoOne()) {
  }
  Flush();
}

// True: there may be more to do.
bool SdkAttempt::DoOne() {
  if (cancelled_) {
    return Cancelled();
  }
  if (step_ >= program_.size()) {
    return Collect();
  }
  const Step& step = program_[step_];
  if (!issued_) {
    issued_ = true;
    Issue(step);
    return phase_ == Phase::kRunning;
  }
  if (IsSome(waits_for_) && !step.wait_now) {
    deferred_.push_back({waits_for_, step_});
  } else if (IsSome(waits_for_)) {
    const Await await = Look(waits_for_);
    if (await == Await::kPending) {
      BlockOn(waits_for_);
      return false;
    }
    if (await == Await::kCancelled) {
      cancelled_ = true;
      return true;
    }
    TakeResult(step, noted_.at(waits_for_), waits_for_);
  }
  waits_for_ = {};
  issued_ = false;
  ++step_;
  return true;
}

bool SdkAttempt::Collect() {
  if (deferred_.empty()) {
    Finish();
    return false;
  }
  collecting_ = true;
  const Deferred next = deferred_.front();
  switch (Look(next.handle)) {
    case Await::kPending:
      BlockOn(next.handle);
      return false;
    case Await::kCancelled:
      cancelled_ = true;
      return true;
    case Await::kReady:
      break;
  }
  deferred_.pop_front();
  TakeResult(program_[next.step], noted_.at(next.handle), next.handle);
  return true;
}

SdkAttempt::Await SdkAttempt::Look(const Handle& handle) {
  const auto found = noted_.find(handle);
  const bool cancel = cancel_order_ && !undoing_;
  if (found != noted_.end() && (!cancel || found->second.order < *cancel_order_)) {
    return Await::kReady;
  }
  return cancel ? Await::kCancelled : Await::kPending;
}

void SdkAttempt::BlockOn(const Handle& handle) {
  if (!input_ended_ && !(hasty_ && core_.rng.Percent(25))) {
    return;
  }
  std::vector<Handle> handles{handle};
  if (collecting_ && core_.rng.Percent(50)) {
    for (const Deferred& other : deferred_) {
      if (other.handle != handle) {
        handles.push_back(other.handle);
      }
    }
  }
  SendSuspension(handles, !undoing_ && !cancelled_);
}

void SdkAttempt::Issue(const Step& step) {
  switch (step.kind) {
    case StepKind::kRun: {
      const CompletionId completion = next_completion_++;
      wire::RunCommandMessage run;
      run.set_result_completion_id(completion);
      run.set_name("step-" + std::to_string(step_));
      Emit(MessageType::kRunCommand, run.SerializeAsString());
      waits_for_ = completion;
      if (phase_ == Phase::kRunning && noted_.count(Handle(completion)) == 0) {
        BeginRun(step, completion);
      }
      return;
    }
    case StepKind::kSleep: {
      const CompletionId completion = next_completion_++;
      wire::SleepCommandMessage sleep;
      if (const auto replayed = NextReplayed(MessageType::kSleepCommand)) {
        sleep.ParseFromString(*replayed);
      } else {
        sleep.set_wake_up_time(core_.wall_ms() + step.ms);
        sleep.set_result_completion_id(completion);
        SendFrame(MessageType::kSleepCommand, sleep.SerializeAsString());
      }
      sleeps_[completion] = sleep.wake_up_time();
      waits_for_ = completion;
      return;
    }
    case StepKind::kAdd:
    case StepKind::kLook:
    case StepKind::kKeys:
      IssueState(step);
      return;
    case StepKind::kCall:
    case StepKind::kSend:
      IssueCall(step);
      return;
    case StepKind::kAwait:
      IssueAwait(step);
      return;
    case StepKind::kTell:
    case StepKind::kCancel:
      IssueTell(step);
      return;
    case StepKind::kComplete:
      IssueComplete();
      return;
    case StepKind::kPromiseGet:
    case StepKind::kPromisePeek:
    case StepKind::kPromiseComplete:
      IssuePromise(step);
      return;
    case StepKind::kFail:
      SayGoodbye(Failure{410, "gives up " + digest_, {}});
      return;
  }
}

void SdkAttempt::IssueCall(const Step& step) {
  const CompletionId id_completion = next_completion_++;
  Task task = step.task;
  if (!task.awakeable.empty()) {
    task.awakeable = AwakeableId{id_, std::get<uint32_t>(step.signal)}.ToString();
  }
  const auto fill = [&](auto& message) {
    message.set_service_name(step.callee.service);
    message.set_handler_name(step.callee.handler);
    message.set_parameter(task.Encode());
    message.set_key(step.callee.key);
    if (step.idempotency_key) {
      message.set_idempotency_key(*step.idempotency_key);
    }
    message.set_invocation_id_notification_idx(id_completion);
  };
  if (step.kind == StepKind::kCall) {
    const CompletionId result_completion = next_completion_++;
    wire::CallCommandMessage call;
    fill(call);
    call.set_result_completion_id(result_completion);
    Emit(MessageType::kCallCommand, call.SerializeAsString());
    callee_of_[result_completion] = id_completion;
    calls_.push_back(id_completion);
    waits_for_ = result_completion;
    ++core_.coverage["calls"];
    return;
  }
  waits_for_ = id_completion;
  if (NextReplayed(MessageType::kOneWayCallCommand)) {
    return;
  }
  wire::OneWayCallCommandMessage send;
  fill(send);
  if (step.ms != 0) {
    send.set_invoke_time(core_.wall_ms() + step.ms);
    oracle_.NotBefore(step.task.token, send.invoke_time());
  }
  SendFrame(MessageType::kOneWayCallCommand, send.SerializeAsString());
  ++core_.coverage["one-way calls"];
}

void SdkAttempt::IssueState(const Step& step) {
  // A read that needs no answer takes a number too (service protocol 3.1 rule 6).
  const CompletionId completion = next_completion_++;
  if (step.kind == StepKind::kKeys) {
    wire::GetLazyStateKeysCommandMessage keys;
    keys.set_result_completion_id(completion);
    Emit(MessageType::kGetLazyStateKeysCommand, keys.SerializeAsString());
    waits_for_ = completion;
    return;
  }
  std::optional<std::string> value = own_counter_;
  for (const auto& entry : start_->state_map()) {
    if (!value && entry.key() == kCounter) {
      value = entry.value();
    }
  }
  bool eager = value.has_value() || !start_->partial_state();
  if (next_replayed_ < known_commands_.size()) {
    eager = known_commands_[next_replayed_].type == MessageType::kGetEagerStateCommand;
  }
  if (!eager) {
    wire::GetLazyStateCommandMessage get;
    get.set_key(kCounter);
    get.set_result_completion_id(completion);
    Emit(MessageType::kGetLazyStateCommand, get.SerializeAsString());
    waits_for_ = completion;
    ++core_.coverage["lazy reads"];
    return;
  }
  wire::GetEagerStateCommandMessage get;
  if (const auto replayed = NextReplayed(MessageType::kGetEagerStateCommand)) {
    get.ParseFromString(*replayed);
  } else {
    get.set_key(kCounter);
    if (value) {
      get.mutable_value()->set_content(*value);
    } else {
      get.mutable_void_();
    }
    SendFrame(MessageType::kGetEagerStateCommand, get.SerializeAsString());
  }
  ++core_.coverage["eager reads"];
  TakeCounter(step, get.value().content());
}

void SdkAttempt::TakeCounter(const Step& step, const std::string& value) {
  const uint64_t counter = CounterIn(value);
  digest_ += " n=" + std::to_string(counter);
  if (step.kind != StepKind::kAdd) {
    return;
  }
  wire::SetStateCommandMessage set;
  set.set_key(kCounter);
  own_counter_ = CounterValue(counter, step);
  set.mutable_value()->set_content(*own_counter_);
  Emit(MessageType::kSetStateCommand, set.SerializeAsString());
}

void SdkAttempt::TakeResult(const Step& step, const Noted& noted, const Handle& handle) {
  const wire::NotificationMessage& message = noted.message;
  const auto* number = std::get_if<CompletionId>(&handle);
  const CompletionId completion = number == nullptr ? 0 : *number;
  switch (step.kind) {
    case StepKind::kRun: {
      const std::string text = ResultText(ResultIn(message));
      digest_ += " run " + text.substr(0, text.find(';'));
      return;
    }
    case StepKind::kSleep:
      if (core_.wall_max_ms() < sleeps_[completion]) {
        Violate("a sleep ended too early");
      }
      digest_ += " slept";
      return;
    case StepKind::kAdd:
    case StepKind::kLook:
      TakeCounter(step, message.value().content());
      return;
    case StepKind::kKeys:
      digest_ += " keys " + std::to_string(message.state_keys().keys_size());
      return;
    case StepKind::kSend:
      sent_ids_[step.task.token] = message.invocation_id();
      digest_ += " sent " + message.invocation_id();
      return;
    case StepKind::kCall:
      TakeCallResult(noted, completion);
      return;
    case StepKind::kAwait:
      TakeSignal(step, noted);
      return;
    case StepKind::kPromiseGet:
    case StepKind::kPromisePeek:
    case StepKind::kPromiseComplete:
      TakePromise(step, noted, completion);
      return;
    case StepKind::kTell:
    case StepKind::kCancel:
    case StepKind::kComplete:
    case StepKind::kFail:
      return;
  }
}

void SdkAttempt::TakeCallResult(const Noted& noted, CompletionId completion) {
  const auto callee = noted_.find(Handle(callee_of_.at(completion)));
  if (callee == noted_.end() || callee->second.order > noted.order) {
    Violate("a call was answered before its invocation id was told");
    return;
  }
  const ValueOrFailure result = ResultIn(noted.message);
  const auto* failure = std::get_if<Failure>(&result);
  if (failure == nullptr || failure->message != kPreviouslyInvoked) {
    oracle_.SawResult(InvocationId::Parse(callee->second.message.invocation_id()).value(), result);
  }
  digest_ += " called " + std::to_string(HashText(ResultText(result)));
}

// Tells the calls that are open, undoes one thing and fails.
bool SdkAttempt::Cancelled() {
  for (; cancels_sent_ < calls_.size(); ++cancels_sent_) {
    const auto callee = noted_.find(Handle(calls_[cancels_sent_]));
    if (callee == noted_.end()) {
      BlockOn(Handle(calls_[cancels_sent_]));
      return false;
    }
    wire::SendSignalCommandMessage signal;
    signal.set_target_invocation_id(callee->second.message.invocation_id());
    signal.set_idx(kCancelSignal);
    signal.mutable_void_();
    Emit(MessageType::kSendSignalCommand, signal.SerializeAsString());
    if (phase_ != Phase::kRunning) {
      return false;
    }
  }
  core_.Say("sdk: " + Short(id_) + " is cancelled");
  ++core_.coverage["cancellations seen"];
  cancelled_ = false;
  undoing_ = true;
  program_.assign(1, Step());
  deferred_.clear();
  step_ = 0;
  issued_ = false;
  waits_for_ = {};
  return true;
}

void SdkAttempt::Finish() {
  if (undoing_) {
    SayGoodbye(Failure{409, "Cancelled " + digest_, {}});
  } else {
    SayGoodbye(SharedBytes(task_.token + ":" + digest_));
  }
}

void SdkAttempt::SayGoodbye(const ValueOrFailure& result) {
  wire::OutputCommandMessage output;
  if (const auto* failure = std::get_if<Failure>(&result)) {
    output.mutable_failure()->set_code(failure->code);
    output.mutable_failure()->set_message(failure->message);
  } else {
    output.mutable_value()->set_content(std::string(std::get<SharedBytes>(result).view()));
  }
  oracle_.SentOutput(id_, result);
  Emit(MessageType::kOutputCommand, output.SerializeAsString());
  if (next_replayed_ < known_commands_.size()) {
    Violate("the journal goes on after the output");
  }
  if (phase_ != Phase::kRunning) {
    return;
  }
  SendFrame(MessageType::kEnd, {});
  if (phase_ == Phase::kRunning) {
    core_.Say("sdk: " + Short(id_) + " ends");
    oracle_.SentEnd(id_);
  }
  LastWordSent();
}

}  // namespace perdure::sim
