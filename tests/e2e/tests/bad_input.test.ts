// SPDX-License-Identifier: Apache-2.0
//
// Requests that must be refused: each with the status and the JSON of the ingress API, and with no trace left behind.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startWorld, type World } from "../lib/harness.ts";
import type { Request } from "../lib/http.ts";

let world: World;
before(async () => {
  world = await startWorld();
});
after(() => world.close());

const json = { "content-type": "application/json" };
const pathHelp = "bad path, expected either /:service-name/:handler or /:object-name/:object-key/:handler";

type Case = { title: string; route: string; request: Request; status: number; message: string | RegExp };

const cases: Case[] = [
  { title: "too few segments", route: "/PaymentService", request: { json: 1 }, status: 400, message: "bad path: /PaymentService" },
  { title: "the root", route: "/", request: {}, status: 400, message: "bad path: /" },
  { title: "too many slashes", route: "/a/b/c/d/e/f/g/h", request: { json: 1 }, status: 400, message: "bad path: /a/b/c/d/e/f/g/h" },
  { title: "an unknown service", route: "/Nope/greet", request: { json: 1 }, status: 404,
    message: "service 'Nope' not found, make sure to register the service before calling it." },
  { title: "an unknown handler", route: "/PaymentService/nope", request: { json: 1 }, status: 404,
    message: "the service 'PaymentService' exists, but the handler 'nope' was not found, check that the handler exists in the latest registered service version." },
  { title: "an object without a key", route: "/UserAccount/updateBalance", request: { json: 1 }, status: 400, message: pathHelp },
  { title: "an extra segment", route: "/PaymentService/processPayment/more/than", request: { json: 1 }, status: 400, message: pathHelp },
  { title: "an unknown verb", route: "/restate/nonsense", request: {}, status: 404, message: "not found" },
  { title: "the reserved openapi", route: "/openapi/anything", request: {}, status: 404, message: "not found" },
  { title: "a malformed call path", route: "/restate/call/PaymentService", request: { json: 1 }, status: 400,
    message: /^bad path, expected \/restate\/call\/:service\/:handler/ },
  { title: "a malformed invocation path", route: "/restate/invocation/inv_1", request: {}, status: 400,
    message: /^bad path, expected either \/restate\/invocation\// },
  { title: "a malformed workflow path", route: "/restate/workflow/SignupWorkflow", request: {}, status: 400,
    message: /^bad path, expected either \/restate\/workflow\// },
  { title: "a key that is not UTF-8", route: "/UserAccount/%ff/updateBalance", request: { json: 1 }, status: 400,
    message: /^bad path, cannot decode key: / },
  { title: "a body without content type", route: "/Probe/echo", request: { method: "POST", body: "1" }, status: 400,
    message: "input validation error: Empty content-type" },
  { title: "another content type", route: "/Probe/echo",
    request: { method: "POST", body: "1", headers: { "content-type": "text/plain" } }, status: 400,
    message: "input validation error: Content-type 'text/plain' does not match 'application/json'" },
  { title: "a form", route: "/Probe/echo",
    request: { method: "POST", body: "a=1", headers: { "content-type": "application/x-www-form-urlencoded" } }, status: 400,
    message: "input validation error: Content-type 'application/x-www-form-urlencoded' does not match 'application/json'" },
  { title: "a content type in other letters", route: "/Probe/echo",
    request: { method: "POST", body: "1", headers: { "content-type": "Application/JSON" } }, status: 400,
    message: "input validation error: Content-type 'Application/JSON' does not match 'application/json'" },
  { title: "PUT", route: "/Probe/echo", request: { method: "PUT", json: 1 }, status: 405, message: "method not allowed" },
  { title: "DELETE", route: "/Probe/echo", request: { method: "DELETE" }, status: 405, message: "method not allowed" },
  { title: "POST to health", route: "/restate/health", request: { method: "POST" }, status: 405, message: "method not allowed" },
  { title: "a delay on a call", route: "/Probe/echo?delay=1s", request: { json: 1 }, status: 400,
    message: "cannot use the delay query parameter with calls. The delay is supported only with sends" },
  { title: "an idempotency key on a workflow run", route: "/SignupWorkflow/x/run",
    request: { json: 1, headers: { "idempotency-key": "k" } }, status: 400,
    message: /^cannot use the idempotency key with workflow handlers\. / },
  { title: "a header outside ASCII", route: "/Probe/echo", request: { json: 1, headers: { "x-foo": "\u00fc" } }, status: 400,
    message: "bad header x-foo: ToStrError { _priv: () }" },
  { title: "an idempotency key outside ASCII", route: "/Probe/echo",
    request: { json: 1, headers: { "idempotency-key": "\u00fc" } }, status: 400,
    message: "bad header idempotency-key: ToStrError { _priv: () }" },
  { title: "a malformed invocation id", route: "/restate/invocation/foo/output", request: {}, status: 400,
    message: "bad invocation id 'foo': bad format" },
  { title: "an invocation id of another version", route: "/restate/invocation/inv_bad/attach", request: {}, status: 400,
    message: "bad invocation id 'inv_bad': unrecognized codec version" },
];

for (const { title, route, request, status, message } of cases) {
  test(`refused: ${title}`, async () => {
    const answer = await world.server.at(route, request);
    assert.equal(answer.status, status, answer.text);
    assert.equal(answer.headers["x-restate-error-source"], "ingress");
    assert.equal(answer.headers["content-type"], "application/json");
    assert.equal(answer.headers["x-restate-id"], undefined);
    const body = answer.json();
    assert.deepEqual(Object.keys(body), ["code", "message", "source"]);
    assert.equal(body.code, status);
    assert.equal(body.source, "ingress");
    if (typeof message === "string") {
      assert.equal(body.message, message);
    } else {
      assert.match(body.message, message);
    }
  });
}

for (const delay of ["", "abc", "10S", "-PT10S", "5s ago", "P1M", "1y", "10s10"]) {
  test(`refused: the delay '${delay}'`, async () => {
    const answer = await world.server.post(`/Probe/echo/send?delay=${encodeURIComponent(delay)}`, 1);
    assert.equal(answer.status, 400, answer.text);
    assert.match(answer.json().message, /^bad delay query parameter, must be a ISO8601 duration: /);
  });
}

const goodDelays: [string, number][] = [
  ["10s", 10_000], ["500ms", 500], ["60 sec", 60_000], ["1h30m", 5_400_000], ["1 day 2h", 93_600_000], ["1.5s", 1500],
  ["PT10S", 10_000], ["PT0.5S", 500], ["P1DT2H", 93_600_000], ["P1W", 604_800_000], ["pt5s", 5000], ["1w", 604_800_000],
  ["00:00:10", 10_000], ["0", 0], ["0s", 0],
];
for (const [delay, millis] of goodDelays) {
  test(`accepted: the delay '${delay}'`, async () => {
    const begun = Date.now();
    const answer = await world.server.post(`/Probe/echo/send?DELAY=${encodeURIComponent(delay)}`, 1);
    assert.equal(answer.status, 202, answer.text);
    const planned = Date.parse(answer.json().executionTime);
    assert.ok(planned >= begun + millis - 1 && planned <= Date.now() + millis + 1, answer.text);
  });
}

test("input rules that let a request pass", async () => {
  const calls: [string, Request][] = [
    ["no body, no content type", { method: "POST" }],
    ["empty body", { method: "POST", headers: json }],
    ["a charset", { method: "POST", body: "1", headers: { "content-type": "application/json; charset=utf-8" } }],
    ["an unknown query parameter", { json: 1 }],
  ];
  for (const [title, request] of calls) {
    const answer = await world.server.at(title.includes("query") ? "/Probe/nothing?foo=bar" : "/Probe/nothing", request);
    assert.equal(answer.status, 200, `${title}: ${answer.text}`);
  }
  assert.equal((await world.server.at("//Probe/nothing//", { method: "POST" })).status, 200, "slashes around the path");
});

test("a body above the limit is refused before anything else", async () => {
  const answer = await world.server.at("/Nope/nope", {
    method: "POST",
    headers: { ...json, "content-length": String(33 * 1024 * 1024) },
  }).catch((error: NodeJS.ErrnoException) => error);
  if (answer instanceof Error) {
    assert.fail(`no answer: ${answer.message}`);
  }
  assert.equal(answer.status, 413);
  assert.equal(answer.headers["content-type"], "text/plain; charset=utf-8");
  assert.equal(answer.text, "length limit exceeded");
});

test("what is not built yet says so", async (t) => {
  if (world.server.isReference) {
    return t.skip("the reference has these routes");
  }
  const routes: [string, string][] = [
    ["POST", "/restate/scope/s1/call/Probe/echo"],
    ["POST", "/restate/scope/s1/send/Probe/echo"],
  ];
  for (const [method, route] of routes) {
    const answer = await world.server.at(route, { method, json: "x" });
    assert.equal(answer.status, 501, `${method} ${route}: ${answer.text}`);
    assert.equal(answer.headers["x-restate-error-source"], "ingress");
    assert.match(answer.text, /^\{"code":501,"message":"[^"]+ is not supported yet","source":"ingress"\}$/, route);
  }
});

test("none of it left an invocation behind", async () => {
  const refused = await world.server.invocations("completed");
  const targets = new Set(refused.map((row) => row.target));
  targets.delete("Probe/echo");
  targets.delete("Probe/nothing");
  assert.deepEqual([...targets], []);
});
