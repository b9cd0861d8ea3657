// SPDX-License-Identifier: Apache-2.0
//
// Services for the tests only. Each shows one promise of the server from the handler's side: steps that count their
// side effects, handlers that fail until a file exists, state in every form, exclusivity that can be seen from outside.
// Files live in the folder named by PROBE_DIR: the tests open a gate by creating `gate-<name>` there.
import * as fs from "node:fs";
import * as path from "node:path";
import process from "node:process";
import { setTimeout as pause } from "node:timers/promises";

import * as restate from "@restatedev/restate-sdk";

import { effect } from "../lib/effects.ts";

const probeDir = process.env.PROBE_DIR ?? ".";

function gateIsOpen(name: string): boolean {
  return fs.existsSync(path.join(probeDir, `gate-${name}`));
}

async function waitForGate(name: string): Promise<void> {
  while (!gateIsOpen(name)) {
    await pause(10);
  }
}

export type Steps = { id: string; count: number; holdAt?: number; sleepMillis?: number };

/** Counted steps; `holdAt` keeps one of them running until its gate opens, `sleepMillis` sleeps durably after each. */
export const steps = restate.service({
  name: "Steps",
  handlers: {
    work: async (ctx: restate.Context, input: Steps): Promise<number[]> => {
      const results: number[] = [];
      for (let i = 0; i < input.count; i++) {
        const result = await ctx.run(`step ${i}`, async () => {
          effect(`step-${i}`, input.id);
          if (i === input.holdAt) {
            await waitForGate(input.id);
          }
          return i * i;
        });
        results.push(result);
        if (input.sleepMillis) {
          await ctx.sleep(input.sleepMillis);
        }
      }
      return results;
    },
  },
});

/** Fails until `gate-<name>` exists; two attempts, then it waits for an operator. */
export const flaky = restate.service({
  name: "Flaky",
  handlers: {
    once: async (ctx: restate.Context, name: string): Promise<string> => {
      await ctx.run("before the fault", () => effect("flaky", name));
      if (!gateIsOpen(name)) {
        throw new Error(`not repaired yet: ${name}`);
      }
      return `repaired: ${name}`;
    },
  },
  options: { retryPolicy: { maxAttempts: 2, initialInterval: 50, maxInterval: 50, onMaxAttempts: "pause" } },
});

/** Retried until the gate opens, with short intervals. */
export const stubborn = restate.service({
  name: "Stubborn",
  handlers: {
    once: async (_: restate.Context, name: string): Promise<string> => {
      effect("attempt", name);
      if (!gateIsOpen(name)) {
        throw new Error(`not yet: ${name}`);
      }
      return `done: ${name}`;
    },
  },
  options: { retryPolicy: { initialInterval: 20, maxInterval: 50, maxAttempts: 1000 } },
});

/** Two attempts, then killed. */
export const doomed = restate.service({
  name: "Doomed",
  handlers: {
    once: async (): Promise<void> => {
      throw new Error("always broken");
    },
  },
  options: { retryPolicy: { maxAttempts: 2, initialInterval: 20, maxInterval: 20, onMaxAttempts: "kill" } },
});

type Failure = { message: string; code?: number; metadata?: Record<string, string> };

export const probe = restate.service({
  name: "Probe",
  handlers: {
    echo: async (_: restate.Context, input: unknown) => input,
    nothing: async (): Promise<void> => {},
    headers: async (ctx: restate.Context) => Object.fromEntries(ctx.request().headers),
    bytes: restate.handlers.handler(
      { input: restate.serde.binary, output: restate.serde.binary },
      async (_: restate.Context, input: Uint8Array) => input,
    ),
    fail: async (_: restate.Context, failure: Failure): Promise<void> => {
      throw new restate.TerminalError(failure.message, { errorCode: failure.code, metadata: failure.metadata });
    },
    failThrough: async (ctx: restate.Context, failure: Failure): Promise<void> => {
      await ctx.serviceClient(probe).fail(failure);
    },
    nap: async (ctx: restate.Context, millis: number): Promise<string> => {
      await ctx.sleep(millis, "nap");
      return `slept ${millis}`;
    },
    hold: async (ctx: restate.Context, name: string): Promise<string> => {
      await ctx.run("hold", () => waitForGate(name));
      return `held ${name}`;
    },
    fanOut: async (ctx: restate.Context, count: number): Promise<number> => {
      const calls = Array.from({ length: count }, (_, i) => ctx.serviceClient(probe).echo(i));
      const answers = (await restate.RestatePromise.all(calls)) as number[];
      return answers.reduce((sum, n) => sum + n, 0);
    },
    sendLater: async (ctx: restate.Context, input: { key: string; millis: number }): Promise<string> => {
      const handle = ctx.objectSendClient(ledger, input.key).add("later", restate.rpc.sendOpts({ delay: input.millis }));
      ctx.objectSendClient(ledger, input.key).add("now");
      return await handle.invocationId;
    },
    cancelOther: async (ctx: restate.Context, invocationId: string): Promise<void> => {
      ctx.cancel(invocationId as restate.InvocationId);
    },
  },
});

/** Suspends instead of waiting: its inactivity timeout is far below its sleeps. */
export const sleepy = restate.service({
  name: "Sleepy",
  handlers: {
    nap: async (ctx: restate.Context, input: { id: string; millis: number }): Promise<string> => {
      effect("sleepy-attempt", input.id);
      await ctx.run("before", () => effect("before-nap", input.id));
      await ctx.sleep(input.millis);
      await ctx.run("after", () => effect("after-nap", input.id));
      return `slept ${input.millis}`;
    },
  },
  options: { inactivityTimeout: 50 },
});

export const ledger = restate.object({
  name: "Ledger",
  handlers: {
    add: async (ctx: restate.ObjectContext, line: string): Promise<number> => {
      const lines = [...((await ctx.get<string[]>("lines")) ?? []), line];
      ctx.set("lines", lines);
      return lines.length;
    },
    /** Marks its beginning and its end, with a durable sleep in between: two that overlap can be seen in the file. */
    slowAdd: async (ctx: restate.ObjectContext, line: string): Promise<number> => {
      await ctx.run("begin", () => effect("begin", `${ctx.key} ${line}`));
      const lines = (await ctx.get<string[]>("lines")) ?? [];
      await ctx.sleep(20);
      ctx.set("lines", [...lines, line]);
      await ctx.run("end", () => effect("end", `${ctx.key} ${line}`));
      return lines.length + 1;
    },
    hold: async (ctx: restate.ObjectContext, name: string): Promise<string> => {
      await ctx.run("hold", () => waitForGate(name));
      return name;
    },
    lines: restate.handlers.object.shared(async (ctx: restate.ObjectSharedContext): Promise<string[]> => {
      return (await ctx.get<string[]>("lines")) ?? [];
    }),
  },
});

type Change = { op: "set" | "get" | "clear" | "clearAll" | "keys"; key?: string; value?: unknown };

/** Applies a list of state operations in one invocation and answers what the reads saw. */
export const cabinet = restate.object({
  name: "Cabinet",
  handlers: {
    apply: async (ctx: restate.ObjectContext, changes: Change[]): Promise<unknown[]> => {
      const seen: unknown[] = [];
      for (const change of changes) {
        const key = change.key ?? "";
        if (change.op === "set") ctx.set(key, change.value);
        if (change.op === "get") seen.push(await ctx.get(key));
        if (change.op === "clear") ctx.clear(key);
        if (change.op === "clearAll") ctx.clearAll();
        if (change.op === "keys") seen.push((await ctx.stateKeys()).sort());
      }
      return seen;
    },
  },
});

/** A workflow that can be held open, for output before completion and for a second run while it runs. */
export const heldWorkflow = restate.workflow({
  name: "HeldWorkflow",
  handlers: {
    run: async (ctx: restate.WorkflowContext, name: string): Promise<string> => {
      ctx.set("phase", "held");
      await ctx.run("hold", () => waitForGate(name));
      ctx.set("phase", "done");
      return `finished ${name}`;
    },
    phase: restate.handlers.workflow.shared(async (ctx: restate.WorkflowSharedContext) => {
      return (await ctx.get<string>("phase")) ?? "none";
    }),
  },
});

export type Probe = typeof probe;
export type HeldWorkflow = typeof heldWorkflow;
export type Ledger = typeof ledger;
