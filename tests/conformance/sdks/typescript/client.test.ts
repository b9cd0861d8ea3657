// SPDX-License-Identifier: Apache-2.0
//
// The SDK's own client against the services: calls, sends with key and delay, results, errors, awakeables, workflows.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import process from "node:process";
import { test } from "node:test";

import * as clients from "@restatedev/restate-sdk-clients";

import { until } from "../../../e2e/lib/process.ts";
import { failing } from "./services/failing.ts";
import { blockAndWaitWorkflow, commandInterpreter } from "./services/interpreter.ts";
import { counter } from "./services/objects.ts";
import { testUtils } from "./services/utilities.ts";

const ingress = clients.connect({ url: process.env.RESTATE_INGRESS_URL! });

test("calls a service and an object whose key needs escaping", async () => {
  assert.equal(await ingress.serviceClient(testUtils).echo("hello"), "hello");
  const update = await ingress.objectClient(counter, `a/b c+d ${randomUUID()}`).add(7);
  assert.deepEqual(update, { oldValue: 0, newValue: 7 });
});

test("passes headers", async () => {
  const headers = await ingress.serviceClient(testUtils).echoHeaders(clients.Opts.from({ headers: { "x-own": "1" } }));
  assert.equal(headers["x-own"], "1");
});

test("one idempotency key is one invocation, by call and by send", async () => {
  const [key, idempotencyKey] = [randomUUID(), randomUUID()];
  const client = ingress.objectClient(counter, key);
  const first = await client.add(1, clients.Opts.from({ idempotencyKey }));
  assert.deepEqual(await client.add(1, clients.Opts.from({ idempotencyKey })), first);
  const send = await ingress.objectSendClient(counter, key).add(1, clients.SendOpts.from({ idempotencyKey }));
  assert.equal(send.status, "PreviouslyAccepted");
  assert.deepEqual(await ingress.result(send), first);
});

test("the result of a delayed send can be waited for", async () => {
  const begun = Date.now();
  const options = clients.SendOpts.from({ delay: 300, idempotencyKey: randomUUID() });
  const send = await ingress.objectSendClient(counter, randomUUID()).add(3, options);
  assert.equal(send.status, "Accepted");
  assert.deepEqual(await ingress.result(send), { oldValue: 0, newValue: 3 });
  assert.ok(Date.now() - begun >= 300);
});

test("a terminal error reaches the caller", async () => {
  const call = ingress.objectClient(failing, randomUUID()).terminallyFailingCall({ errorMessage: "as told" });
  await assert.rejects(Promise.resolve(call), (error: clients.HttpCallError) => {
    assert.equal(error.status, 500);
    assert.match(error.responseText, /as told/);
    return true;
  });
});

test("resolves and rejects awakeables", async () => {
  const commands = [{ type: "awaitOne", command: { type: "createAwakeable", awakeableKey: "own" } }] as const;
  for (const outcome of ["resolve", "reject"]) {
    const key = randomUUID();
    const send = await ingress
      .objectSendClient(commandInterpreter, key)
      .interpretCommands({ commands: [...commands] }, clients.SendOpts.from({ idempotencyKey: randomUUID() }));
    const id = await until("the awakeable is there", async () => {
      return (await ingress.objectClient(commandInterpreter, key).getAwakeable("own")) ?? false;
    });
    if (outcome === "resolve") {
      await ingress.resolveAwakeable(id, "value");
      assert.equal(await ingress.result(send), "value");
    } else {
      await ingress.rejectAwakeable(id, "reason");
      await assert.rejects(ingress.result(send), /reason/);
    }
  }
});

test("submits a workflow once, attaches to it and asks for its output", async () => {
  const workflow = ingress.workflowClient(blockAndWaitWorkflow, randomUUID());
  const submission = await workflow.workflowSubmit("input");
  assert.equal(submission.status, "Accepted");
  await until("the workflow runs", async () => (await workflow.getState()) === "input");
  assert.equal((await workflow.workflowOutput()).ready, false);
  await workflow.unblock("output");
  assert.equal(await workflow.workflowAttach(), "output");
  assert.deepEqual(await workflow.workflowOutput(), { ready: true, result: "output" });
  assert.equal(await ingress.result(submission), "output");
  const again = await workflow.workflowSubmit("other");
  assert.deepEqual([again.status, again.invocationId], ["PreviouslyAccepted", submission.invocationId]);
});
