// SPDX-License-Identifier: Apache-2.0
//
// Runs the cases against one server or both, in every configuration, with every SDK, and prints a table. The last line
// is "N passed, N failed".
import * as path from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";

import { suites } from "../cases/all.ts";
import { runCell, stopped } from "./cell.ts";
import { configurations } from "./configurations.ts";
import { loadKnown } from "./known.ts";
import { checkCapabilities, checkNames, plannedCases } from "./plan.ts";
import { Results } from "./results.ts";
import { loadSdk, sdkNames, type Sdk } from "./sdks.ts";

const here = import.meta.dirname;

function options() {
  const { values } = parseArgs({
    options: {
      server: { type: "string", default: "both" },
      sdk: { type: "string" },
      config: { type: "string" },
      case: { type: "string", default: "" },
    },
  });
  const among = (kind: string, value: string | undefined, all: string[]) => {
    if (value !== undefined && !all.includes(value)) {
      throw new Error(`no ${kind} ${value}; there are: ${all.join(", ")}`);
    }
    return value === undefined ? all : [value];
  };
  const server = values.server;
  return {
    servers: server === "both" ? ["reference", "perdure"] : among("server", server, ["reference", "perdure"]),
    sdks: among("sdk", values.sdk, sdkNames()),
    configurations: among(
      "configuration",
      values.config,
      configurations.map(({ name }) => name),
    ),
    filter: values.case,
  };
}

function command(server: string): string[] {
  const variable = server === "perdure" ? "PERDURE_BIN" : "REFERENCE_BIN";
  const program = process.env[variable];
  if (!program) {
    throw new Error(`${variable} is not set: start this by tests/conformance/run`);
  }
  return [path.resolve(program)];
}

/** The negative control: against a server that does not start, no case may pass. */
async function checkThatCasesCanFail(sdk: Sdk): Promise<void> {
  const configuration = configurations[0]!;
  const place = { server: "none", command: ["/bin/false"], sdk: sdk.name, configuration: configuration.name };
  const expected = plannedCases(suites, configuration, sdk, "State.");
  const outcomes = await runCell({ ...place, filter: "State." }, expected, () => {});
  if (outcomes.size === 0 || [...outcomes.values()].some(({ passed }) => passed)) {
    throw new Error("cases pass without a server");
  }
}

async function main(): Promise<boolean> {
  const chosen = options();
  checkNames(suites, configurations);
  const results = new Results(loadKnown(path.join(here, "../known.md")));
  for (const sdk of chosen.sdks.map(loadSdk)) {
    checkCapabilities(suites, sdk);
    await checkThatCasesCanFail(sdk);
    for (const configuration of configurations.filter(({ name }) => chosen.configurations.includes(name))) {
      const expected = plannedCases(suites, configuration, sdk, chosen.filter);
      for (const server of expected.length > 0 ? chosen.servers : []) {
        const begun = performance.now();
        const place = { server, sdk: sdk.name, configuration: configuration.name };
        const outcomes = await runCell({ ...place, command: command(server), filter: chosen.filter }, expected, console.log);
        for (const name of expected) {
          results.add({ ...place, name, ...outcomes.get(name)! });
        }
        const passed = [...outcomes.values()].filter((outcome) => outcome.passed).length;
        const seconds = Math.round((performance.now() - begun) / 1000);
        console.log(`... ${server}, ${sdk.name}, ${configuration.name}: ${passed} of ${expected.length} in ${seconds} s`);
      }
    }
  }
  return results.report(console.log);
}

try {
  process.exit((await main()) ? 0 : 1);
} catch (error) {
  console.error(stopped.signal.aborted ? "stopped" : (error as Error).message);
  process.exit(2);
}
