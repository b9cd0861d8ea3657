// SPDX-License-Identifier: Apache-2.0
//
// What handlers tell each other besides calls: signals, awakeables and promises of workflows
// (service protocol 3.8, 3.9). See sdk.h.
#include "tests/sim/sdk.h"

#include <optional>
#include <string>
#include <utility>

namespace perdure::sim {
std::string NameOf(const SignalName& signal) {
  const auto* number = std::get_if<uint32_t>(&signal);
  return number != nullptr ? std::to_string(*number) : std::get<std::string>(signal);
}

ValueOrFailure ResultIn(const wire::NotificationMessage& message) {
  if (message.result_case() == wire::NotificationMessage::kFailure) {
    return Failure{message.failure().code(), message.failure().message(), {}};
  }
  return SharedBytes(std::string(message.value().content()));
}

// Writes nothing: the id of a signal follows from the program.
void SdkAttempt::IssueAwait(const Step& step) {
  waits_for_ = step.signal;
  if (noted_.count(waits_for_) > 0) {
    ++core_.coverage["signals there before they are awaited"];
  }
  mail_.Await(id_, step.signal, step.from_outside);
}

void SdkAttempt::IssueTell(const Step& step) {
  const bool cancels = step.kind == StepKind::kCancel;
  const std::string& callee = sent_ids_.at(step.task.token);
  const InvocationId id = InvocationId::Parse(callee).value();
  wire::SendSignalCommandMessage signal;
  signal.set_target_invocation_id(callee);
  if (cancels) {
    oracle_.WillCancel(id);
    ++core_.coverage["cancels by a handler"];
    signal.set_idx(kCancelSignal);
    signal.mutable_void_();
  } else {
    if (const auto* number = std::get_if<uint32_t>(&step.signal)) {
      signal.set_idx(*number);
    } else {
      signal.set_name(std::get<std::string>(step.signal));
    }
    const std::string value = "told by " + task_.token;
    oracle_.WillSignal(id, step.signal, ResultText(SharedBytes::Copy(value)));
    signal.mutable_value()->set_content(value);
    ++core_.coverage["signals sent"];
  }
  Emit(MessageType::kSendSignalCommand, signal.SerializeAsString());
}

// Some are rejected.
void SdkAttempt::IssueComplete() {
  const AwakeableId id = AwakeableId::Parse(task_.awakeable).value();
  wire::CompleteAwakeableCommandMessage complete;
  complete.set_awakeable_id(task_.awakeable);
  const std::string text = "by " + task_.token;
  ValueOrFailure result = SharedBytes::Copy(text);
  if (task_.seed % 5 == 0) {
    result = Failure{418, text, {}};
    complete.mutable_failure()->set_code(418);
    complete.mutable_failure()->set_message(text);
    ++core_.coverage["awakeables rejected by a handler"];
  } else {
    complete.mutable_value()->set_content(text);
    ++core_.coverage["awakeables completed by a handler"];
  }
  oracle_.WillSignal(id.invocation, id.signal, ResultText(result));
  Emit(MessageType::kCompleteAwakeableCommand, complete.SerializeAsString());
}

void SdkAttempt::IssuePromise(const Step& step) {
  const CompletionId completion = next_completion_++;
  const auto emit = [&](MessageType type, auto message) {
    message.set_key(step.promise);
    message.set_result_completion_id(completion);
    Emit(type, message.SerializeAsString());
  };
  waits_for_ = completion;
  switch (step.kind) {
    case StepKind::kPromiseGet:
      ++core_.coverage["promises got"];
      emit(MessageType::kGetPromiseCommand, wire::GetPromiseCommandMessage());
      return;
    case StepKind::kPromisePeek:
      // Only what is asked now must know what is known now.
      if (next_replayed_ >= known_commands_.size() && oracle_.IsCompleted(PromiseName(step))) {
        must_be_completed_.insert(completion);
      }
      ++core_.coverage["promises peeked at"];
      emit(MessageType::kPeekPromiseCommand, wire::PeekPromiseCommandMessage());
      return;
    default: {
      wire::CompletePromiseCommandMessage complete;
      complete.mutable_completion_value()->set_content("by " + task_.token);
      emit(MessageType::kCompletePromiseCommand, std::move(complete));
      return;
    }
  }
}

void SdkAttempt::TakeSignal(const Step& step, const Noted& noted) {
  const std::string text = ResultText(ResultIn(noted.message));
  oracle_.SawSignal(id_, step.signal, text);
  ++core_.coverage["signals seen"];
  digest_ += " " + NameOf(step.signal) + " is " + text;
}

void SdkAttempt::TakePromise(const Step& step, const Noted& noted, CompletionId completion) {
  const wire::NotificationMessage& message = noted.message;
  const bool is_void = message.result_case() == wire::NotificationMessage::kVoid;
  const std::string promise = PromiseName(step);
  const std::string text = ResultText(ResultIn(message));
  digest_ += " " + promise + (is_void ? " void" : " is " + text);
  if (step.kind == StepKind::kPromiseComplete) {
    ++core_.coverage[is_void ? "promises completed" : "promises completed again"];
    const std::string own = ResultText(SharedBytes::Copy("by " + task_.token));
    if (is_void) {
      const std::string by = Short(id_) + " with " + std::to_string(completion);
      oracle_.CompletedPromise(promise, own, by);
    } else if (text != "failure 409 promise was already completed") {
      Violate("the completion of " + promise + " failed with " + text);
    }
    return;
  }
  if (!is_void) {
    ++core_.coverage["promises seen"];
    oracle_.SawPromise(promise, text);
  } else if (step.kind == StepKind::kPromiseGet || must_be_completed_.count(completion) > 0) {
    Violate(promise + " is said not to be completed, and is");
  }
}

}  // namespace perdure::sim
