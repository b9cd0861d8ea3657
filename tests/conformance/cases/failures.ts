// SPDX-License-Identifier: Apache-2.0
//
// Handlers that fail: terminal errors with their message and metadata on every way, retries of runs and of whole
// attempts, journals that do not match, and runs under constant suspension.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import type { Suite } from "../lib/suite.ts";
import { CallError, type Target, type World } from "../lib/world.ts";

const metadata = { key1: "value1", key2: "value2" };

async function assertFails(target: Target, handler: string, input: unknown, message: string): Promise<void> {
  await assert.rejects(target.call(handler, input), (error: CallError) => {
    assert.match(error.answer.json().message, new RegExp(message));
    return true;
  });
}

function failsWithMessage(handler: string) {
  return async (world: World) => {
    const errorMessage = `message ${randomUUID()}`;
    await assertFails(world.at("Failing", randomUUID()), handler, { errorMessage }, errorMessage);
  };
}

function failsWithMetadata(handler: string) {
  return async (world: World) => {
    const errorMessage = `message ${randomUUID()}`;
    const answer = await world.at("Failing", randomUUID()).ask(handler, { errorMessage, metadata });
    assert.ok(answer.status >= 400, `status ${answer.status}`);
    const body = answer.json();
    assert.match(body.message, new RegExp(errorMessage));
    assert.deepEqual(body.metadata, metadata);
  };
}

export const userErrors: Suite = {
  name: "UserErrors",
  needs: { services: ["Failing", "Counter"] },
  caseNeeds: {
    invokeTerminallyFailingCallWithMetadata: ["errorMetadata"],
    internalCallFailurePropagationWithMetadata: ["errorMetadata"],
    sideEffectWithTerminalErrorWithMetadata: ["errorMetadata"],
    failSeveralTimesWithMetadata: ["errorMetadata"],
  },
  cases: {
    invokeTerminallyFailingCall: failsWithMessage("terminallyFailingCall"),
    internalCallFailurePropagation: failsWithMessage("callTerminallyFailingCall"),
    sideEffectWithTerminalError: failsWithMessage("terminallyFailingSideEffect"),
    failSeveralTimes: async (world) => {
      const target = world.at("Failing", randomUUID());
      for (const errorMessage of ["my error 1", "my error 2", "my error 3"]) {
        await assertFails(target, "terminallyFailingCall", { errorMessage }, errorMessage);
      }
    },
    invokeTerminallyFailingCallWithMetadata: failsWithMetadata("terminallyFailingCall"),
    internalCallFailurePropagationWithMetadata: failsWithMetadata("callTerminallyFailingCall"),
    sideEffectWithTerminalErrorWithMetadata: failsWithMetadata("terminallyFailingSideEffect"),
    failSeveralTimesWithMetadata: async (world) => {
      for (let i = 0; i < 3; ++i) {
        await failsWithMetadata("terminallyFailingCall")(world);
      }
    },
    setStateThenFailShouldPersistState: async (world) => {
      const key = randomUUID();
      await assertFails(world.at("Counter", key), "addThenFail", 1, key);
      assert.equal(await world.at("Counter", key).call("get"), 1);
    },
    invocationWithEventualSuccess: async (world) => {
      assert.equal(await world.at("Failing", randomUUID()).call("failingCallWithEventualSuccess"), 4);
    },
  },
};

export const runRetry: Suite = {
  name: "RunRetry",
  needs: { services: ["Failing"], features: ["runRetryPolicy"] },
  cases: {
    withSuccess: async (world) => {
      const attempts = await world.at("Failing", randomUUID()).call<number>("sideEffectSucceedsAfterGivenAttempts", 3);
      assert.ok(attempts >= 3, `${attempts} attempts`);
    },
    executedOnlyOnce: async (world) => {
      assert.equal(await world.at("Failing", randomUUID()).call("sideEffectFailsAfterGivenAttempts", 1), 1);
    },
    withExhaustedAttempts: async (world) => {
      assert.equal(await world.at("Failing", randomUUID()).call("sideEffectFailsAfterGivenAttempts", 3), 3);
    },
  },
};

function mismatchIsFatal(handler: string) {
  return async (world: World) => {
    const key = randomUUID();
    const counter = world.at("Counter", key);
    await counter.call("add", 1);
    const answer = await world.at("NonDeterministic", key).ask(handler);
    assert.ok(answer.status >= 400, `status ${answer.status}`);
    assert.notEqual(answer.status, 404, answer.text);
    assert.equal(await counter.call("get"), 1);
  };
}

export const nonDeterminism: Suite = {
  name: "NonDeterminismErrors",
  needs: { services: ["NonDeterministic", "Counter"] },
  own: () => ({
    serverEnv: {
      RESTATE_DEFAULT_RETRY_POLICY__INITIAL_INTERVAL: "1ms",
      RESTATE_DEFAULT_RETRY_POLICY__MAX_ATTEMPTS: "1",
      RESTATE_DEFAULT_RETRY_POLICY__ON_MAX_ATTEMPTS: "kill",
    },
  }),
  cases: Object.fromEntries(
    ["eitherSleepOrCall", "callDifferentMethod", "backgroundInvokeWithDifferentTargets", "setDifferentKey"].map(
      (handler) => [`method[${handler}]`, mismatchIsFatal(handler)],
    ),
  ),
};

export const runFlush: Suite = {
  name: "RunFlush",
  needs: { services: ["TestUtilsService"] },
  cases: {
    // Suspended before each run's acknowledgement, the last attempt finds all three results in its journal.
    flush: async (world) => {
      assert.equal(await world.service("TestUtilsService").call("countExecutedSideEffects", 3), 0);
    },
  },
};
