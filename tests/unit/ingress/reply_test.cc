// SPDX-License-Identifier: Apache-2.0
//
// Answers of partitions as HTTP (ingress API 1.1, 1.2, 4.1, 5, 6, 8, 9), overload, clients that
// leave. Each test plays the partition by delivering into the slot that was submitted.
#include "tests/unit/ingress/door.h"

#include <gtest/gtest.h>

namespace perdure::ingress {
namespace {

const std::string kId = "inv_1l4dvkiOmuRs5ZDTmHbg50KSDVlRR8Kl4Y";
const HttpHeader kVary{
    "vary", "origin, access-control-request-method, access-control-request-headers"};
const HttpHeader kCredentials{"access-control-allow-credentials", "true"};

InvocationId SampleId() {
  return *InvocationId::Parse(kId);
}

InvocationResult Greeting(ValueOrFailure result) {
  InvocationResult out;
  out.id = SampleId();
  out.service = "H2Svc";
  out.handler = "greet";
  out.result = std::move(result);
  return out;
}

HttpResponse AnswerTo(
    Door& door,
    const std::string& method,
    const std::string& target,
    Reply reply,
    HttpHeaders headers = {}) {
  const auto record = door.Send(Request(method, target, std::move(headers)));
  EXPECT_FALSE(record->response.has_value()) << target;
  door.Deliver(std::move(reply));
  EXPECT_TRUE(record->response.has_value()) << target;
  EXPECT_TRUE(record->destroyed);
  EXPECT_EQ(door.contexts[0].replies.in_use(), 0u);
  return record->response.value_or(HttpResponse{});
}

HttpResponse Failed(uint32_t code) {
  Door door;
  return AnswerTo(door, "POST", "/H2Svc/greet", Greeting(Failure{code, "no", {}}));
}

TEST(IngressReply, PassesTheResultOn) {
  Door door;
  SharedBytes body(std::string("\"Hello Ada!\""));
  const char* bytes = body.view().data();
  const HttpResponse response =
      AnswerTo(door, "POST", "/H2Svc/greet", Greeting(body), {{"origin", "http://a"}});
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body.view().data(), bytes);
  const std::vector<HttpHeader> expected = {
      {"x-restate-id", kId},
      {"content-type", "application/json"},
      kVary,
      kCredentials,
      {"access-control-allow-origin", "http://a"}};
  EXPECT_EQ(response.headers.items(), expected);
}

TEST(IngressReply, TellsWhenAStoredResultExpires) {
  Door door;
  InvocationResult stored = Greeting(SharedBytes(std::string("1")));
  stored.expires_at = 1'795'571'881'551;
  const HttpResponse value = AnswerTo(door, "GET", "/restate/attach/" + kId, stored);
  EXPECT_EQ(value.headers.Get("idempotency-expires"), "2026-11-25T01:58:01.551+00:00");
  stored.result = Failure{422, "no", {}};
  const HttpResponse failure = AnswerTo(door, "GET", "/restate/output/" + kId, stored);
  EXPECT_EQ(failure.status, 422);
  EXPECT_EQ(failure.headers.Get("idempotency-expires"), "2026-11-25T01:58:01.551+00:00");
  EXPECT_EQ(failure.headers.Get("x-restate-id"), kId);
}

TEST(IngressReply, TakesTheContentTypeFromTheLatestSchema) {
  struct Row {
    OutputSchema output;
    std::string body;
    std::optional<std::string_view> content_type;
  };
  OutputSchema absent;
  OutputSchema none;
  none.declared = true;
  OutputSchema json = none;
  json.content_type = "application/json";
  OutputSchema always = json;
  always.set_content_type_if_empty = true;
  OutputSchema binary = none;
  binary.content_type = "application/octet-stream";
  const std::vector<Row> rows = {
      {absent, "x", "application/json"},
      {absent, "", std::nullopt},
      {none, "x", std::nullopt},
      {json, "x", "application/json"},
      {json, "", std::nullopt},
      {always, "", "application/json"},
      {binary, "x", "application/octet-stream"}};
  for (size_t i = 0; i < rows.size(); ++i) {
    Door door;
    const auto record = door.Send(Request("POST", "/H2Svc/greet"));
    HandlerSchema handler = Handler("greet", HandlerType::kUnkeyed);
    handler.output = rows[i].output;
    auto view = std::make_shared<SchemaView>();
    view->services.emplace("H2Svc", Service("H2Svc", ServiceType::kService, {handler}));
    door.publisher.Publish(view);
    door.Deliver(Greeting(SharedBytes(rows[i].body)));
    ASSERT_TRUE(record->response.has_value());
    EXPECT_EQ(record->response->headers.Get("content-type"), rows[i].content_type) << "row " << i;
  }
}

TEST(IngressReply, HidesResultsOfServicesThatAreGone) {
  Door door;
  InvocationResult result = Greeting(SharedBytes(std::string("1")));
  result.handler = "gone";
  EXPECT_EQ(
      Text(AnswerTo(door, "GET", "/restate/attach/" + kId, result)),
      IngressError(404, "not found"));
  result.service = "Gone";
  const HttpResponse response = AnswerTo(door, "GET", "/restate/attach/" + kId, result);
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.headers.Get("x-restate-error-source"), "ingress");
  // A failure needs no schema.
  result.result = Failure{418, "teapot", {}};
  EXPECT_EQ(AnswerTo(door, "GET", "/restate/attach/" + kId, result).status, 418);
}

TEST(IngressFailure, HasItsFieldsInOrder) {
  Door door;
  InvocationResult result = Greeting(Failure{404, "n\"f\n", {{"k", "v"}, {"a", "\x01"}}});
  result.stacktrace = "Error: x\n  at y";
  const HttpResponse response = AnswerTo(door, "POST", "/H2Svc/greet", result);
  EXPECT_EQ(
      Text(response),
      R"({"code":404,"message":"n\"f\n","stacktrace":"Error: x\n  at y",)"
      R"("metadata":{"a":"\u0001","k":"v"},"source":"invocation"})");
  const std::vector<HttpHeader> expected = {
      {"x-restate-id", kId},
      {"x-restate-error-source", "invocation"},
      {"content-type", "application/json"},
      kVary,
      kCredentials};
  EXPECT_EQ(response.headers.items(), expected);
}

TEST(IngressFailure, MapsItsCodeToAStatus) {
  const std::vector<std::pair<uint32_t, int>> rows = {
      {0, 500},
      {42, 500},
      {99, 500},
      {100, 500},
      {101, 500},
      {199, 500},
      {200, 200},
      {400, 400},
      {409, 409},
      {500, 500},
      {599, 599},
      {999, 999},
      {1000, 500},
      {70000, 500},
      {4294967295U, 500}};
  for (const auto& [code, status] : rows) {
    const HttpResponse response = Failed(code);
    EXPECT_EQ(response.status, status) << code;
    EXPECT_EQ(
        Text(response),
        "{\"code\":" + std::to_string(code) + ",\"message\":\"no\",\"source\":\"invocation\"}");
    EXPECT_EQ(response.headers.Get("x-restate-error-source"), "invocation");
  }
  for (const uint32_t code : {204U, 304U}) {
    const HttpResponse response = Failed(code);
    EXPECT_EQ(response.status, static_cast<int>(code));
    EXPECT_TRUE(response.body.empty());
  }
}

TEST(IngressSend, IsAccepted) {
  Door door;
  const HttpResponse response =
      AnswerTo(door, "POST", "/H2Svc/greet/send", InvocationAccepted{SampleId(), false, {}});
  EXPECT_EQ(response.status, 202);
  EXPECT_EQ(Text(response), "{\"invocationId\":\"" + kId + "\",\"status\":\"Accepted\"}");
  EXPECT_EQ(response.headers.Get("x-restate-id"), kId);
  EXPECT_EQ(response.headers.Get("content-type"), "application/json");
  EXPECT_EQ(
      Text(AnswerTo(
          door, "POST", "/H2Svc/greet/send?delay=0", InvocationAccepted{SampleId(), true, kNow})),
      "{\"invocationId\":\"" + kId +
          "\",\"executionTime\":\"2026-11-24T01:56:00.468000000Z\","
          "\"status\":\"PreviouslyAccepted\"}");
}

TEST(IngressOutput, TellsNotReadyFromUnknown) {
  Door door;
  const HttpResponse waiting =
      AnswerTo(door, "GET", "/restate/output/" + kId, InvocationNotReady{SampleId()});
  EXPECT_EQ(waiting.status, 470);
  EXPECT_EQ(Text(waiting), IngressError(470, "the invocation exists but has not completed yet"));
  const HttpResponse unknown =
      AnswerTo(door, "GET", "/restate/output/" + kId, InvocationUnknown{SampleId()});
  EXPECT_EQ(Text(unknown), IngressError(404, "invocation not found"));
  EXPECT_FALSE(unknown.headers.Get("x-restate-id").has_value());
}

TEST(IngressAttach, AStoredResultAtHandIsAnsweredWithoutItsPartition) {
  for (const std::string verb : {"attach", "output"}) {
    Door door;
    InvocationResult stored = Greeting(SharedBytes(std::string("7")));
    const HttpResponse told = AnswerTo(door, "GET", "/restate/" + verb + "/" + kId, stored);
    door.gateway.submissions.clear();
    door.gateway.stored = std::move(stored);
    const auto record = door.Send(Request("GET", "/restate/" + verb + "/" + kId));
    ASSERT_TRUE(record->response.has_value());
    EXPECT_EQ(record->response->status, told.status);
    EXPECT_EQ(record->response->headers.items(), told.headers.items());
    EXPECT_EQ(Text(*record->response), "7");
    EXPECT_TRUE(door.gateway.submissions.empty());
    EXPECT_TRUE(record->destroyed);
  }
}

TEST(IngressAttach, AnswersUnknownAsTheInvocation) {
  Door door;
  const HttpResponse response =
      AnswerTo(door, "GET", "/restate/attach/" + kId, InvocationUnknown{SampleId()});
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.headers.Get("x-restate-id"), kId);
  EXPECT_EQ(response.headers.Get("x-restate-error-source"), "invocation");
  EXPECT_EQ(Text(response), R"({"code":404,"message":"not found","source":"invocation"})");
}

void ExpectOverloaded(const ExchangeRecord& record) {
  ASSERT_TRUE(record.response.has_value());
  EXPECT_EQ(record.response->status, 503);
  EXPECT_EQ(Text(*record.response), IngressError(503, "the server is overloaded, retry later"));
  EXPECT_EQ(record.response->headers.Get("retry-after"), "1");
  EXPECT_EQ(record.response->headers.Get("x-restate-error-source"), "ingress");
}

TEST(IngressOverload, RefusesWhenTheMailboxIsFull) {
  Door door;
  door.gateway.full = true;
  const auto record = door.Send(Request("POST", "/H2Svc/greet"));
  ExpectOverloaded(*record);
  EXPECT_TRUE(record->destroyed);
  EXPECT_EQ(door.contexts[0].replies.in_use(), 0u);
}

TEST(IngressOverload, RefusesReadsWhenTheirWindowIsFull) {
  Door door;
  door.gateway.full = true;
  ExpectOverloaded(*door.Send(Request("GET", "/restate/attach/" + kId)));
}

TEST(IngressDisk, RefusesNewWorkAndSaysWhatToDo) {
  Door door;
  door.gateway.disk_nearly_full = true;
  for (const char* target : {"/H2Svc/greet", "/H2Svc/greet/send", "/H2Obj/k/add", "/H2Wf/w/run"}) {
    const auto record = door.Send(Request("POST", target, {{"origin", "http://a"}}));
    ASSERT_TRUE(record->response.has_value()) << target;
    EXPECT_EQ(record->response->status, 503);
    EXPECT_EQ(
        Text(*record->response),
        R"({"code":503,"message":"the disk of the data folder is nearly full, free some space",)"
        R"("source":"ingress"})");
    EXPECT_EQ(record->response->headers.Get("retry-after"), "1");
    EXPECT_EQ(record->response->headers.Get("x-restate-error-source"), "ingress");
    EXPECT_EQ(record->response->headers.Get("content-type"), "application/json");
    EXPECT_EQ(record->response->headers.Get("access-control-allow-origin"), "http://a");
    EXPECT_TRUE(record->destroyed);
  }
  EXPECT_TRUE(door.gateway.submissions.empty());
  EXPECT_EQ(door.contexts[0].replies.in_use(), 0u);
  door.gateway.disk_nearly_full = false;
  door.Accepted("POST", "/H2Svc/greet");
}

TEST(IngressDisk, ReadsStillGetIn) {
  Door door;
  door.gateway.disk_nearly_full = true;
  const HttpResponse output =
      AnswerTo(door, "GET", "/restate/output/" + kId, InvocationNotReady{SampleId()});
  EXPECT_EQ(output.status, 470);
  EXPECT_EQ(door.gateway.submissions.back().source, Source::kRead);
  AnswerTo(door, "GET", "/restate/attach/" + kId, InvocationUnknown{SampleId()});
  EXPECT_EQ(door.gateway.submissions.back().source, Source::kRead);
  EXPECT_EQ(door.Send(Request("GET", "/restate/health"))->response->status, 200);
}

TEST(IngressOverload, RefusesWhenThePartitionRefuses) {
  Door door;
  const auto record = door.Send(Request("POST", "/H2Svc/greet/send"));
  door.Deliver(RequestRefused{});
  ExpectOverloaded(*record);
}

TEST(IngressOverload, RefusesWhenTooManyWait) {
  Door door(SampleSchema(), IngressOptions{2});
  door.Accepted("POST", "/H2Svc/greet");
  door.Accepted("POST", "/H2Svc/greet");
  ExpectOverloaded(*door.Send(Request("POST", "/H2Svc/greet")));
  // What needs no partition still works, and so does a request once another one is answered.
  EXPECT_EQ(door.Send(Request("GET", "/restate/health"))->response->status, 200);
  door.Deliver(Greeting(SharedBytes()));
  door.Accepted("POST", "/H2Svc/greet");
  ExpectOverloaded(*door.Send(Request("POST", "/H2Svc/greet")));
}

TEST(IngressClose, ForgetsAWaitingClient) {
  Door door(SampleSchema(), IngressOptions{1});
  const auto record = door.Send(Request("POST", "/H2Svc/greet"));
  const Submission invoke = door.gateway.submissions[0];
  record->ClientLeaves();
  ASSERT_EQ(door.gateway.submissions.size(), 2u);
  const Submission& forget = door.gateway.submissions[1];
  EXPECT_EQ(forget.source, Source::kSelf);
  EXPECT_EQ(forget.partition, invoke.partition);
  EXPECT_EQ(std::get<ForgetReply>(forget.command).reply_to, invoke.reply_to);
  EXPECT_EQ(std::get<ForgetReply>(forget.command).id, std::get<Invoke>(invoke.command).spec.id);
  door.executor.RunAll();
  EXPECT_TRUE(record->destroyed);
  EXPECT_EQ(door.contexts[0].replies.in_use(), 0u);
  // A late answer finds nobody; the place is free again.
  door.contexts[0].replies.Deliver(invoke.reply_to, Greeting(SharedBytes()));
  EXPECT_FALSE(record->response.has_value());
  door.Accepted("POST", "/H2Svc/greet");
}

TEST(IngressClose, AnAnswerOnTheWayIsDropped) {
  Door door;
  const auto record = door.Send(Request("POST", "/H2Svc/greet"));
  const ReplyTo reply_to = door.gateway.submissions[0].reply_to;
  record->ClientLeaves();
  door.contexts[0].replies.Deliver(reply_to, Greeting(SharedBytes()));
  door.executor.RunAll();
  EXPECT_FALSE(record->response.has_value());
  EXPECT_TRUE(record->destroyed);
}

TEST(IngressClose, ASendLeavesNothingBehind) {
  Door door;
  const auto record = door.Send(Request("POST", "/H2Svc/greet/send"));
  record->ClientLeaves();
  door.executor.RunAll();
  EXPECT_EQ(door.gateway.submissions.size(), 1u);
  EXPECT_TRUE(record->destroyed);
}

TEST(IngressClose, ClientsMayWaitLongerThanTheIngressLives) {
  Door door;
  const auto record = door.Send(Request("POST", "/H2Svc/greet"));
  door.handler.reset();
  door.Deliver(Greeting(SharedBytes(std::string("1"))));
  ASSERT_TRUE(record->response.has_value());
  EXPECT_EQ(record->response->status, 200);
}

TEST(IngressCors, AnswersEveryPreflight) {
  Door door;
  const HttpResponse bare = door.Ask("OPTIONS", "*");
  EXPECT_EQ(bare.status, 200);
  EXPECT_EQ(bare.headers.items(), (std::vector<HttpHeader>{kVary, kCredentials}));
  const HttpResponse full = door.Ask(
      "OPTIONS",
      "/nowhere",
      {{"origin", "http://example.com"},
       {"access-control-request-method", "POST"},
       {"access-control-request-headers", "content-type,idempotency-key"}});
  EXPECT_EQ(full.headers.Get("access-control-allow-origin"), "http://example.com");
  EXPECT_EQ(full.headers.Get("access-control-allow-methods"), "POST");
  EXPECT_EQ(full.headers.Get("access-control-allow-headers"), "content-type,idempotency-key");
  EXPECT_TRUE(full.body.empty());
}

TEST(IngressCors, IsOnErrorsToo) {
  Door door;
  const HttpResponse response = door.Ask("GET", "/Nope/x", {{"origin", "null"}});
  const std::vector<HttpHeader> expected = {
      {"x-restate-error-source", "ingress"},
      {"content-type", "application/json"},
      kVary,
      kCredentials,
      {"access-control-allow-origin", "null"}};
  EXPECT_EQ(response.headers.items(), expected);
}

}  // namespace
}  // namespace perdure::ingress
