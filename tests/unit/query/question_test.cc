// SPDX-License-Identifier: Apache-2.0
//
// Lists with their filters, limits and pages, and one invocation with its journal.
#include "query/question.h"

#include "query/invocation_json.h"
#include "tests/unit/query/query_test_support.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace perdure::query {
namespace {

using Json = nlohmann::json;
using testing::MakeId;
using testing::MakeStatus;
using testing::MapTxn;

class QuestionTest : public ::testing::Test {
 protected:
  QuestionTest() {
    Put(1, MakeStatus(InvocationState::kInvoked, "A"));
    Put(2, MakeStatus(InvocationState::kInvoked, "B"));
    InvocationStatus suspended = MakeStatus(InvocationState::kSuspended, "A");
    suspended.wait_set = WaitSet::AnyOf({1});
    Put(3, suspended);
    Put(4, MakeStatus(InvocationState::kInvoked, "A"));
    AttemptHost::LiveAttempt live;
    live.id = MakeId(4);
    live_ = IndexLive({live});
  }
  void Put(uint8_t n, const InvocationStatus& status) {
    testing::PutStatus(rows_, MakeId(n), status);
  }
  // The last bytes of the ids of the answer, and "+" if there is more.
  std::string List(const InvocationFilter& filter, uint64_t scan_ns_max = kScanNsMax) {
    const Json json = Json::parse(AnswerList(rows_, live_, filter, scan_ns_max));
    std::string out;
    for (const Json& row : json["invocations"]) {
      const auto id = InvocationId::Parse(row["id"].get<std::string>());
      out += std::to_string(id->uuid[15]);
    }
    if (json.contains("next")) {
      out += "+" + std::to_string(InvocationId::Parse(json["next"].get<std::string>())->uuid[15]);
    }
    return out;
  }

  MapTxn rows_;
  LiveMap live_;
};

TEST_F(QuestionTest, ListsEverythingInIdOrder) {
  EXPECT_EQ(List({}), "1234");
  EXPECT_EQ(AnswerList(MapTxn(), {}, {}), R"({"invocations":[]})");
}

TEST_F(QuestionTest, FiltersByDerivedStatusAndService) {
  InvocationFilter filter;
  filter.status = "ready";
  EXPECT_EQ(List(filter), "12");
  filter.status = "running";
  EXPECT_EQ(List(filter), "4");
  filter.status = "suspended";
  EXPECT_EQ(List(filter), "3");
  filter.status = "completed";
  EXPECT_EQ(List(filter), "");
  filter.status.reset();
  filter.service = "A";
  EXPECT_EQ(List(filter), "134");
  filter.status = "ready";
  EXPECT_EQ(List(filter), "1");
}

TEST_F(QuestionTest, PagesWithNext) {
  InvocationFilter filter;
  filter.limit = 2;
  EXPECT_EQ(List(filter), "12+2");
  filter.after = MakeId(2);
  EXPECT_EQ(List(filter), "34");
  filter.limit = 4;
  filter.after.reset();
  EXPECT_EQ(List(filter), "1234");
}

TEST_F(QuestionTest, StopsAtTheTimeBoundAndTellsWhereToGoOn) {
  MapTxn many;
  for (uint8_t n = 0; n < 200; ++n) {
    testing::PutStatus(many, MakeId(n), MakeStatus(InvocationState::kInvoked, "A"));
  }
  InvocationFilter filter;
  filter.service = "Nobody";
  const Json json = Json::parse(AnswerList(many, {}, filter, 0));

  EXPECT_TRUE(json["invocations"].empty());
  EXPECT_EQ(json["next"], MakeId(63).ToString());
}

TEST_F(QuestionTest, ChecksFilters) {
  InvocationFilter filter;
  EXPECT_TRUE(CheckFilter(filter).ok());
  filter.limit = 1000;
  filter.status = "backing-off";
  EXPECT_TRUE(CheckFilter(filter).ok());
  filter.limit = 0;
  EXPECT_EQ(
      CheckFilter(filter).error().message,
      "The query parameter 'limit' is invalid. Reason: must be between 1 and 1000");
  filter.limit = 1001;
  EXPECT_FALSE(CheckFilter(filter).ok());
  filter.limit = 1;
  filter.status = "nope";
  EXPECT_EQ(
      CheckFilter(filter).error().message,
      "The query parameter 'status' is invalid. Reason: unknown status 'nope', expected one of "
      "scheduled, pending, ready, running, backing-off, suspended, paused, completed");
}

TEST_F(QuestionTest, NewestAttemptOfAnInvocationCounts) {
  AttemptHost::LiveAttempt older;
  older.id = MakeId(1);
  older.epoch.value = 1;
  older.server = "old";
  AttemptHost::LiveAttempt newer = older;
  newer.epoch.value = 2;
  newer.server = "new";

  EXPECT_EQ(IndexLive({older, newer}).at(MakeId(1)).server, "new");
  EXPECT_EQ(IndexLive({newer, older}).at(MakeId(1)).server, "new");
}

TEST_F(QuestionTest, GetShowsTheJournal) {
  InvocationStatus status = MakeStatus(InvocationState::kInvoked);
  status.journal_length = 3;
  Put(9, status);
  testing::PutEntry(rows_, MakeId(9), status, 0, MessageType::kInputCommand, "");
  testing::PutEntry(rows_, MakeId(9), status, 1, MessageType::kRunCommand, "\x62\x01r");
  testing::PutEntry(rows_, MakeId(9), status, 2, MessageType::kRunCompletion, "\x08\x01");
  const Json json = Json::parse(AnswerGet(rows_, live_, MakeId(9)).value());

  EXPECT_EQ(json["id"], MakeId(9).ToString());
  ASSERT_EQ(json["journal"].size(), 3U);
  EXPECT_EQ(json["journal"][0]["entry_type"], "Command: Input");
  EXPECT_EQ(json["journal"][1]["name"], "r");
  EXPECT_EQ(json["journal"][2]["entry_type"], "Notification: Run");
  EXPECT_EQ(json["journal"][2]["index"], 2);
  EXPECT_FALSE(json.contains("journal_truncated"));
}

TEST_F(QuestionTest, GetBoundsTheJournal) {
  InvocationStatus status = MakeStatus(InvocationState::kInvoked);
  status.journal_length = 3;
  Put(9, status);
  for (JournalIndex i = 0; i < 3; ++i) {
    testing::PutEntry(rows_, MakeId(9), status, i, MessageType::kRunCommand, "");
  }
  const Json json = Json::parse(AnswerGet(rows_, live_, MakeId(9), 2).value());

  EXPECT_EQ(json["journal"].size(), 2U);
  EXPECT_EQ(json["journal_truncated"], true);
}

TEST_F(QuestionTest, GetShowsTheResultOfACompletedInvocation) {
  InvocationStatus status = MakeStatus(InvocationState::kCompleted);
  status.failure = Failure{409, "killed", {}};
  status.journal_length = 2;  // the journal is gone already
  Put(9, status);
  const Json json = Json::parse(AnswerGet(rows_, live_, MakeId(9)).value());

  EXPECT_EQ(json["completion_failure"], "[409] killed");
  EXPECT_TRUE(json["journal"].empty());
}

TEST_F(QuestionTest, GetOfAnUnknownInvocation) {
  const Result<std::string> result = AnswerGet(rows_, live_, MakeId(77));

  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace perdure::query
