// SPDX-License-Identifier: Apache-2.0
//
// The sample endpoint that scripts/quickstart starts: node services/sample.ts, with PORT (default 9080).
import { checkoutService, inventoryService, orderHistory, shippingService } from "./checkout.ts";
import { paymentService } from "./payment.ts";
import { signupWorkflow } from "./signup.ts";
import { userAccount } from "./user_account.ts";
import { serveOnLoopback } from "../lib/endpoint.ts";

serveOnLoopback([
  paymentService,
  userAccount,
  signupWorkflow,
  checkoutService,
  inventoryService,
  shippingService,
  orderHistory,
]);
