// SPDX-License-Identifier: Apache-2.0
//
// Handlers that fail: terminally, terminally inside a run, for a while, or differently on each replay. The attempts are
// counted in this process, so at most one case may use a counter at a time.
import * as restate from "@restatedev/restate-sdk";

import { counter } from "./objects.ts";

type Failure = { errorMessage: string; metadata?: Record<string, string> };

function terminalError({ errorMessage, metadata }: Failure): restate.TerminalError {
  return new restate.TerminalError(errorMessage, { metadata });
}

/** How often something was tried since it succeeded last. */
class Attempts {
  #count = 0;

  next(): number {
    this.#count += 1;
    return this.#count;
  }

  reset(): void {
    this.#count = 0;
  }
}

const callAttempts = new Attempts();
const successAttempts = new Attempts();
const failureAttempts = new Attempts();
const quickRetries = { initialRetryInterval: 10, retryIntervalFactor: 1 };

const handlers = {
  terminallyFailingCall: async (_ctx: restate.ObjectContext, failure: Failure): Promise<void> => {
    throw terminalError(failure);
  },
  callTerminallyFailingCall: async (ctx: restate.ObjectContext, failure: Failure): Promise<void> => {
    const itself: restate.VirtualObjectDefinition<"Failing", typeof handlers> = { name: "Failing" };
    await ctx.objectClient(itself, ctx.rand.uuidv4()).terminallyFailingCall(failure);
  },
  failingCallWithEventualSuccess: async (): Promise<number> => {
    const attempt = callAttempts.next();
    if (attempt < 4) {
      throw new Error(`attempt ${attempt} fails`);
    }
    callAttempts.reset();
    return attempt;
  },
  terminallyFailingSideEffect: async (ctx: restate.ObjectContext, failure: Failure): Promise<void> => {
    await ctx.run("fail", () => {
      throw terminalError(failure);
    });
  },
  sideEffectSucceedsAfterGivenAttempts: (ctx: restate.ObjectContext, least: number): Promise<number> =>
    ctx.run(
      "succeed in the end",
      () => {
        const attempt = successAttempts.next();
        if (attempt < least) {
          throw new Error(`attempt ${attempt} of the run fails`);
        }
        successAttempts.reset();
        return attempt;
      },
      quickRetries,
    ),
  sideEffectFailsAfterGivenAttempts: async (ctx: restate.ObjectContext, most: number): Promise<number> => {
    try {
      await ctx.run(
        "fail in the end",
        () => {
          throw new Error(`attempt ${failureAttempts.next()} of the run fails`);
        },
        { ...quickRetries, maxRetryAttempts: most },
      );
    } catch (error) {
      if (!(error instanceof restate.TerminalError)) {
        throw error;
      }
      const attempts = await ctx.run("attempts", () => failureAttempts.next() - 1);
      await ctx.run("reset", () => failureAttempts.reset());
      return attempts;
    }
    throw new restate.TerminalError("the run must fail");
  },
};

export const failing = restate.object({ name: "Failing", handlers });

const attemptsOfKey = new Map<string, number>();

/** True on the first, third, ... attempt for this key. */
function goesLeft(ctx: restate.ObjectContext): boolean {
  const attempt = (attemptsOfKey.get(ctx.key) ?? 0) + 1;
  attemptsOfKey.set(ctx.key, attempt);
  return attempt % 2 === 1;
}

/** A point that a replay comes back to, and an effect that must never be reached. */
async function suspendThenCount(ctx: restate.ObjectContext): Promise<void> {
  await ctx.sleep(100);
  ctx.objectSendClient(counter, ctx.key).add(1);
}

export const nonDeterministic = restate.object({
  name: "NonDeterministic",
  handlers: {
    eitherSleepOrCall: async (ctx: restate.ObjectContext) => {
      if (goesLeft(ctx)) {
        await ctx.sleep(100);
      } else {
        await ctx.objectClient(counter, "abc").get();
      }
      await suspendThenCount(ctx);
    },
    callDifferentMethod: async (ctx: restate.ObjectContext) => {
      if (goesLeft(ctx)) {
        await ctx.objectClient(counter, "abc").get();
      } else {
        await ctx.objectClient(counter, "abc").reset();
      }
      await suspendThenCount(ctx);
    },
    backgroundInvokeWithDifferentTargets: async (ctx: restate.ObjectContext) => {
      if (goesLeft(ctx)) {
        ctx.objectSendClient(counter, "abc").get();
      } else {
        ctx.objectSendClient(counter, "abc").reset();
      }
      await suspendThenCount(ctx);
    },
    setDifferentKey: async (ctx: restate.ObjectContext) => {
      ctx.set(goesLeft(ctx) ? "left" : "right", "value");
      await suspendThenCount(ctx);
    },
  },
});
