// SPDX-License-Identifier: Apache-2.0
// The service of the crash test, on the real TypeScript SDK. Every durable step appends one line
// "<token> <step> <attempt>" to the file CRASH_EFFECTS, which lies outside the server and outside
// this process, so the driver can tell how often and in which order steps really ran.
// Every result carries the attempt that ran each step (a random value that only a journal can
// repeat): an invocation that ran twice cannot give the same bytes twice.
// The handlers never fail except where the load asks for it, and hold nothing in memory.
import * as restate from "@restatedev/restate-sdk";
import { createServer } from "node:http2";

import { counter, sendAdd, type Add } from "./counter.ts";
import { flow, target, waits } from "./waits.ts";
import { Walker, type Result } from "./walker.ts";

type Target = { kind: "call" | "send"; key: string; delayMs: number; add: Add };
type Change = { op: "set" | "clear" | "clearAll"; name: string; value: number };

const steps = restate.service({
  name: "CrashSteps",
  handlers: {
    echo: async (_ctx: restate.Context, input: unknown): Promise<unknown> => input,

    walk: async (
      ctx: restate.Context,
      input: { token: string; steps: number; pauseMs: number },
    ): Promise<Result> => {
      const walker = new Walker(ctx, input.token);
      for (let i = 0; i < input.steps; i++) await walker.step(input.pauseMs);
      return walker.result;
    },

    nap: async (
      ctx: restate.Context,
      input: { token: string; naps: number[] },
    ): Promise<Result> => {
      const walker = new Walker(ctx, input.token);
      await walker.step();
      for (const ms of input.naps) {
        await ctx.sleep(ms);
        await walker.step();
      }
      return walker.result;
    },

    fail: async (
      ctx: restate.Context,
      input: { token: string; steps: number },
    ): Promise<Result> => {
      const walker = new Walker(ctx, input.token);
      for (let i = 0; i < input.steps; i++) await walker.step();
      throw new restate.TerminalError(JSON.stringify(walker.result), { errorCode: 418 });
    },

    chain: async (
      ctx: restate.Context,
      input: { token: string; depth: number },
    ): Promise<Result> => {
      const walker = new Walker(ctx, input.token);
      await walker.step();
      if (input.depth > 0) {
        const below = { token: `${input.token}.d`, depth: input.depth - 1 };
        walker.result.nested.push(
          await ctx.serviceClient<typeof steps>({ name: "CrashSteps" }).chain(below),
        );
        await walker.step();
      }
      return walker.result;
    },

    fan: async (
      ctx: restate.Context,
      input: { token: string; targets: Target[] },
    ): Promise<Result> => {
      const walker = new Walker(ctx, input.token);
      await walker.step();
      for (const target of input.targets) {
        if (target.kind === "call") {
          const client = ctx.objectClient<typeof counter>({ name: "CrashCounter" }, target.key);
          walker.result.nested.push(await client.add(target.add));
        } else {
          sendAdd(ctx, target.key, target.add, target.delayMs);
        }
        await walker.step();
      }
      return walker.result;
    },
  },
});

async function wholeState(ctx: restate.ObjectSharedContext): Promise<[string, unknown][]> {
  const state: [string, unknown][] = [];
  for (const name of (await ctx.stateKeys()).sort()) state.push([name, await ctx.get(name)]);
  return state;
}

const ledger = restate.object({
  name: "CrashLedger",
  handlers: {
    change: async (
      ctx: restate.ObjectContext,
      input: { token: string; changes: Change[] },
    ): Promise<Result> => {
      const walker = new Walker(ctx, input.token);
      for (const change of input.changes) {
        if (change.op === "set") ctx.set(change.name, change.value);
        if (change.op === "clear") ctx.clear(change.name);
        if (change.op === "clearAll") ctx.clearAll();
        await walker.step();
      }
      // The SDK may still name a key that this very invocation has cleared.
      const state = (await wholeState(ctx)).filter(([, value]) => value !== null);
      return { ...walker.result, state };
    },

    read: restate.handlers.object.shared(
      async (ctx: restate.ObjectSharedContext): Promise<[string, unknown][]> => wholeState(ctx),
    ),
  },
});

const handler = restate.createEndpointHandler({
  services: [steps, counter, ledger, waits, flow, target],
});
createServer(handler).listen(Number(process.env.CRASH_PORT), "127.0.0.1");
