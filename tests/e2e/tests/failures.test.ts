// SPDX-License-Identifier: Apache-2.0
//
// What a caller sees when a handler fails: terminal errors as they are, everything else retried by its policy until it
// succeeds, is paused for an operator, or is killed.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startWorld, type World } from "../lib/harness.ts";
import { until } from "../lib/process.ts";

let world: World;
before(async () => {
  world = await startWorld();
});
after(() => world.close());

test("a terminal error is the answer, with its code, message and metadata", async () => {
  const answer = await world.server.post("/Probe/fail", { code: 404, message: "nf", metadata: { k: "v" } });
  assert.equal(answer.status, 404);
  assert.equal(answer.headers["x-restate-error-source"], "invocation");
  assert.equal(answer.headers["content-type"], "application/json");
  assert.ok(answer.headers["x-restate-id"]);
  assert.equal(answer.text, '{"code":404,"message":"nf","metadata":{"k":"v"},"source":"invocation"}');
});

for (const [code, status] of [[undefined, 500], [418, 418], [599, 599], [999, 999], [42, 500], [1000, 500]] as const) {
  test(`an error with code ${code} has status ${status}`, async () => {
    const answer = await world.server.post("/Probe/fail", { message: "m", code });
    assert.equal(answer.status, status);
    assert.deepEqual(answer.json(), { code: code ?? 500, message: "m", source: "invocation" });
  });
}

test("the error of a called service goes through the caller", async () => {
  const answer = await world.server.post("/Probe/failThrough", { code: 418, message: "teapot" });
  assert.equal(answer.status, 418);
  assert.equal(answer.json().message, "teapot");
});

test("input that the SDK cannot read is the SDK's 400", async () => {
  const answer = await world.server.at("/Probe/echo", { body: "{", headers: { "content-type": "application/json" } });
  assert.equal(answer.status, 400);
  assert.equal(answer.headers["x-restate-error-source"], "invocation");
});

test("a handler that fails is retried while the caller waits", async () => {
  const call = world.server.post("/Stubborn/once", "retry");
  await until("three attempts", () => world.endpoint.count("attempt retry") >= 3);
  world.endpoint.openGate("retry");
  const answer = await call;
  assert.equal(answer.status, 200);
  assert.equal(answer.json(), "done: retry");
});

test("exhausted attempts pause the invocation; resume finishes it after the repair", async () => {
  const id = await world.server.send("/Flaky/once", "f1");
  await world.server.waitForStatus(id, "paused");
  const listed = (await world.server.invocations("paused")).find((row) => row.id === id);
  assert.ok(listed, "not in the list of paused invocations");
  if (!world.server.isReference) {
    // The reference forgets the error of a paused invocation in this table.
    assert.match(String(listed.last_failure), /not repaired yet: f1/);
    assert.match(String((await world.server.invocation(id))?.last_failure), /not repaired yet: f1/);
  }
  assert.equal((await world.server.output(id)).status, 470);
  world.endpoint.openGate("f1");
  assert.equal((await world.server.manage(id, "resume")).status, 200);
  const answer = await world.server.attach(id);
  assert.equal(answer.status, 200);
  assert.equal(answer.json(), "repaired: f1");
  assert.equal(world.endpoint.count("flaky f1"), 1, "the recorded step ran once");
});

test("resume before the repair pauses again, with new attempts", async () => {
  const id = await world.server.send("/Flaky/once", "f2");
  await world.server.waitForStatus(id, "paused");
  assert.equal((await world.server.manage(id, "resume")).status, 200);
  await world.server.waitForStatus(id, "paused");
  world.endpoint.openGate("f2");
  assert.equal((await world.server.manage(id, "resume")).status, 200);
  assert.equal((await world.server.attach(id)).json(), "repaired: f2");
});

test("exhausted attempts under the policy kill are the answer, with the stack", async () => {
  const answer = await world.server.at("/Doomed/once", { method: "POST" });
  assert.equal(answer.status, 500);
  assert.equal(answer.headers["x-restate-error-source"], "invocation");
  const body = answer.json();
  assert.equal(body.code, 500);
  assert.equal(body.message, "always broken");
  assert.match(body.stacktrace, /always broken/);
  assert.equal(body.source, "invocation");
});
