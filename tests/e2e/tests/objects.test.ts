// SPDX-License-Identifier: Apache-2.0
//
// Virtual objects: one exclusive handler per key at a time in order of arrival, shared handlers beside it, and state in
// all its forms.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startWorld, type World } from "../lib/harness.ts";

let world: World;
before(async () => {
  world = await startWorld();
});
after(() => world.close());

test("exclusive handlers of one key never overlap, and none is lost", async () => {
  const lines = Array.from({ length: 20 }, (_, i) => `line-${i}`);
  const answers = await Promise.all(lines.map((line) => world.server.post("/Ledger/excl/slowAdd", line)));
  assert.deepEqual(answers.map((a) => a.json()).sort((a, b) => a - b), lines.map((_, i) => i + 1));
  const marks = world.endpoint.effects().filter((l) => / excl line-/.test(l));
  assert.equal(marks.length, 40);
  for (let i = 0; i < marks.length; i += 2) {
    const [begin, end] = [marks[i]!, marks[i + 1]!];
    assert.match(begin, /^begin /);
    assert.equal(end, begin.replace(/^begin/, "end"), "two exclusive handlers overlapped");
  }
  assert.deepEqual((await world.server.at("/Ledger/excl/lines")).json().sort(), [...lines].sort());
});

test("queued calls run in the order in which they were accepted", async () => {
  const holder = await world.server.send("/Ledger/order/hold", "order");
  await world.server.waitForStatus(holder, "running");
  const lines = Array.from({ length: 25 }, (_, i) => `n${i}`);
  for (const line of lines) {
    await world.server.send("/Ledger/order/add", line);
  }
  world.endpoint.openGate("order");
  assert.equal((await world.server.post("/Ledger/order/add", "last")).json(), lines.length + 1);
  assert.deepEqual((await world.server.at("/Ledger/order/lines")).json(), [...lines, "last"]);
});

test("shared handlers answer while an exclusive one runs, other keys are free", async () => {
  await world.server.post("/Ledger/busy/add", "first");
  const holder = await world.server.send("/Ledger/busy/hold", "busy");
  await world.server.waitForStatus(holder, "running");
  assert.deepEqual((await world.server.at("/Ledger/busy/lines")).json(), ["first"]);
  assert.equal((await world.server.post("/Ledger/idle/add", "x")).json(), 1);
  world.endpoint.openGate("busy");
  assert.equal((await world.server.attach(holder)).json(), "busy");
});

test("state operations are seen within the invocation and by the next one", async () => {
  const first = await world.server.post("/Cabinet/k/apply", [
    { op: "get", key: "a" },
    { op: "set", key: "a", value: { deep: [1, 2, null] } },
    { op: "set", key: "b", value: "text" },
    { op: "set", key: "é", value: 0 },
    { op: "get", key: "a" },
    { op: "keys" },
    { op: "clear", key: "b" },
    { op: "get", key: "b" },
  ]);
  assert.deepEqual(first.json(), [null, { deep: [1, 2, null] }, ["a", "b", "é"], null]);
  const second = await world.server.post("/Cabinet/k/apply", [
    { op: "keys" }, { op: "get", key: "a" }, { op: "get", key: "é" }, { op: "get", key: "b" }, { op: "clearAll" }, { op: "keys" },
  ]);
  assert.deepEqual(second.json(), [["a", "é"], { deep: [1, 2, null] }, 0, null, []]);
  const third = await world.server.post("/Cabinet/k/apply", [{ op: "keys" }, { op: "get", key: "a" }]);
  assert.deepEqual(third.json(), [[], null]);
});

test("a state too large to be sent along is read on demand", async () => {
  const value = "v".repeat(700_000);
  for (const key of ["x", "y", "z"]) {
    await world.server.post("/Cabinet/large/apply", [{ op: "set", key, value: key + value }]);
  }
  const answer = await world.server.post("/Cabinet/large/apply", [
    { op: "keys" }, { op: "get", key: "z" }, { op: "get", key: "x" }, { op: "get", key: "missing" },
  ]);
  assert.deepEqual(answer.json(), [["x", "y", "z"], "z" + value, "x" + value, null]);
});

test("keys are percent-decoded, and any text is a key", async () => {
  for (const key of ["a b/c", "ü€", "%zz", ""]) {
    const encoded = key === "%zz" ? key : encodeURIComponent(key);
    assert.equal((await world.server.post(`/Ledger/${encoded}/add`, "x")).json(), 1, key);
    const canonical = await world.server.post(`/restate/call/Ledger/${encoded}/add`, "y");
    assert.equal(canonical.json(), 2, key);
  }
});
