// SPDX-License-Identifier: Apache-2.0
//
// Columns of sys_invocation, one state after the other (introspection 1, admin API 20.1).
#include "query/invocation_json.h"

#include "tests/unit/query/query_test_support.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace perdure::query {
namespace {

using Json = nlohmann::ordered_json;
using testing::MakeId;
using testing::MakeStatus;

AttemptHost::LiveAttempt MakeLive() {
  AttemptHost::LiveAttempt live;
  live.started_at = 1'795'487'225'000;
  live.deployment = DeploymentId{{9}};
  live.server = "sdk/1.0";
  return live;
}

TEST(InvocationJson, FreshInvocationOfAService) {
  InvocationStatus status = MakeStatus(InvocationState::kInvoked);
  status.journal_length = 1;
  status.command_count = 1;
  const Json json = InvocationJson({MakeId(1), status}, nullptr, std::nullopt);

  EXPECT_EQ(
      json.dump(),
      R"({"id":")" + MakeId(1).ToString() +
          R"(","target":"Svc/run","target_service_name":"Svc","target_handler_name":"run",)"
          R"("target_service_ty":"service","invoked_by":"ingress","journal_size":1,)"
          R"("journal_commands_size":1,"created_at":"2026-11-24T02:27:04.539Z",)"
          R"("modified_at":"2026-11-24T02:27:04.539Z","completion_retention":"PT86400S",)"
          R"("journal_retention":"P0D","status":"ready"})");
}

TEST(InvocationJson, RestartedInvocationNamesWhereItCameFrom) {
  InvocationStatus status = MakeStatus(InvocationState::kInvoked, "Svc");
  status.restarted_from = MakeId(3);
  const Json json = InvocationJson({MakeId(1), status}, nullptr, std::nullopt);
  EXPECT_EQ(json["invoked_by"], "restart_as_new");
  EXPECT_EQ(json["restarted_from"], MakeId(3).ToString());
}

TEST(InvocationJson, RunningInvocationOfAnObjectCalledByAnother) {
  InvocationStatus status = MakeStatus(InvocationState::kInvoked, "Obj");
  status.target.service_type = ServiceType::kVirtualObject;
  status.target.key = "k";
  status.idempotency_key = "ik";
  status.pinned_deployment = DeploymentId{{8}};
  status.pinned_protocol_version = 6;
  status.attempts_started = 2;
  status.next_retry_at = 5;
  CallerRef caller;
  caller.id = MakeId(2);
  caller.target.service = "Svc";
  caller.target.handler = "go";
  status.caller = caller;
  const AttemptHost::LiveAttempt live = MakeLive();
  const Json json = InvocationJson({MakeId(1), status}, &live, std::nullopt);

  EXPECT_EQ(json["status"], "running");
  EXPECT_EQ(json["target"], "Obj/k/run");
  EXPECT_EQ(json["target_service_key"], "k");
  EXPECT_EQ(json["target_service_ty"], "virtual_object");
  EXPECT_EQ(json["idempotency_key"], "ik");
  EXPECT_EQ(json["invoked_by"], "service");
  EXPECT_EQ(json["invoked_by_id"], MakeId(2).ToString());
  EXPECT_EQ(json["invoked_by_target"], "Svc/go");
  EXPECT_EQ(json["invoked_by_service_name"], "Svc");
  EXPECT_EQ(json.count("restarted_from"), 0U);
  EXPECT_EQ(json["pinned_deployment_id"], DeploymentId{{8}}.ToString());
  EXPECT_EQ(json["pinned_service_protocol_version"], 6);
  EXPECT_EQ(json["retry_count"], 2);
  EXPECT_EQ(json["last_start_at"], "2026-11-24T02:27:05.000Z");
  EXPECT_EQ(json["last_attempt_deployment_id"], DeploymentId{{9}}.ToString());
  EXPECT_EQ(json["last_attempt_server"], "sdk/1.0");
  EXPECT_FALSE(json.contains("next_retry_at"));
}

TEST(InvocationJson, BackingOffShowsTheLastFailure) {
  InvocationStatus status = MakeStatus(InvocationState::kInvoked);
  status.failed_attempts = 1;
  status.next_retry_at = 1'795'487'226'001;
  LastFailure failure;
  failure.error.message = "boom";
  failure.error.stacktrace = "at x";
  failure.error.related_command_index = 1;
  failure.error.related_command_name = "flaky";
  failure.error.related_command_type = static_cast<uint16_t>(MessageType::kRunCommand);
  failure.doc_code = "RT0007";
  status.last_failure = failure;
  const Json json = InvocationJson({MakeId(1), status}, nullptr, std::nullopt);

  EXPECT_EQ(json["status"], "backing-off");
  EXPECT_EQ(json["next_retry_at"], "2026-11-24T02:27:06.001Z");
  EXPECT_EQ(json["last_failure"], "[500 Internal] boom\nat x");
  EXPECT_EQ(json["last_failure_error_code"], "RT0007");
  EXPECT_EQ(json["last_failure_related_command_index"], 1);
  EXPECT_EQ(json["last_failure_related_command_name"], "flaky");
  EXPECT_EQ(json["last_failure_related_command_type"], "Run");
}

TEST(InvocationJson, PausedKeepsTheLastFailure) {
  InvocationStatus status = MakeStatus(InvocationState::kPaused);
  status.failed_attempts = 2;
  status.attempts_started = 2;
  status.last_failure = LastFailure{};
  status.last_failure->error.code = 599;
  status.last_failure->error.message = "x";
  const Json json = InvocationJson({MakeId(1), status}, nullptr, std::nullopt);

  EXPECT_EQ(json["status"], "paused");
  EXPECT_EQ(json["last_failure"], "[599] x");
  EXPECT_FALSE(json.contains("retry_count"));
}

TEST(InvocationJson, SuspendedShowsWhatItWaitsFor) {
  InvocationStatus status = MakeStatus(InvocationState::kSuspended);
  status.wait_set = WaitSet::AnyOf({2}, {1}, {"s"});
  const AttemptHost::LiveAttempt live = MakeLive();
  const Json json = InvocationJson({MakeId(1), status}, &live, std::nullopt);

  EXPECT_EQ(json["status"], "suspended");
  EXPECT_EQ(json["suspended_waiting_for_completions"].dump(), "[2]");
  EXPECT_EQ(json["suspended_waiting_for_signals"].dump(), "[1]");
  EXPECT_EQ(
      json["suspended_waiting_future_json"],
      R"({"Unknown":[{"Single":{"CompletionId":2}},{"Single":{"SignalIndex":1}},)"
      R"({"Single":{"SignalName":"s"}}]})");
  EXPECT_FALSE(json.contains("last_attempt_server"));
}

TEST(InvocationJson, ATreeIsShownAsOneAndItsRootAsLists) {
  InvocationStatus status = MakeStatus(InvocationState::kSuspended);
  WaitNode root{{2, 3}, {1}, {}, Combinator::kFirstCompleted};
  WaitNode all{{4}, {}, {"a\"b"}, Combinator::kAllCompleted, 0};
  WaitNode some{{5}, {}, {}, Combinator::kFirstSucceededOrAllFailed, 0};
  WaitNode below_all{{}, {17}, {}, Combinator::kAllSucceededOrFirstFailed, 1};
  WaitNode below_some{{6}, {}, {}, Combinator::kUnknown, 2};
  status.wait_set = WaitSet{{root, all, some, below_all, below_some}};
  const Json json = InvocationJson({MakeId(1), status}, nullptr, std::nullopt);

  EXPECT_EQ(json["suspended_waiting_for_completions"].dump(), "[2,3]");
  EXPECT_EQ(json["suspended_waiting_for_signals"].dump(), "[1]");
  EXPECT_EQ(
      json["suspended_waiting_future_json"],
      R"({"FirstCompleted":[{"Single":{"CompletionId":2}},{"Single":{"CompletionId":3}},)"
      R"({"Single":{"SignalIndex":1}},{"AllCompleted":[{"Single":{"CompletionId":4}},)"
      R"({"Single":{"SignalName":"a\"b"}},{"AllSucceededOrFirstFailed":[{"Single":)"
      R"({"SignalIndex":17}}]}]},{"FirstSucceededOrAllFailed":[{"Single":{"CompletionId":5}},)"
      R"({"Unknown":[{"Single":{"CompletionId":6}}]}]}]})");
}

TEST(InvocationJson, ARunningOneShowsWhatItsSdkLastAwaited) {
  const InvocationStatus status = MakeStatus(InvocationState::kInvoked);
  AttemptHost::LiveAttempt live = MakeLive();
  EXPECT_FALSE(InvocationJson({MakeId(1), status}, &live, std::nullopt)
                   .contains("last_awaiting_on_future_json"));
  live.awaiting_on = WaitSet::AnyOf({2}, {1});
  EXPECT_EQ(
      InvocationJson({MakeId(1), status}, &live, std::nullopt)["last_awaiting_on_future_json"],
      R"({"Unknown":[{"Single":{"CompletionId":2}},{"Single":{"SignalIndex":1}}]})");
}

TEST(InvocationJson, ScheduledAndPending) {
  InvocationStatus scheduled = MakeStatus(InvocationState::kScheduled);
  scheduled.scheduled_start_at = scheduled.created_at + 3'600'001;
  const Json json = InvocationJson({MakeId(1), scheduled}, nullptr, std::nullopt);
  EXPECT_EQ(json["status"], "scheduled");
  EXPECT_EQ(json["scheduled_at"], "2026-11-24T02:27:04.539Z");
  EXPECT_EQ(json["scheduled_start_at"], "2026-11-24T03:27:04.540Z");

  InvocationStatus pending = MakeStatus(InvocationState::kInboxed);
  pending.inboxed_at = pending.created_at;
  const Json queued = InvocationJson({MakeId(1), pending}, nullptr, std::nullopt);
  EXPECT_EQ(queued["status"], "pending");
  EXPECT_EQ(queued["inboxed_at"], "2026-11-24T02:27:04.539Z");
}

TEST(InvocationJson, CompletedShowsTheOutcome) {
  InvocationStatus status = MakeStatus(InvocationState::kCompleted);
  status.completed_at = status.created_at;
  const Json failed =
      InvocationJson({MakeId(1), status}, nullptr, ValueOrFailure{Failure{409, "killed", {}}});
  EXPECT_EQ(failed["status"], "completed");
  EXPECT_EQ(failed["completed_at"], "2026-11-24T02:27:04.539Z");
  EXPECT_EQ(failed["completion_result"], "failure");
  EXPECT_EQ(failed["completion_failure"], "[409] killed");

  const Json succeeded =
      InvocationJson({MakeId(1), status}, nullptr, ValueOrFailure{SharedBytes("1")});
  EXPECT_EQ(succeeded["completion_result"], "success");
  EXPECT_FALSE(succeeded.contains("completion_failure"));
}

TEST(InvocationJson, JournalEntries) {
  JournalEntry entry;
  entry.index = 3;
  entry.type = MessageType::kRunCommand;
  entry.appended_at = 1'795'487'224'539;
  entry.payload = SharedBytes(std::string("\x62\x04step", 6));  // field 12
  EXPECT_EQ(
      JournalEntryJson(entry).dump(),
      R"({"index":3,"entry_type":"Command: Run","name":"step",)"
      R"("appended_at":"2026-11-24T02:27:04.539Z"})");

  entry.payload = SharedBytes();
  EXPECT_EQ(JournalEntryJson(entry)["name"], "");

  entry.type = MessageType::kSleepCompletion;
  EXPECT_EQ(JournalEntryJson(entry)["entry_type"], "Notification: Sleep");
  EXPECT_FALSE(JournalEntryJson(entry).contains("name"));
  entry.type = MessageType::kSignal;
  EXPECT_EQ(JournalEntryJson(entry)["entry_type"], "Notification: Signal");
}

TEST(InvocationJson, BytesThatAreNotUtf8AreReplaced) {
  InvocationStatus status = MakeStatus(InvocationState::kInvoked, "S\xff");
  const std::string text = DumpJson(InvocationJson({MakeId(1), status}, nullptr, std::nullopt));

  EXPECT_NE(text.find("S\xef\xbf\xbd/run"), std::string::npos) << text;
}

}  // namespace
}  // namespace perdure::query
