// SPDX-License-Identifier: Apache-2.0
//
// Discovery responses that are taken and that are not (service protocol 1, admin API 5.2), by
// table, and which option applies.
#include "perdure/protocol/manifest.h"

#include <gtest/gtest.h>

namespace perdure {
namespace {

const char kV4[] = "application/vnd.restate.endpointmanifest.v4+json";

// A manifest around a list of services.
std::string WithServices(std::string_view services) {
  return R"({"protocolMode":"BIDI_STREAM","minProtocolVersion":5,"maxProtocolVersion":7,)"
         R"("services":[)" +
         std::string(services) + "]}";
}
// A manifest around one handler of a service of the given type.
std::string WithHandler(std::string_view type, std::string_view handler_members) {
  return WithServices(
      R"({"name":"P","ty":")" + std::string(type) + R"(","handlers":[{"name":"x")" +
      (handler_members.empty() ? "" : "," + std::string(handler_members)) + "}]}");
}
std::string WithVersions(std::string_view min, std::string_view max) {
  return R"({"protocolMode":"REQUEST_RESPONSE","minProtocolVersion":)" + std::string(min) +
         R"(,"maxProtocolVersion":)" + std::string(max) + R"(,"services":[]})";
}

Manifest Parsed(const std::string& body) {
  const ManifestResult result = ParseManifest(kV4, body);
  EXPECT_TRUE(result.ok()) << result.error().FullMessage() << " in " << body;
  return result.ok() ? result.manifest() : Manifest{};
}

TEST(Manifest, SampleOfTheTypeScriptSdk) {
  const Manifest manifest = Parsed(
      R"({"minProtocolVersion":5,"maxProtocolVersion":7,"services":[{"name":"H1Obj",)"
      R"("ty":"VIRTUAL_OBJECT","handlers":[{"name":"add","ty":"EXCLUSIVE","input":{"required":)"
      R"(false,"contentType":"application/json"},"output":{"setContentTypeIfEmpty":false,)"
      R"("contentType":"application/json"}}]}],"protocolMode":"BIDI_STREAM"})");
  EXPECT_EQ(manifest.min_protocol_version, 5);
  EXPECT_EQ(manifest.max_protocol_version, 7);
  EXPECT_TRUE(manifest.bidirectional);
  ASSERT_EQ(manifest.services.size(), 1U);
  const ServiceSchema& service = manifest.services[0];
  EXPECT_EQ(service.name, "H1Obj");
  EXPECT_EQ(service.type, ServiceType::kVirtualObject);
  EXPECT_TRUE(service.is_public);
  const HandlerSchema* add = service.FindHandler("add");
  ASSERT_NE(add, nullptr);
  EXPECT_EQ(add->type, HandlerType::kExclusive);
  EXPECT_TRUE(add->input.declared);
  EXPECT_FALSE(add->input.required);
  EXPECT_EQ(add->input.content_type, "application/json");
  EXPECT_TRUE(add->output.declared);
  EXPECT_EQ(add->output.content_type, "application/json");
}

TEST(Manifest, AllFourVersionsAreReadAlike) {
  for (const char version : {'1', '2', '3', '4'}) {
    const std::string type =
        std::string("application/vnd.restate.endpointmanifest.v") + version + "+json";
    EXPECT_TRUE(ParseManifest(type, WithServices("")).ok()) << type;
    EXPECT_NE(kDiscoveryAccept.find(type), std::string_view::npos);
  }
  EXPECT_EQ(kDiscoveryAccept.size(), 4 * 48 + 3 * 2U);
}

TEST(Manifest, EveryMember) {
  const Manifest manifest = Parsed(WithServices(
      R"({"name":"W","ty":"WORKFLOW","documentation":"doc","metadata":{"k":"v"},)"
      R"("inactivityTimeout":1,"abortTimeout":2,"journalRetention":3,"idempotencyRetention":4,)"
      R"("enableLazyState":true,"ingressPrivate":true,"retryPolicyInitialInterval":5,)"
      R"("retryPolicyMaxInterval":6,"retryPolicyMaxAttempts":7,"retryPolicyOnMaxAttempts":"KILL",)"
      R"("retryPolicyExponentiationFactor":1.5,"handlers":[{"name":"run","ty":"WORKFLOW",)"
      R"("workflowCompletionRetention":8,"documentation":"hdoc","metadata":{"a":"b"},)"
      R"("input":{"required":true,"contentType":"application/json",)"
      R"("jsonSchema":{"type":"object"}},)"
      R"("output":{"setContentTypeIfEmpty":true,"contentType":"text/plain"}},)"
      R"({"name":"peek","idempotencyRetention":9}]})"));
  const ServiceSchema& service = manifest.services.at(0);
  EXPECT_EQ(service.documentation, "doc");
  EXPECT_EQ(service.metadata.at("k"), "v");
  EXPECT_EQ(service.options.inactivity_timeout, 1U);
  EXPECT_EQ(service.options.abort_timeout, 2U);
  EXPECT_EQ(service.options.journal_retention, 3U);
  EXPECT_EQ(service.options.idempotency_retention, 4U);
  EXPECT_EQ(service.options.enable_lazy_state, true);
  EXPECT_EQ(service.options.ingress_private, true);
  EXPECT_FALSE(service.is_public);
  EXPECT_EQ(service.options.retry_initial_interval, 5U);
  EXPECT_EQ(service.options.retry_max_interval, 6U);
  EXPECT_EQ(service.options.retry_max_attempts, 7U);
  EXPECT_EQ(service.options.retry_on_max_attempts, OnMaxAttempts::kKill);
  EXPECT_EQ(service.options.retry_exponentiation_factor, 1.5);
  const HandlerSchema& run = *service.FindHandler("run");
  EXPECT_EQ(run.type, HandlerType::kWorkflow);
  EXPECT_FALSE(run.is_public);
  EXPECT_EQ(run.options.workflow_completion_retention, 8U);
  EXPECT_EQ(run.options.inactivity_timeout, std::nullopt);
  EXPECT_EQ(run.documentation, "hdoc");
  EXPECT_EQ(run.metadata.at("a"), "b");
  EXPECT_TRUE(run.input.required);
  EXPECT_EQ(run.input.json_schema, R"({"type":"object"})");
  EXPECT_TRUE(run.output.set_content_type_if_empty);
  const HandlerSchema& peek = *service.FindHandler("peek");
  EXPECT_EQ(peek.type, HandlerType::kShared);
  EXPECT_FALSE(peek.input.declared);
  EXPECT_EQ(peek.options.idempotency_retention, 9U);
}

TEST(Manifest, Accepted) {
  const std::string accepted[] = {
      WithServices(""),
      WithServices(R"({"name":"_a","ty":"SERVICE","handlers":[]})"),
      WithServices(R"({"name":"a.b-c_D9","ty":"SERVICE","handlers":[]})"),
      WithServices(R"({"name":"P","ty":"SERVICE","handlers":[],"unknown":{"deep":[1]}})"),
      WithServices(R"({"name":"P","ty":"SERVICE","handlers":[],"inactivityTimeout":null,)"
                   R"("documentation":null,"metadata":null,"retryPolicyOnMaxAttempts":null})"),
      WithHandler("SERVICE", ""),
      WithHandler("SERVICE", R"("ty":"SHARED")"),
      WithHandler("VIRTUAL_OBJECT", ""),
      WithHandler("VIRTUAL_OBJECT", R"("ty":"EXCLUSIVE")"),
      WithHandler("VIRTUAL_OBJECT", R"("ty":"SHARED")"),
      WithHandler("WORKFLOW", ""),
      WithHandler("WORKFLOW", R"("ty":"SHARED")"),
      WithHandler("WORKFLOW", R"("ty":"WORKFLOW","workflowCompletionRetention":5)"),
      WithHandler("SERVICE", R"("input":{"contentType":"application/*"})"),
      WithHandler("SERVICE", R"("input":{"contentType":"*/*"})"),
      WithHandler("SERVICE", R"("input":{"contentType":"a/b/c; d=e"})"),
      WithHandler("SERVICE", R"("output":{"contentType":"foo"})"),
      WithHandler("SERVICE", R"("input":{"jsonSchema":3})"),  // no content type: no body
      WithHandler("SERVICE", R"("input":{"contentType":"a/b","jsonSchema":true})"),
      WithHandler("SERVICE", R"("retryPolicyMaxAttempts":8589934592)"),
      WithVersions("5", "5"),
      WithVersions("1", "5"),
      WithVersions("6", "100"),
      R"({"lambdaCompression":"zstd",)" + WithServices("").substr(1),
  };
  for (const std::string& body : accepted) {
    const ManifestResult result = ParseManifest(kV4, body);
    EXPECT_TRUE(result.ok()) << result.error().FullMessage() << " in " << body;
  }
}

struct RefusedManifest {
  std::string body;
  int status;
  std::string_view code;
  std::string_view message;
};
const RefusedManifest kRefused[] = {
    {"{", 500, "", "it is not valid JSON. Discovery response: {"},
    {"[]", 500, "", "the manifest is not an object"},
    {R"({"minProtocolVersion":5,"maxProtocolVersion":7,"services":[]})",
     500,
     "META0013",
     "received a bad response from the SDK: missing protocol mode"},
    {R"({"protocolMode":"X","minProtocolVersion":5,"maxProtocolVersion":7,"services":[]})",
     500,
     "",
     "unknown variant `X`, expected one of `BIDI_STREAM`, `REQUEST_RESPONSE`"},
    {R"({"protocolMode":"BIDI_STREAM","maxProtocolVersion":7,"services":[]})",
     500,
     "",
     "missing field `minProtocolVersion`"},
    {R"({"protocolMode":"BIDI_STREAM","minProtocolVersion":5,"maxProtocolVersion":7})",
     500,
     "",
     "missing field `services`"},
    {R"({"lambdaCompression":"gz",)" + WithServices("").substr(1), 500, "", "unknown variant `gz`"},
    {WithVersions("7", "5"),
     500,
     "META0013",
     "Expected min protocol version to be <= max protocol version. Received min protocol version "
     "'7', max protocol version '5'"},
    {WithVersions("5", "2147483648"),
     500,
     "META0013",
     "max protocol version must be in [1, 2147483647]"},
    {WithVersions("0", "5"), 500, "", "invalid protocol version 0"},
    {WithVersions("-1", "5"), 500, "", "invalid value for `minProtocolVersion`: -1"},
    {WithVersions("5.0", "6"), 500, "", "invalid value for `minProtocolVersion`: 5.0"},
    {WithVersions("1", "2"),
     500,
     "META0012",
     "unsupported service protocol versions: [1, 2]. Supported versions by this runtime are [5, "
     "7]. Please upgrade the SDK and try registering again."},
    {WithVersions("8", "9"), 500, "META0012", "[8, 9]. Supported versions by this runtime are ["},
    {WithVersions("7", "7"),
     500,
     "META0012",
     "[7, 7]. Supported versions by this runtime are [5, 6]"},
    {WithServices(R"({"name":"1a","ty":"SERVICE","handlers":[]})"),
     500,
     "",
     "doesn't match pattern \"^([a-zA-Z]|_[a-zA-Z0-9])[a-zA-Z0-9._-]*$\""},
    {WithServices(R"({"name":"_","ty":"SERVICE","handlers":[]})"), 500, "", "doesn't match"},
    {WithServices(R"({"name":"a b","ty":"SERVICE","handlers":[]})"), 500, "", "doesn't match"},
    {WithServices(R"({"name":"","ty":"SERVICE","handlers":[]})"), 500, "", "doesn't match"},
    {WithServices(R"({"name":"P","handlers":[]})"), 500, "", "missing field `ty`"},
    {WithServices(R"({"name":"P","ty":"FOO","handlers":[]})"), 500, "", "unknown variant `FOO`"},
    {WithServices(R"({"name":"P","ty":"SERVICE"})"), 500, "", "missing field `handlers`"},
    {WithServices(R"({"ty":"SERVICE","handlers":[]})"), 500, "", "missing field `name`"},
    {WithServices("3"), 500, "", "a service is not an object"},
    {WithServices(R"({"name":"P","ty":"SERVICE","handlers":[{"name":"a.b"}]})"),
     500,
     "",
     "doesn't match pattern \"^([a-zA-Z]|_[a-zA-Z0-9])[a-zA-Z0-9_]*$\""},
    {WithHandler("SERVICE", R"("ty":"Z")"), 500, "", "unknown variant `Z`"},
    {WithHandler("SERVICE", R"("inactivityTimeout":-1)"), 500, "", "`inactivityTimeout`: -1"},
    {WithHandler("SERVICE", R"("inactivityTimeout":1.5)"), 500, "", "`inactivityTimeout`: 1.5"},
    {WithHandler("SERVICE", R"("inactivityTimeout":"1")"), 500, "", "`inactivityTimeout`: \"1\""},
    {WithHandler("SERVICE", R"("inactivityTimeout":18446744073709551615)"), 500, "", "at most"},
    {WithHandler("SERVICE", R"("metadata":{"a":1})"), 500, "", "strings as values"},
    {WithHandler("SERVICE", R"("input":[])"), 500, "", "`input` is not an object"},
    {WithHandler("SERVICE", R"("retryPolicyOnMaxAttempts":"X")"), 500, "", "`PAUSE`, `KILL`"},
    {WithServices(R"({"name":"RestateX","ty":"SERVICE","handlers":[]})"),
     400,
     "META0005",
     "cannot insert/modify service 'RestateX' as it contains a reserved name"},
    {WithServices(R"({"name":"OpenAPI","ty":"SERVICE","handlers":[]})"), 400, "META0005", ""},
    {WithHandler("SERVICE", R"("ty":"EXCLUSIVE")"),
     400,
     "",
     "invalid combination of service type and handler type '(Service, Some(Exclusive))'"},
    {WithHandler("SERVICE", R"("ty":"WORKFLOW")"), 400, "", "'(Service, Some(Workflow))'"},
    {WithHandler("VIRTUAL_OBJECT", R"("ty":"WORKFLOW")"),
     400,
     "",
     "'(VirtualObject, Some(Workflow))'"},
    {WithHandler("WORKFLOW", R"("ty":"EXCLUSIVE")"), 400, "", "'(Workflow, Some(Exclusive))'"},
    {WithHandler("SERVICE", R"("input":{"contentType":"foo"})"),
     400,
     "",
     "the handler 'x' input content-type is not valid: can't parse the content-type 'foo': must "
     "contain one /"},
    {WithHandler("SERVICE", R"("input":{"contentType":""})"), 400, "", "must contain one /"},
    {WithHandler("SERVICE", R"("input":{"contentType":"*/json"})"),
     400,
     "",
     "the wildcard format */subType is not supported"},
    {WithHandler("SERVICE", R"("output":{"contentType":"a\nb/c"})"),
     400,
     "",
     "output content-type is not valid: failed to parse header value"},
    {WithHandler("SERVICE", R"("workflowCompletionRetention":5)"),
     400,
     "",
     "x sets the workflow_completion_retention, but it's not a WORKFLOW handler"},
    {WithHandler("WORKFLOW", R"("ty":"WORKFLOW","idempotencyRetention":5)"),
     400,
     "",
     "x sets the idempotency_retention, but it's a WORKFLOW handler"},
    {WithServices(R"({"name":"P","ty":"SERVICE","ingressPrivate":true,)"
                  R"("handlers":[{"name":"x","ingressPrivate":false}]})"),
     400,
     "",
     "The service P is private, but the x is explicitly set as public."},
    {WithHandler("SERVICE", R"("input":{"contentType":"a/b","jsonSchema":{"type":"foo"}})"),
     400,
     "",
     "the json schema for P/x input is invalid: \"foo\" is not a type"},
    {WithHandler("SERVICE", R"("output":{"contentType":"a/b","jsonSchema":3})"),
     400,
     "",
     "the json schema for P/x output is invalid: 3 is not of types \"boolean\", \"object\""},
};

TEST(Manifest, RefusedWithStatusCodeAndReason) {
  for (const auto& c : kRefused) {
    const ManifestResult result = ParseManifest(kV4, c.body);
    ASSERT_FALSE(result.ok()) << c.body;
    EXPECT_EQ(result.error().status, c.status) << c.body;
    EXPECT_EQ(result.error().code, c.code) << c.body;
    EXPECT_NE(result.error().message.find(c.message), std::string::npos) << c.body << "\n"
                                                                         << result.error().message;
  }
}

TEST(Manifest, ContentTypeIsExact) {
  for (const std::string_view type :
       {"application/json",
        "application/vnd.restate.endpointmanifest.v5+json",
        "application/vnd.restate.endpointmanifest.v4+json; charset=utf-8",
        "APPLICATION/VND.RESTATE.ENDPOINTMANIFEST.V4+JSON"}) {
    const ManifestResult result = ParseManifest(type, WithServices(""));
    ASSERT_FALSE(result.ok()) << type;
    EXPECT_EQ(result.error().code, "META0013");
  }
  const ManifestResult none = ParseManifest(std::nullopt, WithServices(""));
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code, "META0013");
}

TEST(Manifest, WhoSpeaksVersion7OnlyMayBeRegisteredIfItIsOffered) {
  const auto told = [](std::string_view min, std::string_view max, int offered) {
    const ManifestResult result = ParseManifest(kV4, WithVersions(min, max), offered);
    return result.ok() ? "ok" : result.error().message.substr(0, 92);
  };
  const std::string refusal = "unsupported service protocol versions: ";
  const std::string supported = ". Supported versions by this runtime are ";
  EXPECT_EQ(told("7", "7", 7), "ok");
  EXPECT_EQ(told("5", "9", 7), "ok");
  EXPECT_EQ(told("7", "7", 6), refusal + "[7, 7]" + supported + "[5, 6]");
  EXPECT_EQ(told("8", "9", 7), refusal + "[8, 9]" + supported + "[5, 7]");
}

TEST(Manifest, MessagesCarryTheirCodes) {
  const ManifestResult twice =
      ParseManifest(kV4, R"({"minProtocolVersion":5,"maxProtocolVersion":7,"services":[]})");
  EXPECT_EQ(
      twice.error().FullMessage(),
      "[META0013] [META0013] received a bad response from the SDK: missing protocol mode");
  const ManifestResult once =
      ParseManifest(kV4, WithServices(R"({"name":"restate","ty":"SERVICE","handlers":[]})"));
  EXPECT_EQ(
      once.error().FullMessage(),
      "[META0005] cannot insert/modify service 'restate' as it contains a reserved name");
  const ManifestResult never = ParseManifest(kV4, "\xff{");
  EXPECT_EQ(
      never.error().FullMessage(),
      "received a bad response from the SDK that cannot be decoded: it is not valid JSON. "
      "Discovery response: ?{");
}

TEST(Manifest, TheLastOfANameWins) {
  const Manifest handlers = Parsed(
      WithServices(R"({"name":"P","ty":"SERVICE","handlers":[{"name":"x","documentation":"1"},)"
                   R"({"name":"x","documentation":"2"}]})"));
  EXPECT_EQ(handlers.services.at(0).handlers.size(), 1U);
  EXPECT_EQ(handlers.services.at(0).FindHandler("x")->documentation, "2");
  const Manifest services = Parsed(WithServices(
      R"({"name":"P","ty":"SERVICE","handlers":[]},{"name":"Q","ty":"SERVICE","handlers":[]},)"
      R"({"name":"P","ty":"WORKFLOW","handlers":[]})"));
  ASSERT_EQ(services.services.size(), 2U);
  EXPECT_EQ(services.services[0].type, ServiceType::kWorkflow);
}

TEST(JsonSchemas, Table) {
  static const struct {
    std::string_view schema;
    std::string_view problem;  // empty: fine
  } kCases[] = {
      {R"({})", ""},
      {R"(true)", ""},
      {R"({"type":["string","null"],"minLength":1,"pattern":"a"})", ""},
      {R"({"$ref":"#/$defs/a","$defs":{"a":{"type":"string"}}})", ""},
      {R"({"$ref":"#/$defs/a~1b","$defs":{"a/b":true}})", ""},
      {R"({"$ref":"#/allOf/0","allOf":[{}]})", ""},
      {R"({"$ref":"#"})", ""},
      {R"({"$ref":"other","$defs":{"o":{"$id":"other"}}})", ""},
      {R"({"properties":{"a":{"items":{"type":"number"}}},"required":["a"]})", ""},
      {R"({"whatever":{"type":7}})", ""},
      {R"("x")", "is not of types"},
      {R"({"type":3})", "3 is not a type"},
      {R"({"type":[]})", "is not a type"},
      {R"({"type":["string","foo"]})", "is not a type"},
      {R"({"properties":{"a":{"type":"foo"}}})", "\"foo\" is not a type"},
      {R"({"properties":[]})", "is not a valid 'properties'"},
      {R"({"allOf":[]})", "is not a valid 'allOf'"},
      {R"({"anyOf":[3]})", "is not of types"},
      {R"({"minLength":-1})", "is not a valid 'minLength'"},
      {R"({"required":[1]})", "is not a valid 'required'"},
      {R"({"uniqueItems":"yes"})", "is not a valid 'uniqueItems'"},
      {R"({"maximum":"5"})", "is not a valid 'maximum'"},
      {R"({"enum":3})", "is not a valid 'enum'"},
      {R"({"$ref":3})", "is not a valid '$ref'"},
      {R"({"$ref":"http://x.y/z"})", "external reference http://x.y/z"},
      {R"({"not":{"$ref":"other.json#/a"}})", "external reference other.json#/a"},
      {R"({"$ref":"#/$defs/a"})", "Pointer '/$defs/a' does not exist"},
  };
  for (const auto& c : kCases) {
    const ManifestResult result = ParseManifest(
        kV4,
        WithHandler(
            "SERVICE",
            R"("input":{"contentType":"a/b","jsonSchema":)" + std::string(c.schema) + "}"));
    EXPECT_EQ(result.ok(), c.problem.empty()) << c.schema;
    if (!result.ok()) {
      EXPECT_NE(result.error().message.find(c.problem), std::string::npos)
          << c.schema << "\n"
          << result.error().message;
    }
  }
  std::string deep = "true";
  for (int i = 0; i < 200; ++i) {
    deep = R"({"not":)" + deep + "}";
  }
  EXPECT_FALSE(
      ParseManifest(
          kV4, WithHandler("SERVICE", R"("input":{"contentType":"a/b","jsonSchema":)" + deep + "}"))
          .ok());
}

DeploymentSchema DeploymentOf(const Manifest& manifest) {
  DeploymentSchema deployment;
  deployment.bidirectional = manifest.bidirectional;
  for (const ServiceSchema& service : manifest.services) {
    deployment.services[service.name] = std::make_shared<const ServiceSchema>(service);
  }
  return deployment;
}

TEST(Options, DefaultsApply) {
  const DeploymentSchema resolved =
      ResolveOptions(DeploymentOf(Parsed(WithHandler("SERVICE", ""))), SchemaDefaults{});
  const HandlerSchema& handler = *resolved.FindService("P")->FindHandler("x");
  EXPECT_EQ(handler.inactivity_timeout, 60'000U);
  EXPECT_EQ(handler.abort_timeout, 600'000U);
  EXPECT_EQ(handler.journal_retention, 86'400'000U);
  EXPECT_EQ(handler.idempotency_retention, 86'400'000U);
  EXPECT_EQ(handler.workflow_completion_retention, 86'400'000U);
  EXPECT_FALSE(handler.enable_lazy_state);
  EXPECT_EQ(handler.retry_policy, RetryPolicy{});
  EXPECT_TRUE(handler.is_public);
}

TEST(Options, HandlerBeforeServiceBeforeDefaultFieldByField) {
  const Manifest manifest = Parsed(WithServices(
      R"({"name":"W","ty":"WORKFLOW","inactivityTimeout":1,"abortTimeout":2,)"
      R"("enableLazyState":true,)"
      R"("retryPolicyMaxAttempts":9,"retryPolicyInitialInterval":10,"handlers":[)"
      R"({"name":"run","ty":"WORKFLOW","abortTimeout":3,"workflowCompletionRetention":4,)"
      R"("enableLazyState":false,"retryPolicyMaxAttempts":0,"retryPolicyExponentiationFactor":-1},)"
      R"({"name":"peek","ingressPrivate":true,"retryPolicyMaxInterval":11}]})"));
  SchemaDefaults defaults;
  defaults.retry_policy.max_attempts = std::nullopt;
  const DeploymentSchema resolved = ResolveOptions(DeploymentOf(manifest), defaults);
  const ServiceSchema& service = *resolved.FindService("W");
  EXPECT_EQ(service.inactivity_timeout, 1U);
  EXPECT_EQ(service.abort_timeout, 2U);
  EXPECT_TRUE(service.enable_lazy_state);
  EXPECT_EQ(service.workflow_completion_retention, 4U);  // of the run handler
  EXPECT_EQ(service.retry_policy.max_attempts, 9U);
  const HandlerSchema& run = *service.FindHandler("run");
  EXPECT_EQ(run.inactivity_timeout, 1U);
  EXPECT_EQ(run.abort_timeout, 3U);
  EXPECT_FALSE(run.enable_lazy_state);
  EXPECT_EQ(run.retry_policy.max_attempts, 1U);  // 0 counts as 1
  EXPECT_EQ(run.retry_policy.initial_interval, 10U);
  EXPECT_EQ(run.retry_policy.exponentiation_factor, 0.0);
  const HandlerSchema& peek = *service.FindHandler("peek");
  EXPECT_FALSE(peek.is_public);
  EXPECT_EQ(peek.retry_policy.max_interval, 11U);
  EXPECT_EQ(peek.retry_policy.max_attempts, 9U);
}

TEST(Options, RetentionsAreClamped) {
  SchemaDefaults defaults;
  defaults.journal_retention_max = 100;
  defaults.idempotency_retention_max = 200;
  defaults.workflow_completion_retention_max = 300;
  const Manifest manifest = Parsed(
      WithServices(R"({"name":"P","ty":"SERVICE","journalRetention":50,"handlers":[{"name":"x"},)"
                   R"({"name":"y","journalRetention":101}]})"));
  const DeploymentSchema resolved = ResolveOptions(DeploymentOf(manifest), defaults);
  const ServiceSchema& service = *resolved.FindService("P");
  EXPECT_EQ(service.FindHandler("x")->journal_retention, 50U);
  EXPECT_EQ(service.FindHandler("y")->journal_retention, 100U);
  EXPECT_EQ(service.FindHandler("x")->idempotency_retention, 200U);
  EXPECT_EQ(service.workflow_completion_retention, 300U);
}

TEST(Options, NoInactivityTimeoutWithoutTwoDirections) {
  DeploymentSchema deployment =
      DeploymentOf(Parsed(WithHandler("SERVICE", R"("inactivityTimeout":30000)")));
  deployment.bidirectional = false;
  const DeploymentSchema resolved = ResolveOptions(deployment, SchemaDefaults{});
  EXPECT_EQ(resolved.FindService("P")->FindHandler("x")->inactivity_timeout, 0U);
  EXPECT_EQ(resolved.FindService("P")->inactivity_timeout, 0U);
}

}  // namespace
}  // namespace perdure
