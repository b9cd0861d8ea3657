// SPDX-License-Identifier: Apache-2.0
//
// Steps that run in the service: they take time, may fail, and propose a result. See sdk.h.
#include "perdure/protocol/notifications.h"
#include "tests/sim/sdk.h"

#include <optional>
#include <string>

namespace perdure::sim {

void SdkAttempt::BeginRun(const Step& step, CompletionId completion) {
  const uint64_t before = oracle_.RunBegins(id_, completion, oracle_.IsNewest(id_, number_));
  core_.Say(
      "sdk: " + Short(id_) + " runs step " + std::to_string(completion) + ", time " +
      std::to_string(before + 1));
  ++core_.coverage["steps run"];
  if (before > 0) {
    ++core_.coverage["steps run again"];
  }
  phase_ = Phase::kBusy;
  const uint64_t lasts =
      core_.Fault(60) ? core_.rng.Between(100, 2'500) * kMs : core_.rng.Between(1, 20'000) * kUs;
  // By value: the program may be another one by then.
  core_.scheduler.After(lasts, [self = shared_from_this(), step, completion, before] {
    self->EndRun(step, completion, before);
  });
}

void SdkAttempt::EndRun(const Step& step, CompletionId completion, uint64_t executions) {
  if (lost_ || phase_ != Phase::kBusy) {
    return;  // whoever did it is not heard any more
  }
  phase_ = Phase::kRunning;
  if (executions < step.failures) {
    ++core_.coverage["steps that failed"];
    std::optional<uint64_t> delay;
    if (core_.rng.Percent(70)) {
      delay = core_.rng.Between(1, 300);
    }
    SendError(500, "step " + std::to_string(completion) + " failed", delay);
    return;
  }
  ProposeRun(step, completion, executions);
  Advance();
}

void SdkAttempt::ProposeRun(const Step& step, CompletionId completion, uint64_t executions) {
  wire::ProposeRunCompletionMessage proposal;
  proposal.set_result_completion_id(completion);
  const std::string value = std::to_string(completion) + "." + std::to_string(executions) + ";" +
                            std::string(step.padding, '#');
  ValueOrFailure result = SharedBytes::Copy(value);
  if (step.fails_for_good) {
    proposal.mutable_failure()->set_code(418);
    proposal.mutable_failure()->set_message(value);
    result = Failure{418, value, {}};
  } else {
    proposal.set_value(value);
  }
  if (version_ < 7) {
    SendFrame(MessageType::kProposeRunCompletion, proposal.SerializeAsString());
    return;
  }
  proposed_[completion] = EncodeResultCompletion(completion, result).view();
  SendFrame(MessageType::kProposeRunCompletion, proposal.SerializeAsString(), kRequestedAckFlag);
}

}  // namespace perdure::sim
