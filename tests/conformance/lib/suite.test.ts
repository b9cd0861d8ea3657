// SPDX-License-Identifier: Apache-2.0
//
// The file that node:test runs, once for each server, SDK and configuration (the runner beside it says which in the
// environment): a world for all suites that can share one, and a world of its own for each other case.
import process from "node:process";
import { after, before, describe, test } from "node:test";

import { suites } from "../cases/all.ts";
import { plannedCases, plannedSuites, type Cell } from "./plan.ts";
import { configurations } from "./configurations.ts";
import { loadSdk } from "./sdks.ts";
import type { Suite } from "./suite.ts";
import { World } from "./world.ts";

const cell = JSON.parse(process.env.CONFORMANCE_CELL ?? "{}") as Cell;
const configuration = configurations.find(({ name }) => name === cell.configuration)!;
const sdk = loadSdk(cell.sdk);
const planned = plannedSuites(suites, configuration, sdk);
const cases = new Set(plannedCases(suites, configuration, sdk, cell.filter));
const selected = (suite: Suite) => Object.entries(suite.cases).filter(([name]) => cases.has(`${suite.name}.${name}`));

// Ending in order is what ends the servers and the endpoints, each by its process id.
for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.once(signal, () => process.exit(1));
}

let shared: World | undefined;

async function inOwnWorld(suite: Suite, run: (world: World) => Promise<void>): Promise<void> {
  const { serverEnv, endpointEnv } = suite.own!();
  const world = await World.start(cell.command, sdk, {
    serverEnv: { ...configuration.env, ...serverEnv },
    endpointEnv: { ...configuration.endpointEnv, ...endpointEnv },
  });
  try {
    await run(world);
  } finally {
    await world.close();
  }
}

// A service that does not answer must not hold up the run.
const startUp = { timeout: 90_000 };

// Suites run side by side, the cases of one suite one after another: some count attempts in the service's memory.
describe("conformance", { concurrency: 3 }, () => {
  before(async () => {
    if (planned.some((suite) => !suite.own && selected(suite).length > 0)) {
      const { env: serverEnv, endpointEnv } = configuration;
      shared = await World.start(cell.command, sdk, { serverEnv, endpointEnv });
    }
  }, startUp);
  after(() => shared?.close());
  for (const suite of planned) {
    describe(suite.name, { concurrency: 1 }, () => {
      for (const [name, run] of selected(suite)) {
        test(`${suite.name}.${name}`, { timeout: suite.timeoutMs ?? (suite.own ? 60_000 : 30_000) }, () =>
          suite.own ? inOwnWorld(suite, run) : run(shared!),
        );
      }
    });
  }
});
