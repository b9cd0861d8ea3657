// SPDX-License-Identifier: Apache-2.0
//
// Signals and cancellations in the journals when all is done, against what was sent and what was
// acknowledged: none was lost on its way, and a cancellation ended what it was for. See
// simulation.h.
#include "perdure/base/overloaded.h"
#include "perdure/core/rows.h"
#include "perdure/protocol/notifications.h"
#include "service_protocol.pb.h"
#include "tests/sim/simulation.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace perdure::sim {
namespace {

// Longer than any message travels and any cancelled program goes on, faults and jumps of the clock
// included, and shorter than what is waited before signals are filled in.
constexpr DurationMs kSettleMax = 200'000;

struct Message {
  InvocationId to;
  SignalName signal;
  std::string text;
  TimeMs at = 0;
};

struct Received {
  TimeMs completed_at = 0;
  std::vector<Message> signals;
};

std::string TextOf(const SignalResult& result) {
  return std::visit(
      Overloaded{
          [](const VoidResult&) { return std::string("void"); },
          [](const auto& known) { return ResultText(known); }},
      result);
}

// What the entry sends to another invocation.
std::optional<Message> SentBy(const JournalEntry& entry) {
  if (entry.type != MessageType::kSendSignalCommand &&
      entry.type != MessageType::kCompleteAwakeableCommand) {
    return std::nullopt;
  }
  const Result<SdkMessage> message = DecodeCommand(entry.type, entry.payload);
  if (const auto* send = std::get_if<SendSignalCommand>(&message.value())) {
    const InvocationId to = InvocationId::Parse(send->target_invocation_id).value();
    return Message{to, send->signal, TextOf(send->result), entry.appended_at};
  }
  const auto& complete = std::get<CompleteAwakeableCommand>(message.value());
  const AwakeableId id = AwakeableId::Parse(complete.awakeable_id).value();
  return Message{id.invocation, id.signal, ResultText(complete.result), entry.appended_at};
}

Message ReceivedIn(const InvocationId& id, const JournalEntry& entry) {
  wire::NotificationMessage message;
  message.ParseFromString(std::string(entry.payload.view()));
  Message signal{id, SignalName(message.signal_id()), "void", entry.appended_at};
  if (message.id_case() == wire::NotificationMessage::kSignalName) {
    signal.signal = message.signal_name();
  }
  if (message.result_case() == wire::NotificationMessage::kFailure) {
    signal.text = ResultText(Failure{message.failure().code(), message.failure().message(), {}});
  } else if (message.result_case() == wire::NotificationMessage::kValue) {
    signal.text = ResultText(SharedBytes::Copy(message.value().content()));
  }
  return signal;
}

bool Got(const Received& received, const SignalName& signal, const std::string& text) {
  return std::any_of(received.signals.begin(), received.signals.end(), [&](const Message& message) {
    return message.signal == signal && message.text == text;
  });
}

}  // namespace

void Simulation::CheckMessages() {
  const std::unique_ptr<StateReader> reader = database_->store().Snapshot();
  std::map<InvocationId, Received> received;
  std::vector<Message> sent;
  StatusScanner scanner(*reader, std::nullopt);
  while (std::optional<StatusRow> row = scanner.Next()) {
    Received& one = received[row->id];
    one.completed_at = row->status.completed_at;
    for (JournalIndex i = 0; i < row->status.journal_length; ++i) {
      const std::optional<JournalEntry> entry = ReadJournalEntry(*reader, row->id, row->status, i);
      if (entry && entry->type == MessageType::kSignal) {
        one.signals.push_back(ReceivedIn(row->id, *entry));
      } else if (std::optional<Message> message = entry ? SentBy(*entry) : std::nullopt) {
        sent.push_back(std::move(*message));
      }
    }
  }
  // Whoever is not there was forgotten when it ended, or withdrawn.
  for (const Message& message : sent) {
    const auto to = received.find(message.to);
    if (to != received.end() && !Got(to->second, message.signal, message.text) &&
        to->second.completed_at > message.at + kSettleMax) {
      core_.Violate("a signal to " + Short(message.to) + " was lost: " + message.text);
    }
    core_.coverage["messages checked"] += to != received.end() ? 1U : 0U;
  }
  for (const Oracle::Letter& letter : oracle_.letters()) {
    const auto to = received.find(letter.to);
    if (to != received.end() && letter.acked_ns != 0 &&
        !Got(to->second, letter.signal, letter.text) &&
        to->second.completed_at > letter.acked_wall_max) {
      core_.Violate(
          "a completion for " + Short(letter.to) + " was acknowledged and lost: " + letter.text);
    }
  }
  for (const auto& [id, one] : received) {
    const bool cancelled = Got(one, SignalName{kCancelSignal}, "void");
    if (!cancelled && oracle_.cancel_acknowledged().count(id) > 0) {
      core_.Violate("the cancellation of " + Short(id) + " was acknowledged and lost");
    }
    for (const Message& signal : one.signals) {
      if (signal.signal == SignalName{kCancelSignal} && one.completed_at > signal.at + kSettleMax) {
        core_.Violate(Short(id) + " was cancelled and did not come to its end");
      }
    }
  }
}

}  // namespace perdure::sim
