// SPDX-License-Identifier: Apache-2.0
//
// Runs the cases against one server or both, in every configuration, with every SDK, and prints a table. The last line
// is "N passed, N failed".
import * as path from "node:path";
import process from "node:process";
import { run } from "node:test";
import { parseArgs } from "node:util";

import { suites } from "../cases/all.ts";
import { configurations } from "./configurations.ts";
import { loadKnown } from "./known.ts";
import { checkCapabilities, checkNames, plannedCases, type Cell } from "./plan.ts";
import { Results, type Outcome } from "./results.ts";
import { loadSdk, sdkNames } from "./sdks.ts";

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

function tell(error: unknown): string {
  const cause = (error as { cause?: unknown } | undefined)?.cause ?? error;
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
}

const stopped = new AbortController();
for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.once(signal, () => stopped.abort());
}

/** Runs node:test for this cell and gives what each of the cases came to. */
async function runCell(cell: Cell, expected: string[]): Promise<Map<string, Outcome>> {
  process.env.CONFORMANCE_CELL = JSON.stringify(cell);
  const outcomes = new Map<string, Outcome>();
  let other = "";
  const events = run({ files: [path.join(here, "suite.test.ts")], execArgv: ["--test-force-exit"], signal: stopped.signal });
  events.on("test:pass", ({ name }) => {
    if (expected.includes(name)) {
      outcomes.set(name, { passed: true, error: "" });
    }
  });
  events.on("test:fail", ({ name, details }) => {
    if (expected.includes(name)) {
      outcomes.set(name, { passed: false, error: tell(details.error) });
      console.log(`    ${cell.server}, ${cell.configuration}: ${name} fails`);
    } else {
      other += `${name}: ${tell(details.error)}\n`;
    }
  });
  events.on("test:stderr", ({ message }) => process.stderr.write(message));
  for await (const _event of events) {
    // Reading to the end is what makes it run.
  }
  for (const name of expected.filter((one) => !outcomes.has(one))) {
    outcomes.set(name, { passed: false, error: `did not report. ${other}` });
  }
  stopped.signal.throwIfAborted();
  return outcomes;
}

async function main(): Promise<boolean> {
  const chosen = options();
  checkNames(suites, configurations);
  const results = new Results(loadKnown(path.join(here, "../known.md")));
  for (const sdk of chosen.sdks.map(loadSdk)) {
    checkCapabilities(suites, sdk);
    for (const configuration of configurations.filter(({ name }) => chosen.configurations.includes(name))) {
      const expected = plannedCases(suites, configuration, sdk, chosen.filter);
      for (const server of expected.length > 0 ? chosen.servers : []) {
        const begun = performance.now();
        const place = { server, sdk: sdk.name, configuration: configuration.name };
        const outcomes = await runCell({ ...place, command: command(server), filter: chosen.filter }, expected);
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
