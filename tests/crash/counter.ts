// SPDX-License-Identifier: Apache-2.0
// Counters by key, and the additions that other handlers send to them.
import * as restate from "@restatedev/restate-sdk";

import { Walker, type Result } from "./walker.ts";

type Relay = { token: string; key: string; amount: number; delayMs: number };
export type Add = { token: string; amount: number; pauseMs: number; relay?: Relay };

export function sendAdd(ctx: restate.Context, key: string, add: Add, delayMs: number): void {
  const client = ctx.objectSendClient<typeof counter>({ name: "CrashCounter" }, key);
  if (delayMs > 0) {
    client.add(add, restate.rpc.sendOpts({ delay: delayMs }));
  } else {
    client.add(add);
  }
}

export const counter = restate.object({
  name: "CrashCounter",
  handlers: {
    add: async (ctx: restate.ObjectContext, input: Add): Promise<Result> => {
      const walker = new Walker(ctx, input.token);
      const sum = (await ctx.get<number>("sum")) ?? 0;
      const count = (await ctx.get<number>("count")) ?? 0;
      await walker.step(input.pauseMs);
      ctx.set("sum", sum + input.amount);
      ctx.set("count", count + 1);
      if (input.relay) {
        const { token, key, amount, delayMs } = input.relay;
        sendAdd(ctx, key, { token, amount, pauseMs: 0 }, delayMs);
      }
      await walker.step();
      return { ...walker.result, sum: sum + input.amount, count: count + 1 };
    },

    read: restate.handlers.object.shared(
      async (ctx: restate.ObjectSharedContext): Promise<{ sum: number; count: number }> => ({
        sum: (await ctx.get<number>("sum")) ?? 0,
        count: (await ctx.get<number>("count")) ?? 0,
      }),
    ),
  },
});
