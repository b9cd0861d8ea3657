// SPDX-License-Identifier: Apache-2.0
//
// Handlers that wait for others: awakeables, promises of a workflow, results of other invocations.
import * as restate from "@restatedev/restate-sdk";

import { effect } from "../lib/effects.ts";

/** Writes the awakeable's id to the file of effects, waits for it, and says what came. */
export const waiter = restate.service({
  name: "Waiter",
  handlers: {
    awakeable: async (ctx: restate.Context, name: string): Promise<unknown> => {
      const { id, promise } = ctx.awakeable<unknown>();
      await ctx.run("publish", () => effect("awakeable", `${name} ${id}`));
      try {
        return { value: await promise };
      } catch (error) {
        return { error: (error as Error).message };
      }
    },
    raw: async (ctx: restate.Context, name: string): Promise<number[]> => {
      const { id, promise } = ctx.awakeable<Uint8Array>(restate.serde.binary);
      await ctx.run("publish", () => effect("awakeable", `${name} ${id}`));
      return [...(await promise)];
    },
    resolve: async (ctx: restate.Context, to: { id: string; value: unknown }): Promise<void> => {
      ctx.resolveAwakeable(to.id, to.value);
    },
    reject: async (ctx: restate.Context, to: { id: string; reason: string }): Promise<void> => {
      ctx.rejectAwakeable(to.id, to.reason);
    },
    signal: async (ctx: restate.Context, name: string): Promise<unknown> => {
      effect("signal", `${name} ${ctx.request().id}`);
      return [await ctx.signal<number>("first"), await ctx.signal<string>("second")];
    },
    sendSignal: async (ctx: restate.Context, to: { id: string; name: string; value: unknown }): Promise<void> => {
      ctx.invocation(to.id as restate.InvocationId).signal(to.name).resolve(to.value);
    },
    attach: async (ctx: restate.Context, id: string): Promise<unknown> => {
      try {
        return { value: await ctx.attach<unknown>(id as restate.InvocationId) };
      } catch (error) {
        return { code: (error as restate.TerminalError).code, error: (error as Error).message };
      }
    },
  },
});

/** Waits for the promise "approval"; shared handlers give, look at and wait for it too. */
export const approval = restate.workflow({
  name: "Approval",
  handlers: {
    run: async (ctx: restate.WorkflowContext): Promise<string> => `run: ${await ctx.promise<string>("approval")}`,
    wait: restate.handlers.workflow.shared(
      async (ctx: restate.WorkflowSharedContext): Promise<string> => await ctx.promise<string>("approval"),
    ),
    peek: restate.handlers.workflow.shared(
      async (ctx: restate.WorkflowSharedContext): Promise<string | null> =>
        (await ctx.promise<string>("approval").peek()) ?? null,
    ),
    give: restate.handlers.workflow.shared(async (ctx: restate.WorkflowSharedContext, value: string): Promise<string> => {
      try {
        await ctx.promise<string>("approval").resolve(value);
        return "given";
      } catch (error) {
        return (error as Error).message;
      }
    }),
  },
});
