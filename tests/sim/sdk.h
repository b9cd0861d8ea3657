// SPDX-License-Identifier: Apache-2.0
//
// A scripted SDK: the service's side of one attempt. It speaks versions 6 and 7 of the service
// protocol in real frames, runs the program of its input, checks that the replay is what it would
// do itself, and misbehaves as its mood says. What it sees and does is told to the oracle.
#pragma once

#include "perdure/http/client.h"
#include "protocol/frame.h"
#include "service_protocol.pb.h"
#include "tests/sim/core.h"
#include "tests/sim/mail.h"
#include "tests/sim/network.h"
#include "tests/sim/oracle.h"
#include "tests/sim/program.h"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace perdure::sim {

ValueOrFailure ResultIn(const wire::NotificationMessage& message);
std::string NameOf(const SignalName& signal);

class SdkAttempt final : public Servant, public std::enable_shared_from_this<SdkAttempt> {
 public:
  // What is waited for, or nothing.
  using Handle = std::variant<std::monostate, CompletionId, SignalName>;

  SdkAttempt(
      SimCore& core,
      Oracle& oracle,
      Mail& mail,
      std::shared_ptr<Link> link,
      const HttpStreamRequest& request);

  void OnInput(std::string bytes) override;
  void OnInputEnd() override;
  void OnLost() override;

 private:
  enum class Phase {
    kReplaying,  // Start and the known entries are not all here
    kRunning,
    kBusy,    // a step executes
    kSilent,  // hangs
    kDone,    // the last word is said
  };
  enum class Mood {
    kGood,
    kError,     // sends an error after some frames
    kReset,     // resets the stream in the middle of a frame
    kSilent,    // stops after some frames
    kEndEarly,  // ends the response without a last word
    kGarbage,   // sends a frame that is none
    kOverload,  // answers 503
    kRefuse,    // answers with another status
    kLinger,    // does not end the response after its last word
  };
  enum class Await { kReady, kPending, kCancelled };
  struct Noted {
    size_t order = 0;
    wire::NotificationMessage message;
  };
  static bool IsSome(const Handle& handle) { return handle.index() != 0; }
  struct Deferred {
    Handle handle;
    size_t step = 0;
  };

  // --- what comes in (sdk_input.cc) ---
  void TakeFrame(const Frame& frame);
  void TakeStart(const Frame& frame);
  void TakeNotification(const SeenEntry& entry);
  void TakeRunAck(const Frame& frame);
  void EndReplay();
  bool RefuseAtOnce();

  // --- the program (sdk.cc) ---
  void Advance();
  bool DoOne();
  void Issue(const Step& step);
  void IssueCall(const Step& step);
  void IssueState(const Step& step);
  void TakeCounter(const Step& step, const std::string& value);
  void TakeResult(const Step& step, const Noted& noted, const Handle& handle);
  void TakeCallResult(const Noted& noted, CompletionId completion);
  bool Collect();
  void Finish();
  Await Look(const Handle& handle);
  void BlockOn(const Handle& handle);
  void SayGoodbye(const ValueOrFailure& result);
  bool Cancelled();

  // --- signals, awakeables, promises (sdk_messages.cc) ---
  void IssueAwait(const Step& step);
  void IssueTell(const Step& step);
  void IssueComplete();
  void IssuePromise(const Step& step);
  void TakeSignal(const Step& step, const Noted& noted);
  void TakePromise(const Step& step, const Noted& noted, CompletionId completion);
  std::string PromiseName(const Step& step) const { return target_.key + "/" + step.promise; }

  // --- runs (sdk_runs.cc) ---
  void BeginRun(const Step& step, CompletionId completion);
  void EndRun(const Step& step, CompletionId completion, uint64_t executions);
  void ProposeRun(const Step& step, CompletionId completion, uint64_t executions);

  // --- what goes out (sdk_output.cc) ---
  // The payload of the next command of the replay if there is one, which must be of this type.
  std::optional<std::string> NextReplayed(MessageType type);
  void Emit(MessageType type, const std::string& payload);
  void SendFrame(MessageType type, const std::string& payload, uint16_t flags = 0);
  void SendError(uint32_t code, const std::string& text, std::optional<uint64_t> delay);
  void SendSuspension(const std::vector<Handle>& handles, bool on_cancel);
  wire::Future AnyFuture(const std::vector<Handle>& handles, bool on_cancel);
  void LastWordSent();
  void ActOut();
  void Flush();
  void Violate(const std::string& what);

  SimCore& core_;
  Oracle& oracle_;
  Mail& mail_;
  const std::shared_ptr<Link> link_;
  const std::string host_;
  const int version_;  // of the protocol
  InvocationId id_;
  Target target_;
  uint64_t number_ = 0;  // of the attempts of this invocation
  Mood mood_ = Mood::kGood;
  uint64_t patience_ = 0;  // frames until the mood shows
  bool hasty_ = false;     // suspends without being asked

  FrameDecoder decoder_;
  Phase phase_ = Phase::kReplaying;
  bool head_sent_ = false;
  bool input_ended_ = false;
  bool lost_ = false;

  std::optional<wire::StartMessage> start_;
  std::vector<SeenEntry> known_commands_;
  std::vector<SeenEntry> known_notifications_;
  size_t next_replayed_ = 1;  // behind the input
  size_t notified_ = 0;
  std::map<Handle, Noted> noted_;  // of a signal: the first
  // Results of runs that are to be acknowledged (version 7), as the notification would have them.
  std::map<CompletionId, std::string> proposed_;
  std::optional<size_t> cancel_order_;  // of the first cancel signal

  Task task_;
  std::vector<Step> program_;
  size_t step_ = 0;
  bool issued_ = false;
  CompletionId next_completion_ = 1;
  Handle waits_for_;
  std::deque<Deferred> deferred_;
  bool collecting_ = false;
  std::map<CompletionId, CompletionId> callee_of_;  // result completion: id completion
  std::map<std::string, std::string> sent_ids_;     // by token of the callee
  std::set<CompletionId> must_be_completed_;        // peeks, by what was known before
  std::vector<CompletionId> calls_;                 // id completions of calls, for a cancel
  bool cancelled_ = false;                          // and tells its calls
  bool undoing_ = false;                            // and told them
  size_t cancels_sent_ = 0;
  std::optional<std::string> own_counter_;
  std::map<CompletionId, TimeMs> sleeps_;
  std::string digest_;

  std::string out_;
};

}  // namespace perdure::sim
