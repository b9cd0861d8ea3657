// SPDX-License-Identifier: Apache-2.0
//
// Runs the cases against one server or both, in every configuration, with every SDK, and prints a table. The last line
// is "N passed, N failed".
import * as fs from "node:fs";
import * as path from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";

import { suites } from "../cases/all.ts";
import { runCell, stopped } from "./cell.ts";
import { configurations, type Configuration } from "./configurations.ts";
import { parseKnown, parseLacks } from "./known.ts";
import { allNeeds, checkCapabilities, checkCaseNeeds, checkNames, lackedCases, plannedCases } from "./plan.ts";
import { Results } from "./results.ts";
import { loadSdk, sdkNames, type Sdk } from "./sdks.ts";
import { markdownTable } from "./table.ts";

const here = import.meta.dirname;
const tableFile = path.join(here, "../../../build/conformance/table.md");

function options() {
  const { values } = parseArgs({
    options: {
      server: { type: "string", default: "both" },
      sdk: { type: "string", multiple: true },
      config: { type: "string", multiple: true },
      case: { type: "string", default: "" },
    },
  });
  const among = (kind: string, chosen: string[], all: string[]) => {
    const unknown = chosen.find((value) => !all.includes(value));
    if (unknown !== undefined) {
      throw new Error(`no ${kind} ${unknown}; there are: ${all.join(", ")}`);
    }
    return chosen.length === 0 ? all : chosen;
  };
  const both = ["reference", "perdure"];
  const { server, sdk = [], config = [] } = values;
  const names = configurations.map(({ name }) => name);
  return {
    whole: server === "both" && sdk.length === 0 && config.length === 0 && values.case === "",
    servers: server === "both" ? both : among("server", [server], both),
    sdks: among("sdk", sdk, sdkNames()),
    configurations: among("configuration", config, names),
    filter: values.case,
  };
}

type Chosen = ReturnType<typeof options>;

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

/** Runs one SDK in one configuration against the chosen servers. */
async function runConfiguration(results: Results, sdk: Sdk, configuration: Configuration, chosen: Chosen): Promise<void> {
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
  for (const name of lackedCases(suites, configuration, sdk, chosen.filter)) {
    results.addLack({ sdk: sdk.name, configuration: configuration.name, name });
  }
}

async function main(): Promise<boolean> {
  const chosen = options();
  fs.rmSync(tableFile, { force: true });
  const told = fs.readFileSync(path.join(here, "../known.md"), "utf8");
  const known = parseKnown(told);
  checkNames(suites, configurations);
  checkCaseNeeds(suites);
  for (const sdk of sdkNames().map(loadSdk)) {
    checkCapabilities(allNeeds(suites, configurations), sdk, parseLacks(told));
  }
  const results = new Results(known);
  const sdks = chosen.sdks.map(loadSdk);
  for (const sdk of sdks) {
    await checkThatCasesCanFail(sdk);
    for (const configuration of configurations.filter(({ name }) => chosen.configurations.includes(name))) {
      await runConfiguration(results, sdk, configuration, chosen);
    }
  }
  if (chosen.whole) {
    fs.mkdirSync(path.dirname(tableFile), { recursive: true });
    fs.writeFileSync(tableFile, markdownTable(results, sdks, known, new Date().toISOString().slice(0, 10)));
    console.log(`\nthe table for the README is in build/conformance/table.md`);
  }
  return results.report(console.log);
}

try {
  process.exit((await main()) ? 0 : 1);
} catch (error) {
  console.error(stopped.signal.aborted ? "stopped" : (error as Error).message);
  process.exit(2);
}
