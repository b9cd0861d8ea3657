// SPDX-License-Identifier: Apache-2.0
//
// Ending what blocks: cancel from outside and from a handler, and kill, each of which has to free the keys that the
// whole tree of calls holds.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import { until } from "../../e2e/lib/process.ts";
import type { Suite } from "../lib/suite.ts";
import { message, type World } from "../lib/world.ts";

/** Waits until the blocking object has left its awakeable with the holder, and resolves it. */
async function unlock(world: World, key: string): Promise<void> {
  const holder = world.at("AwakeableHolder", key);
  await until("the awakeable is held", () => holder.call<boolean>("hasAwakeable"));
  await holder.call("unlock", "go on");
}

async function assertCanceled(world: World, key: string): Promise<void> {
  assert.equal(await world.at("CancelTestRunner", key).call("verifyTest"), true);
  await world.at("CancelTestBlockingService", key).call("isUnlocked");
}

function fromAdminApi(how: string) {
  return async (world: World) => {
    const key = randomUUID();
    const { invocationId } = await world.at("CancelTestRunner", key).send("startTest", how);
    await unlock(world, key);
    await world.endBy("cancel", invocationId);
    await assertCanceled(world, key);
  };
}

function fromContext(how: string) {
  return async (world: World) => {
    const key = randomUUID();
    const invocationId = await world.service("Proxy").call<string>("oneWayCall", {
      serviceName: "CancelTestRunner",
      virtualObjectKey: key,
      handlerName: "startTest",
      message: message(how),
    });
    await unlock(world, key);
    await until("the invocation is cancelled", async () => {
      await world.service("TestUtilsService").call("cancelInvocation", invocationId);
      return world.hasEnded(invocationId);
    });
    await assertCanceled(world, key);
  };
}

export const cancellation: Suite = {
  name: "Cancellation",
  needs: {
    services: [
      ...["CancelTestRunner", "CancelTestBlockingService", "AwakeableHolder", "Proxy", "TestUtilsService"],
    ],
  },
  cases: {
    "cancelFromAdminAPI[CALL]": fromAdminApi("CALL"),
    "cancelFromAdminAPI[SLEEP]": fromAdminApi("SLEEP"),
    "cancelFromAdminAPI[AWAKEABLE]": fromAdminApi("AWAKEABLE"),
    "cancelFromContext[CALL]": fromContext("CALL"),
    "cancelFromContext[SLEEP]": fromContext("SLEEP"),
    "cancelFromContext[AWAKEABLE]": fromContext("AWAKEABLE"),
  },
};

export const killInvocation: Suite = {
  name: "KillInvocation",
  needs: { services: ["KillTestRunner", "KillTestSingleton", "AwakeableHolder"] },
  cases: {
    kill: async (world) => {
      const key = randomUUID();
      const { invocationId } = await world.at("KillTestRunner", key).send("startCallTree");
      await unlock(world, key);
      await world.endBy("kill", invocationId);
      await world.at("KillTestSingleton", key).call("isUnlocked");
    },
  },
};
