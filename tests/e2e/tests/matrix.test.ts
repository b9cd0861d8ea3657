// SPDX-License-Identifier: Apache-2.0
//
// What an operator may do in each state of an invocation (admin API 8.1): one table, every state by every operation,
// each cell with its status, its body and its effect. It holds for the reference server as for ours; where the two
// differ on purpose the cell says what each does, and why.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startWorld, type Verb, type World } from "../lib/harness.ts";
import { until } from "../lib/process.ts";

type Cell = string | { ours: string; reference: string; why: string };
type Row = {
  /** Makes an invocation in this state; `name` is different in each cell. */
  make: (world: World, name: string) => Promise<string>;
  status: string | undefined;
  cells: Record<Verb, Cell>;
};

const verbs: Verb[] = ["cancel", "kill", "pause", "resume", "restart-as-new", "purge", "purge-journal"];
const hour = 3_600_000;

/** The cells of a row in the order of `verbs`: status, then the effect (`effects` below). */
function row(...cells: Cell[]): Record<Verb, Cell> {
  assert.equal(cells.length, verbs.length);
  return Object.fromEntries(verbs.map((verb, i) => [verb, cells[i]!])) as Record<Verb, Cell>;
}

async function made(world: World, route: string, input: unknown, status: string): Promise<string> {
  const id = await world.server.send(route, input);
  await world.server.waitForStatus(id, status);
  return id;
}

async function completed(world: World, route: string, input: unknown): Promise<string> {
  const id = await world.server.send(route, input);
  await world.server.waitForStatus(id, "completed");
  return id;
}

async function napping(world: World): Promise<string> {
  const id = await made(world, "/Probe/nap", hour, "running");
  await until("the sleep is stored", async () => (await world.server.journal(id)).length === 2);
  return id;
}

const rows: Record<string, Row> = {
  "scheduled": {
    make: async (world) => (await world.server.post("/Probe/echo/send?delay=1h", 1)).json().invocationId,
    status: "scheduled",
    cells: row("200 gone", "200 gone", "409 same", "425 same", "425 same", "409 same", "409 same"),
  },
  "queued behind its object": {
    make: async (world, name) => {
      await made(world, `/Ledger/${name}/hold`, "never", "running");
      return await made(world, `/Ledger/${name}/add`, "queued", "pending");
    },
    status: "pending",
    cells: row("200 gone", "200 gone", "409 same", "425 same", "425 same", "409 same", "409 same"),
  },
  "running": {
    make: napping,
    status: "running",
    cells: row("202 cancelled", "200 killed", "202 paused", "200 same", "409 same", "409 same", "409 same"),
  },
  "suspended": {
    make: (world, name) => made(world, "/Sleepy/nap", { id: name, millis: hour }, "suspended"),
    status: "suspended",
    cells: row("202 cancelled", "200 killed", "200 same", "200 again", "409 same", "409 same", "409 same"),
  },
  "backing off": {
    make: (world, name) => made(world, "/Rest/tryOnce", name, "backing-off"),
    status: "backing-off",
    cells: row("202 signalled", "200 killed", "202 paused", "200 again", "409 same", "409 same", "409 same"),
  },
  "backing off, nothing stored yet": {
    make: (world, name) => made(world, "/Rest/tryWithoutStep", name, "backing-off"),
    status: "backing-off",
    cells: row("202 signalled", "200 killed", "202 paused", "200 again", "409 same", "409 same", "409 same"),
  },
  "paused by an operator": {
    make: async (world) => {
      const id = await napping(world);
      assert.equal((await world.server.manage(id, "pause")).status, 202);
      await world.server.waitForStatus(id, "paused");
      return id;
    },
    status: "paused",
    cells: row("202 cancelled", "200 killed", "200 same", "200 running", "409 same", "409 same", "409 same"),
  },
  "paused after its last attempt": {
    make: (world, name) => made(world, "/Stop/tryOnce", name, "paused"),
    status: "paused",
    cells: row("202 again", "200 killed", "200 same", "200 again", "409 same", "409 same", "409 same"),
  },
  "completed": {
    make: (world, name) => completed(world, "/Trip/echo", name),
    status: "completed",
    cells: row("409 same", "409 same", "409 same", "409 same", "200 anew", "200 gone", "200 stripped"),
  },
  "completed with a failure": {
    make: (world, name) => completed(world, "/Probe/fail", { message: name, code: 418 }),
    status: "completed",
    cells: row("409 same", "409 same", "409 same", "409 same", "200 anew", "200 gone", "200 stripped"),
  },
  "killed": {
    make: async (world, name) => {
      const id = await made(world, "/Rest/tryOnce", name, "backing-off");
      assert.equal((await world.server.manage(id, "kill")).status, 200);
      await world.server.waitForStatus(id, "completed");
      world.endpoint.openGate(name);
      return id;
    },
    status: "completed",
    cells: row("409 same", "409 same", "409 same", "409 same", "200 tried", "200 gone", "200 stripped"),
  },
  "completed, journal not kept": {
    make: async (world, name) => {
      const id = await world.server.send("/Unkept/echo", name, { "idempotency-key": name });
      await world.server.waitForStatus(id, "completed");
      return id;
    },
    status: "completed",
    cells: row("409 same", "409 same", "409 same", "409 same", "410 same", "200 gone", "200 stripped"),
  },
  "completed, journal purged": {
    make: async (world, name) => {
      const id = await completed(world, "/Trip/echo", name);
      assert.equal((await world.server.manage(id, "purge-journal")).status, 200);
      return id;
    },
    status: "completed",
    cells: row("409 same", "409 same", "409 same", "409 same", "410 same", "200 gone", "200 stripped"),
  },
  "completed run of a workflow": {
    make: (world, name) => completed(world, `/Brief/${name}/run`, name),
    status: "completed",
    cells: row("409 same", "409 same", "409 same", "409 same", "422 same", "200 gone", "200 stripped"),
  },
  "completed shared handler of a workflow": {
    make: (world, name) => completed(world, `/Brief/${name}/look`, name),
    status: "completed",
    cells: row("409 same", "409 same", "409 same", "409 same", "422 same", "200 gone", "200 stripped"),
  },
  "unknown": {
    make: async () => "inv_1l4dvkiOmuRs5ZDTmHbg50KSDVlRR8Kl4Y",
    status: undefined,
    cells: row("404 same", "404 same", "404 same", "404 same", "404 same", "404 same", "404 same"),
  },
};

/** What waits for one of the server's slots: a world of its own, with one slot, which is taken. */
const readyRow: Row = {
  make: (world) => made(world, "/Probe/echo", 1, "ready"),
  status: "ready",
  cells: row(
    "202 signalled",
    "200 killed",
    {
      ours: "202 paused",
      reference: "202 same",
      why: "the reference pauses it when a slot is free, at the start of an attempt; a promise to pause is better kept at once",
    },
    "200 same", "409 same", "409 same", "409 same",
  ),
};

const messages: Record<string, (id: string) => string> = {
  "cancel 409": (id) => `The invocation '${id}' was already completed.`,
  "kill 409": (id) => `The invocation '${id}' was already completed.`,
  "pause 409": (id) => `The invocation '${id}' is not running, cannot be paused.`,
  "resume 409": (id) => `The invocation '${id}' is completed, cannot be resumed.`,
  "resume 425": (id) => `The invocation '${id}' is either inboxed or scheduled, cannot be resumed.`,
  "restart-as-new 409": (id) => `The invocation '${id}' is still running.`,
  "restart-as-new 425": (id) => `The invocation '${id}' cannot be restarted because it's not running yet.`,
  "restart-as-new 410": (id) =>
    `The invocation '${id}' cannot be restarted because the input is not available. ` +
    "This indicates that the journal was already purged, or not retained at all.",
  "restart-as-new 422": (id) =>
    `Restarting the invocation '${id}' is not supported. Restarting workflows is not supported, ` +
    "and restarting invocations created using the old service protocol.",
  "purge 409": (id) => `The invocation '${id}' is not yet completed.`,
  "purge-journal 409": (id) => `The invocation '${id}' is not yet completed.`,
};

type Case = { world: World; id: string; name: string; status: string | undefined; before: string; body: any };

async function answered(at: Case, text: string): Promise<void> {
  const answer = await at.world.server.attach(at.id);
  assert.deepEqual([answer.status, answer.text], [409, text]);
}

async function tries({ world, name }: Case): Promise<number> {
  return world.endpoint.count(`try ${name}`) + world.endpoint.count(`sleepy-attempt ${name}`);
}

const effects: Record<string, (at: Case) => Promise<unknown>> = {
  same: async ({ world, id, status }) => assert.equal((await world.server.invocation(id))?.status, status),
  gone: ({ world, id }) => until("it is gone", async () => (await world.server.invocation(id)) === undefined),
  cancelled: (at) => answered(at, '{"code":409,"message":"Cancelled","source":"invocation"}'),
  killed: (at) => answered(at, '{"code":409,"message":"killed","source":"invocation"}'),
  paused: ({ world, id }) => world.server.waitForStatus(id, "paused"),
  running: ({ world, id }) => world.server.waitForStatus(id, "running"),
  signalled: async ({ world, id, status }) => {
    await until("the signal is stored", async () =>
      (await world.server.journal(id)).at(-1)?.entry_type === "Notification: Signal");
    assert.equal((await world.server.invocation(id))?.status, status);
  },
  again: (at) => until("it is tried again", async () => (await tries(at)) === 2),
  anew: async ({ world, id, body, before }) => {
    const { new_invocation_id: fresh } = body;
    assert.notEqual(fresh, id);
    assert.equal((await world.server.attach(fresh)).text, before);
    const found = await world.server.waitForStatus(fresh, "completed");
    assert.equal(found.invoked_by, "restart_as_new");
    assert.equal(found.restarted_from, id);
    assert.equal((await world.server.attach(id)).text, before);
  },
  tried: async ({ world, body, name }) =>
    assert.equal((await world.server.attach(body.new_invocation_id)).json(), `tried ${name}`),
  stripped: async ({ world, id, before }) => {
    await until("its journal is gone", async () => (await world.server.journal(id)).length === 0);
    assert.equal((await world.server.attach(id)).text, before);
  },
};

async function check(world: World, state: Row, verb: Verb, cell: Cell, name: string): Promise<void> {
  const id = await state.make(world, name);
  const before = state.status === "completed" ? (await world.server.attach(id)).text : "";
  const text = typeof cell === "string" ? cell : world.server.isReference ? cell.reference : cell.ours;
  const [status, effect] = [Number(text.split(" ")[0]), text.split(" ")[1]!];

  const answer = await world.server.manage(id, verb);
  assert.equal(answer.status, status, answer.text);
  let body: any;
  if (status === 200 && verb === "restart-as-new") {
    body = answer.json();
    assert.deepEqual(Object.keys(body), ["new_invocation_id"]);
  } else if (status < 300) {
    assert.equal(answer.text, "");
  } else {
    const message = status === 404 ? `The requested invocation '${id}' does not exist` : messages[`${verb} ${status}`]!(id);
    assert.deepEqual(answer.json(), { message, restate_code: null });
    assert.equal(answer.headers["content-type"], "application/json");
  }
  await effects[effect]!({ world, id, name, status: state.status, before, body });
}

let world: World;
before(async () => {
  world = await startWorld();
});
after(() => world.close());

let cases = 0;
for (const [state, definition] of Object.entries(rows)) {
  for (const verb of verbs) {
    const cell = definition.cells[verb];
    test(`${state}: ${verb}`, () => check(world, definition, verb, cell, `matrix-${cases++}`));
  }
}

test("ready", async (t) => {
  const crowded = await startWorld({
    RESTATE_WORKER__INVOKER__CONCURRENT_INVOCATIONS_LIMIT: "1",
    RESTATE_DEFAULT_NUM_PARTITIONS: "1",
  });
  try {
    await made(crowded, "/Probe/hold", "never", "running");
    for (const verb of verbs) {
      await t.test(verb, () => check(crowded, readyRow, verb, readyRow.cells[verb], `ready-${cases++}`));
    }
  } finally {
    await crowded.close();
  }
});

for (const verb of verbs) {
  test(`malformed id: ${verb}`, async () => {
    const reasons = {
      "foo": "bad format",
      "inv_1": "bad length",
      "dp_11VcvILJXhpZKwVXIAwTez7": "id doesn't match the expected type",
    };
    for (const [id, reason] of Object.entries(reasons)) {
      const answer = await world.server.manage(id, verb);
      assert.equal(answer.status, 400);
      const message = `The request field 'invocation_id' is invalid. Reason: ${reason}`;
      assert.deepEqual(answer.json(), { message, restate_code: null });
    }
  });
}
