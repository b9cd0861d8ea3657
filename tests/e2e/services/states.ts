// SPDX-License-Identifier: Apache-2.0
//
// Services that come to rest in a state and stay there, for the tests of what an operator can do in each, and one
// handler with every kind of step, whose journal is restarted from.
import * as fs from "node:fs";
import * as path from "node:path";
import process from "node:process";

import * as restate from "@restatedev/restate-sdk";

import { effect } from "../lib/effects.ts";

const hour = 3_600_000;

function gateIsOpen(name: string): boolean {
  return fs.existsSync(path.join(process.env.PROBE_DIR ?? ".", `gate-${name}`));
}

async function tryOnce(ctx: restate.Context, name: string): Promise<string> {
  await ctx.run("before", () => 1);
  effect("try", name);
  if (!gateIsOpen(name)) {
    throw new Error(`not yet: ${name}`);
  }
  return `tried ${name}`;
}

async function tryWithoutStep(_: restate.Context, name: string): Promise<string> {
  effect("try", name);
  if (!gateIsOpen(name)) {
    throw new Error(`not yet: ${name}`);
  }
  return `tried ${name}`;
}

/** Fails, and would try again in an hour. */
export const rest = restate.service({
  name: "Rest",
  handlers: { tryOnce, tryWithoutStep },
  options: { retryPolicy: { initialInterval: hour, maxInterval: hour, maxAttempts: 1000 } },
});

/** Fails, and waits for an operator. */
export const stop = restate.service({
  name: "Stop",
  handlers: { tryOnce, tryWithoutStep },
  options: { retryPolicy: { maxAttempts: 1, initialInterval: 20, onMaxAttempts: "pause" } },
});

export const unkept = restate.service({
  name: "Unkept",
  handlers: { echo: async (_: restate.Context, input: unknown) => input },
  options: { journalRetention: 0 },
});

export const brief = restate.workflow({
  name: "Brief",
  handlers: {
    run: async (_: restate.WorkflowContext, input: unknown) => input,
    look: restate.handlers.workflow.shared(async (_: restate.WorkflowSharedContext, input: unknown) => input),
  },
});

export const trip = restate.service({
  name: "Trip",
  handlers: {
    echo: async (_: restate.Context, input: unknown) => input,
    /** Each run leaves a line; the awakeable's id is in the line "awakeable <name> <id>". */
    all: async (ctx: restate.Context, name: string) => {
      const drawn = ctx.rand.random();
      const first = await ctx.run("first", () => (effect("first", name), 1));
      const call = ctx.serviceClient(trip).echo("called");
      const second = await ctx.run("second", () => (effect("second", name), 2));
      const called = (await call) as string;
      await ctx.sleep(20, "nap");
      const { id, promise } = ctx.awakeable<string>();
      await ctx.run("publish", () => effect("awakeable", `${name} ${id}`));
      const given = await promise;
      const third = await ctx.run("third", () => (effect("third", name), 3));
      return { drawn, first, second, called, given, third };
    },
    /** Ends while its sleep goes on. */
    leaveBehind: async (ctx: restate.Context, name: string): Promise<number> => {
      void ctx.sleep(hour, "left behind");
      return await ctx.run("only", () => (effect("only", name), 1));
    },
  },
});

export type Trip = typeof trip;
