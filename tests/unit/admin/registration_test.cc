// SPDX-License-Identifier: Apache-2.0
//
// POST /deployments: bodies, the known deployment, the way through discovery and the metadata
// partition, and each outcome's answer (admin API 5).
#include "tests/unit/admin/admin_test_support.h"

namespace perdure {
namespace {

using Kind = RegistrationOutcome::Kind;
using testing::JsonError;

constexpr const char* kDoesNotFit =
    "Failed to deserialize the JSON body into the target type: data did not match any variant of "
    "untagged enum RegisterDeploymentRequest";

std::shared_ptr<const DeploymentSchema> MakeDeployment(const std::string& path) {
  DeploymentSchema out;
  out.id = DeploymentId{{5}};
  out.uri = path;
  out.endpoint.host = "h";
  out.path_prefix = path;
  out.min_protocol_version = 5;
  out.max_protocol_version = 7;
  return std::make_shared<const DeploymentSchema>(out);
}

class RegistrationTest : public testing::AdminTest {
 protected:
  // Registers "/new" up to the answer of the metadata partition.
  void RegisterWithOutcome(const std::string& target, RegistrationOutcome outcome) {
    Post(R"({"uri":"/new","force":)" + std::string(force_ ? "true" : "false") + "}", target);
    discovery_.done(MakeDeployment("/new"));
    Reply(std::move(outcome));
  }
  void PublishKnown(const std::string& path) {
    auto view = std::make_shared<SchemaView>();
    const auto deployment = MakeDeployment(path);
    view->deployments[deployment->id] = deployment;
    publisher_.Publish(view);
  }
  bool force_ = false;
};

TEST_F(RegistrationTest, DiscoversThenAsksTheMetadataPartition) {
  Post(R"({"uri":"/new","additional_headers":{"X-Tok":"1"},"metadata":{"git":"abc"},)"
       R"("use_http_11":true,"breaking":true,"force":null,"dry_run":true,"unknown":1})");
  ASSERT_EQ(discovery_.asked, 1);
  EXPECT_EQ(discovery_.request.uri, "/new");
  EXPECT_TRUE(discovery_.request.use_http_11);
  EXPECT_EQ(discovery_.request.additional_headers.Get("x-tok"), "1");
  EXPECT_EQ(discovery_.request.metadata.at("git"), "abc");
  EXPECT_TRUE(gateway_.submissions.empty());
  const auto discovered = MakeDeployment("/new");
  discovery_.done(discovered);

  ASSERT_EQ(gateway_.submissions.size(), 1U);
  EXPECT_EQ(gateway_.submissions[0].partition, kMetadataPartition);
  EXPECT_EQ(gateway_.submissions[0].source, Source::kControl);
  const auto& command = std::get<RegisterDeployment>(gateway_.submissions[0].command);
  EXPECT_EQ(command.deployment, discovered);
  EXPECT_TRUE(command.breaking);
  EXPECT_FALSE(command.force);
  EXPECT_TRUE(command.dry_run);
  EXPECT_FALSE(answered());
}

TEST_F(RegistrationTest, EveryRegistrationHasAnIdOfItsOwn) {
  Post(R"({"uri":"/new"})");
  const DeploymentId first = discovery_.id;
  Post(R"({"uri":"/new"})");
  EXPECT_NE(discovery_.id, first);
}

TEST_F(RegistrationTest, CreatedAnswer) {
  RegisterWithOutcome("/v4/deployments", {Kind::kCreated, MakeDeployment("/new"), ""});

  EXPECT_EQ(status(), 201);
  EXPECT_EQ(header("location"), "deployments/" + DeploymentId{{5}}.ToString());
  EXPECT_EQ(header("content-type"), "application/json");
  EXPECT_EQ(
      body(),
      R"({"id":")" + DeploymentId{{5}}.ToString() +
          R"(","services":[],"min_protocol_version":5,"max_protocol_version":7})");
}

TEST_F(RegistrationTest, OtherOutcomes) {
  RegisterWithOutcome("/deployments", {Kind::kUnchanged, MakeDeployment("/new"), ""});
  EXPECT_EQ(status(), 200);
  RegisterWithOutcome("/v2/deployments", {Kind::kUnchanged, MakeDeployment("/new"), ""});
  EXPECT_EQ(status(), 409);
  RegisterWithOutcome("/v3/deployments", {Kind::kTypeChanged, nullptr, "[META0006] detected"});
  EXPECT_EQ(status(), 409);
  EXPECT_EQ(body(), JsonError("[META0006] detected", "\"META0006\""));
  force_ = true;
  RegisterWithOutcome("/deployments", {Kind::kOverwritten, MakeDeployment("/new"), ""});
  EXPECT_EQ(status(), 200);
  RegisterWithOutcome("/v2/deployments", {Kind::kOverwritten, MakeDeployment("/new"), ""});
  EXPECT_EQ(status(), 201);
}

TEST_F(RegistrationTest, KnownDeploymentIsAnsweredWithoutDiscovery) {
  PublishKnown("/known");
  Post(R"({"uri":"/known","dry_run":true})");
  EXPECT_EQ(status(), 200);
  EXPECT_EQ(header("location"), "deployments/" + DeploymentId{{5}}.ToString());
  Post(R"({"uri":"/known","force":false})", "/v2/deployments");
  EXPECT_EQ(status(), 409);
  EXPECT_EQ(
      body(),
      JsonError("Conflict: deployment " + DeploymentId{{5}}.ToString() + " already exists"));
  EXPECT_EQ(discovery_.asked, 0);

  Post(R"({"uri":"/known","force":true})");
  EXPECT_EQ(discovery_.asked, 1);
  Post(R"({"uri":"/known"})", "/v2/deployments");  // force is the default there
  EXPECT_EQ(discovery_.asked, 2);
  discovery_.done(MakeDeployment("/known"));
  EXPECT_TRUE(std::get<RegisterDeployment>(gateway_.submissions.at(0).command).force);
  Post(R"({"uri":"/known/other"})");
  EXPECT_EQ(discovery_.asked, 3);
}

TEST_F(RegistrationTest, DiscoveryErrorsAreTheAnswer) {
  Post(R"({"uri":"/new"})");
  discovery_.done(DiscoveryError{500, "META0003", "[META0003] [META0003] refused"});
  EXPECT_EQ(status(), 500);
  EXPECT_EQ(body(), JsonError("[META0003] [META0003] refused", "\"META0003\""));
  EXPECT_TRUE(gateway_.submissions.empty());

  Post(R"({"uri":"bad"})");
  EXPECT_EQ(status(), 400);
  EXPECT_EQ(body(), JsonError("bad uri"));
}

TEST_F(RegistrationTest, NoRoomInTheMetadataPartition) {
  Post(R"({"uri":"/new"})");
  gateway_.overloaded = true;
  discovery_.done(MakeDeployment("/new"));
  EXPECT_EQ(status(), 503);
  EXPECT_EQ(header("retry-after"), "1");
}

TEST_F(RegistrationTest, ContentTypeMustBeJson) {
  for (const char* type : {"", "text/plain", "application/jsonx", "application/+json"}) {
    Send("POST", "/deployments", "{}", type);
    EXPECT_EQ(status(), 415) << type;
    EXPECT_EQ(body(), "Expected request with `Content-Type: application/json`");
    EXPECT_EQ(header("content-type"), "text/plain; charset=utf-8");
  }
  for (const char* type :
       {"application/json; charset=utf-8", "Application/JSON", "application/x+json"}) {
    Send("POST", "/deployments", "{}", type);
    EXPECT_EQ(status(), 422) << type;
  }
}

TEST_F(RegistrationTest, SyntaxErrorsArePlainText) {
  for (const char* text : {"", "{\"uri\"", "{\"uri\":\"/new\"} x", "\xff"}) {
    Post(text);
    EXPECT_EQ(status(), 400) << text;
    EXPECT_EQ(body().find("Failed to parse the request body as JSON: parse error at line 1"), 0U)
        << body();
    EXPECT_EQ(header("content-type"), "text/plain; charset=utf-8");
  }
}

TEST_F(RegistrationTest, BodiesThatDoNotFit) {
  for (const char* text :
       {"{}",
        "[]",
        "3",
        R"({"uri":5})",
        R"({"uri":"/new","force":3})",
        R"({"uri":"/new","breaking":null})",
        R"({"uri":"/new","dry_run":"x"})",
        R"({"uri":"/new","use_http_11":1})",
        R"({"uri":"/new","metadata":null})",
        R"({"uri":"/new","metadata":{"a":1}})",
        R"({"uri":"/new","additional_headers":[]})",
        R"({"uri":"/new","additional_headers":{"a":1}})",
        R"({"uri":"/new","additional_headers":{"bad name":"1"}})",
        R"({"uri":"/new","additional_headers":{"":"1"}})",
        R"({"uri":"/new","additional_headers":{"a":"b\r\nc: d"}})",
        R"({"arn":5})"}) {
    Post(text);
    EXPECT_EQ(status(), 422) << text;
    EXPECT_EQ(body(), kDoesNotFit);
  }
  EXPECT_EQ(discovery_.asked, 0);
}

TEST_F(RegistrationTest, HeadersOfTheConnectionCannotBeSet) {
  Post(R"({"uri":"/new","additional_headers":{"Content-Length":"3"}})");
  EXPECT_EQ(status(), 400);
  EXPECT_EQ(
      body(),
      JsonError("The request field 'additional_headers' is invalid. Reason: the header "
                "'content-length' cannot be set"));
  Post(R"({"uri":"/new","additional_headers":{"a":")" + std::string(20'000, 'x') + "\"}}");
  EXPECT_EQ(status(), 400);
  EXPECT_EQ(discovery_.asked, 0);
}

TEST_F(RegistrationTest, WhatThisServerDoesNotDo) {
  Post(R"({"arn":"arn:aws:lambda:eu-central-1:1:function:f:1"})");
  EXPECT_EQ(status(), 400);
  EXPECT_EQ(body(), JsonError("AWS Lambda deployments are not supported by this server"));
  Post(R"({"uri":"/new","auth":{"GoogleIdToken":{}}})");
  EXPECT_EQ(status(), 501);
  EXPECT_EQ(discovery_.asked, 0);
}

TEST_F(RegistrationTest, BodiesThatWereTooLarge) {
  HttpRequest request;
  request.method = "POST";
  request.target = "/deployments";
  request.headers.Add("content-type", "application/json");
  request.body_state = BodyState::kDeclaredTooLarge;
  response_ = std::make_shared<std::optional<HttpResponse>>();
  admin_->OnRequest(
      std::move(request), std::make_unique<testing::FakeExchange>(executor_, response_));

  EXPECT_EQ(status(), 413);
}

}  // namespace
}  // namespace perdure
