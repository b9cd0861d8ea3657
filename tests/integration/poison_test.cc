// SPDX-License-Identifier: Apache-2.0
//
// An invocation whose work ends the process, by a broken invariant or by the watchdog: after three
// times it is paused, and everybody else goes on (design 5). A disk that does not answer is
// something else: it is reported, new work is refused, and nobody dies.
#include "tests/integration/process.h"
#include "tests/integration/test_server.h"

#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <string>

namespace perdure::integration {
namespace {

constexpr int kCrashes = 3;

std::string Register(const ServerProcess& server, const Service& service) {
  return Fetch(
             server.admin_port(),
             "POST",
             "/deployments",
             Json{{"uri", service.uri()}}.dump(),
             {{"content-type", "application/json"}})
      .body;
}

Json Look(const ServerProcess& server, const std::string& id) {
  const Reply reply = Fetch(server.admin_port(), "GET", "/invocations/" + id);
  return Json::parse(reply.body, nullptr, /*allow_exceptions=*/false);
}

std::string FaultName(const testing::TestParamInfo<const char*>& fault) {
  return fault.param;
}

class PoisonTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    service_.On("Test/doze", [](ServiceAttempt& attempt) {
      if (attempt.Has(MessageType::kSleepCompletion)) {
        attempt.Complete("slept");
      } else {
        wire::SleepCommandMessage sleep;
        sleep.set_wake_up_time(1);
        sleep.set_result_completion_id(1);
        attempt.Send(MessageType::kSleepCommand, sleep);
      }
    });
  }
  ServerProcess Faulty() {
    return ServerProcess(
        folder_.path(), "tests/faulty_server", {std::string("PERDURE_TEST_FAULT=") + GetParam()});
  }

  TemporaryFolder folder_;
  Service service_;
};

TEST_P(PoisonTest, PausesTheInvocationAfterThreeCrashesInARow) {
  std::string id;
  for (int crash = 1; crash <= kCrashes; ++crash) {
    ServerProcess server = Faulty();
    ASSERT_TRUE(server.AwaitReady()) << server.log();
    EXPECT_EQ(server.log().find("brought the server down"), std::string::npos);
    if (crash == 1) {
      Register(server, service_);
      const Reply sent = Fetch(server.ingress_port(), "POST", "/Test/doze/send", "in");
      ASSERT_EQ(sent.status, 202) << sent;
      id = Json::parse(sent.body).at("invocationId");
    }
    EXPECT_EQ(server.AwaitExit(), -1);
    EXPECT_NE(server.log().find("assertion failed"), std::string::npos) << server.log();
    if (std::string(GetParam()) == "spin") {
      EXPECT_NE(server.log().find("partition_thread_stuck"), std::string::npos);
      EXPECT_NE(server.log().find(id), std::string::npos) << "the dump does not name it";
    }
  }
  {
    ServerProcess server = Faulty();
    ASSERT_TRUE(server.AwaitReady()) << server.log();
    EXPECT_NE(server.log().find("brought the server down again"), std::string::npos);
    EXPECT_NE(server.log().find(id), std::string::npos);
    EXPECT_EQ(Fetch(server.ingress_port(), "POST", "/Test/echo", "well").body, "well");
    EXPECT_TRUE(Eventually([&] { return Look(server, id).value("status", "") == "paused"; }));
    const Json paused = Look(server, id);
    EXPECT_NE(paused.value("last_failure", "").find("crashed 3 times"), std::string::npos);
    EXPECT_EQ(paused.at("journal_events").back().value("event_type", ""), "Paused");
    server.Signal(SIGTERM);
    EXPECT_EQ(server.AwaitExit(), 0);
  }
  // With a version that has no fault it goes on where it was.
  ServerProcess mended(folder_.path());
  ASSERT_TRUE(mended.AwaitReady()) << mended.log();
  EXPECT_EQ(Fetch(mended.admin_port(), "PATCH", "/invocations/" + id + "/resume").status, 200);
  const std::string attach = "/restate/invocation/" + id + "/attach";
  EXPECT_EQ(Fetch(mended.ingress_port(), "GET", attach).body, "slept");
}

INSTANTIATE_TEST_SUITE_P(Faults, PoisonTest, testing::Values("abort", "spin"), FaultName);

using StallTest = PoisonTest;

TEST_P(StallTest, RefusesNewWorkAndGoesOn) {
  const std::string go_on = folder_.path() + "/go-on";
  ServerProcess server(
      folder_.path(),
      "tests/faulty_server",
      {std::string("PERDURE_TEST_FAULT=") + GetParam(), "PERDURE_TEST_GO_ON=" + go_on});
  ASSERT_TRUE(server.AwaitReady()) << server.log();
  Register(server, service_);
  const Reply sent = Fetch(server.ingress_port(), "POST", "/Test/doze/send", "in");
  ASSERT_EQ(sent.status, 202) << sent;
  const std::string id = Json::parse(sent.body).at("invocationId");

  ASSERT_TRUE(server.AwaitLog("storage_stalled")) << server.log();
  const Reply refused = Fetch(server.ingress_port(), "POST", "/Test/echo/send", "more");
  EXPECT_EQ(refused.status, 503);
  EXPECT_FALSE(refused.header("retry-after").empty()) << refused;
  std::ofstream(go_on).put('\n');
  const std::string attach = "/restate/invocation/" + id + "/attach";
  EXPECT_EQ(Fetch(server.ingress_port(), "GET", attach).body, "slept");
  EXPECT_TRUE(Eventually([&server] {
    return Fetch(server.ingress_port(), "POST", "/Test/echo", "well").body == "well";
  }));
  server.Signal(SIGTERM);
  EXPECT_EQ(server.AwaitExit(), 0);
  EXPECT_NE(server.log().find("storage_goes_on"), std::string::npos) << server.log();
}

INSTANTIATE_TEST_SUITE_P(Faults, StallTest, testing::Values("stall"), FaultName);

}  // namespace
}  // namespace perdure::integration
