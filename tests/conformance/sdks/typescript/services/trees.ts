// SPDX-License-Identifier: Apache-2.0
//
// What is cancelled and killed: a runner that calls an object which blocks in three ways, and a tree of calls of one
// object to itself.
import * as restate from "@restatedev/restate-sdk";

import { awakeableHolder } from "./objects.ts";

type Blocking = "CALL" | "SLEEP" | "AWAKEABLE";
const blockingService: { name: "CancelTestBlockingService" } = { name: "CancelTestBlockingService" };
const killSingleton: { name: "KillTestSingleton" } = { name: "KillTestSingleton" };

type BlockingHandlers = { block: (ctx: restate.ObjectContext, how: Blocking) => Promise<void> };
type SingletonHandlers = { recursiveCall: (ctx: restate.ObjectContext) => Promise<void> };
type BlockingObject = restate.VirtualObjectDefinition<"CancelTestBlockingService", BlockingHandlers>;
type SingletonObject = restate.VirtualObjectDefinition<"KillTestSingleton", SingletonHandlers>;

/** Leaves an awakeable with the holder of the same key and waits for it. */
async function waitToBeUnlocked(ctx: restate.ObjectContext): Promise<void> {
  const { id, promise } = ctx.awakeable<string>();
  await ctx.objectClient(awakeableHolder, ctx.key).hold(id);
  await promise;
}

export const cancelTestRunner = restate.object({
  name: "CancelTestRunner",
  handlers: {
    startTest: async (ctx: restate.ObjectContext, how: Blocking) => {
      try {
        await ctx.objectClient<BlockingObject>(blockingService, ctx.key).block(how);
      } catch (error) {
        if (error instanceof restate.TerminalError && error.code === 409) {
          ctx.set("canceled", true);
        } else {
          throw error;
        }
      }
    },
    verifyTest: async (ctx: restate.ObjectContext) => (await ctx.get<boolean>("canceled")) ?? false,
  },
});

export const cancelTestBlockingService = restate.object({
  name: blockingService.name,
  handlers: {
    block: async (ctx: restate.ObjectContext, how: Blocking) => {
      await waitToBeUnlocked(ctx);
      switch (how) {
        case "CALL":
          return ctx.objectClient<BlockingObject>(blockingService, ctx.key).block(how);
        case "SLEEP":
          return ctx.sleep({ days: 1024 });
        case "AWAKEABLE":
          return ctx.awakeable<void>().promise;
      }
    },
    isUnlocked: async () => {},
  },
});

export const killTestRunner = restate.object({
  name: "KillTestRunner",
  handlers: {
    startCallTree: (ctx: restate.ObjectContext) =>
      ctx.objectClient<SingletonObject>(killSingleton, ctx.key).recursiveCall(),
  },
});

export const killTestSingleton = restate.object({
  name: killSingleton.name,
  handlers: {
    recursiveCall: async (ctx: restate.ObjectContext) => {
      await waitToBeUnlocked(ctx);
      await ctx.objectClient<SingletonObject>(killSingleton, ctx.key).recursiveCall();
    },
    isUnlocked: async () => {},
  },
});
