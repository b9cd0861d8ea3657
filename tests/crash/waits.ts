// SPDX-License-Identifier: Apache-2.0
// Handlers whose end comes from outside: awakeables, named signals, the promise of a workflow, and
// work that nothing but a cancellation ends. They say what they saw, and undo what was cancelled.
import * as restate from "@restatedev/restate-sdk";

import { sendAdd, type Add } from "./counter.ts";
import { Walker, type Result } from "./walker.ts";

type Completion = { value: string } | { error: string };
type Held = Result & { outcomes: Completion[]; ids: string[] };
type Undo = { steps: number; key?: string; add?: Add };
type Block = { token: string; what: string; undo: Undo; child?: Block & { key: string } };

const FOREVER_MS = 3_600_000;
const BUSY_STEPS = 200;
const BUSY_PAUSE_MS = 15;

async function completionOf(promise: PromiseLike<string>): Promise<Completion> {
  try {
    return { value: await promise };
  } catch (error) {
    if (!(error instanceof restate.TerminalError)) throw error;
    if (error instanceof restate.CancelledError) throw error;
    return { error: error.message };
  }
}

export const waits = restate.service({
  name: "CrashWaits",
  handlers: {
    /** Waits for each in turn, for the first before anything else; all may be completed before. */
    hold: async (
      ctx: restate.Context,
      input: { token: string; waits: { name: string; kind: "awakeable" | "signal" }[] },
    ): Promise<Held> => {
      const walker = new Walker(ctx, input.token);
      const held: Held = { ...walker.result, outcomes: [], ids: [] };
      const promises = input.waits.map(({ name, kind }) => {
        if (kind === "signal") return ctx.signal<string>(name);
        const { id, promise } = ctx.awakeable<string>();
        held.ids.push(id);
        return promise;
      });
      for (const [i, promise] of promises.entries()) {
        const completion = await completionOf(promise);
        walker.saw(input.waits[i].name, completion);
        held.outcomes.push(completion);
        await walker.step();
      }
      return held;
    },

    /** Completes what another invocation waits for, or cancels it. */
    complete: async (
      ctx: restate.Context,
      input: { token: string; kind: string; id: string; name: string; completion: Completion },
    ): Promise<Result> => {
      const walker = new Walker(ctx, input.token);
      await walker.step();
      const target = ctx.invocation(input.id as restate.InvocationId);
      if (input.kind === "cancel") {
        target.cancel();
      } else if (input.kind === "signal") {
        const signal = target.signal<string>(input.name);
        if ("value" in input.completion) signal.resolve(input.completion.value);
        else signal.reject(input.completion.error);
      } else if ("value" in input.completion) {
        ctx.resolveAwakeable(input.id, input.completion.value);
      } else {
        ctx.rejectAwakeable(input.id, input.completion.error);
      }
      await walker.step();
      return walker.result;
    },
  },
});

/** Runs the work; if it is cancelled, undoes it in journaled steps and fails as cancelled. */
async function undoing<T>(
  ctx: restate.Context,
  input: { token: string; undo?: Undo },
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof restate.CancelledError) || !input.undo) throw error;
    const { steps, key, add } = input.undo;
    const walker = new Walker(ctx, `${input.token}.undo`);
    for (let i = 0; i < steps; i++) await walker.stepThrough();
    if (key && add) sendAdd(ctx, key, add, 0);
    throw error;
  }
}

export const flow = restate.workflow({
  name: "CrashFlow",
  handlers: {
    run: async (
      ctx: restate.WorkflowContext,
      input: { token: string; undo?: Undo },
    ): Promise<Held> =>
      undoing(ctx, input, async () => {
        const walker = new Walker(ctx, input.token);
        await walker.step();
        const completion = await completionOf(ctx.promise<string>("gate").get());
        walker.saw("gate", completion);
        await walker.step();
        return { ...walker.result, outcomes: [completion], ids: [] };
      }),

    give: restate.handlers.workflow.shared(
      async (
        ctx: restate.WorkflowSharedContext,
        input: { token: string; completion: Completion },
      ): Promise<Result & { given: string }> => {
        const walker = new Walker(ctx, input.token);
        await walker.step();
        const promise = ctx.promise<string>("gate");
        let given = "given";
        try {
          if ("value" in input.completion) await promise.resolve(input.completion.value);
          else await promise.reject(input.completion.error);
        } catch (error) {
          if (!(error instanceof restate.TerminalError)) throw error;
          given = error.message;
        }
        await walker.step();
        return { ...walker.result, given };
      },
    ),

    /** What the promise holds now, or null. */
    peek: restate.handlers.workflow.shared(
      async (ctx: restate.WorkflowSharedContext): Promise<Completion | null> => {
        const peeked = ctx.promise<string>("gate").peek();
        const completion = await completionOf(peeked as Promise<string>);
        return "value" in completion && completion.value === undefined ? null : completion;
      },
    ),

    get: restate.handlers.workflow.shared(
      async (ctx: restate.WorkflowSharedContext): Promise<Completion> =>
        completionOf(ctx.promise<string>("gate").get()),
    ),
  },
});

/** Holds its key until it is cancelled. */
export const target = restate.object({
  name: "CrashTarget",
  handlers: {
    hold: async (ctx: restate.ObjectContext, input: Block): Promise<void> =>
      undoing(ctx, input, async () => {
        const walker = new Walker(ctx, input.token);
        await walker.step();
        if (input.what === "awakeable") await ctx.awakeable<string>().promise;
        if (input.what === "signal") await ctx.signal<string>("never");
        if (input.what === "call" && input.child) {
          const { key, ...block } = input.child;
          await ctx.objectClient<typeof target>({ name: "CrashTarget" }, key).hold(block);
        }
        if (input.what === "run") {
          for (let i = 0; i < BUSY_STEPS; i++) await walker.step(BUSY_PAUSE_MS);
        }
        await ctx.sleep(FOREVER_MS);
      }),

    touch: async (_ctx: restate.ObjectContext): Promise<boolean> => true,
  },
});
