// SPDX-License-Identifier: Apache-2.0
//
// What a handler can wait for: awakeables completed from outside and by handlers, promises of its workflow, results of
// other invocations.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startWorld, type World } from "../lib/harness.ts";
import { until } from "../lib/process.ts";

let world: World;
before(async () => {
  world = await startWorld();
});
after(() => world.close());

/** Starts a handler that waits for an awakeable; its invocation and the awakeable's id. */
async function awaiting(handler: string, name: string): Promise<{ invocation: string; id: string }> {
  const invocation = await world.server.send(`/Waiter/${handler}`, name);
  const line = await until("the awakeable is published", () => world.endpoint.effects().find((l) => l.startsWith(`awakeable ${name} `)));
  return { invocation, id: line.split(" ")[2]! };
}

test("an awakeable is resolved from outside, once", async () => {
  const { invocation, id } = await awaiting("awakeable", "a1");
  for (const body of ['{"n":1}', '{"n":2}']) {
    const answer = await world.server.at(`/restate/awakeables/${id}/resolve`, { method: "POST", json: JSON.parse(body) });
    assert.equal(answer.status, 202);
    assert.equal(answer.text, "");
    assert.equal(answer.headers["content-type"], undefined);
  }
  assert.deepEqual((await world.server.attach(invocation)).json(), { value: { n: 1 } });
  const late = await world.server.at(`/restate/a/${id}/reject`, { method: "POST", json: "late" });
  assert.equal(late.status, 202);
});

test("an awakeable is rejected from outside", async () => {
  const { invocation, id } = await awaiting("awakeable", "a2");
  const answer = await world.server.at(`/restate/a/${id}/reject`, { method: "POST", body: "not today", type: "text/plain" });
  assert.equal(answer.status, 202);
  assert.deepEqual((await world.server.attach(invocation)).json(), { error: "not today" });
});

test("an awakeable is completed by a handler", async () => {
  const first = await awaiting("awakeable", "a3");
  await world.server.post("/Waiter/resolve", { id: first.id, value: [1, "two"] });
  assert.deepEqual((await world.server.attach(first.invocation)).json(), { value: [1, "two"] });
  const second = await awaiting("awakeable", "a4");
  await world.server.post("/Waiter/reject", { id: second.id, reason: "no" });
  assert.deepEqual((await world.server.attach(second.invocation)).json(), { error: "no" });
});

test("ids that are none are refused, ids of nobody are accepted", async () => {
  const { invocation, id } = await awaiting("awakeable", "a5");
  const refusals: [string, number, string][] = [
    ["/restate/awakeables/foo/resolve", 400, "bad awakeable id 'foo': bad format"],
    ["/restate/awakeables/sign_1abc/resolve", 400, "bad awakeable id 'sign_1abc': id doesn't match the expected type"],
    [`/restate/awakeables/${invocation}/reject`, 400, `bad awakeable id '${invocation}': id doesn't match the expected type`],
    [`/restate/awakeables/${id}/forget`, 404, "not found"],
  ];
  for (const [path, status, message] of refusals) {
    const answer = await world.server.at(path, { method: "POST", json: 1 });
    assert.equal(answer.status, status, path);
    assert.equal(answer.json().message, message);
  }
  const nobody = `sign_1${"A".repeat(36)}EQ`;
  assert.equal((await world.server.at(`/restate/awakeables/${nobody}/resolve`, { method: "POST", json: 1 })).status, 202);
  assert.equal((await world.server.at(`/restate/awakeables/${id}/resolve`)).status, 405);
  await world.server.at(`/restate/awakeables/${id}/resolve`, { method: "POST", json: "done" });
  assert.deepEqual((await world.server.attach(invocation)).json(), { value: "done" });
});

test("named signals arrive in any order, also before they are awaited", async () => {
  const waiting = await world.server.send("/Waiter/signal", "s1");
  await world.server.post("/Waiter/sendSignal", { id: waiting, name: "second", value: "two" });
  await world.server.post("/Waiter/sendSignal", { id: waiting, name: "first", value: 1 });
  assert.deepEqual((await world.server.attach(waiting)).json(), [1, "two"]);
  const later = (await world.server.post("/Waiter/signal/send?delay=1s", "s2")).json().invocationId;
  await world.server.post("/Waiter/sendSignal", { id: later, name: "first", value: 1 });
  await world.server.post("/Waiter/sendSignal", { id: later, name: "second", value: "two" });
  assert.deepEqual((await world.server.attach(later)).json(), [1, "two"]);
});

test("a promise wakes the workflow and whoever waits beside it", async () => {
  const run = await world.server.send("/Approval/w1/run", {});
  const beside = await Promise.all([1, 2, 3].map(() => world.server.send("/Approval/w1/wait", {})));
  assert.equal((await world.server.post("/Approval/w1/peek", {})).json(), null);
  assert.equal((await world.server.post("/Approval/w1/give", "yes")).json(), "given");
  assert.equal((await world.server.attach(run)).json(), "run: yes");
  for (const id of beside) {
    assert.equal((await world.server.attach(id)).json(), "yes");
  }
  assert.equal((await world.server.post("/Approval/w1/give", "again")).json(), "promise was already completed");
  assert.equal((await world.server.post("/Approval/w1/peek", {})).json(), "yes");
});

test("a promise may be completed before its workflow runs", async () => {
  assert.equal((await world.server.post("/Approval/w2/give", "early")).json(), "given");
  assert.equal((await world.server.post("/Approval/w2/run", {})).json(), "run: early");
  assert.equal((await world.server.post("/Approval/w3/peek", {})).json(), null);
});

test("a handler attaches to another invocation", async () => {
  const { invocation, id } = await awaiting("awakeable", "a6");
  const attached = await world.server.send("/Waiter/attach", invocation);
  await world.server.post("/Waiter/resolve", { id, value: 7 });
  assert.deepEqual((await world.server.attach(attached)).json(), { value: { value: 7 } });
  assert.deepEqual((await world.server.post("/Waiter/attach", invocation)).json(), { value: { value: 7 } });
});
