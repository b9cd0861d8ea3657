// SPDX-License-Identifier: Apache-2.0
//
// Frames as an SDK would send them (the payload is what goes to the journal, so it is encoded for
// real), and stored journals as short texts that tests can compare.
#pragma once

#include "perdure/base/ids.h"
#include "perdure/protocol/messages.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace perdure::test {

struct CallTo {
  std::string service;
  std::string handler;
  std::string key = {};
  std::string parameter = {};
  CompletionId id_completion = 0;
  CompletionId result_completion = 0;  // calls only
  std::optional<std::string> idempotency_key = {};
  TimeMs invoke_time = 0;  // one-way calls only
  std::optional<std::string> scope = {};
  std::optional<std::string> limit_key = {};
  std::vector<Header> headers = {};
};

SdkFrame Output(std::string_view value);
SdkFrame OutputFailure(uint32_t code, std::string_view text);
SdkFrame Sleep(CompletionId id, TimeMs wake_up_time);
SdkFrame Call(const CallTo& to);
SdkFrame OneWayCall(const CallTo& to);
SdkFrame SendCancel(const InvocationId& target);
SdkFrame SendSignal(std::string_view target, SignalName signal);
SdkFrame RunStep(CompletionId id);
SdkFrame Propose(CompletionId id, std::string_view value);
SdkFrame ProposeFailure(CompletionId id, uint32_t code, std::string_view message);
SdkFrame GetState(CompletionId id, std::string_view key);
SdkFrame GetStateKeys(CompletionId id);
SdkFrame GetEagerState(std::string_view key);
SdkFrame SetState(std::string_view key, std::string_view value);
SdkFrame ClearState(std::string_view key);
SdkFrame ClearAllState();
SdkFrame SendSignal(std::string_view target, SignalName signal, std::string_view value);
SdkFrame CompleteAwakeable(std::string_view id, std::string_view value);
SdkFrame RejectAwakeable(std::string_view id, uint32_t code, std::string_view text);
SdkFrame GetPromise(CompletionId id, std::string_view promise);
SdkFrame PeekPromise(CompletionId id, std::string_view promise);
SdkFrame CompletePromise(CompletionId id, std::string_view promise, std::string_view value);
SdkFrame AttachTo(CompletionId id, std::string_view invocation);
SdkFrame AttachToWorkflow(CompletionId id, std::string_view workflow, std::string_view key);
SdkFrame AttachToCall(
    CompletionId id,
    std::string_view service,
    std::optional<std::string> key,
    std::string_view handler,
    std::string_view idempotency_key);
// AttachToCall, in a scope.
SdkFrame AttachInScope(CompletionId id, std::string_view scope);
SdkFrame GetOutput(CompletionId id, std::string_view invocation);
SdkFrame SuspendOn(std::vector<CompletionId> completions, std::vector<uint32_t> signals = {});
SdkFrame SuspendOnNamed(std::string_view signal);
// As version 7 says it.
SdkFrame SuspendOnTree(WaitSet wait_set);
SdkFrame Fail(uint32_t code, std::string_view message, std::optional<DurationMs> delay = {});
SdkFrame FailWith(ErrorBehavior behavior, uint32_t code, std::string_view message);
SdkFrame EndFrame();

// A command is its entry name ("Call"); a notification has a mark, its id and its result:
// "!Sleep(1)=void", "!Call(2)=value hi", "!Call(2)=failure 409 killed", "!Signal(1)=void".
std::string Describe(const JournalEntry& entry);
// The invocation named by a CallInvocationIdCompletion.
InvocationId CalleeOf(const JournalEntry& entry);

}  // namespace perdure::test
