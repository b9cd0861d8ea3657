// SPDX-License-Identifier: Apache-2.0
//
// Calls from outside and between services: order, one-way calls, keys, delays, headers, raw bytes, and object state.
import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";

import { request } from "../../e2e/lib/http.ts";
import { until } from "../../e2e/lib/process.ts";
import type { Suite } from "../lib/suite.ts";
import { fromMessage, message, type World } from "../lib/world.ts";

function counterIs(world: World, key: string, value: number, timeoutMs?: number): Promise<boolean> {
  const ask = async () => (await world.at("Counter", key).call<number>("get")) === value;
  return until(`the counter is ${value}`, ask, timeoutMs);
}

function addOf(key: string, value: number, more: Record<string, unknown> = {}) {
  return { serviceName: "Counter", virtualObjectKey: key, handlerName: "add", message: message(value), ...more };
}

function ordering(oneWayCalls: boolean[]) {
  return async (world: World) => {
    const key = randomUUID();
    const append = (value: string) => ({
      serviceName: "ListObject",
      virtualObjectKey: key,
      handlerName: "append",
      message: message(value),
    });
    const calls = oneWayCalls.map((oneWayCall, index) => ({
      proxyRequest: append(String(index)),
      oneWayCall,
      awaitAtTheEnd: true,
    }));
    await world.service("Proxy").call("manyCalls", calls);
    assert.deepEqual(await world.at("ListObject", key).call("clear"), ["0", "1", "2"]);
  };
}

export const callOrdering: Suite = {
  name: "CallOrdering",
  needs: { services: ["Proxy", "ListObject"] },
  cases: {
    "ordering[true,false,false]": ordering([true, false, false]),
    "ordering[false,true,false]": ordering([false, true, false]),
    "ordering[false,false,true]": ordering([false, false, true]),
  },
};

export const ingress: Suite = {
  name: "Ingress",
  needs: { services: ["TestUtilsService"] },
  cases: {
    headersPassThrough: async (world) => {
      const value = randomUUID();
      const headers = await world
        .service("TestUtilsService")
        .call<Record<string, string>>("echoHeaders", undefined, { "x-my-header": value });
      assert.equal(headers["x-my-header"], value);
    },
    rawHandler: async (world) => {
      const body = randomBytes(100);
      const answer = await request(`${world.server.ingress}/TestUtilsService/rawEcho`, {
        method: "POST",
        body,
        headers: { "content-type": "application/octet-stream" },
      });
      assert.equal(answer.status, 200);
      assert.equal(answer.headers["content-type"], "application/octet-stream");
      assert.equal(answer.bytes.compare(body), 0);
    },
  },
};

/** The result of an invocation that another service started with an idempotency key. */
async function outputByKey(world: World, key: string, idempotencyKey: string): Promise<unknown> {
  const answer = await world.server.at(`/restate/invocation/Counter/${key}/add/${idempotencyKey}/output`);
  assert.equal(answer.status, 200, answer.text);
  return answer.json();
}

export const serviceToService: Suite = {
  name: "ServiceToServiceCommunication",
  needs: { services: ["Proxy", "TestUtilsService", "Counter"] },
  timeoutMs: 60_000,
  cases: {
    regularCall: async (world) => {
      const bytes = await world.service("Proxy").call<number[]>("call", {
        serviceName: "TestUtilsService",
        handlerName: "uppercaseEcho",
        message: message("ping"),
      });
      assert.equal(fromMessage(bytes), "PING");
    },
    oneWayCall: async (world) => {
      const key = randomUUID();
      await world.service("Proxy").call("oneWayCall", addOf(key, 1));
      await counterIs(world, key, 1);
    },
    oneWayCallWithDelay: async (world) => {
      const key = randomUUID();
      const begun = Date.now();
      const sends = Array.from({ length: 10 }, () =>
        world.service("Proxy").call("oneWayCall", addOf(key, 1, { delayMillis: 5000 })),
      );
      await Promise.all(sends);
      await counterIs(world, key, 10, 40_000);
      const took = Date.now() - begun;
      assert.ok(took >= 5000, `done after ${took} ms, before the delay`);
      assert.ok(took < 30_000, `done after ${took} ms: the delays ran one after another`);
    },
    callWithIdempotencyKey: async (world) => {
      const [key, idempotencyKey] = [randomUUID(), randomUUID()];
      for (let i = 0; i < 3; ++i) {
        const bytes = await world.service("Proxy").call<number[]>("call", addOf(key, 1, { idempotencyKey }));
        assert.deepEqual(fromMessage(bytes), { oldValue: 0, newValue: 1 });
      }
      assert.equal(await world.at("Counter", key).call("get"), 1);
      assert.deepEqual(await outputByKey(world, key, idempotencyKey), { oldValue: 0, newValue: 1 });
    },
    oneWayCallWithIdempotencyKey: async (world) => {
      const [key, idempotencyKey] = [randomUUID(), randomUUID()];
      const ids = new Set<string>();
      for (let i = 0; i < 3; ++i) {
        ids.add(await world.service("Proxy").call<string>("oneWayCall", addOf(key, 1, { idempotencyKey })));
      }
      assert.equal(ids.size, 1, `one key, several invocations: ${[...ids].join()}`);
      await counterIs(world, key, 1);
      // A call without a key to the same object runs behind all of them.
      await world.at("Counter", key).call("add", 10);
      assert.equal(await world.at("Counter", key).call("get"), 11);
      assert.deepEqual(await outputByKey(world, key, idempotencyKey), { oldValue: 0, newValue: 1 });
    },
  },
};

export const state: Suite = {
  name: "State",
  needs: { services: ["Counter", "Proxy", "MapObject"] },
  cases: {
    add: async (world) => {
      const counter = world.at("Counter", randomUUID());
      assert.deepEqual(await counter.call("add", 1), { oldValue: 0, newValue: 1 });
      assert.deepEqual(await counter.call("add", 2), { oldValue: 1, newValue: 3 });
    },
    proxyOneWayAdd: async (world) => {
      const key = randomUUID();
      for (let i = 0; i < 3; ++i) {
        await world.service("Proxy").call("oneWayCall", addOf(key, 1));
      }
      await counterIs(world, key, 3);
    },
    listStateAndClearAll: async (world) => {
      const [one, other] = [world.at("MapObject", randomUUID()), world.at("MapObject", randomUUID())];
      const entries = ["a", "b", "c"].map((key) => ({ key, value: `value of ${key}` }));
      for (const entry of entries) {
        await one.call("set", entry);
        await other.call("set", entry);
      }
      const cleared = await one.call<typeof entries>("clearAll");
      assert.deepEqual(
        cleared.sort((left, right) => left.key.localeCompare(right.key)),
        entries,
      );
      assert.equal(await one.call("get", "a"), "");
      assert.equal(await other.call("get", "a"), "value of a");
    },
  },
};
