// SPDX-License-Identifier: Apache-2.0
//
// What an SDK says: frames, last words, and misbehaviour. See sdk.h.
#include "tests/sim/sdk.h"

#include <algorithm>
#include <utility>

namespace perdure::sim {
namespace {

std::string Encode(MessageType type, const std::string& payload) {
  FrameHeader header;
  header.type = type;
  header.length = static_cast<uint32_t>(payload.size());
  std::string bytes;
  header.AppendTo(bytes);
  return bytes + payload;
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

void SdkAttempt::SendFrame(MessageType type, const std::string& payload) {
  if (phase_ == Phase::kDone || phase_ == Phase::kSilent) {
    return;
  }
  const bool shows = mood_ != Mood::kGood && mood_ != Mood::kLinger;
  if (shows && patience_-- == 0) {
    const std::string bytes = Encode(type, payload);
    out_ += bytes.substr(0, mood_ == Mood::kReset ? core_.rng.Below(bytes.size()) : 0);
    ActOut();
    return;
  }
  out_ += Encode(type, payload);
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

void SdkAttempt::SendSuspension(const std::vector<CompletionId>& completions, bool on_cancel) {
  wire::SuspensionMessage suspension;
  std::string names;
  for (const CompletionId completion : completions) {
    suspension.add_waiting_completions(completion);
    names += " " + std::to_string(completion);
  }
  if (on_cancel) {
    suspension.add_waiting_signals(kCancelSignal);
  }
  core_.Say("sdk: " + Short(id_) + " suspends on" + names);
  ++core_.coverage["suspensions"];
  SendFrame(MessageType::kSuspension, suspension.SerializeAsString());
  LastWordSent();
}

}  // namespace perdure::sim
