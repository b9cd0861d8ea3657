// SPDX-License-Identifier: Apache-2.0
//
// The server or the service goes away in the middle of an invocation: the result is the same, and a step is not done
// again once a later step has begun. Side effects are counted in a file outside both processes.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startWorld, type World } from "../lib/harness.ts";
import { Child, freePort, until } from "../lib/process.ts";

let world: World;
before(async () => {
  world = await startWorld();
});
after(() => world.close());

const expected = [0, 1, 4, 9, 16, 25];

async function beginHeld(id: string): Promise<string> {
  const invocation = await world.server.send("/Steps/work", { id, count: 6, holdAt: 3 }, { "idempotency-key": id });
  await until("step 3 is held", () => world.endpoint.count(`step-3 ${id}`) === 1);
  return invocation;
}

async function finishHeld(id: string, invocation: string) {
  world.endpoint.openGate(id);
  const answer = await world.server.attach(invocation);
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.json(), expected);
  for (const step of [0, 1, 2]) {
    assert.equal(world.endpoint.count(`step-${step} ${id}`), 1, `step ${step} ran again`);
  }
  for (const step of [4, 5]) {
    assert.equal(world.endpoint.count(`step-${step} ${id}`), 1, `step ${step}`);
  }
  const again = await world.server.post("/Steps/work", { id, count: 1 }, { "idempotency-key": id });
  assert.deepEqual(again.json(), expected);
  assert.equal(again.headers["x-restate-id"], invocation);
}

for (const signal of ["SIGKILL", "SIGTERM"] as const) {
  test(`the server ends by ${signal} in the middle of a handler`, async () => {
    const id = `server-${signal}`;
    const invocation = await beginHeld(id);
    await world.server.restart(signal);
    await finishHeld(id, invocation);
  });

  test(`the service ends by ${signal} in the middle of a handler`, async () => {
    const id = `service-${signal}`;
    const invocation = await beginHeld(id);
    await world.endpoint.stop(signal);
    await world.endpoint.start();
    await finishHeld(id, invocation);
  });
}

test("both end by SIGKILL", async () => {
  const invocation = await beginHeld("both");
  await Promise.all([world.server.stop("SIGKILL"), world.endpoint.stop("SIGKILL")]);
  await Promise.all([world.server.start(), world.endpoint.start()]);
  await finishHeld("both", invocation);
});

test("SIGTERM ends the server within 5 s, also with work in flight", async () => {
  const invocation = await world.server.send("/Probe/hold", "term");
  await world.server.waitForStatus(invocation, "running");
  const begun = Date.now();
  const how = await world.server.stop("SIGTERM");
  const took = Date.now() - begun;
  await world.server.start();
  assert.ok(took < 5000, `it took ${took} ms`);
  assert.equal(how?.code, 0);
  world.endpoint.openGate("term");
  assert.equal((await world.server.attach(invocation)).json(), "held term");
});

test("what was accepted survives: schedules, sleeps, queues, state, results, registrations", async () => {
  await world.server.post("/Ledger/survivor/add", "one");
  const done = String((await world.server.post("/Probe/echo", "kept")).headers["x-restate-id"]);
  const napping = await world.server.send("/Sleepy/nap", { id: "survivor", millis: 2500 });
  const scheduled = (await world.server.post("/Ledger/survivor/add/send?delay=2500ms", "two")).json().invocationId;
  const holder = await world.server.send("/Ledger/queued/hold", "queued");
  const queued = await world.server.send("/Ledger/queued/add", "behind");
  await world.server.waitForStatus(napping, "suspended");
  await world.server.restart("SIGKILL");
  assert.equal((await world.server.output(done)).json(), "kept");
  assert.equal((await world.server.attach(napping)).json(), "slept 2500");
  assert.equal(world.endpoint.count("before-nap survivor"), 1);
  assert.equal((await world.server.attach(scheduled)).json(), 2);
  assert.equal((await world.server.output(queued)).status, 470);
  world.endpoint.openGate("queued");
  assert.equal((await world.server.attach(holder)).json(), "queued");
  assert.equal((await world.server.attach(queued)).json(), 1);
  assert.deepEqual((await world.server.at("/Ledger/survivor/lines")).json(), ["one", "two"]);
});

test("a call that comes before the server is ready waits", async (t) => {
  if (world.server.isReference) {
    return t.skip("a promise of ours");
  }
  await world.server.stop("SIGKILL");
  world.server.launch();
  const answer = await until("the port answers", () => world.server.post("/Ledger/early/add", "x"));
  assert.equal(answer.status, 200, answer.text);
});

test("a saga goes on after a crash and can still be cancelled", async () => {
  const order = { orderId: "crash", amount: 5, currency: "EUR", holdMillis: 3_600_000 };
  const events = async () => (await world.server.at("/OrderHistory/crash/events")).json();
  const id = await world.server.send("/CheckoutService/checkout", order);
  await until("shipping has begun", async () => (await events()).includes("shipping"));
  await world.server.restart("SIGKILL");
  assert.equal((await world.server.manage(id, "cancel")).status, 202);
  assert.equal((await world.server.attach(id)).status, 409);
  assert.deepEqual(await events(), ["reserved", "shipping", "called off", "refunded", "released"]);
});

test("a second process on the same folder is refused", async (t) => {
  if (world.server.isReference) {
    return t.skip("a promise of ours");
  }
  const env = {
    ...world.server.env,
    RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${await freePort()}`,
    RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${await freePort()}`,
  };
  const second = new Child(world.server.command, env, `${world.server.folder}/second.log`);
  const how = await second.ended;
  assert.notEqual(how.code, 0);
  assert.match(second.tail(), /another process|in use|lock/i);
  assert.equal((await world.server.post("/Probe/echo", 1)).status, 200);
});
