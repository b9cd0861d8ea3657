// SPDX-License-Identifier: Apache-2.0
//
// The rest: signed requests, workflows, limits on the concurrency of a scope, and the SDK's own client.
import assert from "node:assert/strict";
import { generateKeyPairSync, randomUUID } from "node:crypto";
import * as fs from "node:fs";
import * as http2 from "node:http2";
import * as os from "node:os";
import * as path from "node:path";
import process from "node:process";

import { Child, until } from "../../e2e/lib/process.ts";
import type { Suite } from "../lib/suite.ts";
import { message, type World } from "../lib/world.ts";

const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

function base58(bytes: Buffer): string {
  let rest = BigInt(`0x${bytes.toString("hex")}`);
  let digits = "";
  for (; rest > 0n; rest /= 58n) {
    digits = alphabet[Number(rest % 58n)] + digits;
  }
  const zeros = bytes.findIndex((byte) => byte !== 0);
  return "1".repeat(zeros < 0 ? bytes.length : zeros) + digits;
}

/** A private key in a file, for the server, and the name of its public key, for the service. */
function identity() {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "perdure-identity-"));
  process.once("exit", () => fs.rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, "private-key.pem");
  fs.writeFileSync(file, privateKey.export({ type: "pkcs8", format: "pem" }));
  // The key itself is the end of its DER encoding.
  const raw = publicKey.export({ type: "spki", format: "der" }).subarray(-32);
  return { file, name: `publickeyv1_${base58(raw)}` };
}

/** The status with which the service answers somebody who does not sign. */
async function statusUnsigned(address: string): Promise<number> {
  const session = http2.connect(address);
  try {
    return await new Promise((resolve, reject) => {
      session.once("error", reject);
      const stream = session.request({ ":method": "GET", ":path": "/discover" });
      stream.once("error", reject);
      stream.once("response", (headers) => resolve(Number(headers[":status"])));
      stream.end();
    });
  } finally {
    session.destroy();
  }
}

export const requestSigning: Suite = {
  name: "ProxyRequestSigning",
  needs: { services: ["Counter"], features: ["requestIdentity"] },
  own: () => {
    const { file, name } = identity();
    return {
      serverEnv: { RESTATE_REQUEST_IDENTITY_PRIVATE_KEY_PEM_FILE: file },
      endpointEnv: { E2E_REQUEST_SIGNING: name },
    };
  },
  cases: {
    requestSigningPass: async (world) => {
      const counter = world.at("Counter", randomUUID());
      assert.deepEqual(await counter.call("add", 1), { oldValue: 0, newValue: 1 });
      assert.equal(await statusUnsigned(world.endpoint.address), 401, "the service must check signatures");
    },
  },
};

export const workflowApi: Suite = {
  name: "WorkflowAPI",
  needs: { services: ["BlockAndWaitWorkflow"] },
  cases: {
    setAndResolve: async (world) => {
      const key = randomUUID();
      const workflow = world.at("BlockAndWaitWorkflow", key);
      const byKey = (verb: string) => world.server.at(`/restate/workflow/BlockAndWaitWorkflow/${key}/${verb}`);

      const first = await workflow.send("run", "input");
      assert.equal(first.status, "Accepted");
      await until("the state is set", async () => (await workflow.call("getState")) === "input");
      assert.equal((await byKey("output")).status, 470);

      await workflow.call("unblock", "output");
      assert.equal((await byKey("attach")).json(), "output");
      assert.equal((await byKey("output")).json(), "output");

      const second = await workflow.send("run", "another input");
      assert.equal(second.status, "PreviouslyAccepted");
      assert.equal(second.invocationId, first.invocationId);
      assert.equal((await byKey("output")).json(), "output");
      assert.equal(await workflow.call("getState"), "input");
    },
  },
};

/** Starts four workers in one scope and limit key whose concurrency is two, and ends them one by one. */
async function limitsConcurrency(world: World): Promise<void> {
  const scope = "conformance";
  const rule = { pattern: `${scope}/tenant`, limits: { concurrency: 2 } };
  const put = await world.server.atAdmin("/limits/rules", { method: "PUT", json: [rule] });
  assert.equal(put.status, 200, put.text);
  const start = (name: string) => {
    const work = { serviceName: "ScopedWorker", handlerName: "work", message: message(name), scope, limitKey: "tenant" };
    return world.service("Proxy").call<string>("oneWayCall", work);
  };
  // The server shows a limit only while something in its scope runs.
  const probe = randomUUID();
  const probeId = await start(probe);
  await until("the limit is in force", async () => {
    const query = `select concurrency_limit from sys_user_limits where scope = '${scope}'`;
    const answer = await world.server.atAdmin("/query", { json: { query }, headers: { accept: "application/json" } });
    assert.equal(answer.status, 200, answer.text);
    return answer.json().rows.some((row: { concurrency_limit?: number }) => row.concurrency_limit === 2);
  });
  const holder = (name: string) => world.at("AwakeableHolder", name);
  await until("the probe runs", () => holder(probe).call<boolean>("hasAwakeable"));
  await holder(probe).call("unlock", "done");
  await world.attach(probeId);

  const names = ["a", "b", "c", "d"].map((name) => `${name}-${randomUUID()}`);
  const ids = new Map<string, string>();
  for (const name of names) {
    ids.set(name, await start(name));
  }
  const holding = async () => {
    const held = await Promise.all(names.map((name) => holder(name).call<boolean>("hasAwakeable")));
    return names.filter((_name, index) => held[index]);
  };
  const ended = new Set<string>();
  while (ended.size < names.length) {
    const running = await until("as many run as may", async () => {
      const now = (await holding()).filter((name) => !ended.has(name));
      return now.length === Math.min(2, names.length - ended.size) && now;
    });
    await holder(running[0]!).call("unlock", "done");
    await world.attach(ids.get(running[0]!)!);
    ended.add(running[0]!);
  }
  assert.equal(await world.service("ScopedWorker").call("mostRunning"), 2);
}

export const scopeConcurrency: Suite = {
  name: "ServiceToServiceScopeConcurrency",
  needs: { services: ["Proxy", "ScopedWorker", "AwakeableHolder"], features: ["scopes"] },
  own: () => ({
    serverEnv: {
      RESTATE_EXPERIMENTAL_ENABLE_VQUEUES: "true",
      RESTATE_EXPERIMENTAL_ENABLE_PROTOCOL_V7: "true",
      RESTATE_WORKER__RULE_BOOK_POLL_INTERVAL: "1s",
    },
  }),
  cases: { scopeAndLimitKeyBoundConcurrency: limitsConcurrency },
};

export const custom: Suite = {
  name: "Custom",
  needs: { services: ["Counter", "BlockAndWaitWorkflow"], features: ["custom"] },
  cases: {
    /** The SDK's program `custom` talks to the server by its own means, and its exit code is the result. */
    run: async (world) => {
      const log = path.join(world.server.folder, "custom.log");
      const env = { RESTATE_INGRESS_URL: world.server.ingress, RESTATE_ADMIN_URL: world.server.admin };
      const child = new Child([path.join(world.sdk.folder, "custom")], env, log, world.sdk.folder);
      const { code } = await child.ended;
      assert.equal(code, 0, child.tail());
    },
  },
};
