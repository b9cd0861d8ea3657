// SPDX-License-Identifier: Apache-2.0
//
// restart-as-new from a journal prefix, and the deployment that a restarted or resumed invocation goes on with
// (admin API 8.4, 8.5): what is kept, what runs again, and what is refused with which words. Holds for the reference
// server too.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Endpoint, startWorld, type World } from "../lib/harness.ts";
import { until } from "../lib/process.ts";

const unknownDeployment = "dp_11VcvILJXhpZKwVXIAwTez7";

let world: World;
before(async () => {
  world = await startWorld();
});
after(() => world.close());

async function entries(id: string): Promise<string[]> {
  return (await world.server.journal(id)).map((entry) => entry.entry_type.replace("Notification: ", "!").replace("Command: ", ""));
}

async function resolveAwakeable(name: string, nth = 0): Promise<void> {
  const line = await until(`awakeable ${nth} of ${name}`, () =>
    world.endpoint.effects().filter((l) => l.startsWith(`awakeable ${name} `))[nth]);
  await world.server.post(`/restate/awakeables/${line.split(" ")[2]}/resolve`, "given");
}

async function restart(id: string, query: string): Promise<string> {
  const answer = await world.server.manage(id, "restart-as-new", query);
  assert.equal(answer.status, 200, answer.text);
  return answer.json().new_invocation_id;
}

async function refused(id: string, query: string): Promise<[number, string]> {
  const answer = await world.server.manage(id, "restart-as-new", query);
  assert.equal(answer.json().restate_code, null);
  return [answer.status, answer.json().message];
}

const whole = [
  "Input", "Run", "!Run", "Call", "!CallInvocationId", "Run", "!Run", "!Call", "Sleep", "!Sleep", "Run", "!Run",
  "!Signal", "Run", "!Run", "Output",
];

/** A finished trip; whether the second run or the call ended first is not ours to say. */
async function tripOf(name: string): Promise<{ id: string; result: any }> {
  const id = await world.server.send("/Trip/all", name);
  await resolveAwakeable(name);
  const result = (await world.server.attach(id)).json();
  assert.deepEqual([...(await entries(id))].sort(), [...whole].sort());
  return { id, result };
}

const kept: [from: number, lines: Record<string, number>][] = [
  // From there on the steps run again: how often each line was written in the end.
  [0, { first: 2, second: 2, third: 2 }],
  [1, { first: 1, second: 2, third: 2 }],
  [2, { first: 1, second: 2, third: 2 }],
  [3, { first: 1, second: 2, third: 2 }],
  [4, { first: 1, second: 2, third: 2 }],
  [9, { first: 1, second: 1, third: 2 }],
  [12, { first: 1, second: 1, third: 2 }],
  [14, { first: 1, second: 1, third: 1 }],
  [15, { first: 1, second: 1, third: 1 }],
];

for (const [from, lines] of kept) {
  test(`what is kept with from=${from}`, async () => {
    const name = `kept-${from}`;
    const { id, result } = await tripOf(name);
    const fresh = await restart(id, `?from=${from}`);
    assert.notEqual(fresh, id);
    assert.equal(fresh.slice(0, 16), id.slice(0, 16));
    if (from === 15 && world.server.isReference) {
      // The reference draws other numbers in the copy, so the result differs from the one in the prefix, and the SDK
      // refuses the replay for ever. Ours copies the seed with a prefix.
      await until("the SDK refuses the replay", async () => {
        const row = await world.server.invocation(fresh);
        return row?.last_failure_error_code === "RT0016";
      });
      await world.server.manage(fresh, "kill");
      return;
    }
    if (from < 12) {
      await resolveAwakeable(name, 1);
    }
    const again = (await world.server.attach(fresh)).json();
    assert.deepEqual({ ...again, drawn: 0 }, { ...result, drawn: 0 });
    for (const [line, count] of Object.entries(lines)) {
      assert.equal(world.endpoint.count(`${line} ${name}`), count, line);
    }
    assert.deepEqual([...(await entries(fresh))].sort(), [...whole].sort());
    const row = (await world.server.invocation(fresh))!;
    assert.equal(row.invoked_by, "restart_as_new");
    assert.equal(row.restarted_from, id);
    assert.equal(row.idempotency_key ?? null, null);
    // The old one is as it was.
    assert.deepEqual((await world.server.attach(id)).json(), result);
    if (!world.server.isReference && from > 0 && from < 15) {
      // Ours alone: chance that was drawn in the prefix is drawn again, or the replay would not match.
      assert.equal(again.drawn, result.drawn);
    }
  });
}

test("completions behind the prefix move up, in their order", async () => {
  const { id } = await tripOf("order");
  const old = await entries(id);
  const call = old.indexOf("!Call");
  assert.ok(call > 4);
  const fresh = await restart(id, "?from=3");
  assert.deepEqual((await entries(fresh)).slice(0, 6), ["Input", "Run", "!Run", "Call", "!CallInvocationId", "!Call"]);
  await world.server.manage(fresh, "kill");
});

test("a prefix with a command that was never completed is refused", async () => {
  const id = String((await world.server.post("/Trip/leaveBehind", "left")).headers["x-restate-id"]);
  assert.deepEqual(await entries(id), ["Input", "Sleep", "Run", "!Run", "Output"]);
  const incomplete = `The prefix of the journal '${id}' up to 'from' (included) contains some Commands without respective Completions.`;
  for (const from of [1, 2, 3, 4, 5, 99, 4294967294]) {
    assert.deepEqual(await refused(id, `?from=${from}`), [400, incomplete], String(from));
  }
  assert.deepEqual(await refused(id, "?from=4294967295"), [
    400, `The given index is out of range of currently stored journal for invocation '${id}'.`,
  ]);
  const fresh = await restart(id, "?from=0");
  assert.equal((await world.server.attach(fresh)).json(), 1);
  assert.equal(world.endpoint.count("only left"), 2);
});

test("a query that cannot be read is refused before the id is looked at", async () => {
  const cases: [query: string, text: string][] = [
    ["?from=-1", "from: invalid digit found in string"],
    ["?from=x", "from: invalid digit found in string"],
    ["?from=", "from: cannot parse integer from empty string"],
    ["?from=4294967296", "from: number too large to fit in target type"],
    ["?from=1&from=2", "duplicate field `from`"],
    ["?deployment=keep&deployment=keep", "duplicate field `deployment`"],
  ];
  for (const [query, text] of cases) {
    const answer = await world.server.manage("foo", "restart-as-new", query);
    assert.deepEqual([answer.status, answer.text], [400, `Failed to deserialize query string: ${text}`], query);
    assert.match(String(answer.headers["content-type"]), /^text\/plain/);
  }
  const id = String((await world.server.post("/Trip/echo", 1)).headers["x-restate-id"]);
  for (const [deployment, reason] of [["foo", "bad format"], ["LATEST", "bad format"], ["", "bad length"]] as const) {
    for (const verb of ["restart-as-new", "resume"] as const) {
      const answer = await world.server.manage(id, verb, `?deployment=${deployment}`);
      const message = `The query parameter 'deployment' is invalid. Reason: ${reason}`;
      assert.deepEqual([answer.status, answer.json()], [400, { message, restate_code: null }], deployment);
    }
  }
  for (const query of ["?bogus=1", "?deployment=keep", "?deployment=Keep&from=0", "?deployment=latest", "?deployment=Latest"]) {
    const fresh = await restart(id, query);
    assert.equal((await world.server.attach(fresh)).json(), 1);
  }
  assert.deepEqual(await refused(id, `?deployment=${unknownDeployment}`), [
    400, `The given deployment was not found when trying to restart as new the invocation '${id}'.`,
  ]);
});

test("a restarted handler of an object takes its turn", async () => {
  const id = String((await world.server.post("/Ledger/restarted/add", "line")).headers["x-restate-id"]);
  const holder = await world.server.send("/Ledger/restarted/hold", "restarted");
  await world.server.waitForStatus(holder, "running");
  const fresh = await restart(id, "");
  await world.server.waitForStatus(fresh, "pending");
  world.endpoint.openGate("restarted");
  assert.equal((await world.server.attach(fresh)).json(), 2);
  assert.deepEqual((await world.server.at("/Ledger/restarted/lines")).json(), ["line", "line"]);
});

test("what never reached a deployment is restarted from its input only", async () => {
  const id = await world.server.send("/Rest/tryWithoutStep", "unpinned");
  await world.server.waitForStatus(id, "backing-off");
  await world.server.manage(id, "kill");
  assert.equal((await refused(id, "?from=1"))[0], 422);
  world.endpoint.openGate("unpinned");
  assert.equal((await world.server.attach(await restart(id, ""))).json(), "tried unpinned");
});

test("a restarted invocation survives the server", async () => {
  const { id } = await tripOf("durable");
  const fresh = await restart(id, "?from=9");
  await world.server.restart("SIGKILL");
  await resolveAwakeable("durable", 1);
  assert.equal((await world.server.attach(fresh)).json().given, "given");
  assert.equal(world.endpoint.count("second durable"), 1);
});

test("the deployment to go on with", async () => {
  const first = (await world.server.atAdmin("/deployments")).json().deployments[0].id;
  const stopped = await world.server.send("/Stop/tryOnce", "moved");
  await world.server.waitForStatus(stopped, "paused");
  const unpinned = await world.server.send("/Stop/tryWithoutStep", "moved-unpinned");
  await world.server.waitForStatus(unpinned, "paused");
  const running = await world.server.send("/Probe/hold", "moved-running");
  await world.server.waitForStatus(running, "running");
  const resting = await world.server.send("/Rest/tryOnce", "moved-resting");
  await world.server.waitForStatus(resting, "backing-off");
  const done = String((await world.server.post("/Trip/leaveBehind", "moved")).headers["x-restate-id"]);

  const other = await Endpoint.create(world.server.folder);
  await other.start();
  try {
    const second = (await world.server.register(other.port)).json().id;
    assert.notEqual(first, second);
    const pinned = async (id: string) => (await world.server.invocation(id))!.pinned_deployment_id;

    const fixed = (id: string) => `The invocation '${id}' is still running or the deployment id is not pinned yet, deployment id cannot be changed.`;
    for (const id of [running, resting]) {
      for (const choice of ["latest", second, unknownDeployment]) {
        const answer = await world.server.manage(id, "resume", `?deployment=${choice}`);
        assert.deepEqual([answer.status, answer.json().message], [409, fixed(id)], choice);
      }
      assert.equal((await world.server.manage(id, "resume", "?deployment=keep")).status, 200);
    }
    for (const choice of [second, unknownDeployment]) {
      const answer = await world.server.manage(unpinned, "resume", `?deployment=${choice}`);
      assert.deepEqual([answer.status, answer.json().message], [409, fixed(unpinned)], choice);
    }
    assert.equal((await world.server.manage(unpinned, "resume", "?deployment=latest")).status, 200);

    const unknown = await world.server.manage(stopped, "resume", `?deployment=${unknownDeployment}`);
    assert.deepEqual([unknown.status, unknown.json().message], [
      400, `The given deployment was not found when trying to resume the invocation '${stopped}'.`,
    ]);
    for (const [choice, expected] of [["latest", second], ["keep", second], [first, first], [second, second]]) {
      const before = world.endpoint.count("try moved");
      assert.equal((await world.server.manage(stopped, "resume", `?deployment=${choice}`)).status, 200);
      await until("it was tried", () => world.endpoint.count("try moved") > before);
      await world.server.waitForStatus(stopped, "paused");
      assert.equal(await pinned(stopped), expected, choice);
    }

    for (const [choice, expected] of [["", second], ["&deployment=keep", first], [`&deployment=${first}`, first], ["&deployment=latest", second]]) {
      const fresh = await restart(done, `?from=0${choice}`);
      assert.equal((await world.server.attach(fresh)).json(), 1);
      assert.equal(await pinned(fresh), expected, choice);
    }
  } finally {
    await other.stop();
  }
});
