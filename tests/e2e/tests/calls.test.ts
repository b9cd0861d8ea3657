// SPDX-License-Identifier: Apache-2.0
//
// The calls that the README shows, against the sample's services: statuses, bodies and headers as promised.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startWorld, type World } from "../lib/harness.ts";
import { until } from "../lib/process.ts";

let world: World;
before(async () => {
  world = await startWorld();
});
after(() => world.close());

const invocationId = /^inv_1[0-9a-zA-Z]{33}$/;
const payment = { amount: 100, currency: "USD" };

test("a call answers with the handler's output and the invocation's id", async () => {
  const answer = await world.server.post("/PaymentService/processPayment", payment);
  assert.equal(answer.status, 200);
  assert.match(String(answer.headers["x-restate-id"]), invocationId);
  assert.equal(answer.headers["content-type"], "application/json");
  assert.equal(answer.headers["content-length"], String(Buffer.byteLength(answer.text)));
  assert.equal(answer.headers["idempotency-expires"], undefined);
  assert.equal(answer.headers["x-restate-error-source"], undefined);
  assert.ok(answer.headers.date);
  const receipt = answer.json();
  assert.match(receipt.paymentId, /^pay_/);
  assert.deepEqual({ ...receipt, paymentId: "" }, { paymentId: "", status: "processed", ...payment });
});

test("the canonical path is the same call", async () => {
  const answer = await world.server.post("/restate/call/PaymentService/processPayment", payment);
  assert.equal(answer.status, 200);
  const keyed = await world.server.post("/restate/call/UserAccount/canonical/updateBalance", { amount: 7 });
  assert.deepEqual(keyed.json(), { balance: 7 });
});

test("a virtual object keeps its state per key", async () => {
  assert.deepEqual((await world.server.post("/UserAccount/user123/updateBalance", { amount: 50 })).json(), { balance: 50 });
  assert.deepEqual((await world.server.post("/UserAccount/user123/updateBalance", { amount: -8 })).json(), { balance: 42 });
  assert.deepEqual((await world.server.post("/UserAccount/other/updateBalance", { amount: 1 })).json(), { balance: 1 });
  const read = await world.server.at("/UserAccount/user123/getBalance");
  assert.equal(read.status, 200);
  assert.deepEqual(read.json(), { balance: 42 });
});

test("one idempotency key is one payment and one answer", async () => {
  const key = { "idempotency-key": "payment-123" };
  const first = await world.server.post("/PaymentService/processPayment", payment, key);
  const second = await world.server.post("/PaymentService/processPayment", { amount: 999, currency: "EUR" }, key);
  assert.equal(first.status, 200);
  assert.equal(second.status, 200);
  assert.equal(second.text, first.text);
  assert.equal(second.headers["x-restate-id"], first.headers["x-restate-id"]);
  assert.equal(first.headers["idempotency-expires"], undefined);
  const expires = String(second.headers["idempotency-expires"]);
  assert.match(expires, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00$/);
  const hours = (Date.parse(expires) - Date.now()) / 3_600_000;
  assert.ok(hours > 23.9 && hours < 24.1, `expires in ${hours} h`);
  assert.equal(world.endpoint.count(`capture ${first.json().paymentId}`), 1);
});

test("a request with the key of a running call waits for the same result", async () => {
  const key = { "idempotency-key": "latch" };
  const first = world.server.post("/Probe/hold", "latch", key);
  const id = await until("the call runs", async () => (await world.server.invocations("running")).at(0)?.id);
  const second = world.server.post("/Probe/hold", "something else", key);
  const sent = await world.server.post("/Probe/hold/send", "a third", key);
  assert.equal(sent.status, 202);
  assert.deepEqual(sent.json(), { invocationId: id, status: "PreviouslyAccepted" });
  world.endpoint.openGate("latch");
  for (const answer of await Promise.all([first, second])) {
    assert.equal(answer.status, 200);
    assert.equal(answer.json(), "held latch");
    assert.equal(answer.headers["x-restate-id"], id);
  }
});

test("a stored failure is replayed like a stored success", async () => {
  const key = { "idempotency-key": "fails" };
  const first = await world.server.post("/Probe/fail", { message: "no", code: 422 }, key);
  const second = await world.server.post("/Probe/fail", { message: "yes", code: 400 }, key);
  assert.equal(first.status, 422);
  assert.equal(second.status, 422);
  assert.equal(second.text, first.text);
  assert.ok(second.headers["idempotency-expires"]);
});

test("the same idempotency key on another handler or object key is another invocation", async () => {
  const key = { "idempotency-key": "shared" };
  const ids = new Set<unknown>();
  for (const route of ["/Ledger/a/add", "/Ledger/b/add", "/Probe/echo"]) {
    const answer = await world.server.post(route, "x", key);
    assert.equal(answer.status, 200);
    ids.add(answer.headers["x-restate-id"]);
  }
  assert.equal(ids.size, 3);
});

test("a workflow runs once per id", async () => {
  const first = await world.server.post("/SignupWorkflow/user123/run", { email: "a@example.com" });
  assert.equal(first.status, 200);
  assert.deepEqual(first.json(), { userId: "user123", email: "a@example.com", status: "active" });
  const second = await world.server.post("/SignupWorkflow/user123/run", { email: "a@example.com" });
  assert.equal(second.status, 409);
  assert.equal(second.headers["x-restate-id"], first.headers["x-restate-id"]);
  assert.equal(second.headers["x-restate-error-source"], "invocation");
  assert.equal(
    second.text,
    '{"code":409,"message":"the workflow method was already invoked","source":"invocation"}',
  );
  const sent = await world.server.post("/SignupWorkflow/user123/run/send", { email: "a@example.com" });
  assert.equal(sent.status, 202);
  assert.deepEqual(sent.json(), { invocationId: first.headers["x-restate-id"], status: "PreviouslyAccepted" });
  assert.equal(world.endpoint.count("create-user user123"), 1);
});

test("a workflow's shared handler answers before, during and after the run", async () => {
  const phase = async () => (await world.server.at("/HeldWorkflow/w1/phase")).json();
  assert.equal(await phase(), "none");
  const id = await world.server.send("/HeldWorkflow/w1/run", "w1");
  await until("the run holds", async () => (await phase()) === "held");
  const early = await world.server.at("/restate/workflow/HeldWorkflow/w1/output");
  assert.equal(early.status, 470);
  world.endpoint.openGate("w1");
  const attached = await world.server.at("/restate/workflow/HeldWorkflow/w1/attach");
  assert.equal(attached.status, 200);
  assert.equal(attached.json(), "finished w1");
  assert.equal(attached.headers["x-restate-id"], id);
  assert.equal(await phase(), "done");
  const late = await world.server.at("/restate/workflow/HeldWorkflow/w1/output");
  assert.equal(late.status, 200);
  assert.ok(late.headers["idempotency-expires"]);
});

test("a failed workflow run answers attach and output with its failure", async () => {
  const first = await world.server.post("/SignupWorkflow/bad/run", { email: "nonsense" });
  assert.equal(first.status, 422);
  for (const verb of ["attach", "output"]) {
    const answer = await world.server.at(`/restate/workflow/SignupWorkflow/bad/${verb}`);
    assert.equal(answer.status, 422);
    assert.equal(answer.text, '{"code":422,"message":"an email address is needed","source":"invocation"}');
    assert.ok(answer.headers["idempotency-expires"]);
  }
});

test("a delayed send is accepted with its time, and runs then", async () => {
  const before = Date.now();
  const answer = await world.server.post("/PaymentService/processPayment/send?delay=700ms", { amount: 1, currency: "EUR" });
  const accepted = Date.now();
  assert.equal(answer.status, 202);
  assert.equal(answer.headers["content-type"], "application/json");
  const { invocationId: id, executionTime, status } = answer.json();
  assert.deepEqual(Object.keys(answer.json()), ["invocationId", "executionTime", "status"]);
  assert.match(id, invocationId);
  assert.equal(answer.headers["x-restate-id"], id);
  assert.equal(status, "Accepted");
  assert.match(executionTime, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
  const planned = Date.parse(executionTime);
  assert.ok(planned >= before + 699 && planned <= accepted + 701, executionTime);
  assert.equal((await world.server.output(id)).status, 470);
  const result = await world.server.attach(id);
  assert.ok(Date.now() >= planned, "it ran too early");
  assert.equal(result.status, 200);
  assert.equal(result.json().amount, 1);
});

test("a delayed send with a key keeps its first time", async () => {
  const key = { "idempotency-key": "later" };
  const first = await world.server.post("/Probe/echo/send?delay=1h", 1, key);
  const second = await world.server.post("/Probe/echo/send?delay=5s", 2, key);
  assert.deepEqual(second.json(), { ...first.json(), status: "PreviouslyAccepted" });
});

test("a send of the canonical path, without delay", async () => {
  const answer = await world.server.post("/restate/send/Probe/echo", "hello");
  assert.equal(answer.status, 202);
  assert.deepEqual(Object.keys(answer.json()), ["invocationId", "status"]);
  assert.equal((await world.server.attach(answer.json().invocationId)).json(), "hello");
});

test("output says 470 until the result is there, attach waits for it", async () => {
  const id = await world.server.send("/Probe/hold", "output");
  const early = await world.server.output(id);
  assert.equal(early.status, 470);
  assert.equal(early.headers["x-restate-error-source"], "ingress");
  assert.equal(early.text, '{"code":470,"message":"the invocation exists but has not completed yet","source":"ingress"}');
  const attached = world.server.attach(id);
  world.endpoint.openGate("output");
  assert.equal((await attached).json(), "held output");
  for (const route of [`/restate/invocation/${id}/output`, `/restate/output/${id}`, `/restate/attach/${id}`]) {
    const late = await world.server.at(route);
    assert.equal(late.status, 200);
    assert.equal(late.json(), "held output");
    assert.equal(late.headers["x-restate-id"], id);
    assert.equal(late.headers["content-type"], "application/json");
    assert.ok(late.headers["idempotency-expires"]);
  }
});

test("unknown invocations are not found, differently by attach and output", async () => {
  const id = "inv_1l4dvkiOmuRs5ZDTmHbg50KSDVlRR8Kl4Y";
  const attach = await world.server.attach(id);
  assert.equal(attach.status, 404);
  assert.equal(attach.headers["x-restate-id"], id);
  assert.equal(attach.text, '{"code":404,"message":"not found","source":"invocation"}');
  const output = await world.server.output(id);
  assert.equal(output.status, 404);
  assert.equal(output.headers["x-restate-id"], undefined);
  assert.equal(output.text, '{"code":404,"message":"invocation not found","source":"ingress"}');
});

test("a handler sees the request's headers, less those that are the server's business", async () => {
  const answer = await world.server.at("/Probe/headers?q=1", {
    method: "POST",
    headers: { "X-Custom": "Val", authorization: "Bearer abc", "idempotency-key": "hk1", "x-multi": ["1", "2"] },
  });
  assert.equal(answer.status, 200);
  const seen = answer.json();
  assert.equal(seen["x-restate-ingress-path"], "/Probe/headers?q=1");
  assert.equal(seen["x-custom"], "Val");
  assert.equal(seen.authorization, "Bearer abc");
  assert.equal(seen["idempotency-key"], undefined);
  assert.equal(seen.host, undefined);
  assert.equal(seen.connection, undefined);
});

test("output content types: none for nothing, the handler's own for bytes", async () => {
  const nothing = await world.server.at("/Probe/nothing", { method: "POST" });
  assert.equal(nothing.status, 200);
  assert.equal(nothing.headers["content-length"], "0");
  assert.equal(nothing.headers["content-type"], undefined);
  const bytes = await world.server.at("/Probe/bytes", {
    body: Buffer.from([1, 2, 3]),
    headers: { "content-type": "application/octet-stream" },
  });
  assert.equal(bytes.status, 200);
  assert.equal(bytes.headers["content-type"], "application/octet-stream");
  assert.equal(bytes.text, "\u0001\u0002\u0003");
});

test("a large body goes through and comes back", async () => {
  const text = "x".repeat(5_000_000);
  const answer = await world.server.post("/Probe/echo", text);
  assert.equal(answer.status, 200);
  assert.equal(answer.json(), text);
});

test("handlers call and send to each other", async () => {
  const sum = await world.server.post("/Probe/fanOut", 20);
  assert.equal(sum.json(), 190);
  const sent = await world.server.post("/Probe/sendLater", { key: "sent", millis: 300 });
  assert.match(sent.json(), invocationId);
  assert.equal((await world.server.attach(sent.json())).status, 200);
  assert.deepEqual((await world.server.at("/Ledger/sent/lines")).json(), ["now", "later"]);
});

test("a durable sleep ends on time", async () => {
  const begun = Date.now();
  const answer = await world.server.post("/Probe/nap", 300);
  assert.equal(answer.json(), "slept 300");
  assert.ok(Date.now() - begun >= 300);
});

test("an invocation that waits long is suspended and resumed without doing its steps again", async () => {
  const id = await world.server.send("/Sleepy/nap", { id: "s1", millis: 1500 });
  await world.server.waitForStatus(id, "suspended");
  const answer = await world.server.attach(id);
  assert.equal(answer.json(), "slept 1500");
  assert.equal(world.endpoint.count("before-nap s1"), 1);
  assert.equal(world.endpoint.count("after-nap s1"), 1);
  assert.ok(world.endpoint.count("sleepy-attempt s1") >= 2);
});

test("running invocations can be listed and looked at, with their journal", async () => {
  const id = await world.server.send("/Steps/work", { id: "look", count: 3, holdAt: 1 });
  await until("the second step runs", () => world.endpoint.count("step-1 look") === 1);
  const listed = (await world.server.invocations("running")).find((row) => row.id === id);
  assert.ok(listed, "not in the list of running invocations");
  assert.equal(listed.target, "Steps/work");
  assert.equal(listed.target_service_name, "Steps");
  assert.equal(listed.target_handler_name, "work");
  assert.equal(listed.target_service_ty, "service");
  world.endpoint.openGate("look");
  assert.deepEqual((await world.server.attach(id)).json(), [0, 1, 4]);
  const done = await world.server.waitForStatus(id, "completed");
  assert.equal(done.completion_result, "success");
  const journal = await world.server.journal(id);
  assert.deepEqual(journal.map((entry) => entry.index), journal.map((_, position) => position));
  assert.match(journal[0]!.entry_type, /Input/);
  assert.deepEqual(
    journal.filter((entry) => /Command.*Run|^Run/.test(entry.entry_type)).map((entry) => entry.name),
    ["step 0", "step 1", "step 2"],
  );
  for (const entry of journal) {
    assert.ok(Date.parse(String(entry.appended_at)) > Date.now() - 60_000, JSON.stringify(entry));
  }
  assert.match(journal.at(-1)!.entry_type, /Output/);
});

test("the list can be narrowed by service, cut and continued", async (t) => {
  if (world.server.isReference) {
    return t.skip("the reference has no such list");
  }
  for (let i = 0; i < 5; i++) {
    assert.equal((await world.server.post(`/UserAccount/page-${i}/updateBalance`, { amount: i })).status, 200);
  }
  const all = (await world.server.atAdmin("/invocations?service=UserAccount&status=completed")).json().invocations;
  assert.ok(all.length >= 5);
  assert.ok(all.every((row: { target_service_name: string }) => row.target_service_name === "UserAccount"));
  const paged: string[] = [];
  for (let after: string | undefined = ""; after !== undefined; ) {
    const more = after ? `&after=${after}` : "";
    const page = (await world.server.atAdmin(`/invocations?service=UserAccount&status=completed&limit=2${more}`)).json();
    assert.ok(page.invocations.length <= 2);
    paged.push(...page.invocations.map((row: { id: string }) => row.id));
    after = page.next;
  }
  assert.deepEqual([...paged].sort(), all.map((row: { id: string }) => row.id).sort());
  assert.equal((await world.server.atAdmin("/invocations/inv_1l4dvkiOmuRs5ZDTmHbg50KSDVlRR8Kl4Y")).status, 404);
  assert.equal((await world.server.atAdmin("/invocations/foo")).status, 400);
});
