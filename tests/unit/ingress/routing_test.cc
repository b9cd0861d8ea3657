// SPDX-License-Identifier: Apache-2.0
//
// Paths: which handler or invocation they mean, and which error wins (ingress API 1, 2, 3.1, 16).
// The rows were captured from the reference server, except those of what is not built yet.
#include "tests/unit/ingress/door.h"

#include <gtest/gtest.h>

#include <set>

namespace perdure::ingress {
namespace {

const std::string kLegacy =
    "bad path, expected either /:service-name/:handler or /:object-name/:object-key/:handler";
const std::string kCanonical =
    "bad path, expected /restate/call/:service/:handler, /restate/send/:service/:handler, "
    "/restate/scope/:scope/call/:service/:handler, /restate/attach/:invocation_id, "
    "/restate/output/:invocation_id, or /restate/lookup";
const std::string kInvocation =
    "bad path, expected either /restate/invocation/:invocation_id/output or "
    "/restate/invocation/:invocation_id/attach or "
    "/restate/invocation/:invocation_target/:idempotency_key/output or "
    "/restate/invocation/:invocation_target/:idempotency_key/attach";
const std::string kWorkflow =
    "bad path, expected either /restate/workflow/:workflow_name/:workflow_key/output or "
    "/restate/workflow/:workflow_name/:workflow_key/attach";
const std::string kAwakeables =
    "bad path, expected either /restate/awakeables/:id/resolve or /restate/awakeables/:id/reject";
const std::string kNopeService =
    "service 'Nope' not found, make sure to register the service before calling it.";
const std::string kId = "inv_1l4dvkiOmuRs5ZDTmHbg50KSDVlRR8Kl4Y";

std::string NoHandler(const std::string& service, const std::string& handler) {
  return "the service '" + service + "' exists, but the handler '" + handler +
         "' was not found, check that the handler exists in the latest registered service version.";
}

std::string NoUtf8(const std::string& bytes, const std::string& error) {
  return "bad path, cannot decode key: FromUtf8Error { bytes: [" + bytes +
         "], error: Utf8Error { " + error + " } }";
}

struct Refusal {
  std::string method;
  std::string target;
  int status;
  std::string message;
};

void ExpectRefusals(const std::vector<Refusal>& rows) {
  for (const Refusal& row : rows) {
    Door door;
    const HttpResponse response = door.Ask(row.method, row.target);
    EXPECT_EQ(response.status, row.status) << row.method << " " << row.target;
    EXPECT_EQ(Text(response), IngressError(row.status, row.message)) << row.target;
    EXPECT_EQ(response.headers.Get("x-restate-error-source"), "ingress") << row.target;
    EXPECT_EQ(response.headers.Get("content-type"), "application/json") << row.target;
    EXPECT_FALSE(response.headers.Get("x-restate-id").has_value()) << row.target;
  }
}

TEST(IngressRouting, RefusesPathsWithTooFewOrTooManySegments) {
  ExpectRefusals({
      {"GET", "/", 400, "bad path: /"},
      {"GET", "//", 400, "bad path: /"},
      {"GET", "///H2Svc//", 400, "bad path: /H2Svc"},
      {"GET", "/restate/", 400, "bad path: /restate"},
      {"GET", "/openapi", 400, "bad path: /openapi"},
      {"GET", "/H2Svc?x=1/2/3", 400, "bad path: /H2Svc"},
      {"GET", "/a/b/c/d/e/f/g/h?x", 400, "bad path: /a/b/c/d/e/f/g/h"},
      {"GET", "H2Svc/greet", 400, "bad path: H2Svc/greet"},
      {"GET", "/H2Svc/\xff", 400, "bad path: /H2Svc/\xef\xbf\xbd"},
  });
}

TEST(IngressRouting, RefusesLegacyPaths) {
  ExpectRefusals({
      {"GET", "/Nope/greet", 404, kNopeService},
      {"GET", "/Nope/a/b/c", 404, kNopeService},
      {"GET",
       "/restatefoo/x",
       404,
       "service 'restatefoo' not found, make sure to register the service before calling it."},
      {"POST", "/H2Svc/gre%65t", 404, NoHandler("H2Svc", "gre%65t")},
      {"GET", "/H2Svc/send", 404, NoHandler("H2Svc", "send")},
      {"GET", "/H2Obj/k/send/send", 404, NoHandler("H2Obj", "send")},
      {"GET", "/H2Svc/a\"b", 404, NoHandler("H2Svc", "a\\\"b")},
      {"POST", "/H2Svc/greet/foo", 400, kLegacy},
      {"POST", "/H2Obj/add", 400, kLegacy},
      {"GET", "/H2Obj/k/key/send/foo", 400, kLegacy},
      {"GET", "/H2Obj/%ff/nope", 400, NoUtf8("255", "valid_up_to: 0, error_len: Some(1)")},
      {"GET", "/H2Obj/%ff", 400, NoUtf8("255", "valid_up_to: 0, error_len: Some(1)")},
      {"GET", "/H2Obj/%e2%82/key", 400, NoUtf8("226, 130", "valid_up_to: 0, error_len: None")},
      {"POST", "/H2Svc/priv", 400, "the invoked service is not public"},
      {"PUT", "/H2Priv/greet/send", 400, "the invoked service is not public"},
      {"PUT", "/H2Svc/greet", 405, "method not allowed"},
      {"DELETE", "/H2Obj/k/key/send", 405, "method not allowed"},
      {"PATCH", "/H2Svc/greet", 405, "method not allowed"},
      {"HEAD", "/H2Svc/greet", 405, "method not allowed"},
      {"PUT", "/H2Svc/nope", 404, NoHandler("H2Svc", "nope")},
  });
}

TEST(IngressRouting, RefusesRestatePaths) {
  ExpectRefusals({
      {"GET", "/restate/foo", 404, "not found"},
      {"GET", "/restate/signal/x", 404, "not found"},
      {"GET", "/openapi/x", 404, "not found"},
      {"GET", "/restate/call", 400, kCanonical},
      {"GET", "/restate/call/Nope", 404, kNopeService},
      {"GET", "/restate/call/H2Svc", 400, kCanonical},
      {"POST", "/restate/call/H2Svc/greet/send", 400, kCanonical},
      {"POST", "/restate/call/H2Obj/add", 400, kCanonical},
      {"GET", "/restate/send/H2Svc/nope", 404, NoHandler("H2Svc", "nope")},
      {"PUT", "/restate/send/H2Svc/greet", 405, "method not allowed"},
      {"POST", "/restate/health", 405, "method not allowed"},
      {"GET", "/restate/attach", 405, "method not allowed"},
      {"GET", "/restate/attach/", 405, "method not allowed"},
      {"PUT", "/restate/output", 405, "method not allowed"},
      {"GET", "/restate/lookup", 405, "method not allowed"},
      {"POST", "/restate/lookup/x", 400, kCanonical},
      {"POST", "/restate/attach/" + kId, 405, "method not allowed"},
      {"GET", "/restate/attach/" + kId + "/extra", 400, kCanonical},
      {"POST", "/restate/attach/foo", 400, "bad invocation id 'foo': bad format"},
      {"GET",
       "/restate/output/inv_bad",
       400,
       "bad invocation id 'inv_bad': unrecognized codec version"},
      {"GET", "/restate/output/inv_1abc", 400, "bad invocation id 'inv_1abc': bad length"},
      {"GET",
       "/restate/attach/dp_17eZPJbb1co1ttkeUOjf6ed",
       400,
       "bad invocation id 'dp_17eZPJbb1co1ttkeUOjf6ed': id doesn't match the expected type"},
  });
}

TEST(IngressRouting, RefusesPathsOfResults) {
  ExpectRefusals({
      {"GET", "/restate/invocation", 400, kInvocation},
      {"GET", "/restate/invocation/" + kId, 400, kInvocation},
      {"GET", "/restate/invocation/foo/bar", 404, "not found"},
      {"GET", "/restate/invocation/foo/attach", 400, "bad invocation id 'foo': bad format"},
      {"POST", "/restate/invocation/" + kId + "/attach", 405, "method not allowed"},
      {"GET", "/restate/invocation/H2Svc/greet/attach", 400, kInvocation},
      {"GET", "/restate/invocation/H2Svc/greet/k", 400, kInvocation},
      {"GET", "/restate/invocation/H2Svc/greet/k/nope", 404, "not found"},
      {"GET", "/restate/invocation/H2Obj/ke/greet/k", 400, kInvocation},
      {"GET",
       "/restate/invocation/H2Obj/%ff/greet/k",
       400,
       NoUtf8("255", "valid_up_to: 0, error_len: Some(1)")},
      {"GET", "/restate/invocation/Nope/greet/k/attach", 404, kNopeService},
      {"POST", "/restate/invocation/Nope/a/b/output", 404, kNopeService},
      {"POST", "/restate/invocation/H2Svc/greet/k/output", 405, "method not allowed"},
      {"GET", "/restate/workflow", 400, kWorkflow},
      {"GET", "/restate/workflow/H2Wf/k", 400, kWorkflow},
      {"GET", "/restate/workflow/H2Wf/k/foo", 404, "not found"},
      {"GET",
       "/restate/workflow/H2Wf/%ff/output",
       400,
       NoUtf8("255", "valid_up_to: 0, error_len: Some(1)")},
      {"POST", "/restate/workflow/H2Wf/k/output", 405, "method not allowed"},
  });
}

TEST(IngressRouting, SaysWhatIsNotSupportedYet) {
  ExpectRefusals({
      {"POST", "/restate/awakeables/foo/resolve", 400, "bad awakeable id 'foo': bad format"},
      {"POST",
       "/restate/a/sign_1abc/reject",
       400,
       "bad awakeable id 'sign_1abc': id doesn't match the expected type"},
      {"POST",
       "/restate/scope/s/call/H2Svc/greet",
       501,
       "/restate/scope/{scope}/call/{service}/{handler} is not supported yet"},
      {"POST",
       "/restate/scope/s/send/H2Obj/k/add",
       501,
       "/restate/scope/{scope}/send/{service}/{handler} is not supported yet"},
      {"GET", "/restate/awakeables/x/resolve", 405, "method not allowed"},
      {"POST", "/restate/awakeables/x/y", 404, "not found"},
      {"POST", "/restate/awakeables/x", 400, kAwakeables},
      {"GET", "/restate/scope/s", 400, kCanonical},
      {"GET", "/restate/scope/s/foo/H2Svc/greet", 400, kCanonical},
      {"GET",
       "/restate/scope/%ff/call/H2Svc/greet",
       400,
       NoUtf8("255", "valid_up_to: 0, error_len: Some(1)")},
      {"GET", "/restate/scope/s/call/Nope/greet", 404, kNopeService},
  });
}

struct Found {
  std::string method;
  std::string target;
  std::string invoked;  // Target::ToString
  bool wait;
};

TEST(IngressRouting, FindsHandlers) {
  const std::vector<Found> rows = {
      {"GET", "/H2Svc/greet", "H2Svc/greet", true},
      {"POST", "//H2Svc/greet//", "H2Svc/greet", true},
      {"GET", "/H2Svc/greet/send", "H2Svc/greet", false},
      {"POST", "/H2Svc/greet/send/?delay=1ms", "H2Svc/greet", false},
      {"POST", "/H2Svc/greet?limit-key=", "H2Svc/greet", true},
      {"POST", "/H2Svc/greet?foo=bar", "H2Svc/greet", true},
      {"POST", "http://example.com/H2Svc/greet?a", "H2Svc/greet", true},
      {"GET", "/H2Obj/a%2Fb%20c%C3%A9/key", "H2Obj/a/b c\xc3\xa9/key", true},
      {"GET", "/H2Obj/a+b/key", "H2Obj/a+b/key", true},
      {"GET", "/H2Obj/%zz%41%/key", "H2Obj/%zzA%/key", true},
      {"GET", "/H2Obj//key", "H2Obj//key", true},
      {"GET", "/H2Obj/send/key", "H2Obj/send/key", true},
      {"POST", "/H2Obj/k/add/send", "H2Obj/k/add", false},
      {"POST", "/restate/call/H2Svc/greet/", "H2Svc/greet", true},
      {"GET", "/restate/call/H2Obj/k%20/key", "H2Obj/k /key", true},
      {"POST", "/restate/send/H2Svc/greet", "H2Svc/greet", false},
      {"POST", "/restate/send/H2Wf/w/run", "H2Wf/w/run", false},
  };
  for (const Found& row : rows) {
    Door door;
    const Invoke invoke = door.Accepted(row.method, row.target);
    EXPECT_EQ(invoke.spec.target.ToString(), row.invoked) << row.target;
    EXPECT_EQ(invoke.wait, row.wait) << row.target;
    EXPECT_EQ(door.gateway.submissions[0].source, Source::kNewWork);
    EXPECT_EQ(door.gateway.submissions[0].partition, door.gateway.PartitionFor(invoke.spec.id));
  }
}

TEST(IngressRouting, TakesTypesFromTheSchema) {
  Door door;
  const Target run = door.Accepted("POST", "/H2Wf/w/run").spec.target;
  EXPECT_EQ(run.service_type, ServiceType::kWorkflow);
  EXPECT_EQ(run.handler_type, HandlerType::kWorkflow);
  const Target add = door.Accepted("POST", "/H2Obj/k/add").spec.target;
  EXPECT_EQ(add.service_type, ServiceType::kVirtualObject);
  EXPECT_EQ(add.handler_type, HandlerType::kExclusive);
}

struct Result {
  std::string target;
  std::string id;
  bool wait;
};

TEST(IngressRouting, FindsResults) {
  const std::vector<Result> rows = {
      {"/restate/attach/" + kId, kId, true},
      {"/restate/output/" + kId, kId, false},
      {"/restate/invocation/" + kId + "/attach", kId, true},
      {"/restate/invocation/" + kId + "/output", kId, false},
      {"/restate/workflow/H2Wf/w1/attach", "inv_12kpUQONmeFb2XQfcBrQkWKS05ZSH9Dh8S", true},
      {"/restate/workflow/H2Wf/%771/output/x", "inv_12kpUQONmeFb2XQfcBrQkWKS05ZSH9Dh8S", false},
      {"/restate/invocation/H2Svc/greet/k1/attach/foo",
       "inv_17Lcb0irZZhS2hHr2mJhkp16epof7beixa",
       true},
      {"/restate/invocation/H2Obj/k1/add/ok1/output",
       "inv_1foAirY4KKzi0gLLIg0ONZuxzFUccdu9o1",
       false},
  };
  for (const Result& row : rows) {
    Door door;
    const auto record = door.Send(Request("GET", row.target));
    ASSERT_EQ(door.gateway.submissions.size(), 1u) << row.target;
    const Attach attach = std::get<Attach>(door.gateway.submissions[0].command);
    EXPECT_EQ(attach.id.ToString(), row.id) << row.target;
    EXPECT_EQ(attach.wait, row.wait) << row.target;
    EXPECT_FALSE(record->response.has_value());
  }
}

TEST(IngressRouting, AnswersHealthItself) {
  Door empty(std::make_shared<SchemaView>());
  EXPECT_EQ(Text(empty.Ask("GET", "/restate/health")), "{\"services\":[]}");
  Door door;
  const HttpResponse response = door.Ask("GET", "//restate/health/foo/");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.Get("content-type"), "application/json");
  EXPECT_EQ(Text(response), "{\"services\":[\"H2Obj\",\"H2Priv\",\"H2Svc\",\"H2Wf\"]}");
}

TEST(IngressRouting, UsesTheLatestSchema) {
  Door door(std::make_shared<SchemaView>());
  EXPECT_EQ(door.Ask("GET", "/H2Svc/greet").status, 404);
  door.publisher.Publish(SampleSchema());
  door.Accepted("GET", "/H2Svc/greet");
}

TEST(IngressTargets, AreReadFromTheBody) {
  const std::string workflow =
      R"({"target":"workflow","workflowName":"H2Wf","workflowKey":"w1","scope":null,"more":1})";
  const std::string service =
      R"({"target":"idempotentInvocation","service":"H2Svc","handler":"greet",)"
      R"("idempotencyKey":"k1"})";
  const std::string object =
      R"({"target":"idempotentInvocation","service":"H2Obj","key":"k1","handler":"add",)"
      R"("idempotencyKey":"ok1"})";
  const std::string id = R"({"target":"invocation","invocationId":")" + kId + "\"}";
  const std::vector<std::pair<std::string, std::string>> rows = {
      {workflow, "inv_12kpUQONmeFb2XQfcBrQkWKS05ZSH9Dh8S"},
      {service, "inv_17Lcb0irZZhS2hHr2mJhkp16epof7beixa"},
      {object, "inv_1foAirY4KKzi0gLLIg0ONZuxzFUccdu9o1"},
      {id, kId}};
  for (const auto& [body, expected] : rows) {
    Door door;
    const HttpResponse found = door.Ask("POST", "/restate/lookup", {}, body);
    EXPECT_EQ(found.status, 200) << body;
    EXPECT_EQ(Text(found), "{\"invocationId\":\"" + expected + "\"}") << body;
    EXPECT_FALSE(found.headers.Get("x-restate-id").has_value());
    door.Send(Request("POST", "/restate/attach", {}, body));
    door.Send(Request("POST", "/restate/output", {}, body));
    ASSERT_EQ(door.gateway.submissions.size(), 2u) << body;
    const Attach attach = std::get<Attach>(door.gateway.submissions[0].command);
    const Attach output = std::get<Attach>(door.gateway.submissions[1].command);
    EXPECT_EQ(attach.id.ToString(), expected);
    EXPECT_TRUE(attach.wait);
    EXPECT_EQ(output.id, attach.id);
    EXPECT_FALSE(output.wait);
  }
}

TEST(IngressTargets, AreRefusedIfTheyMakeNoSense) {
  const std::string prefix = "cannot read body: invalid request body: ";
  struct Row {
    std::string body;
    int status;
    std::string message;
  };
  const std::vector<Row> rows = {
      {"", 400, prefix + "not JSON"},
      {"{\"target\":\"\xff\"}", 400, prefix + "not JSON"},
      {"[]", 400, prefix + "not an object"},
      {"{}", 400, prefix + "missing field `target`"},
      {R"({"target":1})", 400, prefix + "field `target` must be a string"},
      {R"({"target":"x"})",
       400,
       prefix + "unknown variant `x`, expected one of `workflow`, `idempotentInvocation`, "
                "`invocation`"},
      {R"({"target":"workflow","workflowName":"a"})", 400, prefix + "missing field `workflowKey`"},
      {R"({"target":"invocation","invocationId":"inv_1abc"})",
       400,
       "bad invocation id 'inv_1abc': bad length"},
      {R"({"target":"workflow","workflowName":"a","workflowKey":"b","scope":"s"})",
       501,
       "/restate/output with a scope is not supported yet"},
      {std::string(70'000, '['), 400, prefix + "longer than 65536 bytes"},
  };
  for (const Row& row : rows) {
    Door door;
    const HttpResponse response = door.Ask("POST", "/restate/output", {}, row.body);
    EXPECT_EQ(response.status, row.status) << row.body.substr(0, 100);
    EXPECT_EQ(Text(response), IngressError(row.status, row.message)) << row.body.substr(0, 100);
  }
}

}  // namespace
}  // namespace perdure::ingress
