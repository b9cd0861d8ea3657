// SPDX-License-Identifier: Apache-2.0
//
// Cancel, kill and resume over the admin port, in each state an invocation can be in.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startWorld, type World } from "../lib/harness.ts";
import { until } from "../lib/process.ts";

let world: World;
before(async () => {
  world = await startWorld();
});
after(() => world.close());

const unknownId = "inv_1l4dvkiOmuRs5ZDTmHbg50KSDVlRR8Kl4Y";

async function history(orderId: string): Promise<string[]> {
  return (await world.server.at(`/OrderHistory/${orderId}/events`)).json();
}

test("a checkout that is left alone completes", async () => {
  const answer = await world.server.post("/CheckoutService/checkout", { orderId: "o1", amount: 5, currency: "EUR" });
  assert.equal(answer.status, 200);
  assert.equal(answer.json().parcel, "parcel-o1");
  assert.deepEqual(await history("o1"), ["reserved", "shipping", "shipped"]);
});

test("a checkout cancelled in the middle compensates in reverse order, and its open call is cancelled", async () => {
  const order = { orderId: "o2", amount: 5, currency: "EUR", holdMillis: 3_600_000 };
  const id = await world.server.send("/CheckoutService/checkout", order);
  await until("shipping has begun", async () => (await history("o2")).includes("shipping"));
  const open = await until("the open call is listed", async () =>
    (await world.server.invocations("running")).find((row) => row.target === "ShippingService/arrange"));
  assert.equal(open.invoked_by_id, id);

  const cancelled = await world.server.manage(id, "cancel");
  assert.equal(cancelled.status, 202);
  assert.equal(cancelled.text, "");

  const answer = await world.server.attach(id);
  assert.equal(answer.status, 409);
  assert.equal(answer.text, '{"code":409,"message":"Cancelled","source":"invocation"}');
  assert.deepEqual(await history("o2"), ["reserved", "shipping", "called off", "refunded", "released"]);
  assert.equal((await world.server.attach(open.id)).status, 409);

  const again = await world.server.manage(id, "cancel");
  assert.equal(again.status, 409);
  assert.deepEqual(again.json(), { message: `The invocation '${id}' was already completed.`, restate_code: null });
});

test("a suspended invocation is woken by cancel", async () => {
  const id = await world.server.send("/Sleepy/nap", { id: "c1", millis: 3_600_000 });
  await world.server.waitForStatus(id, "suspended");
  assert.equal((await world.server.manage(id, "cancel")).status, 202);
  assert.equal((await world.server.attach(id)).status, 409);
  assert.equal(world.endpoint.count("after-nap c1"), 0);
});

test("a scheduled invocation disappears with cancel", async () => {
  const key = { "idempotency-key": "scheduled" };
  const first = await world.server.post("/Probe/echo/send?delay=1h", 1, key);
  const id = first.json().invocationId;
  const waiting = world.server.attach(id);
  assert.equal((await world.server.output(id)).status, 470);
  await until("the attach waits", async () => (await world.server.invocation(id))?.status === "scheduled");
  assert.equal((await world.server.manage(id, "cancel")).status, 200);
  const answer = await waiting;
  assert.ok([404, 409].includes(answer.status), `attach answered ${answer.status}`);
  const second = await world.server.post("/Probe/echo/send?delay=1h", 1, key);
  assert.equal(second.json().status, "Accepted");
});

test("a queued call leaves its queue with cancel, and the next one runs", async () => {
  const holder = await world.server.send("/Ledger/queue/hold", "queue");
  await world.server.waitForStatus(holder, "running");
  const queued = await world.server.send("/Ledger/queue/add", "cancelled");
  const next = await world.server.send("/Ledger/queue/add", "kept");
  await world.server.waitForStatus(queued, "pending");
  assert.equal((await world.server.manage(queued, "cancel")).status, 200);
  world.endpoint.openGate("queue");
  assert.equal((await world.server.attach(next)).json(), 1);
  assert.deepEqual((await world.server.at("/Ledger/queue/lines")).json(), ["kept"]);
});

test("a paused invocation takes a cancel and ends", async () => {
  const id = await world.server.send("/Flaky/once", "cancelled-while-paused");
  await world.server.waitForStatus(id, "paused");
  assert.equal((await world.server.manage(id, "cancel")).status, 202);
  // The handler sees the cancellation only if it gets as far as waiting for something; else it is paused once more.
  const row = await until("the cancel had its effect", async () => {
    const found = await world.server.invocation(id);
    return (found?.status === "completed" || found?.status === "paused") && found;
  });
  if (row.status === "paused") {
    assert.equal((await world.server.manage(id, "kill")).status, 200);
  }
  assert.equal((await world.server.attach(id)).status, 409);
});

test("kill ends an invocation at once and frees its key", async () => {
  const id = await world.server.send("/Ledger/killed/hold", "never");
  await world.server.waitForStatus(id, "running");
  const waiting = world.server.attach(id);
  const next = await world.server.send("/Ledger/killed/add", "after");
  assert.equal((await world.server.manage(id, "kill")).status, 200);
  const answer = await waiting;
  assert.equal(answer.status, 409);
  assert.equal(answer.text, '{"code":409,"message":"killed","source":"invocation"}');
  assert.equal((await world.server.attach(next)).json(), 1);
});

test("a handler can cancel another invocation", async () => {
  const id = await world.server.send("/Probe/nap", 3_600_000);
  await world.server.waitForStatus(id, "running");
  assert.equal((await world.server.post("/Probe/cancelOther", id)).status, 200);
  const answer = await world.server.attach(id);
  assert.equal(answer.status, 409);
});

test("resume where there is nothing to resume", async () => {
  const scheduled = (await world.server.post("/Probe/echo/send?delay=1h", 1)).json().invocationId;
  const early = await world.server.manage(scheduled, "resume");
  assert.equal(early.status, 425);
  assert.deepEqual(early.json(), {
    message: `The invocation '${scheduled}' is either inboxed or scheduled, cannot be resumed.`,
    restate_code: null,
  });
  const done = String((await world.server.post("/Probe/echo", 1)).headers["x-restate-id"]);
  const late = await world.server.manage(done, "resume");
  assert.equal(late.status, 409);
  assert.deepEqual(late.json(), { message: `The invocation '${done}' is completed, cannot be resumed.`, restate_code: null });
});

test("a running invocation is paused and resumed", async () => {
  const id = await world.server.send("/Probe/nap", 300);
  await world.server.waitForStatus(id, "running");
  assert.equal((await world.server.manage(id, "pause")).status, 202);
  await world.server.waitForStatus(id, "paused");
  assert.equal((await world.server.manage(id, "pause")).status, 200);
  assert.equal((await world.server.manage(id, "resume")).status, 200);
  assert.equal((await world.server.attach(id)).status, 200);
  const late = await world.server.manage(id, "pause");
  assert.equal(late.status, 409);
  assert.deepEqual(late.json(), { message: `The invocation '${id}' is not running, cannot be paused.`, restate_code: null });
});

test("a completed invocation loses its journal, then everything", async () => {
  const running = await world.server.send("/Probe/nap", 3_600_000);
  for (const verb of ["purge", "purge-journal"] as const) {
    const early = await world.server.manage(running, verb);
    assert.equal(early.status, 409);
    assert.deepEqual(early.json(), { message: `The invocation '${running}' is not yet completed.`, restate_code: null });
  }
  await world.server.manage(running, "kill");
  const id = String((await world.server.post("/Probe/echo", "kept")).headers["x-restate-id"]);
  assert.equal((await world.server.manage(id, "purge-journal")).status, 200);
  assert.equal((await world.server.attach(id)).json(), "kept");
  assert.equal((await world.server.manage(id, "purge")).status, 200);
  assert.equal((await world.server.attach(id)).status, 404);
});

for (const verb of ["cancel", "kill", "resume", "pause", "purge", "purge-journal"] as const) {
  test(`${verb} of an unknown or malformed id`, async () => {
    const unknown = await world.server.manage(unknownId, verb);
    assert.equal(unknown.status, 404);
    assert.deepEqual(unknown.json(), {
      message: `The requested invocation '${unknownId}' does not exist`,
      restate_code: null,
    });
    const malformed = await world.server.manage("foo", verb);
    assert.equal(malformed.status, 400);
    assert.deepEqual(malformed.json(), {
      message: "The request field 'invocation_id' is invalid. Reason: bad format",
      restate_code: null,
    });
  });
}
