// SPDX-License-Identifier: Apache-2.0
//
// Deployments, services and handlers as clients read them: which fields are there and which are
// left out (admin API 5.1, 5.4, 6). The expected texts follow captured answers of the reference.
#include "admin/schema_json.h"

#include "tests/unit/admin/admin_test_support.h"

#include <nlohmann/json.hpp>

namespace perdure {
namespace {

using Json = nlohmann::json;
using testing::JsonError;

HandlerSchema MakeHandler(const std::string& name, HandlerType type) {
  HandlerSchema out;
  out.name = name;
  out.type = type;
  return out;
}

// A workflow with resolved defaults and one handler that overrides everything.
ServiceSchema MakeWorkflow() {
  ServiceSchema out;
  out.name = "Wf";
  out.type = ServiceType::kWorkflow;
  out.revision = 3;
  out.deployment_id = DeploymentId{{5}};
  out.inactivity_timeout = 30'000;
  out.options.inactivity_timeout = 30'000;
  out.abort_timeout = 600'000;
  out.journal_retention = 86'400'000;
  out.idempotency_retention = 3'600'000;
  out.workflow_completion_retention = 86'400'000;
  out.retry_policy.max_attempts = 70;
  out.handlers["q"] = MakeHandler("q", HandlerType::kShared);

  HandlerSchema run = MakeHandler("run", HandlerType::kWorkflow);
  run.options.workflow_completion_retention = 7'200'000;
  run.workflow_completion_retention = 7'200'000;
  out.handlers["run"] = run;

  HandlerSchema s = MakeHandler("s", HandlerType::kShared);
  s.is_public = false;
  s.documentation = "d";
  s.metadata["k"] = "v";
  s.options.inactivity_timeout = 30'000;
  s.options.abort_timeout = 1500;
  s.options.journal_retention = 0;
  s.options.idempotency_retention = 1000;
  s.idempotency_retention = 1000;
  s.options.enable_lazy_state = true;
  s.options.retry_initial_interval = 50;
  s.options.retry_exponentiation_factor = 1.5;
  s.options.retry_max_attempts = 2;
  s.options.retry_max_interval = 61'000;
  s.options.retry_on_max_attempts = OnMaxAttempts::kKill;
  out.handlers["s"] = s;
  return out;
}

SchemaView MakeView(const ServiceSchema& service, bool bidirectional) {
  DeploymentSchema deployment;
  deployment.id = DeploymentId{{5}};
  deployment.uri = "http://127.0.0.1:19481/b";
  deployment.bidirectional = bidirectional;
  deployment.endpoint.http11 = !bidirectional;
  deployment.created_at = 1'795'487'583'595;
  deployment.min_protocol_version = 5;
  deployment.max_protocol_version = 7;
  SchemaView view;
  view.services[service.name] = std::make_shared<const ServiceSchema>(service);
  deployment.services[service.name] = view.services[service.name];
  view.deployments[deployment.id] = std::make_shared<const DeploymentSchema>(deployment);
  return view;
}

TEST(SchemaJson, ServiceInRequestResponseMode) {
  const ServiceSchema service = MakeWorkflow();
  const std::string id = DeploymentId{{5}}.ToString();

  EXPECT_EQ(
      admin::ServiceJson(MakeView(service, false), service),
      R"({"name":"Wf","ty":"Workflow","handlers":[)"
      R"({"name":"q","ty":"Shared","public":true,"input_description":"*/*",)"
      R"("output_description":"application/json","retry_policy":{"max_attempts":null}},)"
      R"({"name":"run","ty":"Workflow","public":true,"input_description":"*/*",)"
      R"("output_description":"application/json","retry_policy":{"max_attempts":null}},)"
      R"({"name":"s","ty":"Shared","documentation":"d","metadata":{"k":"v"},)"
      R"("idempotency_retention":"1s","journal_retention":"0s","abort_timeout":"1s 500ms",)"
      R"("enable_lazy_state":true,"public":false,"input_description":"*/*",)"
      R"("output_description":"application/json","retry_policy":{"initial_interval":"50ms",)"
      R"("exponentiation_factor":1.5,"max_attempts":2,"max_interval":"1m 1s",)"
      R"("on_max_attempts":"Kill"},"info":[{"code":"RT0021","message":"The configured )"
      R"(inactivity_timeout 30s will not be applied because the handler is exposed in )"
      R"(Request/Response mode."}]}],"deployment_id":")" +
          id +
          R"(","revision":3,"public":true,"idempotency_retention":"1h",)"
          R"("workflow_completion_retention":"2h","journal_retention":"1d",)"
          R"("inactivity_timeout":"0s","abort_timeout":"10m","enable_lazy_state":false,)"
          R"("retry_policy":{"initial_interval":"500ms","exponentiation_factor":2.0,)"
          R"("max_attempts":70,"max_interval":"1m","on_max_attempts":"Pause"},)"
          R"("info":[{"code":"RT0021","message":"The configured inactivity_timeout 30s will not )"
          R"(be applied because the service is exposed in Request/Response mode."}]})");
}

TEST(SchemaJson, ServiceInBidirectionalMode) {
  const ServiceSchema service = MakeWorkflow();
  const Json json = Json::parse(admin::ServiceJson(MakeView(service, true), service));

  EXPECT_EQ(json["inactivity_timeout"], "30s");
  EXPECT_FALSE(json.contains("info"));
  EXPECT_EQ(json["handlers"][2]["inactivity_timeout"], "30s");
}

TEST(SchemaJson, PlainServicesShowNoHandlerTypeAndUnlimitedRetriesAreNull) {
  ServiceSchema service;
  service.name = "Svc";
  service.deployment_id = DeploymentId{{5}};
  service.retry_policy.max_attempts.reset();
  service.retry_policy.max_interval.reset();
  service.handlers["run"] = MakeHandler("run", HandlerType::kUnkeyed);
  const Json json = Json::parse(admin::ServiceJson(MakeView(service, true), service));

  EXPECT_EQ(json["ty"], "Service");
  EXPECT_FALSE(json["handlers"][0].contains("ty"));
  EXPECT_TRUE(json["retry_policy"]["max_attempts"].is_null());
  EXPECT_FALSE(json["retry_policy"].contains("max_interval"));
  EXPECT_FALSE(json.contains("workflow_completion_retention"));
}

TEST(SchemaJson, ClampedRetentionsAreExplained) {
  ServiceSchema service = MakeWorkflow();
  service.options.journal_retention = 86'400'000 * 2;
  const Json json = Json::parse(admin::ServiceJson(MakeView(service, true), service));

  ASSERT_EQ(json["info"].size(), 1U);
  EXPECT_EQ(json["info"][0]["code"], "RT0022");
  EXPECT_EQ(
      json["info"][0]["message"],
      "The configured journal_retention 2d was clamped to 1d, the maximum of this server.");
}

TEST(SchemaJson, Descriptions) {
  struct Case {
    InputSchema input;
    std::string expected;
  };
  const std::string json = "application/json";
  const Case inputs[] = {
      {{}, "*/*"},
      {{true, false, {}, {}}, "none"},
      {{true, true, {}, {}}, "<invalid rules>"},
      {{true, false, {}, R"({"type":"string"})"}, "none"},
      {{true, false, json, {}}, json},
      {{true, true, "*/*", {}}, "*/*"},
      {{true, true, json, R"({"type":"object"})"}, "JSON object"},
      {{true, true, json, R"({"title":"Foo","type":"object"})"}, "JSON 'Foo'"},
      {{true, true, json, R"({"type":["string","null"]})"}, json},
      {{true, true, json, "true"}, json}};
  for (const Case& item : inputs) {
    ServiceSchema service = MakeWorkflow();
    service.handlers["q"].input = item.input;
    const SchemaView view = MakeView(service, true);
    const Json handler = Json::parse(admin::HandlerJson(view, service, service.handlers.at("q")));
    EXPECT_EQ(handler["input_description"], item.expected);
    EXPECT_EQ(
        handler.contains("input_json_schema"),
        item.input.content_type.has_value() && item.input.json_schema.has_value());
  }
  ServiceSchema service = MakeWorkflow();
  const auto output = [&service](const OutputSchema& schema) {
    service.handlers["q"].output = schema;
    const SchemaView view = MakeView(service, true);
    return Json::parse(
               admin::HandlerJson(view, service, service.handlers.at("q")))["output_description"]
        .get<std::string>();
  };
  EXPECT_EQ(output({}), "application/json");
  EXPECT_EQ(output({true, false, {}, {}}), "none");
  EXPECT_EQ(output({true, true, {}, {}}), "none");
  EXPECT_EQ(output({true, false, json, {}}), json);
  EXPECT_EQ(output({true, true, json, {}}), "optional application/json");
  EXPECT_EQ(output({true, true, json, R"({"title":"Foo"})"}), "JSON 'Foo'");
}

class SchemaRoutesTest : public testing::AdminTest {
 protected:
  SchemaRoutesTest() {
    publisher_.Publish(std::make_shared<const SchemaView>(MakeView(MakeWorkflow(), true)));
  }
};

TEST_F(SchemaRoutesTest, ListsDeployments) {
  Send("GET", "/v4/deployments");
  EXPECT_EQ(status(), 200);
  EXPECT_EQ(
      body(),
      R"({"deployments":[{"id":")" + DeploymentId{{5}}.ToString() +
          R"(","uri":"http://127.0.0.1:19481/b","protocol_type":"BidiStream",)"
          R"("http_version":"HTTP/2.0","created_at":"2026-11-24T02:33:03.595000000Z",)"
          R"("min_protocol_version":5,"max_protocol_version":7,)"
          R"("services":[{"name":"Wf","revision":3}]}]})");
}

TEST_F(SchemaRoutesTest, GetsADeployment) {
  const std::string id = DeploymentId{{5}}.ToString();
  Send("GET", "/deployments/" + id);
  EXPECT_EQ(status(), 200);
  EXPECT_EQ(Json::parse(body())["services"][0]["ty"], "Workflow");
  const std::string other = DeploymentId{{6}}.ToString();
  Send("GET", "/deployments/" + other);
  EXPECT_EQ(status(), 404);
  EXPECT_EQ(body(), JsonError("The requested deployment '" + other + "' does not exist"));
  Send("GET", "/deployments/foo");
  EXPECT_EQ(status(), 400);
  EXPECT_EQ(header("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(body(), "Invalid URL: Cannot parse `deployment` with value `foo`: bad format");
}

TEST_F(SchemaRoutesTest, GetsServicesAndHandlers) {
  Send("GET", "/services");
  EXPECT_EQ(Json::parse(body())["services"][0]["name"], "Wf");
  Send("GET", "/services/%57f");
  EXPECT_EQ(Json::parse(body())["revision"], 3);
  Send("GET", "/services/Wf/handlers");
  EXPECT_EQ(Json::parse(body())["handlers"].size(), 3U);
  Send("GET", "/services/Wf/handlers/s");
  EXPECT_EQ(Json::parse(body())["name"], "s");
}

TEST_F(SchemaRoutesTest, UnknownServicesAndHandlers) {
  Send("GET", "/services/Nope");
  EXPECT_EQ(status(), 404);
  EXPECT_EQ(body(), JsonError("The requested service 'Nope' does not exist"));
  Send("GET", "/services/Nope/handlers");
  EXPECT_EQ(body(), JsonError("The requested service 'Nope' does not exist"));
  Send("GET", "/services/Wf/handlers/nope");
  EXPECT_EQ(status(), 404);
  EXPECT_EQ(body(), JsonError("The requested handler 'nope' on service 'Wf' does not exist"));
  Send("GET", "/services/Nope/handlers/nope");
  EXPECT_EQ(body(), JsonError("The requested handler 'nope' on service 'Nope' does not exist"));
}

}  // namespace
}  // namespace perdure
