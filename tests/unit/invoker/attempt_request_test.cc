// SPDX-License-Identifier: Apache-2.0
//
// What an attempt asks for: path, headers, endpoint (service protocol 2.1).
#include "invoker/attempt_request.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

namespace perdure {
namespace {

StartAttempt Start(const std::string& prefix, const std::string& query = "") {
  auto deployment = std::make_shared<DeploymentSchema>();
  deployment->endpoint.host = "h";
  deployment->path_prefix = prefix;
  deployment->query = query;
  deployment->additional_headers.Add("x-tok", "1");
  deployment->additional_headers.Add("authorization", "Bearer a");
  StartAttempt start;
  start.deployment = deployment;
  start.protocol_version = 6;
  start.target.service = "Svc";
  start.target.handler = "run";
  return start;
}

TEST(AttemptRequest, GoesBehindThePrefixOfTheDeployment) {
  EXPECT_EQ(MakeAttemptRequest(Start(""), "c").path, "/invoke/Svc/run");
  EXPECT_EQ(MakeAttemptRequest(Start("/a/b"), "c").path, "/a/b/invoke/Svc/run");
  EXPECT_EQ(MakeAttemptRequest(Start("/a", "?q=1"), "c").path, "/a/invoke/Svc/run?q=1");
}

TEST(AttemptRequest, CarriesTheHeadersOfTheRegistration) {
  const HttpStreamRequest request = MakeAttemptRequest(Start(""), "cluster");
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.headers.Get("content-type"), "application/vnd.restate.invocation.v6");
  EXPECT_EQ(request.headers.Get("x-restate-cluster-name"), "cluster");
  EXPECT_EQ(request.headers.Get("x-tok"), "1");
  EXPECT_EQ(request.headers.Get("authorization"), "Bearer a");
}

}  // namespace
}  // namespace perdure
