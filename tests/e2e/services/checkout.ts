// SPDX-License-Identifier: Apache-2.0
//
// CheckoutService/checkout: a saga of three calls (inventory, payment, shipping). When it is cancelled or a call fails
// for good, the compensations of the calls begun so far run in reverse order. What happened to an order is kept by the
// virtual object OrderHistory, so that anybody can read the order of events.
// `holdMillis` makes shipping sleep durably, which holds a checkout in the middle for as long as one wants to look.
import * as restate from "@restatedev/restate-sdk";

import { paymentService } from "./payment.ts";

export type Order = { orderId: string; amount: number; currency: string; holdMillis?: number };

export const orderHistory = restate.object({
  name: "OrderHistory",
  handlers: {
    append: async (ctx: restate.ObjectContext, event: string): Promise<void> => {
      ctx.set("events", [...((await ctx.get<string[]>("events")) ?? []), event]);
    },
    events: restate.handlers.object.shared(async (ctx: restate.ObjectSharedContext): Promise<string[]> => {
      return (await ctx.get<string[]>("events")) ?? [];
    }),
  },
});

function record(ctx: restate.Context, orderId: string, event: string) {
  return ctx.objectClient(orderHistory, orderId).append(event);
}

export const inventoryService = restate.service({
  name: "InventoryService",
  handlers: {
    reserve: (ctx: restate.Context, order: Order) => record(ctx, order.orderId, "reserved"),
    release: (ctx: restate.Context, order: Order) => record(ctx, order.orderId, "released"),
  },
});

export const shippingService = restate.service({
  name: "ShippingService",
  handlers: {
    arrange: async (ctx: restate.Context, order: Order): Promise<string> => {
      await record(ctx, order.orderId, "shipping");
      if (order.holdMillis) {
        await ctx.sleep(order.holdMillis, "wait for the carrier");
      }
      await record(ctx, order.orderId, "shipped");
      return `parcel-${order.orderId}`;
    },
    callOff: (ctx: restate.Context, order: Order) => record(ctx, order.orderId, "called off"),
  },
});

export const checkoutService = restate.service({
  name: "CheckoutService",
  handlers: {
    checkout: async (ctx: restate.Context, order: Order) => {
      const compensations: (() => PromiseLike<unknown>)[] = [];
      const payments = ctx.serviceClient(paymentService);
      const inventory = ctx.serviceClient(inventoryService);
      const shipping = ctx.serviceClient(shippingService);
      try {
        compensations.push(() => inventory.release(order));
        await inventory.reserve(order);

        const receipt = await payments.processPayment({ amount: order.amount, currency: order.currency });
        compensations.push(async () => {
          await payments.refund(receipt);
          await record(ctx, order.orderId, "refunded");
        });

        compensations.push(() => shipping.callOff(order));
        const parcel = await shipping.arrange(order);
        return { orderId: order.orderId, paymentId: receipt.paymentId, parcel };
      } catch (error) {
        if (error instanceof restate.TerminalError) {
          for (const compensate of compensations.reverse()) {
            await compensate();
          }
        }
        throw error;
      }
    },
  },
});

export type CheckoutService = typeof checkoutService;
