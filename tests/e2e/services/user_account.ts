// SPDX-License-Identifier: Apache-2.0
//
// UserAccount: a virtual object, one per user. Its exclusive handlers run one at a time per key, so that a balance is
// read and written back without a lock; getBalance is shared and reads beside them.
import * as restate from "@restatedev/restate-sdk";

type Account = { balance: number };

export const userAccount = restate.object({
  name: "UserAccount",
  handlers: {
    updateBalance: async (ctx: restate.ObjectContext, change: { amount: number }): Promise<Account> => {
      const balance = ((await ctx.get<number>("balance")) ?? 0) + change.amount;
      ctx.set("balance", balance);
      return { balance };
    },

    getBalance: restate.handlers.object.shared(async (ctx: restate.ObjectSharedContext): Promise<Account> => {
      return { balance: (await ctx.get<number>("balance")) ?? 0 };
    }),
  },
});

export type UserAccount = typeof userAccount;
