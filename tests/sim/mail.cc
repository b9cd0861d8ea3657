// SPDX-License-Identifier: Apache-2.0
//
// See mail.h.
#include "tests/sim/mail.h"

#include <algorithm>
#include <variant>

namespace perdure::sim {

void Mail::Await(const InvocationId& target, const SignalName& signal, bool from_outside) {
  const Awaited awaited{target, signal};
  if (!known_.insert(awaited).second) {
    return;
  }
  ++core_.coverage["signals awaited"];
  if (!from_outside) {
    unfilled_.insert(awaited);
    return;
  }
  const uint64_t most = core_.rng.Percent(20) ? 4'000 : 400;
  Write(awaited, "first", core_.rng.Below(most) * kMs);
  if (core_.rng.Percent(25)) {
    Write(awaited, "second", core_.rng.Below(most) * kMs);
  }
}

void Mail::FillRest() {
  for (const Awaited& awaited : std::exchange(unfilled_, {})) {
    ++core_.coverage["signals filled in at the end"];
    Write(awaited, "rest", 0);
  }
}

void Mail::Write(const Awaited& awaited, const std::string& what, uint64_t delay_ns) {
  Letter letter;
  letter.to = awaited.first;
  letter.signal = awaited.second;
  const std::string text = what + " " + std::to_string(letters_.size());
  if (core_.rng.Percent(20)) {
    letter.result = Failure{418, text, {}};
    letter.text = ResultText(Failure{418, text, {}});
  } else {
    letter.result = SharedBytes::Copy(text);
    letter.text = ResultText(SharedBytes::Copy(text));
  }
  letters_.push_back(std::move(letter));
  Again(letters_.size() - 1, delay_ns);
}

void Mail::Again(size_t index, uint64_t delay_ns) {
  core_.scheduler.After(delay_ns, [this, index] { Send(index); });
}

void Mail::Send(size_t index) {
  Letter& letter = letters_[index];
  Process* const process = process_();
  if (process == nullptr) {
    Again(index, core_.rng.Between(20, 300) * kMs);
    return;
  }
  core_.Say("client: completes " + Short(letter.to) + " with " + letter.text);
  oracle_.WillSignal(letter.to, letter.signal, letter.text);
  IoContext& context = process->context(core_.rng.Below(2));
  const ReplyTo reply_to = context.replies.Take([this, index](const Reply& reply) {
    Letter& answered = letters_[index];
    answered.waiting.reset();
    if (!std::holds_alternative<SignalAccepted>(reply)) {
      core_.Violate("the completion of an awakeable got an answer to another question");
      return;
    }
    core_.Say("client: " + answered.text + " for " + Short(answered.to) + " is acknowledged");
    ++core_.coverage["awakeables completed from outside"];
    answered.settled = true;
    oracle_.SignalAcknowledged(answered.to, answered.signal, answered.text);
  });
  const Submitted submitted = process->Submit(
      process->PartitionFor(letter.to),
      Source::kNewWork,
      DeliverSignal{letter.to, letter.signal, letter.result},
      reply_to);
  if (submitted == Submitted::kOverloaded) {
    context.replies.Drop(reply_to);
    Again(index, core_.rng.Between(10, 200) * kMs);
    return;
  }
  letter.waiting = reply_to;
}

void Mail::OnCrash() {
  for (size_t i = 0; i < letters_.size(); ++i) {
    if (letters_[i].waiting) {
      letters_[i].waiting.reset();
      Again(i, core_.rng.Between(1, 400) * kMs);
    }
  }
}

bool Mail::settled() const {
  return std::all_of(
      letters_.begin(), letters_.end(), [](const Letter& letter) { return letter.settled; });
}

}  // namespace perdure::sim
