// SPDX-License-Identifier: Apache-2.0
//
// The object that executes a list of commands on awaitables, and the workflow that blocks on a durable promise.
import process from "node:process";

import * as restate from "@restatedev/restate-sdk";

type Awaitable =
  | { type: "createAwakeable"; awakeableKey: string }
  | { type: "sleep"; timeoutMillis: number }
  | { type: "runReturns"; value: string }
  | { type: "runThrowTerminalException"; reason: string }
  | { type: "createSignal"; signalName: string };

type Combinator =
  | "awaitAny"
  | "awaitAnySuccessful"
  | "awaitFirstCompleted"
  | "awaitFirstSucceededOrAllFailed"
  | "awaitAllSucceededOrFirstFailed"
  | "awaitAllCompleted";

type Resolve = { awakeableKey: string; value: string };
type Reject = { awakeableKey: string; reason: string };

type Command =
  | { type: "awaitOne"; command: Awaitable }
  | { type: Combinator; commands: Awaitable[] }
  | { type: "awaitAwakeableOrTimeout"; awakeableKey: string; timeoutMillis: number }
  | ({ type: "resolveAwakeable" } & Resolve)
  | ({ type: "rejectAwakeable" } & Reject)
  | { type: "getEnvVariable"; envName: string };

const stateKey = (awakeableKey: string) => `awk-${awakeableKey}`;

function createAwakeable(ctx: restate.ObjectContext, awakeableKey: string) {
  const { id, promise } = ctx.awakeable<string>();
  ctx.set(stateKey(awakeableKey), id);
  return promise;
}

function create(ctx: restate.ObjectContext, awaitable: Awaitable): restate.RestatePromise<string> {
  switch (awaitable.type) {
    case "createAwakeable":
      return createAwakeable(ctx, awaitable.awakeableKey);
    case "sleep":
      return ctx.sleep(awaitable.timeoutMillis).map((_value, failure) => {
        if (failure) {
          throw failure;
        }
        return "sleep";
      });
    case "runReturns":
      return ctx.run("return", () => awaitable.value);
    case "runThrowTerminalException":
      return ctx.run<string>("throw", () => {
        throw new restate.TerminalError(awaitable.reason);
      });
    case "createSignal":
      return ctx.signal<string>(awaitable.signalName);
  }
}

async function anySuccessful(promises: restate.RestatePromise<string>[]): Promise<string> {
  try {
    return await restate.RestatePromise.any(promises);
  } catch (error) {
    if (error instanceof AggregateError) {
      throw new restate.TerminalError(error.errors.map((one) => one.message).join("|"));
    }
    throw error;
  }
}

async function combine(kind: Combinator, promises: restate.RestatePromise<string>[]): Promise<string> {
  switch (kind) {
    case "awaitAny":
    case "awaitFirstCompleted":
      return restate.RestatePromise.race(promises);
    case "awaitAnySuccessful":
    case "awaitFirstSucceededOrAllFailed":
      return anySuccessful(promises);
    case "awaitAllSucceededOrFirstFailed":
      return (await restate.RestatePromise.all(promises)).join("|");
    case "awaitAllCompleted": {
      const settled = await restate.RestatePromise.allSettled(promises);
      return settled
        .map((one) => (one.status === "fulfilled" ? `ok:${one.value}` : `err:${one.reason.message}`))
        .join("|");
    }
  }
}

async function heldId(ctx: restate.ObjectSharedContext, awakeableKey: string): Promise<string> {
  const id = await ctx.get<string>(stateKey(awakeableKey));
  if (id === null) {
    throw new restate.TerminalError(`no awakeable ${awakeableKey}`);
  }
  return id;
}

async function execute(ctx: restate.ObjectContext, command: Command): Promise<string> {
  switch (command.type) {
    case "awaitOne":
      return create(ctx, command.command);
    case "awaitAwakeableOrTimeout":
      try {
        return await createAwakeable(ctx, command.awakeableKey).orTimeout(command.timeoutMillis);
      } catch (error) {
        throw error instanceof restate.TimeoutError ? new restate.TerminalError("await-timeout") : error;
      }
    case "resolveAwakeable":
      ctx.resolveAwakeable(await heldId(ctx, command.awakeableKey), command.value);
      return "";
    case "rejectAwakeable":
      ctx.rejectAwakeable(await heldId(ctx, command.awakeableKey), command.reason);
      return "";
    case "getEnvVariable":
      return ctx.run("environment", () => process.env[command.envName] ?? "");
    default:
      return combine(
        command.type,
        command.commands.map((one) => create(ctx, one)),
      );
  }
}

export const commandInterpreter = restate.object({
  name: "VirtualObjectCommandInterpreter",
  handlers: {
    interpretCommands: async (ctx: restate.ObjectContext, { commands }: { commands: Command[] }) => {
      let result = "";
      for (const command of commands) {
        result = await execute(ctx, command);
        const results = (await ctx.get<string[]>("results")) ?? [];
        ctx.set("results", [...results, result]);
      }
      return result;
    },
    resolveAwakeable: restate.handlers.object.shared(
      async (ctx: restate.ObjectSharedContext, { awakeableKey, value }: Resolve) =>
        ctx.resolveAwakeable(await heldId(ctx, awakeableKey), value),
    ),
    rejectAwakeable: restate.handlers.object.shared(
      async (ctx: restate.ObjectSharedContext, { awakeableKey, reason }: Reject) =>
        ctx.rejectAwakeable(await heldId(ctx, awakeableKey), reason),
    ),
    hasAwakeable: restate.handlers.object.shared(
      async (ctx: restate.ObjectSharedContext, key: string) => (await ctx.get(stateKey(key))) !== null,
    ),
    // Beyond the contract, for the client's own test.
    getAwakeable: restate.handlers.object.shared((ctx: restate.ObjectSharedContext, key: string) =>
      ctx.get<string>(stateKey(key)),
    ),
    getResults: restate.handlers.object.shared(
      async (ctx: restate.ObjectSharedContext) => (await ctx.get<string[]>("results")) ?? [],
    ),
  },
});

export const blockAndWaitWorkflow = restate.workflow({
  name: "BlockAndWaitWorkflow",
  handlers: {
    run: async (ctx: restate.WorkflowContext, input: string) => {
      ctx.set("input", input);
      const promise = ctx.promise<string>("unblocked");
      const output = await promise;
      if ((await promise.peek()) === undefined) {
        throw new restate.TerminalError("a promise that was awaited must be completed");
      }
      return output;
    },
    unblock: async (ctx: restate.WorkflowSharedContext, output: string) => {
      await ctx.promise<string>("unblocked").resolve(output);
    },
    getState: (ctx: restate.WorkflowSharedContext) => ctx.get<string>("input"),
  },
});
