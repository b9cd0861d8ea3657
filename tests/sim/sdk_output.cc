// SPDX-License-Identifier: Apache-2.0
//
// What an SDK says: frames, last words, and misbehaviour. See sdk.h.
#include "tests/sim/sdk.h"

#include <algorithm>
#include <utility>

namespace perdure::sim {
namespace {

std::string Encode(MessageType type, const std::string& payload, uint16_t flags = 0) {
  FrameHeader header;
  header.type = type;
  header.flags = flags;
  header.length = static_cast<uint32_t>(payload.size());
  std::string bytes;
  header.AppendTo(bytes);
  return bytes + payload;
}

// To a suspension of version 6, or a node of a tree.
template <typename Message>
void AddTo(Message& message, const SdkAttempt::Handle& handle) {
  if (const auto* completion = std::get_if<CompletionId>(&handle)) {
    message.add_waiting_completions(*completion);
    return;
  }
  const SignalName& signal = std::get<SignalName>(handle);
  if (const auto* number = std::get_if<uint32_t>(&signal)) {
    message.add_waiting_signals(*number);
  } else {
    message.add_waiting_named_signals(std::get<std::string>(signal));
  }
}

std::string HandleName(const SdkAttempt::Handle& handle) {
  if (const auto* completion = std::get_if<CompletionId>(&handle)) {
    return std::to_string(*completion);
  }
  return "signal " + NameOf(std::get<SignalName>(handle));
}

}  // namespace

std::optional<std::string> SdkAttempt::NextReplayed(MessageType type) {
  if (next_replayed_ >= known_commands_.size()) {
    return std::nullopt;
  }
  const SeenEntry& entry = known_commands_[next_replayed_++];
  if (entry.type != type) {
    Violate(
        "command " + std::to_string(next_replayed_ - 1) + " is " +
        std::string(EntryName(entry.type)) + " in the journal and " + std::string(EntryName(type)) +
        " in the program");
  }
  return entry.payload;
}

void SdkAttempt::Emit(MessageType type, const std::string& payload) {
  if (const std::optional<std::string> replayed = NextReplayed(type)) {
    if (*replayed != payload) {
      Violate(
          "command " + std::to_string(next_replayed_ - 1) + ", " + std::string(EntryName(type)) +
          ", is not what the program says");
    }
    return;
  }
  SendFrame(type, payload);
}

void SdkAttempt::SendFrame(MessageType type, const std::string& payload, uint16_t flags) {
  if (phase_ == Phase::kDone || phase_ == Phase::kSilent) {
    return;
  }
  const bool shows = mood_ != Mood::kGood && mood_ != Mood::kLinger;
  if (shows && patience_-- == 0) {
    const std::string bytes = Encode(type, payload, flags);
    out_ += bytes.substr(0, mood_ == Mood::kReset ? core_.rng.Below(bytes.size()) : 0);
    ActOut();
    return;
  }
  out_ += Encode(type, payload, flags);
}

void SdkAttempt::ActOut() {
  core_.Say("sdk: " + Short(id_) + " shows its mood " + std::to_string(static_cast<int>(mood_)));
  ++core_.coverage["attempts that went wrong"];
  const Mood mood = std::exchange(mood_, Mood::kGood);
  switch (mood) {
    case Mood::kError: {
      std::optional<uint64_t> delay;
      if (core_.rng.Percent(40)) {
        delay = core_.rng.Below(700);
      }
      SendError(500, "a bad mood", delay);
      return;
    }
    case Mood::kReset:
      Flush();
      phase_ = Phase::kDone;
      link_->SendReset();
      return;
    case Mood::kEndEarly:
      Flush();
      phase_ = Phase::kDone;
      link_->SendEnd();
      return;
    case Mood::kGarbage:
      out_ += Encode(static_cast<MessageType>(0x0033), "garbage");
      Flush();
      phase_ = Phase::kDone;
      return;
    default:
      Flush();
      phase_ = Phase::kSilent;
      return;
  }
}

void SdkAttempt::Flush() {
  if (!out_.empty()) {
    link_->SendData(std::exchange(out_, {}));
  }
}

void SdkAttempt::LastWordSent() {
  if (phase_ == Phase::kDone || phase_ == Phase::kSilent) {
    return;  // it was not said
  }
  Flush();
  phase_ = Phase::kDone;
  if (input_ended_ && mood_ != Mood::kLinger) {
    link_->SendEnd();
  }
}

void SdkAttempt::SendError(uint32_t code, const std::string& text, std::optional<uint64_t> delay) {
  wire::ErrorMessage error;
  error.set_code(code);
  error.set_message(text);
  if (delay) {
    error.set_next_retry_delay(*delay);
  }
  core_.Say("sdk: " + Short(id_) + " fails: " + text);
  SendFrame(MessageType::kError, error.SerializeAsString());
  LastWordSent();
}

void SdkAttempt::SendSuspension(const std::vector<Handle>& handles, bool on_cancel) {
  std::string names;
  for (const Handle& handle : handles) {
    names += " " + HandleName(handle);
    core_.coverage["suspensions on a signal"] +=
        std::holds_alternative<SignalName>(handle) ? 1U : 0U;
  }
  std::string payload;
  if (version_ < 7) {
    wire::SuspensionMessage suspension;
    for (const Handle& handle : handles) {
      AddTo(suspension, handle);
    }
    if (on_cancel) {
      suspension.add_waiting_signals(kCancelSignal);
    }
    payload = suspension.SerializeAsString();
  } else {
    const wire::Future future = AnyFuture(handles, on_cancel);
    names += ", combinator " + std::to_string(future.combinator_type());
    if (core_.rng.Percent(20)) {
      wire::AwaitingOnMessage awaiting;
      *awaiting.mutable_awaiting_on() = future;
      SendFrame(MessageType::kAwaitingOn, awaiting.SerializeAsString());
    }
    wire::SuspensionMessageV7 suspension;
    *suspension.mutable_awaiting_on() = future;
    payload = suspension.SerializeAsString();
    ++core_.coverage["suspensions on a tree"];
  }
  core_.Say("sdk: " + Short(id_) + " suspends on" + names);
  ++core_.coverage["suspensions"];
  SendFrame(MessageType::kSuspension, payload);
  LastWordSent();
}

// All that is in it is collected in the end, so the program may wait for it in any way.
wire::Future SdkAttempt::AnyFuture(const std::vector<Handle>& handles, bool on_cancel) {
  const auto any = [this] { return static_cast<wire::CombinatorType>(core_.rng.Below(5)); };
  wire::Future all;
  all.set_combinator_type(any());
  wire::Future* inner = &all;
  bool first = true;
  for (const Handle& handle : handles) {
    if (!std::exchange(first, false) && core_.rng.Percent(30)) {
      inner = inner->add_nested_futures();
      inner->set_combinator_type(any());
    }
    AddTo(*inner, handle);
  }
  if (!on_cancel) {
    return all;
  }
  wire::Future future;
  future.set_combinator_type(wire::FIRST_COMPLETED);
  future.add_waiting_signals(kCancelSignal);
  *future.add_nested_futures() = std::move(all);
  return future;
}

}  // namespace perdure::sim
