// SPDX-License-Identifier: Apache-2.0
//
// See oracle.h.
#include "tests/sim/oracle.h"

#include "perdure/protocol/notifications.h"

#include <algorithm>

namespace perdure::sim {

std::string ResultText(const ValueOrFailure& result) {
  if (const auto* value = std::get_if<SharedBytes>(&result)) {
    return "value " + std::string(value->view());
  }
  const Failure& failure = std::get<Failure>(result);
  return "failure " + std::to_string(failure.code) + " " + failure.message;
}

void Oracle::Acknowledged(const InvocationId& id, const std::string& token) {
  of(id).acknowledged = true;
  core_.Say("client: " + token + " is acknowledged as " + Short(id));
}

bool Oracle::Plausible(const Invocation& invocation, const ValueOrFailure& result) const {
  const std::string text = ResultText(result);
  if (invocation.outputs.count(text) > 0) {
    return true;
  }
  if (text == "failure 409 killed") {
    return kills_ > 0;
  }
  if (text == "failure 409 canceled") {
    return cancels_ > 0;
  }
  const bool doomed = invocation.target && invocation.target->service == "Doomed";
  return doomed && std::holds_alternative<Failure>(result);
}

// Who is killed may be started or go on for as long as the news travels.
bool Oracle::DoneForGood(const Invocation& invocation) {
  return invocation.result && invocation.outputs.count(*invocation.result) > 0;
}

void Oracle::SawResult(const InvocationId& id, const ValueOrFailure& result) {
  Invocation& invocation = of(id);
  const std::string text = ResultText(result);
  if (invocation.result) {
    if (*invocation.result != text) {
      core_.Violate(
          "the result of " + Short(id) + " was '" + *invocation.result + "' and is now '" + text +
          "'");
    }
    return;
  }
  if (!Plausible(invocation, result)) {
    core_.Violate("nobody produced the result of " + Short(id) + ": " + text.substr(0, 100));
  }
  invocation.result = text;
}

bool Oracle::MayBeUnknown(const InvocationId& id) const {
  const auto found = invocations_.find(id);
  if (found == invocations_.end()) {
    return true;
  }
  const Invocation& invocation = found->second;
  const bool withdrawn = touched_.count(id) > 0 && !invocation.target;
  const bool brief = invocation.target && invocation.target->service == "Brief";
  if (brief) {
    // Nothing is kept of it once it is done, or killed.
    return invocation.ended || kills_ > 0;
  }
  return withdrawn || (!invocation.acknowledged && !invocation.target);
}

void Oracle::WillCancel(const InvocationId& id) {
  ++cancels_;
  touched_.insert(id);
  core_.Say("client: cancels " + Short(id));
}

void Oracle::WillKill(const InvocationId& id) {
  ++kills_;
  touched_.insert(id);
  core_.Say("client: kills " + Short(id));
}

Oracle::Letter* Oracle::FindLetter(
    const InvocationId& id, const SignalName& signal, const std::string& text) {
  const auto found = std::find_if(letters_.begin(), letters_.end(), [&](const Letter& letter) {
    return letter.to == id && letter.signal == signal && letter.text == text;
  });
  return found == letters_.end() ? nullptr : &*found;
}

void Oracle::WillSignal(const InvocationId& id, const SignalName& signal, const std::string& text) {
  if (FindLetter(id, signal, text) == nullptr) {
    letters_.push_back({id, signal, text, core_.now_ns(), 0, 0});
  }
}

void Oracle::SignalAcknowledged(
    const InvocationId& id, const SignalName& signal, const std::string& text) {
  Letter* const letter = FindLetter(id, signal, text);
  if (letter->acked_ns == 0) {
    letter->acked_ns = core_.now_ns();
    letter->acked_wall_max = core_.wall_max_ms();
  }
}

void Oracle::SawSignal(const InvocationId& id, const SignalName& signal, const std::string& text) {
  const Letter* const seen = FindLetter(id, signal, text);
  if (seen == nullptr) {
    core_.Violate(Short(id) + " got a signal that nobody sent: " + text);
    return;
  }
  for (const Letter& letter : letters_) {
    if (letter.to == id && letter.signal == signal && letter.acked_ns != 0 &&
        letter.acked_ns < seen->sent_ns) {
      core_.Violate(
          "for " + Short(id) + " '" + letter.text + "' was acknowledged before '" + text +
          "' was sent, and the second was seen");
      return;
    }
  }
}

void Oracle::SawPromise(const std::string& promise, const std::string& text) {
  const auto [known, is_new] = promises_.try_emplace(promise, text);
  if (!is_new && known->second != text) {
    core_.Violate(promise + " was '" + known->second + "' and is now '" + text + "'");
  }
}

void Oracle::CompletedPromise(
    const std::string& promise, const std::string& text, const std::string& by) {
  SawPromise(promise, text);
  const auto [winner, is_new] = completed_by_.try_emplace(promise, by);
  if (!is_new && winner->second != by) {
    core_.Violate(promise + " was completed by " + winner->second + " and by " + by);
  }
}

void Oracle::NotBefore(const std::string& token, TimeMs at) {
  const auto [item, is_new] = not_before_.try_emplace(token, at);
  if (!is_new) {
    item->second = std::min(item->second, at);
  }
}

void Oracle::Started(const InvocationId& id, AttemptEpoch epoch, const Target& target) {
  Invocation& invocation = of(id);
  if (DoneForGood(invocation)) {
    core_.Violate("an attempt of " + Short(id) + " starts after its result was seen");
  }
  if (epoch <= invocation.last_epoch) {
    core_.Violate("the attempts of " + Short(id) + " start out of order");
  }
  invocation.last_epoch = epoch;
  invocation.target = target;
}

void Oracle::Extend(
    const InvocationId& id,
    const char* what,
    std::vector<SeenEntry>& known,
    const std::vector<SeenEntry>& seen,
    bool longer) {
  const size_t both = std::min(known.size(), seen.size());
  if (!std::equal(known.begin(), known.begin() + static_cast<ptrdiff_t>(both), seen.begin())) {
    core_.Violate("the " + std::string(what) + " of " + Short(id) + " changed");
  }
  if (longer && seen.size() < known.size()) {
    core_.Violate(
        "the " + std::string(what) + " of " + Short(id) + " were " + std::to_string(known.size()) +
        " and are " + std::to_string(seen.size()) + " now");
  }
  if (seen.size() > known.size()) {
    known.assign(seen.begin(), seen.end());
  }
}

void Oracle::Replayed(
    const InvocationId& id,
    uint64_t number,
    const std::string& endpoint,
    const std::string& token,
    const std::vector<SeenEntry>& commands,
    const std::vector<SeenEntry>& notifications) {
  Invocation& invocation = of(id);
  const auto [first, is_new] = by_token_.try_emplace(token, id);
  if (!is_new && first->second != id) {
    core_.Violate(
        token + " runs as " + Short(id) + " and as " + Short(first->second) + ": it ran twice");
  }
  if (invocation.token && *invocation.token != token) {
    core_.Violate("the input of " + Short(id) + " changed");
  }
  invocation.token = token;
  const auto earliest = not_before_.find(token);
  if (earliest != not_before_.end() && core_.wall_max_ms() < earliest->second) {
    core_.Violate(token + " runs before its time");
  }
  const bool longer = IsNewest(id, number);
  Extend(id, "commands", invocation.commands, commands, longer);
  Extend(id, "notifications", invocation.notifications, notifications, longer);
  if (commands.size() > 1) {  // one of its own besides the input
    if (invocation.endpoint && *invocation.endpoint != endpoint) {
      core_.Violate(
          Short(id) + " was pinned to " + *invocation.endpoint + " and runs on " + endpoint);
    }
    invocation.endpoint = endpoint;
  }
  for (size_t i = 0; i < notifications.size(); ++i) {
    Notified(id, i, notifications[i]);
  }
}

void Oracle::Notified(const InvocationId& id, size_t index, const SeenEntry& entry) {
  Invocation& invocation = of(id);
  if (index < invocation.notifications.size()) {
    if (invocation.notifications[index] != entry) {
      core_.Violate("notification " + std::to_string(index) + " of " + Short(id) + " changed");
    }
  } else if (index > invocation.notifications.size()) {
    core_.Violate("a notification of " + Short(id) + " was left out");
  } else {
    invocation.notifications.push_back(entry);
  }
  if (entry.type == MessageType::kRunCompletion) {
    const Result<NotificationId> key = DecodeNotificationId(entry.type, entry.payload);
    if (key.ok()) {
      invocation.runs_done.insert(std::get<CompletionKey>(key.value()).id);
    }
  }
}

uint64_t Oracle::RunBegins(const InvocationId& id, CompletionId completion, bool newest) {
  Invocation& invocation = of(id);
  if (newest && invocation.runs_done.count(completion) > 0) {
    core_.Violate(
        "step " + std::to_string(completion) + " of " + Short(id) +
        " runs again although its end was stored");
  }
  if (newest && DoneForGood(invocation)) {
    core_.Violate(
        "step " + std::to_string(completion) + " of " + Short(id) +
        " runs after the result was seen");
  }
  return invocation.runs[completion]++;
}

void Oracle::SentOutput(const InvocationId& id, const ValueOrFailure& result) {
  of(id).outputs.insert(ResultText(result));
}

void Oracle::SentEnd(const InvocationId& id) {
  of(id).ended = true;
}

bool Oracle::Ended(const InvocationId& id) const {
  const auto found = invocations_.find(id);
  return found != invocations_.end() && found->second.ended;
}

}  // namespace perdure::sim
