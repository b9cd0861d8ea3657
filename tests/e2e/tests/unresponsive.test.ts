// SPDX-License-Identifier: Apache-2.0
//
// A service that stops answering without closing its connections (SIGSTOP) costs its own attempts a keep-alive time,
// and the invocations of other services nothing.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Endpoint, startWorld, type World } from "../lib/harness.ts";
import { until } from "../lib/process.ts";

let world: World;
let other: Endpoint;
before(async () => {
  world = await startWorld({
    RESTATE_WORKER__INVOKER__HTTP2_KEEP_ALIVE_INTERVAL: "300ms",
    RESTATE_WORKER__INVOKER__HTTP2_KEEP_ALIVE_TIMEOUT: "300ms",
    RESTATE_DEFAULT_RETRY_POLICY__INITIAL_INTERVAL: "100ms",
    RESTATE_DEFAULT_RETRY_POLICY__MAX_INTERVAL: "100ms",
    RESTATE_WORKER__INVOKER__CONNECT_TIMEOUT: "1s",
  });
  // The sample's services move to an endpoint of their own, the probes stay where they are.
  other = await Endpoint.create(world.server.folder, "services/sample.ts");
  await other.start();
  assert.equal((await world.server.register(other.port)).status, 201);
});
after(async () => {
  world.endpoint.child?.process.kill("SIGCONT");
  await other.stop();
  await world.close();
});

test("the attempt ends, others go on, and the work is finished when the service comes back", async () => {
  const id = await world.server.send("/Steps/work", { id: "frozen", count: 3, holdAt: 1 });
  await until("step 1 is held", () => world.endpoint.count("step-1 frozen") === 1);
  world.endpoint.child!.process.kill("SIGSTOP");
  for (let i = 1; i <= 20; i++) {
    const begun = Date.now();
    assert.deepEqual((await world.server.post("/UserAccount/warm/updateBalance", { amount: 1 })).json(), { balance: i });
    assert.ok(Date.now() - begun < 1000, "a call of another service was held up");
  }
  await until("the attempt has been given up", async () =>
    (await world.server.invocation(id))?.status === "backing-off" || Number((await world.server.invocation(id))?.retry_count) > 1);
  world.endpoint.child!.process.kill("SIGCONT");
  world.endpoint.openGate("frozen");
  assert.deepEqual((await world.server.attach(id)).json(), [0, 1, 4]);
  assert.equal(world.endpoint.count("step-0 frozen"), 1);
});
