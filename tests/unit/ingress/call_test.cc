// SPDX-License-Identifier: Apache-2.0
//
// Calls and sends: what a request may carry and what becomes of it (ingress API 2.1, 4.2, 4.3, 5,
// 6, 7). Retentions are those of the sample schema: 1 s journal, 2 s idempotent, 3 s workflow.
#include "ingress/input_rules.h"
#include "tests/unit/ingress/door.h"

#include <gtest/gtest.h>

namespace perdure::ingress {
namespace {

const std::string kJson = "application/json";

struct InputRow {
  const InputSchema& input;
  std::optional<std::string_view> content_type;
  bool body;
  std::string complaint;  // empty: passes
};

TEST(IngressInput, FollowsTheMatrix) {
  InputSchema plain;
  plain.declared = true;
  plain.content_type = kJson;
  InputSchema required = plain;
  required.required = true;
  InputSchema json = plain;
  json.json_schema = "{}";
  InputSchema absent;
  InputSchema none;
  none.declared = true;
  InputSchema text = plain;
  text.content_type = "text/*";
  InputSchema any = plain;
  any.content_type = "*/*";
  InputSchema charset = plain;
  charset.content_type = "text/plain; charset=utf-8";
  const auto nothing = std::nullopt;
  const std::string mismatch = "' does not match 'application/json'";
  const std::string not_empty =
      "Expected body and content-type to be empty, but wasn't with "
      "content-type '";
  const std::vector<InputRow> rows = {
      {plain, nothing, false, ""},
      {plain, kJson, false, ""},
      {plain, kJson, true, ""},
      {plain, nothing, true, "Empty content-type"},
      {plain, "text/plain", true, "Content-type 'text/plain" + mismatch},
      {plain,
       "application/x-www-form-urlencoded",
       true,
       "Content-type 'application/x-www-form-urlencoded" + mismatch},
      {plain, "application/json; charset=utf-8", true, ""},
      {plain, "application/json ; a=b", true, ""},
      {plain, "Application/JSON", true, "Content-type 'Application/JSON" + mismatch},
      {plain, "application / json", true, "Content-type 'application / json" + mismatch},
      {plain, "foo;application/json", true, "Content-type 'foo;application/json" + mismatch},
      {plain, "*/*", true, "Content-type '*/*" + mismatch},
      {plain, "", true, "Content-type '" + mismatch},
      {required, nothing, false, "Empty content-type"},
      {required, kJson, false, ""},
      {json, kJson, false, "Empty body not allowed"},
      {json, nothing, false, ""},
      {json, kJson, true, ""},
      {json, "text/plain", false, "Content-type 'text/plain" + mismatch},
      {any, nothing, true, "Empty content-type"},
      {any, "garbage", true, ""},
      {any, nothing, false, ""},
      {absent, nothing, false, ""},
      {absent, "a/b", true, ""},
      {absent, nothing, true, "Empty content-type"},
      {none, nothing, false, ""},
      {none, kJson, false, not_empty + "Some(\"application/json\")'"},
      {none, nothing, true, not_empty + "None'"},
      {none, "a\"b/c", true, not_empty + "Some(\"a\\\"b/c\")'"},
      {text, "text/html", true, ""},
      {text, "text/", true, ""},
      {text, "text", true, "Content-type 'text' does not match 'text/*'"},
      {text, "texts/html", true, "Content-type 'texts/html' does not match 'text/*'"},
      {charset, "text/plain", true, ""},
      {charset, "text/plain; charset=utf-8", true, ""},
  };
  for (size_t i = 0; i < rows.size(); ++i) {
    const InputRow& row = rows[i];
    EXPECT_EQ(CheckInput(row.input, row.content_type, !row.body).value_or(""), row.complaint)
        << "row " << i;
  }
}

TEST(IngressInput, IsCheckedBeforeTheDelay) {
  Door door;
  const HttpResponse response = door.Ask("POST", "/H2Svc/greet?delay=abc", {}, "\"x\"");
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(Text(response), IngressError(400, "input validation error: Empty content-type"));
}

TEST(IngressCall, PassesTheBodyWithoutACopy) {
  Door door;
  HttpRequest request =
      Request("POST", "/H2Svc/greet", {{"content-type", kJson}}, std::string(1000, 'x'));
  const char* bytes = request.body.view().data();
  const auto record = door.Send(std::move(request));
  ASSERT_EQ(door.gateway.submissions.size(), 1u);
  const Invoke& invoke = std::get<Invoke>(door.gateway.submissions[0].command);
  EXPECT_EQ(invoke.spec.body.view().data(), bytes);
  EXPECT_EQ(invoke.spec.body.size(), 1000u);
}

TEST(IngressCall, ForwardsHeaders) {
  Door door;
  const Invoke invoke = door.Accepted(
      "POST",
      "//H2Svc/greet/?q=%20d",
      {{"host", "\xff"},
       {"connection", "close"},
       {"x-custom", "Val"},
       {"authorization", "Bearer abc"},
       {"idempotency-key", "hk1"},
       {"idempotency-expires", "\xff"},
       {"x-multi", "1\t"},
       {"x-multi", "\xff"},
       {"x-restate-foo", "1"},
       {"te", "trailers"}});
  const std::vector<Header> expected = {
      {"x-restate-ingress-path", "/H2Svc/greet?q=%20d"},
      {"x-custom", "Val"},
      {"authorization", "Bearer abc"},
      {"x-multi", "1\t"},
      {"x-restate-foo", "1"},
      {"te", "trailers"}};
  EXPECT_EQ(invoke.spec.headers, expected);
}

TEST(IngressCall, RefusesHeadersThatAreNotVisibleAscii) {
  Door door;
  const std::string tail = ": ToStrError { _priv: () }";
  EXPECT_EQ(
      Text(door.Ask("POST", "/H2Svc/greet", {{"x-foo", "\xc3\xa9"}})),
      IngressError(400, "bad header x-foo" + tail));
  EXPECT_EQ(
      Text(door.Ask("POST", "/H2Svc/greet", {{"content-type", "\xc3\xa9"}})),
      IngressError(400, "bad header content-type" + tail));
  EXPECT_EQ(
      Text(door.Ask("PUT", "/H2Svc/greet", {{"idempotency-key", "\xc3\xa9"}})),
      IngressError(400, "bad header idempotency-key" + tail));
  EXPECT_EQ(
      Text(door.Ask("POST", "/H2Svc/greet?delay=1s", {{"x-foo", "\xc3\xa9"}})),
      IngressError(400, "bad header x-foo" + tail));
}

TEST(IngressCall, MintsDifferentIds) {
  Door door;
  const InvocationSpec first = door.Accepted("GET", "/H2Svc/greet").spec;
  const InvocationSpec second = door.Accepted("GET", "/H2Svc/greet").spec;
  EXPECT_NE(first.id, second.id);
  EXPECT_NE(first.random_seed, second.random_seed);
  EXPECT_EQ(first.start_at, 0u);
  EXPECT_FALSE(first.idempotency_key.has_value());
  EXPECT_FALSE(first.caller.has_value());
  EXPECT_EQ(first.retention.completion, 1000u);
  // The first six bytes of a ULID are the time.
  EXPECT_EQ(first.id.uuid[0], static_cast<uint8_t>(kNow >> 40));
  EXPECT_EQ(first.id.uuid[5], static_cast<uint8_t>(kNow));
}

TEST(IngressCall, ObjectsShareAPartitionByKey) {
  Door door;
  const InvocationId a = door.Accepted("POST", "/H2Obj/k1/add").spec.id;
  const InvocationId b = door.Accepted("GET", "/H2Obj/k1/key").spec.id;
  const InvocationId c = door.Accepted("GET", "/H2Obj/k2/key").spec.id;
  EXPECT_EQ(a.partition_key, b.partition_key);
  EXPECT_NE(a.partition_key, c.partition_key);
}

TEST(IngressIdempotency, IsPartOfTheId) {
  Door door;
  const InvocationSpec first =
      door.Accepted("POST", "/H2Svc/greet", {{"idempotency-key", "k1"}}).spec;
  EXPECT_EQ(first.id.ToString(), "inv_17Lcb0irZZhS2hHr2mJhkp16epof7beixa");
  EXPECT_EQ(first.idempotency_key, "k1");
  EXPECT_EQ(first.retention.completion, 2000u);
  const InvocationSpec send = door.Accepted(
                                      "GET",
                                      "/restate/send/H2Svc/greet?delay=1h",
                                      {{"idempotency-key", "k1"}, {"idempotency-key", "k2"}})
                                  .spec;
  EXPECT_EQ(send.id, first.id);
  EXPECT_NE(door.Accepted("POST", "/H2Svc/empty", {{"idempotency-key", "k1"}}).spec.id, first.id);
  const InvocationSpec object =
      door.Accepted("POST", "/H2Obj/k1/add", {{"idempotency-key", "ok1"}}).spec;
  EXPECT_EQ(object.id.ToString(), "inv_1foAirY4KKzi0gLLIg0ONZuxzFUccdu9o1");
}

TEST(IngressIdempotency, TakesTheEmptyKey) {
  Door door;
  const InvocationSpec a = door.Accepted("POST", "/H2Svc/greet", {{"idempotency-key", ""}}).spec;
  const InvocationSpec b = door.Accepted("POST", "/H2Svc/greet", {{"idempotency-key", ""}}).spec;
  EXPECT_EQ(a.idempotency_key, "");
  EXPECT_EQ(a.id, b.id);
}

TEST(IngressWorkflow, RunsUnderOneId) {
  Door door;
  const InvocationSpec call = door.Accepted("POST", "/H2Wf/w1/run").spec;
  const InvocationSpec send = door.Accepted("POST", "/H2Wf/w1/run/send?delay=1s").spec;
  EXPECT_EQ(call.id.ToString(), "inv_12kpUQONmeFb2XQfcBrQkWKS05ZSH9Dh8S");
  EXPECT_EQ(send.id, call.id);
  EXPECT_EQ(send.start_at, kNow + 1000);
  EXPECT_EQ(call.retention.completion, 3000u);
  const InvocationSpec look = door.Accepted("POST", "/H2Wf/w1/look").spec;
  EXPECT_NE(look.id, call.id);
  EXPECT_EQ(look.id.partition_key, call.id.partition_key);
}

TEST(IngressWorkflow, RefusesAnIdempotencyKeyOnlyOnRun) {
  Door door;
  const HttpResponse response = door.Ask("PUT", "/H2Wf/w1/run", {{"idempotency-key", "a"}});
  EXPECT_EQ(
      Text(response),
      IngressError(
          400,
          "cannot use the idempotency key with workflow handlers. The handler invocation will "
          "already be idempotent by the workflow key itself."));
  door.Accepted("POST", "/H2Wf/w1/look", {{"idempotency-key", "a"}});
}

TEST(IngressDelay, FollowsTheTable) {
  const std::vector<std::pair<std::string, DurationMs>> rows = {
      {"delay=10s", 10'000},
      {"delay=500ms", 500},
      {"delay=60%20sec", 60'000},
      {"delay=90+seconds", 90'000},
      {"delay=10+min", 600'000},
      {"delay=1h30m", 5'400'000},
      {"delay=1h%2030m", 5'400'000},
      {"delay=1+day+2h", 93'600'000},
      {"delay=1d2h3m4s5ms", 93'784'005},
      {"delay=1.5s", 1500},
      {"delay=PT0.5S", 500},
      {"delay=PT1.5H", 5'400'000},
      {"delay=PT10S", 10'000},
      {"delay=P1D", 86'400'000},
      {"delay=P1DT2H", 93'600'000},
      {"delay=P1W", 604'800'000},
      {"delay=pt5s", 5000},
      {"delay=1w", 604'800'000},
      {"delay=%2B5s", 5000},
      {"delay=1,000ms", 1},  // a decimal comma
      {"delay=00:00:10", 10'000},
      {"delay=0", 0},
      {"delay=0s", 0},
      {"delay=10000", 10'000},  // milliseconds: more than the reference takes
      {"DELAY=1s", 1000},
      {"x=1&de%6cay=1s&delay=abc", 1000},
      {"x&delay=1s#fragment", 1000},
  };
  for (const auto& [query, expected] : rows) {
    Door door;
    const Invoke invoke = door.Accepted("POST", "/H2Svc/empty/send?" + query);
    EXPECT_EQ(invoke.spec.start_at, kNow + expected) << query;
  }
}

TEST(IngressDelay, RefusesWhatIsNotADuration) {
  const std::vector<std::string> values = {
      "",
      "abc",
      "10S",
      "-PT10S",
      "5s%20ago",
      "P1M",
      "1y",
      "9999999999999h",
      "%ff",
      "1234567890123456",
      "-5"};
  const std::string start =
      "{\"code\":400,\"message\":\"bad delay query parameter, must be a ISO8601 duration: ";
  for (const std::string& value : values) {
    Door door;
    const HttpResponse response = door.Ask("POST", "/H2Svc/empty/send?delay=" + value);
    EXPECT_EQ(response.status, 400) << value;
    EXPECT_EQ(Text(response).substr(0, start.size()), start) << value;
    // Also on a call, where the better duration would be refused too.
    EXPECT_EQ(Text(door.Ask("GET", "/H2Svc/empty?delay=" + value)).substr(0, start.size()), start);
  }
}

TEST(IngressDelay, IsOnlyForSends) {
  Door door;
  EXPECT_EQ(
      Text(door.Ask("POST", "/H2Svc/empty?delay=10s")),
      IngressError(
          400,
          "cannot use the delay query parameter with calls. The delay is supported only with "
          "sends"));
}

TEST(IngressLimitKey, IsRefusedUnlessEmpty) {
  Door door;
  const std::string part = "invalid limit-key: invalid limit-key component: ";
  const std::string no_scope = "limit-key requires a scope to be set";
  const std::string empty = part + "value cannot be empty";
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"a/b", no_scope},
      {"a/", no_scope},
      {"a/b/c", "invalid limit-key: too many path components in the given limit-key (max 2)"},
      {"a//", empty},
      {"/", empty},
      {"//a", empty},
      {"$", part + "value contains characters outside the allowed set [a-zA-Z0-9_.-]"},
      {std::string(59, 'a'), part + "value too long: 59 bytes (max 36)"}};
  for (const auto& [value, message] : rows) {
    EXPECT_EQ(
        Text(door.Ask("POST", "/H2Svc/greet", {{"x-restate-limit-key", value}})),
        IngressError(400, message))
        << value;
    EXPECT_EQ(Text(door.Ask("POST", "/H2Svc/greet?LIMIT-key=" + value)), IngressError(400, message))
        << value;
  }
  const Invoke invoke =
      door.Accepted("POST", "/H2Svc/greet?limit-key=a", {{"x-restate-limit-key", ""}});
  EXPECT_EQ(invoke.spec.headers.back(), (Header{"x-restate-limit-key", ""}));
}

TEST(IngressBody, RefusesADeclaredGiantBeforeAnythingElse) {
  Door door;
  for (const char* method : {"POST", "OPTIONS"}) {
    HttpRequest request = Request(method, "/Nope", {{"origin", "http://a"}});
    request.body_state = BodyState::kDeclaredTooLarge;
    const auto record = door.Send(std::move(request));
    ASSERT_TRUE(record->response.has_value());
    EXPECT_EQ(record->response->status, 413);
    EXPECT_EQ(Text(*record->response), "length limit exceeded");
    const std::vector<HttpHeader> expected = {{"content-type", "text/plain; charset=utf-8"}};
    EXPECT_EQ(record->response->headers.items(), expected);
  }
}

TEST(IngressBody, RefusesAStreamedGiantInOrder) {
  struct Row {
    std::string method;
    std::string target;
    std::string text;
  };
  const std::string too_large = IngressError(413, "cannot read body: LengthLimitError");
  const std::vector<Row> rows = {
      {"PUT", "/H2Svc/greet", IngressError(405, "method not allowed")},
      {"POST", "/H2Svc/greet?delay=abc", too_large},
      {"POST", "/restate/lookup", too_large}};
  for (const Row& row : rows) {
    Door door;
    HttpRequest request = Request(row.method, row.target, {{"content-type", "text/plain"}});
    request.body_state = BodyState::kStreamedTooLarge;
    const auto record = door.Send(std::move(request));
    ASSERT_TRUE(record->response.has_value()) << row.target;
    EXPECT_EQ(Text(*record->response), row.text) << row.target;
    EXPECT_EQ(record->response->headers.Get("x-restate-error-source"), "ingress");
  }
}

}  // namespace
}  // namespace perdure::ingress
