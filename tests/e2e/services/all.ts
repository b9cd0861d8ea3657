// SPDX-License-Identifier: Apache-2.0
//
// The endpoint of the tests: the sample's services and the probes, on PORT.
import { checkoutService, inventoryService, orderHistory, shippingService } from "./checkout.ts";
import { paymentService } from "./payment.ts";
import { cabinet, doomed, flaky, heldWorkflow, ledger, probe, sleepy, steps, stubborn } from "./probes.ts";
import { brief, rest, stop, trip, unkept } from "./states.ts";
import { busy, eager, lenient, strict, turns } from "./attempts.ts";
import { signupWorkflow } from "./signup.ts";
import { userAccount } from "./user_account.ts";
import { approval, waiter } from "./waiters.ts";
import { serveOnLoopback } from "../lib/endpoint.ts";

serveOnLoopback([
  paymentService, userAccount, signupWorkflow, checkoutService, inventoryService, shippingService, orderHistory,
  steps, flaky, stubborn, doomed, probe, sleepy, ledger, cabinet, heldWorkflow,
  waiter, approval,
  brief, rest, stop, trip, unkept,
  busy, eager, lenient, strict, turns,
]);
