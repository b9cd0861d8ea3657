// SPDX-License-Identifier: Apache-2.0
//
// What an attempt asks for: path, headers, endpoint (service protocol 2.1).
#include "invoker/attempt_request.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

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

class FakeIdentity final : public RequestIdentity {
 public:
  const std::string& public_key() const override { return none_; }
  void Sign(std::string_view path, std::string_view key, TimeMs now, HttpHeaders* headers)
      const override {
    headers->Add(
        "signed", std::string(path) + " '" + std::string(key) + "' " + std::to_string(now));
  }

 private:
  std::string none_;
};

HttpStreamRequest Make(const StartAttempt& start) {
  return MakeAttemptRequest(start, "cluster", nullptr, 1000);
}

TEST(AttemptRequest, GoesBehindThePrefixOfTheDeployment) {
  EXPECT_EQ(Make(Start("")).path, "/invoke/Svc/run");
  EXPECT_EQ(Make(Start("/a/b")).path, "/a/b/invoke/Svc/run");
  EXPECT_EQ(Make(Start("/a", "?q=1")).path, "/a/invoke/Svc/run?q=1");
}

TEST(AttemptRequest, CarriesTheHeadersOfTheRegistration) {
  const HttpStreamRequest request = Make(Start(""));
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.headers.Get("content-type"), "application/vnd.restate.invocation.v6");
  EXPECT_EQ(request.headers.Get("x-restate-cluster-name"), "cluster");
  EXPECT_EQ(request.headers.Get("x-tok"), "1");
  EXPECT_EQ(request.headers.Get("authorization"), "Bearer a");
}

TEST(AttemptRequest, IsSignedForThePathWithoutPrefixAndQuery) {
  const FakeIdentity identity;
  StartAttempt start = Start("/a", "?q=1");
  EXPECT_EQ(
      MakeAttemptRequest(start, "c", &identity, 1000).headers.Get("signed"),
      "/invoke/Svc/run '' 1000");
  start.target.service_type = ServiceType::kVirtualObject;
  start.target.key = "k \xc3\xbc";
  EXPECT_EQ(
      MakeAttemptRequest(start, "c", &identity, 1000).headers.Get("signed"),
      "/invoke/Svc/run 'k \xc3\xbc' 1000");
  EXPECT_FALSE(Make(start).headers.Get("signed").has_value());
}

}  // namespace
}  // namespace perdure
