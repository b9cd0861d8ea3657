// SPDX-License-Identifier: Apache-2.0
//
// What an SDK reads: the request, Start, the replay, notifications. See sdk.h.
#include "perdure/base/assert.h"
#include "perdure/protocol/invocation_stream.h"
#include "perdure/protocol/notifications.h"
#include "tests/sim/sdk.h"

#include <algorithm>
#include <utility>

namespace perdure::sim {
namespace {

constexpr size_t kFrameMax = 64 * limits::kMiB;

InvocationId IdOf(const HttpStreamRequest& request) {
  const std::optional<std::string_view> text = request.headers.Get("x-restate-invocation-id");
  PERDURE_ASSERT(text.has_value());
  return InvocationId::Parse(*text).value();
}

int VersionOf(const HttpStreamRequest& request) {
  const std::string_view type = request.headers.Get("content-type").value_or("");
  return type == InvocationContentType(7) ? 7 : 6;
}

// "/invoke/Service/handler"
Target TargetOf(const HttpStreamRequest& request) {
  const std::string path = request.path.substr(std::string("/invoke/").size());
  Target target;
  target.service = path.substr(0, path.find('/'));
  target.handler = path.substr(path.find('/') + 1);
  if (target.service == "Obj") {
    target.service_type = ServiceType::kVirtualObject;
    target.handler_type = target.handler == "add" ? HandlerType::kExclusive : HandlerType::kShared;
  } else if (target.service == "Wf") {
    target.service_type = ServiceType::kWorkflow;
    target.handler_type = target.handler == "run" ? HandlerType::kWorkflow : HandlerType::kShared;
  }
  target.key = request.headers.Get("x-restate-service-key").value_or("");
  return target;
}

}  // namespace

SdkAttempt::SdkAttempt(
    SimCore& core,
    Oracle& oracle,
    Mail& mail,
    std::shared_ptr<Link> link,
    const HttpStreamRequest& request)
    : core_(core),
      oracle_(oracle),
      mail_(mail),
      link_(std::move(link)),
      host_(request.endpoint.host),
      version_(VersionOf(request)),
      id_(IdOf(request)),
      target_(TargetOf(request)),
      number_(oracle.OpenAttempt(id_)),
      decoder_(kFrameMax) {
  if (core_.Fault(180)) {
    static constexpr Mood kBad[] = {
        Mood::kError,
        Mood::kError,
        Mood::kReset,
        Mood::kSilent,
        Mood::kEndEarly,
        Mood::kGarbage,
        Mood::kOverload,
        Mood::kRefuse,
        Mood::kLinger};
    mood_ = kBad[core_.rng.Below(std::size(kBad))];
    patience_ = core_.rng.Below(6);
  }
  hasty_ = core_.rng.Percent(10);
}

void SdkAttempt::Violate(const std::string& what) {
  core_.Violate("the SDK of " + Short(id_) + ", attempt " + std::to_string(number_) + ": " + what);
}

bool SdkAttempt::RefuseAtOnce() {
  const bool overload = mood_ == Mood::kOverload;
  if (!overload && mood_ != Mood::kRefuse) {
    return false;
  }
  HttpHeaders headers;
  int status = 503;
  if (overload) {
    if (core_.rng.Percent(50)) {
      headers.Add("retry-after", std::to_string(core_.rng.Below(3)));
    }
  } else {
    static constexpr int kStatus[] = {404, 500, 415, 204, 200};
    status = kStatus[core_.rng.Below(std::size(kStatus))];
  }
  ++core_.coverage["attempts answered with another status"];
  core_.Say("sdk: " + Short(id_) + " is answered with status " + std::to_string(status));
  phase_ = Phase::kDone;
  link_->SendHead(status, std::move(headers));
  link_->SendEnd();
  return true;
}

void SdkAttempt::OnInput(std::string bytes) {
  if (phase_ == Phase::kDone || phase_ == Phase::kSilent) {
    return;
  }
  if (!start_ && RefuseAtOnce()) {
    return;
  }
  std::vector<Frame> frames;
  if (!decoder_.Feed(bytes, frames)) {
    Violate("a frame from the server is too large");
    return;
  }
  for (const Frame& frame : frames) {
    TakeFrame(frame);
  }
  if (phase_ == Phase::kRunning) {
    Advance();
  }
}

void SdkAttempt::OnInputEnd() {
  input_ended_ = true;
  const bool reads = phase_ != Phase::kDone && phase_ != Phase::kSilent;
  if (reads && (decoder_.inside_frame() || phase_ == Phase::kReplaying)) {
    Violate("the server ended the stream in the middle of the journal");
  }
  if (phase_ == Phase::kRunning) {
    Advance();
  } else if (phase_ == Phase::kDone && mood_ != Mood::kLinger) {
    link_->SendEnd();
  }
}

void SdkAttempt::OnLost() {
  lost_ = true;
  phase_ = Phase::kDone;
}

void SdkAttempt::TakeFrame(const Frame& frame) {
  if (!start_) {
    TakeStart(frame);
    return;
  }
  if (IsNotification(frame.header.type)) {
    TakeNotification({frame.header.type, std::string(frame.payload.view())});
  } else if (frame.header.type == MessageType::kProposeRunCompletionAck) {
    TakeRunAck(frame);
  } else if (phase_ != Phase::kReplaying || !IsCommand(frame.header.type)) {
    Violate("the server sent what only an SDK may send");
    return;
  } else {
    known_commands_.push_back({frame.header.type, std::string(frame.payload.view())});
  }
  if (phase_ == Phase::kReplaying &&
      known_commands_.size() + known_notifications_.size() == start_->known_entries()) {
    EndReplay();
  }
}

void SdkAttempt::TakeStart(const Frame& frame) {
  wire::StartMessage start;
  const std::string payload(frame.payload.view());
  if (frame.header.type != MessageType::kStart || !start.ParseFromString(payload)) {
    Violate("the stream does not begin with Start");
    return;
  }
  if (start.id() != id_.ToBytes() || start.key() != target_.key || start.known_entries() == 0) {
    Violate("Start is for another invocation, or for no journal");
  }
  if (!target_.keyed() && start.state_map_size() > 0) {
    Violate("Start brings state to a service");
  }
  start_ = std::move(start);
}

void SdkAttempt::TakeRunAck(const Frame& frame) {
  wire::ProposeRunCompletionAckMessage ack;
  if (!ack.ParseFromString(std::string(frame.payload.view()))) {
    Violate("an acknowledgement does not decode");
    return;
  }
  const auto proposed = proposed_.find(ack.completion_id());
  if (proposed == proposed_.end()) {
    Violate("completion " + std::to_string(ack.completion_id()) + " was not to be acknowledged");
    return;
  }
  ++core_.coverage["runs acknowledged"];
  TakeNotification({MessageType::kRunCompletion, std::move(proposed->second)});
  proposed_.erase(proposed);
}

void SdkAttempt::TakeNotification(const SeenEntry& entry) {
  Noted noted;
  if (!noted.message.ParseFromString(entry.payload) ||
      noted.message.id_case() == wire::NotificationMessage::ID_NOT_SET ||
      noted.message.result_case() == wire::NotificationMessage::RESULT_NOT_SET) {
    Violate("a notification has no id or no result");
    return;
  }
  noted.order = notified_++;
  if (phase_ == Phase::kReplaying) {
    known_notifications_.push_back(entry);
  } else {
    oracle_.Notified(id_, noted.order, entry);
  }
  switch (noted.message.id_case()) {
    case wire::NotificationMessage::kCompletionId: {
      const CompletionId completion = noted.message.completion_id();
      if (!noted_.emplace(Handle(completion), std::move(noted)).second) {
        Violate("completion " + std::to_string(completion) + " came twice");
      }
      return;
    }
    case wire::NotificationMessage::kSignalName:
      noted_.emplace(Handle(SignalName(noted.message.signal_name())), noted);
      return;
    default:
      break;
  }
  const uint32_t signal = noted.message.signal_id();
  if (signal == kCancelSignal && !cancel_order_) {
    cancel_order_ = noted.order;
  }
  noted_.emplace(Handle(SignalName(signal)), std::move(noted));
}

void SdkAttempt::EndReplay() {
  if (known_commands_.empty() || known_commands_.front().type != MessageType::kInputCommand) {
    Violate("the journal does not begin with the input");
    return;
  }
  const Result<InputContent> input =
      DecodeInput(SharedBytes::Copy(known_commands_.front().payload));
  const std::optional<Task> task =
      input.ok() ? Task::Decode(input->body.view()) : std::optional<Task>();
  if (!task) {
    Violate("the input is not what was sent");
    return;
  }
  task_ = *task;
  program_ = MakeProgram(task_, target_);
  core_.Say(
      "sdk: attempt " + std::to_string(number_) + " of " + Short(id_) + " " + task_.token + " at " +
      target_.ToString() + " replays " + std::to_string(known_commands_.size()) + " commands, " +
      std::to_string(known_notifications_.size()) + " notifications, mood " +
      std::to_string(static_cast<int>(mood_)));
  ++core_.coverage["attempts"];
  if (known_commands_.size() > 1) {
    ++core_.coverage["attempts with a replay"];
  }
  oracle_.Replayed(id_, number_, host_, task_.token, known_commands_, known_notifications_);
  phase_ = Phase::kRunning;
  HttpHeaders headers;
  headers.Add("content-type", InvocationContentType(version_));
  headers.Add("x-restate-server", "sim/1");
  link_->SendHead(200, std::move(headers));
}

}  // namespace perdure::sim
