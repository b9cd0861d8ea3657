// SPDX-License-Identifier: Apache-2.0
//
// PaymentService: a payment in three durable steps. Whatever crashes in between, a step that has been recorded is not
// done again, so the card is charged once. It talks to no bank: what it would do there is made up here, and its
// refund is the compensation that CheckoutService uses.
import * as restate from "@restatedev/restate-sdk";

import { effect } from "../lib/effects.ts";

export type Payment = { amount: number; currency: string };
export type Receipt = Payment & { paymentId: string; status: "processed" };

export const paymentService = restate.service({
  name: "PaymentService",
  handlers: {
    processPayment: async (ctx: restate.Context, payment: Payment): Promise<Receipt> => {
      if (!(payment?.amount > 0)) {
        throw new restate.TerminalError("the amount must be positive", { errorCode: 400 });
      }
      const paymentId = await ctx.run("create payment id", () => `pay_${crypto.randomUUID()}`);
      await ctx.run("reserve funds", () => effect("reserve-funds", paymentId));
      await ctx.run("capture", () => effect("capture", paymentId));
      return { paymentId, status: "processed", amount: payment.amount, currency: payment.currency };
    },

    refund: async (ctx: restate.Context, receipt: { paymentId: string }): Promise<void> => {
      await ctx.run("refund", () => effect("refund", receipt.paymentId));
    },
  },
});

export type PaymentService = typeof paymentService;
