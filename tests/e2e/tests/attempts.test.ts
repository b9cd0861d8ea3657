// SPDX-License-Identifier: Apache-2.0
//
// The life of an attempt as a service's settings have it: timeouts, retries and their overrides, delays that the other
// side asks for, and deployments that refuse. Holds for the reference server too.
import assert from "node:assert/strict";
import * as http2 from "node:http2";
import { after, before, test } from "node:test";

import { Endpoint, startWorld, type World } from "../lib/harness.ts";
import { freePort, until } from "../lib/process.ts";

let world: World;
before(async () => {
  world = await startWorld();
});
after(() => world.close());

const hour = 3_600_000;

function hoursUntil(time: unknown): number {
  return (Date.parse(String(time)) - Date.now()) / hour;
}

test("inactivity timeout 0 is request and response: every await is an attempt of its own", async () => {
  const answer = await world.server.post("/Turns/take", "t1");
  assert.deepEqual(answer.json(), [1, "called"]);
  assert.equal(world.endpoint.count("turn-run t1"), 1);
  assert.equal(world.endpoint.count("turn t1"), 4);
});

test("an attempt that does not suspend when it is asked to is aborted and tried again", async () => {
  const id = await world.server.send("/Busy/work", "b1");
  const row = await world.server.waitForStatus(id, "backing-off");
  assert.equal(row.last_failure_error_code, "RT0001");
  assert.ok(hoursUntil(row.next_retry_at) > 0.9);
  world.endpoint.openGate("b1");
  assert.equal((await world.server.manage(id, "resume")).status, 200);
  assert.equal((await world.server.attach(id)).json(), "worked b1");
  assert.equal(world.endpoint.count("busy b1"), 1);
});

test("a handler's retry policy goes before its service's", async () => {
  for (const [handler, attempts] of [["once", 1], ["thrice", 3]] as const) {
    const answer = await world.server.post(`/Strict/${handler}`, handler);
    assert.equal(answer.status, 500);
    assert.equal(answer.json().message, `broken: ${handler}`);
    assert.equal(world.endpoint.count(`failed ${handler}`), attempts);
  }
  const id = await world.server.send("/Strict/pauses", "pauses");
  await world.server.waitForStatus(id, "paused");
  assert.equal(world.endpoint.count("failed pauses"), 2);
  await world.server.manage(id, "kill");
});

test("failed attempts and pauses are events, and equal errors in a row are one", async () => {
  const id = await world.server.send("/Strict/moody", null);
  await world.server.waitForStatus(id, "paused");
  const error = (text: string) => ({ error_code: 500, error_message: text, restate_doc_error_code: "RT0007" });
  const shown = async () =>
    (await world.server.events(id)).map(({ error_stacktrace: trace, last_failure: last, ...event }) => {
      assert.match(String(trace ?? last?.error_stacktrace), /moody/);
      return last ? { ...event, last: last.error_message } : event;
    });
  const events = [
    { after: 0, ty: "TransientError", ...error("early") },
    { after: 2, ty: "TransientError", ...error("late") },
    { after: 2, ty: "TransientError", ...error("later") },
    { after: 2, ty: "Paused", last: "late" },
  ];
  assert.deepEqual(await shown(), events);
  await world.server.manage(id, "resume");
  await until("it is paused again", async () => (await shown()).length === events.length + 2);
  assert.deepEqual((await shown()).slice(events.length), [
    { after: 2, ty: "TransientError", ...error("later") },
    { after: 2, ty: "Paused", last: "later" },
  ]);
  await world.server.manage(id, "kill");
  await world.server.waitForStatus(id, "completed");
  assert.equal((await shown()).length, events.length + 2);
  await world.server.manage(id, "purge-journal");
  await until("its events are gone", async () => (await world.server.events(id)).length === 0);
});

test("a delay that the handler asks for replaces the policy's and costs no attempt", async () => {
  const soon = await world.server.send("/Lenient/later", { name: "soon", millis: 20 });
  await until("four attempts", () => world.endpoint.count("later soon") >= 4);
  world.endpoint.openGate("soon");
  assert.equal((await world.server.attach(soon)).json(), "came back soon");

  const late = await world.server.send("/Lenient/later", { name: "late", millis: hour });
  const row = await world.server.waitForStatus(late, "backing-off");
  assert.ok(hoursUntil(row.next_retry_at) > 0.9);
  await world.server.manage(late, "kill");
});

test("a call to a service that is not registered yet is tried until it is", async () => {
  const id = await world.server.send("/Eager/call", "Latecomer");
  const row = await until("the attempt failed", async () => {
    const found = await world.server.invocation(id);
    return found?.last_failure_error_code === "RT0018" && found;
  });
  assert.match(String(row.last_failure), /Latecomer\/answer/);
  const endpoint = await Endpoint.create(world.server.folder, "services/latecomer.ts");
  await endpoint.start();
  try {
    assert.equal((await world.server.register(endpoint.port)).status, 201);
    assert.equal((await world.server.attach(id)).json(), "better late");
  } finally {
    await endpoint.stop();
  }
});

/** Describes one service with one attempt, and answers every invocation with a status. */
async function refuser(service: string, status: number, headers: Record<string, string> = {}): Promise<http2.Http2Server> {
  const server = http2.createServer((request, response) => {
    if (!request.url.endsWith("/discover")) {
      response.writeHead(status, headers).end();
      return;
    }
    const handlers = [{ name: "any", retryPolicyMaxAttempts: 1, retryPolicyOnMaxAttempts: "PAUSE" }];
    const manifest = { protocolMode: "BIDI_STREAM", minProtocolVersion: 5, maxProtocolVersion: 6, services: [{ name: service, ty: "SERVICE", handlers }] };
    response.writeHead(200, { "content-type": "application/vnd.restate.endpointmanifest.v4+json" }).end(JSON.stringify(manifest));
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  assert.equal((await world.server.register(port)).status, 201);
  return server;
}

const refusals: [status: number, headers: Record<string, string>, code: string, state: "paused" | "backing-off"][] = [
  [503, { "retry-after": "3600" }, "RT0023", "backing-off"],
  [429, { "retry-after": "3600" }, "RT0023", "backing-off"],
  [503, {}, "RT0023", "paused"],
  [502, { "retry-after": "3600" }, "RT0010", "paused"],
  [413, {}, "RT0019", "paused"],
  [415, {}, "RT0015", "paused"],  // it no longer speaks the protocol of the invocation
  [404, {}, "RT0012", "paused"],
  [204, {}, "RT0012", "paused"],
];

for (const [status, headers, code, state] of refusals) {
  const name = `Refuser${status}${headers["retry-after"] === undefined ? "" : "Later"}`;
  test(`a deployment that answers ${status}${headers["retry-after"] ? " with Retry-After" : ""}`, async () => {
    const server = await refuser(name, status, headers);
    try {
      const id = await world.server.send(`/${name}/any`, 1);
      const row = await world.server.waitForStatus(id, state);
      if (state === "backing-off") {
        assert.equal(row.last_failure_error_code, code);
        assert.ok(hoursUntil(row.next_retry_at) > 0.9);
      } else if (!world.server.isReference) {
        assert.equal(row.last_failure_error_code, code);  // the reference forgets it in this state, ours shows it
      }
      await world.server.manage(id, "kill");
    } finally {
      server.close();
    }
  });
}

test("a deployment that is gone from its address", async () => {
  const server = await refuser("Vanished", 500);
  server.close();
  const id = await world.server.send("/Vanished/any", 1);
  await world.server.waitForStatus(id, "paused");
});
