// SPDX-License-Identifier: Apache-2.0
//
// Awaiting several things at once: awakeables, runs, sleeps and named signals, in every way the SDK combines them.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import { until } from "../../e2e/lib/process.ts";
import type { Suite } from "../lib/suite.ts";
import { CallError, type Target, type World } from "../lib/world.ts";

const interpreterName = "VirtualObjectCommandInterpreter";
const createSignal = (signalName: string) => ({ type: "createSignal", signalName });
const createAwakeable = (awakeableKey: string) => ({ type: "createAwakeable", awakeableKey });
const runReturns = (value: string) => ({ type: "runReturns", value });
const runThrows = (reason: string) => ({ type: "runThrowTerminalException", reason });

type Sent = { resolve?: Record<string, string>; reject?: Record<string, string> };

/** Interprets one command, sends it the signals at once (perhaps before it waits for them), and gives its result. */
async function interpretWithSignals(world: World, command: unknown, sent: Sent): Promise<string> {
  const interpreter = world.at(interpreterName, randomUUID());
  const { invocationId } = await interpreter.send("interpretCommands", { commands: [command] });
  const utilities = world.service("TestUtilsService");
  for (const [signalName, reason] of Object.entries(sent.reject ?? {})) {
    await utilities.call("rejectSignal", { invocationId, signalName, reason });
  }
  for (const [signalName, value] of Object.entries(sent.resolve ?? {})) {
    await utilities.call("resolveSignal", { invocationId, signalName, value });
  }
  return world.attach<string>(invocationId);
}

function waitForAwakeable(interpreter: Target, key: string): Promise<boolean> {
  return until(`awakeable ${key} is there`, () => interpreter.call<boolean>("hasAwakeable", key));
}

function expectSignals(command: unknown, sent: Sent, expected: string) {
  return async (world: World) => {
    assert.equal(await interpretWithSignals(world, command, sent), expected);
  };
}

export const combinators: Suite = {
  name: "Combinators",
  needs: { services: [interpreterName, "TestUtilsService"], features: ["combinators"] },
  caseNeeds: {
    firstSuccessfulCompletedAwakeable: ["rejectAwakeable", "runCombinators"],
    signalFirstSuccessfulOrAllFailed: ["signals"],
    signalAllSuccessfulOrFirstFailed: ["signals"],
    signalAllCompleted: ["signals"],
    signalFirstCompleted: ["signals"],
    mixedRunWinsRaceAgainstSignal: ["signals", "runCombinators"],
    mixedSignalWinsAfterRunFails: ["signals", "runCombinators"],
    mixedAllSucceededRunAndSignal: ["signals", "runCombinators"],
    mixedAllCompletedRunSignalAndFailedRun: ["signals", "runCombinators"],
  },
  cases: {
    awakeableOrTimeoutUsingAwaitAny: async (world) => {
      const commands = [{ type: "awaitAny", commands: [createAwakeable("awk1"), { type: "sleep", timeoutMillis: 100 }] }];
      assert.equal(await world.at(interpreterName, randomUUID()).call("interpretCommands", { commands }), "sleep");
    },
    awakeableOrTimeoutUsingAwakeableTimeoutCommand: async (world) => {
      const commands = [{ type: "awaitAwakeableOrTimeout", awakeableKey: "awk1", timeoutMillis: 100 }];
      await assert.rejects(
        world.at(interpreterName, randomUUID()).call("interpretCommands", { commands }),
        (error: CallError) => /await-timeout/.test(error.answer.json().message),
      );
    },
    firstSuccessfulCompletedAwakeable: async (world) => {
      const interpreter = world.at(interpreterName, randomUUID());
      const awaited = [
        ...[createAwakeable("awk1"), createAwakeable("awk2"), createAwakeable("awk3")],
        ...[runThrows("one"), runThrows("two"), runThrows("three")],
      ];
      const commands = [{ type: "awaitAnySuccessful", commands: awaited }];
      const { invocationId } = await interpreter.send("interpretCommands", { commands });
      for (const key of ["awk1", "awk2", "awk3"]) {
        await waitForAwakeable(interpreter, key);
      }
      await interpreter.call("rejectAwakeable", { awakeableKey: "awk2", reason: "boom" });
      assert.equal(await world.hasEnded(invocationId), false);
      await interpreter.call("resolveAwakeable", { awakeableKey: "awk1", value: "success1" });
      assert.equal(await world.attach(invocationId), "success1");
      assert.deepEqual(await interpreter.call("getResults"), ["success1"]);
    },
    signalFirstSuccessfulOrAllFailed: expectSignals(
      { type: "awaitFirstSucceededOrAllFailed", commands: [createSignal("sig0"), createSignal("sig1")] },
      { reject: { sig0: "boom" }, resolve: { sig1: "success1" } },
      "success1",
    ),
    signalAllSuccessfulOrFirstFailed: expectSignals(
      {
        type: "awaitAllSucceededOrFirstFailed",
        commands: [createSignal("sig0"), createSignal("sig1"), createSignal("sig2")],
      },
      { resolve: { sig2: "val2", sig0: "val0", sig1: "val1" } },
      "val0|val1|val2",
    ),
    signalAllCompleted: expectSignals(
      { type: "awaitAllCompleted", commands: [createSignal("sig0"), createSignal("sig1"), createSignal("sig2")] },
      { reject: { sig1: "err1" }, resolve: { sig0: "val0", sig2: "val2" } },
      "ok:val0|err:err1|ok:val2",
    ),
    signalFirstCompleted: expectSignals(
      { type: "awaitFirstCompleted", commands: [createSignal("sig0"), createSignal("sig1")] },
      { resolve: { sig1: "first" } },
      "first",
    ),
    mixedRunWinsRaceAgainstSignal: expectSignals(
      { type: "awaitFirstCompleted", commands: [runReturns("runval"), createSignal("never")] },
      {},
      "runval",
    ),
    mixedSignalWinsAfterRunFails: expectSignals(
      { type: "awaitFirstSucceededOrAllFailed", commands: [runThrows("fail"), createSignal("sig")] },
      { resolve: { sig: "sigval" } },
      "sigval",
    ),
    mixedAllSucceededRunAndSignal: expectSignals(
      { type: "awaitAllSucceededOrFirstFailed", commands: [runReturns("runval"), createSignal("sig")] },
      { resolve: { sig: "sigval" } },
      "runval|sigval",
    ),
    mixedAllCompletedRunSignalAndFailedRun: expectSignals(
      { type: "awaitAllCompleted", commands: [runReturns("runval"), createSignal("sig"), runThrows("fail")] },
      { resolve: { sig: "sigval" } },
      "ok:runval|ok:sigval|err:fail",
    ),
  },
};

type Attached = { interpreter: Target; id: string; attached: string };

/** Starts an interpreter that waits for an awakeable before its last commands, and a handler that attaches to it. */
async function attachFromHandler(world: World, last: unknown[]): Promise<Attached> {
  const interpreter = world.at(interpreterName, randomUUID());
  const commands = [{ type: "awaitOne", command: createAwakeable("awk") }, ...last];
  const { invocationId: id } = await interpreter.send("interpretCommands", { commands });
  const { invocationId: attached } = await world.service("TestUtilsService").send("attachInvocation", id);
  await waitForAwakeable(interpreter, "awk");
  return { interpreter, id, attached };
}

export const attach: Suite = {
  name: "Attach",
  needs: { services: [interpreterName, "TestUtilsService"] },
  cases: {
    fromContext: async (world) => {
      const { interpreter, id, attached } = await attachFromHandler(world, []);
      await interpreter.call("resolveAwakeable", { awakeableKey: "awk", value: "hello" });
      assert.equal(await world.attach(attached), "hello");
      // And when there is nothing left to wait for.
      assert.equal(await world.service("TestUtilsService").call("attachInvocation", id), "hello");
    },
    failureFromContext: async (world) => {
      const last = [{ type: "awaitOne", command: runThrows("boom") }];
      const { interpreter, id, attached } = await attachFromHandler(world, last);
      await interpreter.call("resolveAwakeable", { awakeableKey: "awk", value: "go on" });
      const isToldWhy = (error: CallError) => /boom/.test(error.answer.json().message);
      await assert.rejects(world.attach(attached), isToldWhy);
      await assert.rejects(world.service("TestUtilsService").call("attachInvocation", id), isToldWhy);
    },
  },
};

export const signals: Suite = {
  name: "Signals",
  needs: { services: [interpreterName, "TestUtilsService"], features: ["signals"] },
  cases: {
    resolve: expectSignals(
      { type: "awaitOne", command: createSignal("sig") },
      { resolve: { sig: "hello" } },
      "hello",
    ),
    reject: async (world) => {
      const command = { type: "awaitOne", command: createSignal("sig") };
      await assert.rejects(
        interpretWithSignals(world, command, { reject: { sig: "boom" } }),
        (error: CallError) => /boom/.test(error.answer.json().message),
      );
    },
  },
};
