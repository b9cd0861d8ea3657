// SPDX-License-Identifier: Apache-2.0
//
// Control of invocations (the matrix of admin API 8.1) and the questions about them.
#include "tests/unit/admin/admin_test_support.h"

#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace perdure {
namespace {

using testing::JsonError;

InvocationId MakeId(uint64_t key = 0x2000000000000000) {
  InvocationId id;
  id.partition_key.value = key;
  id.uuid[3] = 7;
  return id;
}

class InvocationRoutesTest : public testing::AdminTest {
 protected:
  void Patch(const std::string& verb) {
    Send("PATCH", "/invocations/" + MakeId().ToString() + "/" + verb);
  }
  void ReplyControl(ControlResult result) { Reply(ControlOutcome{MakeId(), result}); }
};

TEST_F(InvocationRoutesTest, CommandGoesToTheOwningPartition) {
  Patch("cancel");
  ASSERT_EQ(gateway_.submissions.size(), 1U) << body();
  const auto& cancel = gateway_.submissions[0];
  EXPECT_EQ(cancel.partition, PartitionId{1});
  EXPECT_EQ(cancel.source, Source::kControl);
  EXPECT_EQ(std::get<Cancel>(cancel.command).id, MakeId());
  EXPECT_FALSE(answered());

  Patch("kill");
  EXPECT_EQ(std::get<Kill>(gateway_.submissions[1].command).id, MakeId());
  Patch("resume");
  EXPECT_EQ(std::get<Resume>(gateway_.submissions[2].command).id, MakeId());
  EXPECT_EQ(contexts_[0].replies.in_use(), 3U);
}

TEST_F(InvocationRoutesTest, SuccessHasNoBody) {
  Patch("kill");
  ReplyControl(ControlResult::kDone);
  EXPECT_EQ(status(), 200);
  EXPECT_EQ(body(), "");
  Patch("cancel");
  ReplyControl(ControlResult::kRequested);
  EXPECT_EQ(status(), 202);
  EXPECT_EQ(body(), "");
  EXPECT_EQ(contexts_[0].replies.in_use(), 0U);
}

TEST_F(InvocationRoutesTest, RefusalsOfTheMatrix) {
  const std::string id = MakeId().ToString();
  Patch("cancel");
  ReplyControl(ControlResult::kNotFound);
  EXPECT_EQ(status(), 404);
  EXPECT_EQ(body(), JsonError("The requested invocation '" + id + "' does not exist"));
  Patch("kill");
  ReplyControl(ControlResult::kAlreadyCompleted);
  EXPECT_EQ(status(), 409);
  EXPECT_EQ(body(), JsonError("The invocation '" + id + "' was already completed."));
  Patch("resume");
  ReplyControl(ControlResult::kAlreadyCompleted);
  EXPECT_EQ(status(), 409);
  EXPECT_EQ(body(), JsonError("The invocation '" + id + "' is completed, cannot be resumed."));
  Patch("resume");
  ReplyControl(ControlResult::kNotStarted);
  EXPECT_EQ(status(), 425);
  EXPECT_EQ(
      body(),
      JsonError("The invocation '" + id + "' is either inboxed or scheduled, cannot be resumed."));
}

TEST_F(InvocationRoutesTest, ResumeSaysWithWhichDeployment) {
  const DeploymentId named{{1}};
  using Kind = DeploymentChoice::Kind;
  const std::vector<std::pair<std::string, Kind>> cases{
      {"resume", Kind::kKeep},
      {"resume?deployment=keep", Kind::kKeep},
      {"resume?deployment=Keep", Kind::kKeep},
      {"resume?deployment=latest", Kind::kLatest},
      {"resume?deployment=Latest", Kind::kLatest},
      {"resume?deployment=" + named.ToString(), Kind::kNamed}};
  for (const auto& [verb, kind] : cases) {
    Patch(verb);
    ASSERT_FALSE(answered()) << verb;
    const auto& resume = std::get<Resume>(gateway_.submissions.back().command);
    EXPECT_EQ(resume.deployment.kind, kind) << verb;
    if (kind == Kind::kNamed) {
      EXPECT_EQ(resume.deployment.named, named);
    }
    ReplyControl(ControlResult::kDone);
    EXPECT_EQ(status(), 200);
  }
  const size_t submitted = gateway_.submissions.size();
  Patch("resume?deployment=foo");
  EXPECT_EQ(status(), 400);
  EXPECT_EQ(body(), JsonError("The query parameter 'deployment' is invalid. Reason: bad format"));
  EXPECT_EQ(gateway_.submissions.size(), submitted);
}

TEST_F(InvocationRoutesTest, ResumeOnAnotherDeploymentIsRefused) {
  const std::string id = MakeId().ToString();
  const DeploymentId other{{1}};
  Patch("resume?deployment=latest");
  ReplyControl(ControlResult::kDeploymentFixed);
  EXPECT_EQ(status(), 409);
  EXPECT_EQ(
      body(),
      JsonError(
          "The invocation '" + id +
          "' is still running or the deployment id is not pinned yet, deployment id cannot be "
          "changed."));
  Patch("resume?deployment=latest");
  ReplyControl(ControlResult::kDeploymentUnknown);
  EXPECT_EQ(status(), 400);
  EXPECT_EQ(
      body(),
      JsonError(
          "The given deployment was not found when trying to resume the invocation '" + id + "'."));
  Patch("resume?deployment=latest");
  Reply(ControlOutcome{MakeId(), ControlResult::kVersionUnsupported, {6, other, 7, 7}});
  EXPECT_EQ(status(), 400);
  EXPECT_EQ(
      body(),
      JsonError(
          "The invocation '" + id +
          "' is running on protocol version '6', while the chosen "
          "deployment '" +
          other.ToString() + "' supports the range 7..=7."));
}

TEST_F(InvocationRoutesTest, RestartIsNewWork) {
  const DeploymentId named{{1}};
  using Kind = DeploymentChoice::Kind;
  const std::tuple<std::string, JournalIndex, Kind> cases[] = {
      {"restart-as-new", 0, Kind::kLatest},
      {"restart-as-new?from=7", 7, Kind::kLatest},
      {"restart-as-new?from=4294967295&bogus=1", 4294967295U, Kind::kLatest},
      {"restart-as-new?deployment=Keep&from=0", 0, Kind::kKeep},
      {"restart-as-new?deployment=" + named.ToString(), 0, Kind::kNamed}};
  for (const auto& [verb, from, kind] : cases) {
    Patch(verb);
    ASSERT_FALSE(answered()) << verb;
    EXPECT_EQ(gateway_.submissions.back().source, Source::kNewWork);
    EXPECT_EQ(gateway_.submissions.back().partition, PartitionId{1});
    const auto& restart = std::get<RestartAsNew>(gateway_.submissions.back().command);
    EXPECT_EQ(restart.id, MakeId());
    EXPECT_EQ(restart.from, from) << verb;
    EXPECT_EQ(restart.deployment.kind, kind) << verb;
    Reply(RestartOutcome{MakeId(), RestartResult::kRestarted, MakeId(1)});
    EXPECT_EQ(status(), 200);
    EXPECT_EQ(header("content-type"), "application/json");
    EXPECT_EQ(body(), R"({"new_invocation_id":")" + MakeId(1).ToString() + R"("})");
  }
}

TEST_F(InvocationRoutesTest, RestartRefusesAQueryBeforeTheId) {
  const std::pair<const char*, const char*> cases[] = {
      {"from=-1", "from: invalid digit found in string"},
      {"from=1x", "from: invalid digit found in string"},
      {"from=", "from: cannot parse integer from empty string"},
      {"from=4294967296", "from: number too large to fit in target type"},
      {"from=1&from=1", "duplicate field `from`"},
      {"deployment=keep&deployment=keep", "duplicate field `deployment`"}};
  for (const auto& [query, why] : cases) {
    Send("PATCH", std::string("/invocations/foo/restart-as-new?") + query);
    EXPECT_EQ(status(), 400) << query;
    EXPECT_EQ(body(), std::string("Failed to deserialize query string: ") + why);
  }
  for (const auto& [value, why] : {std::pair{"foo", "bad format"}, std::pair{"", "bad length"}}) {
    Patch(std::string("restart-as-new?deployment=") + value);
    EXPECT_EQ(status(), 400);
    EXPECT_EQ(
        body(),
        JsonError(std::string("The query parameter 'deployment' is invalid. Reason: ") + why));
  }
  EXPECT_TRUE(gateway_.submissions.empty());
}

TEST_F(InvocationRoutesTest, RefusalsOfRestart) {
  const std::string id = MakeId().ToString();
  const std::tuple<RestartResult, int, std::string> cases[] = {
      {RestartResult::kNotFound, 404, "The requested invocation '" + id + "' does not exist"},
      {RestartResult::kNotStarted,
       425,
       "The invocation '" + id + "' cannot be restarted because it's not running yet."},
      {RestartResult::kNotCompleted, 409, "The invocation '" + id + "' is still running."},
      {RestartResult::kUnsupported,
       422,
       "Restarting the invocation '" + id +
           "' is not supported. Restarting workflows is not supported, and restarting invocations "
           "created using the old service protocol."},
      {RestartResult::kInputGone,
       410,
       "The invocation '" + id +
           "' cannot be restarted because the input is not available. This indicates that the "
           "journal was already purged, or not retained at all."},
      {RestartResult::kDeploymentUnknown,
       400,
       "The given deployment was not found when trying to restart as new the invocation '" + id +
           "'."},
      {RestartResult::kOutOfRange,
       400,
       "The given index is out of range of currently stored journal for invocation '" + id + "'."},
      {RestartResult::kIncompletePrefix,
       400,
       "The prefix of the journal '" + id +
           "' up to 'from' (included) contains some Commands without respective Completions."}};
  for (const auto& [result, expected, message] : cases) {
    Patch("restart-as-new");
    Reply(RestartOutcome{MakeId(), result});
    EXPECT_EQ(status(), expected);
    EXPECT_EQ(body(), JsonError(message));
  }
  Patch("restart-as-new");
  Reply(RequestRefused{RequestRefused::Reason::kDiskNearlyFull});
  EXPECT_EQ(status(), 503);
  EXPECT_EQ(
      body(),
      JsonError("Error when routing the request internally. Reason: the disk of the data folder is "
                "nearly full, free some space"));
}

TEST_F(InvocationRoutesTest, BadIdsAreRefused) {
  for (const char* path : {"/invocations/foo/cancel", "/invocations/a%zz/kill"}) {
    Send("PATCH", path);
    EXPECT_EQ(status(), 400) << path;
    EXPECT_EQ(
        body(), JsonError("The request field 'invocation_id' is invalid. Reason: bad format"));
  }
  Send("GET", "/invocations/foo");
  EXPECT_EQ(status(), 400);
  EXPECT_TRUE(gateway_.submissions.empty());
}

TEST_F(InvocationRoutesTest, IdsArePercentDecoded) {
  std::string id = MakeId().ToString();
  Send("PATCH", "/invocations/%69" + id.substr(1) + "/kill");
  ASSERT_EQ(gateway_.submissions.size(), 1U);
}

TEST_F(InvocationRoutesTest, NoRoomIs503) {
  const std::string overloaded = JsonError(
      "Error when routing the request internally. Reason: the server is overloaded, retry later");
  gateway_.overloaded = true;
  Patch("kill");
  EXPECT_EQ(status(), 503);
  EXPECT_EQ(header("retry-after"), "1");
  EXPECT_EQ(body(), overloaded);
  EXPECT_EQ(contexts_[0].replies.in_use(), 0U);

  gateway_.overloaded = false;
  Patch("kill");
  Reply(RequestRefused{});
  EXPECT_EQ(status(), 503);
  EXPECT_EQ(body(), overloaded);
}

TEST_F(InvocationRoutesTest, ListPassesTheFilterOn) {
  const std::string after = MakeId().ToString();
  Send("GET", "/invocations?status=backing-off&service=My%20Svc&limit=7&after=" + after);
  ASSERT_TRUE(introspection_.filter.has_value());
  EXPECT_EQ(introspection_.filter->status, "backing-off");
  EXPECT_EQ(introspection_.filter->service, "My Svc");
  EXPECT_EQ(introspection_.filter->limit, 7U);
  EXPECT_EQ(introspection_.filter->after, MakeId());
  EXPECT_FALSE(answered());
  introspection_.done(std::string("{\"invocations\":[]}"));

  EXPECT_EQ(status(), 200);
  EXPECT_EQ(header("content-type"), "application/json");
  EXPECT_EQ(body(), "{\"invocations\":[]}");
}

TEST_F(InvocationRoutesTest, ListHasDefaults) {
  Send("GET", "/v4/invocations");
  ASSERT_TRUE(introspection_.filter.has_value());
  EXPECT_EQ(introspection_.filter->status, std::nullopt);
  EXPECT_EQ(introspection_.filter->limit, 100U);
}

TEST_F(InvocationRoutesTest, ListRefusesWhatItCannotRead) {
  for (const char* query : {"limit=x", "limit=", "limit=-1", "limit=1x", "after=foo"}) {
    Send("GET", std::string("/invocations?") + query);
    EXPECT_EQ(status(), 400) << query;
  }
  EXPECT_FALSE(introspection_.filter.has_value());
}

TEST_F(InvocationRoutesTest, ErrorsOfTheIntrospection) {
  const std::pair<ErrorCode, int> cases[] = {
      {ErrorCode::kInvalidArgument, 400},
      {ErrorCode::kOverloaded, 503},
      {ErrorCode::kUnavailable, 503},
      {ErrorCode::kInternal, 500}};
  for (const auto& item : cases) {
    Send("GET", "/invocations");
    introspection_.done(Error{item.first, "why"});
    EXPECT_EQ(status(), item.second);
  }
  EXPECT_EQ(body(), JsonError("why"));
}

TEST_F(InvocationRoutesTest, GetsOne) {
  Send("GET", "/invocations/" + MakeId().ToString());
  EXPECT_EQ(introspection_.id, MakeId());
  introspection_.done(std::string("{}"));
  EXPECT_EQ(status(), 200);

  Send("GET", "/invocations/" + MakeId().ToString());
  introspection_.done(Error{ErrorCode::kNotFound, ""});
  EXPECT_EQ(status(), 404);
  EXPECT_EQ(
      body(), JsonError("The requested invocation '" + MakeId().ToString() + "' does not exist"));
}

}  // namespace
}  // namespace perdure
