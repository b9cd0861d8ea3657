// SPDX-License-Identifier: Apache-2.0
//
// The typed TypeScript client against the server: call, send, idempotency key, attach, workflow.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import * as clients from "@restatedev/restate-sdk-clients";

import { startWorld, type World } from "../lib/harness.ts";
import type { HeldWorkflow, Probe } from "../services/probes.ts";
import type { PaymentService } from "../services/payment.ts";
import type { UserAccount } from "../services/user_account.ts";

let world: World;
let ingress: clients.Ingress;
before(async () => {
  world = await startWorld();
  ingress = clients.connect({ url: world.server.ingress });
});
after(() => world.close());

test("call", async () => {
  const payments = ingress.serviceClient<PaymentService>({ name: "PaymentService" });
  const receipt = await payments.processPayment({ amount: 3, currency: "CHF" });
  assert.equal(receipt.status, "processed");
  const account = ingress.objectClient<UserAccount>({ name: "UserAccount" }, "typed/user 1");
  assert.deepEqual(await account.updateBalance({ amount: 4 }), { balance: 4 });
  assert.deepEqual(await account.getBalance(), { balance: 4 });
});

test("a failure carries status and message", async () => {
  const payments = ingress.serviceClient<PaymentService>({ name: "PaymentService" });
  await assert.rejects(
    () => Promise.resolve(payments.processPayment({ amount: -1, currency: "CHF" })),
    (error: unknown) => {
      assert.ok(error instanceof clients.HttpCallError);
      assert.equal(error.status, 400);
      assert.match(error.responseText, /the amount must be positive/);
      return true;
    },
  );
});

test("send and attach", async () => {
  const probe = ingress.serviceSendClient<Probe>({ name: "Probe" });
  // The client attaches only to what was sent with a key.
  const send = await probe.nap(50, clients.rpc.sendOpts({ idempotencyKey: "nap", delay: 100 }));
  assert.equal(send.status, "Accepted");
  assert.equal(await ingress.result(send), "slept 50");
});

test("an idempotency key makes one invocation of two calls", async () => {
  const payments = ingress.serviceClient<PaymentService>({ name: "PaymentService" });
  const options = () => clients.rpc.opts<{ amount: number; currency: string }, any>({ idempotencyKey: "typed-1" });
  const first = await payments.processPayment({ amount: 1, currency: "EUR" }, options());
  const second = await payments.processPayment({ amount: 2, currency: "EUR" }, options());
  assert.deepEqual(second, first);
  const sends = ingress.serviceSendClient<PaymentService>({ name: "PaymentService" });
  const third = await sends.processPayment(
    { amount: 3, currency: "EUR" },
    clients.rpc.sendOpts({ idempotencyKey: "typed-1" }),
  );
  assert.equal(third.status, "PreviouslyAccepted");
  assert.deepEqual(await ingress.result(third), first);
});

test("workflow: submit, output, attach", async () => {
  const workflow = ingress.workflowClient<HeldWorkflow>({ name: "HeldWorkflow" }, "typed");
  const submission = await workflow.workflowSubmit("typed");
  assert.equal(submission.status, "Accepted");
  assert.equal((await workflow.workflowSubmit("typed")).status, "PreviouslyAccepted");
  assert.equal((await workflow.workflowOutput()).ready, false);
  world.endpoint.openGate("typed");
  assert.equal(await workflow.workflowAttach(), "finished typed");
  const output = await workflow.workflowOutput();
  assert.deepEqual([output.ready, output.result], [true, "finished typed"]);
});
