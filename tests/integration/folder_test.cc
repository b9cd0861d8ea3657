// SPDX-License-Identifier: Apache-2.0
//
// A data folder belongs to one server at a time, and only to a version that can read it.
#include "perdure/store/database.h"
#include "tests/integration/process.h"
#include "tests/integration/test_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace perdure::integration {
namespace {

using testing::HasSubstr;

std::string StartError(const Settings& settings) {
  const Result<std::unique_ptr<Server>> server = Server::Start(settings);
  return server.ok() ? "it started" : server.error().message;
}

TEST(DataFolder, SecondServerIsRefusedWhileTheFirstRuns) {
  Service service;
  TestServer first;
  ASSERT_NO_FATAL_FAILURE(first.Start());
  first.Register(service);

  EXPECT_EQ(
      StartError(first.settings),
      "the data folder " + first.data_folder() + " is in use by another process");
  EXPECT_EQ(first.Call("Test/echo", "still here").body, "still here");

  ServerProcess process(first.settings.base_dir);
  EXPECT_EQ(process.AwaitExit(), 1);
  EXPECT_THAT(process.log(), HasSubstr("is in use by another process"));
  EXPECT_EQ(first.Call("Test/echo", "and here").body, "and here");

  first.Stop();
  TestServer second;
  second.settings = first.settings;
  ASSERT_NO_FATAL_FAILURE(second.Start());
  EXPECT_EQ(second.Call("Test/echo", "opened").body, "opened");
}

TEST(DataFolder, NewerFormatIsRefused) {
  TestServer server;
  ASSERT_NO_FATAL_FAILURE(server.Start());
  server.Stop();
  const std::string file = server.data_folder() + "/format";
  std::ofstream(file) << kDatabaseFormat + 1 << "\n";

  EXPECT_EQ(
      StartError(server.settings),
      "the data folder " + server.data_folder() + " has format " +
          std::to_string(kDatabaseFormat + 1) + ", this version reads format " +
          std::to_string(kDatabaseFormat) + ": it was written by a newer version, use that one");

  std::ofstream(file) << kDatabaseFormat << "\n";
  ASSERT_NO_FATAL_FAILURE(server.Start());
}

TEST(DataFolder, NumberOfPartitionsStaysAndTheSettingIsWarnedAbout) {
  Service service;
  TestServer server;
  ASSERT_NO_FATAL_FAILURE(server.Start());
  server.Register(service);
  const RequestHeaders key{{"idempotency-key", "k"}};
  ASSERT_EQ(server.Call("Test/echo", "x", key).body, "x");
  server.Stop();
  server.settings.default_num_partitions = 24;

  testing::internal::CaptureStderr();
  server.Start();
  const std::string log = testing::internal::GetCapturedStderr();

  EXPECT_THAT(
      log,
      HasSubstr("the number of partitions is fixed when the data folder is made; the setting is "
                "ignored partitions=2 default_num_partitions=24"));
  EXPECT_EQ(server.Call("Test/echo", "x", key).body, "x");
  EXPECT_EQ(service.attempts("Test/echo"), 1U);
}

}  // namespace
}  // namespace perdure::integration
