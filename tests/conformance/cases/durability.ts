// SPDX-License-Identifier: Apache-2.0
//
// What must outlive a process: state over a kill and a stop of the server, sleeps over a kill and a stop of the
// service; and the sleeps themselves.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import { until } from "../../e2e/lib/process.ts";
import type { Suite } from "../lib/suite.ts";
import type { World } from "../lib/world.ts";

function retainsState(signal: NodeJS.Signals) {
  return async (world: World) => {
    const counter = world.at("Counter", "my-key");
    assert.deepEqual(await counter.call("add", 1), { oldValue: 0, newValue: 1 });
    await world.server.stop(signal);
    await world.startServer();
    const key = { "idempotency-key": randomUUID() };
    const update = await until(
      "the server answers again",
      async () => {
        const answer = await counter.ask("add", 2, key);
        return answer.status === 200 && answer.json();
      },
      60_000,
    );
    assert.deepEqual(update, { oldValue: 1, newValue: 3 });
  };
}

export const killRuntime: Suite = {
  name: "KillRuntime",
  needs: { services: ["Counter"] },
  own: () => ({}),
  timeoutMs: 120_000,
  cases: { startAndKillRuntimeRetainsTheState: retainsState("SIGKILL") },
};

export const stopRuntime: Suite = {
  name: "StopRuntime",
  needs: { services: ["Counter"] },
  own: () => ({}),
  timeoutMs: 120_000,
  cases: { startAndStopRuntimeRetainsTheState: retainsState("SIGTERM") },
};

const interpreterName = "VirtualObjectCommandInterpreter";
const sleepOf = (timeoutMillis: number) => ({ type: "awaitOne", command: { type: "sleep", timeoutMillis } });

export const sleep: Suite = {
  name: "Sleep",
  needs: { services: [interpreterName] },
  timeoutMs: 90_000,
  cases: {
    sleep: async (world) => {
      const begun = performance.now();
      await world.at(interpreterName, randomUUID()).call("interpretCommands", { commands: [sleepOf(10)] });
      assert.ok(performance.now() - begun >= 10);
    },
    manySleeps: async (world) => {
      const begun = performance.now();
      const some = () => sleepOf(10 + Math.floor(Math.random() * 41));
      const invocations = Array.from({ length: 50 }, () =>
        world
          .at(interpreterName, randomUUID())
          .call("interpretCommands", { commands: Array.from({ length: 20 }, some) }),
      );
      await Promise.all(invocations);
      assert.ok(performance.now() - begun < 60_000);
    },
  },
};

function sleepsThrough(signal: NodeJS.Signals) {
  return async (world: World) => {
    const interpreter = world.at(interpreterName, randomUUID());
    await interpreter.call("interpretCommands", { commands: [] });
    const started = { type: "awaitOne", command: { type: "runReturns", value: "started" } };
    const begun = performance.now();
    const { invocationId } = await interpreter.send("interpretCommands", { commands: [started, sleepOf(4000)] });
    await until("the sleep is next", async () => (await interpreter.call<string[]>("getResults")).includes("started"));
    await world.endpoint.stop(signal);
    assert.equal(await world.hasEnded(invocationId), false, "it must sleep while its service is away");
    await world.endpoint.start();
    assert.equal(await world.attach(invocationId), "sleep");
    const took = performance.now() - begun;
    assert.ok(took >= 4000, `woken after ${took} ms`);
  };
}

export const sleepWithFailures: Suite = {
  name: "SleepWithFailures",
  needs: { services: [interpreterName] },
  own: () => ({}),
  cases: {
    sleepAndKillServiceEndpoint: sleepsThrough("SIGKILL"),
    sleepAndTerminateServiceEndpoint: sleepsThrough("SIGTERM"),
  },
};
