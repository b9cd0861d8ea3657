// SPDX-License-Identifier: Apache-2.0
//
// Services whose settings say how an attempt lives and ends: timeouts, retries, and what a handler overrides.
import * as fs from "node:fs";
import * as path from "node:path";
import process from "node:process";
import { setTimeout as pause } from "node:timers/promises";

import * as restate from "@restatedev/restate-sdk";

import { effect } from "../lib/effects.ts";

const hour = 3_600_000;

function gateIsOpen(name: string): boolean {
  return fs.existsSync(path.join(process.env.PROBE_DIR ?? ".", `gate-${name}`));
}

/** Every await is a suspension: request and response, not a conversation. */
export const turns = restate.service({
  name: "Turns",
  handlers: {
    echo: async (_: restate.Context, input: unknown) => input,
    take: async (ctx: restate.Context, name: string): Promise<unknown[]> => {
      effect("turn", name);
      const run = await ctx.run("run", () => (effect("turn-run", name), 1));
      await ctx.sleep(10);
      return [run, await ctx.serviceClient(turns).echo("called")];
    },
  },
  options: { inactivityTimeout: 0 },
});

/** Is busy outside of every step, so it neither suspends nor answers, until its gate opens. */
export const busy = restate.service({
  name: "Busy",
  handlers: {
    work: async (ctx: restate.Context, name: string): Promise<string> => {
      await ctx.run("begin", () => effect("busy", name));
      while (!gateIsOpen(name)) {
        await pause(10);
      }
      return `worked ${name}`;
    },
  },
  options: {
    inactivityTimeout: 50,
    abortTimeout: 100,
    retryPolicy: { initialInterval: hour, maxInterval: hour, maxAttempts: 1000 },
  },
});

async function fail(_: restate.Context, name: string): Promise<void> {
  effect("failed", name);
  throw new Error(`broken: ${name}`);
}

const moods = ["early", "early", "late", "later", "later", "late"];

/** Fails in one way or another before and behind its step, six times, and in the same way after that. */
async function moody(ctx: restate.Context): Promise<void> {
  moodyAttempts += 1;
  if (moodyAttempts > 2) {
    await ctx.run("step", () => 1);
  }
  throw new Error(moods[moodyAttempts - 1] ?? "later");
}
let moodyAttempts = 0;

/** One attempt for the service, three for one of its handlers. */
export const strict = restate.service({
  name: "Strict",
  handlers: {
    once: fail,
    thrice: restate.createServiceHandler({ retryPolicy: { maxAttempts: 3, initialInterval: 5, onMaxAttempts: "kill" } }, fail),
    moody: restate.createServiceHandler({ retryPolicy: { maxAttempts: 6, initialInterval: 5, onMaxAttempts: "pause" } }, moody),
    pauses: restate.createServiceHandler({ retryPolicy: { maxAttempts: 2, initialInterval: 5, onMaxAttempts: "pause" } }, fail),
  },
  options: { retryPolicy: { maxAttempts: 1, onMaxAttempts: "kill" } },
});

/** Says itself when to come back; a policy that allows one attempt does not count that. */
export const lenient = restate.service({
  name: "Lenient",
  handlers: {
    later: async (_: restate.Context, input: { name: string; millis: number }): Promise<string> => {
      effect("later", input.name);
      if (!gateIsOpen(input.name)) {
        throw new restate.RetryableError("later", { retryAfter: input.millis });
      }
      return `came back ${input.name}`;
    },
  },
  options: { retryPolicy: { maxAttempts: 1, onMaxAttempts: "kill" } },
});

/** Calls a service by name, whoever serves it. */
export const eager = restate.service({
  name: "Eager",
  handlers: {
    call: async (ctx: restate.Context, service: string): Promise<unknown> =>
      ctx.genericCall({ service, method: "answer", parameter: 1, inputSerde: restate.serde.json, outputSerde: restate.serde.json }),
  },
  options: { retryPolicy: { initialInterval: 20, maxInterval: 50, maxAttempts: 10_000 } },
});
