// SPDX-License-Identifier: Apache-2.0
//
// One run of node:test: all cases of one server, SDK and configuration, in a process of their own. A case that does not
// report has failed, whatever the reason.
import * as path from "node:path";
import process from "node:process";
import { run } from "node:test";

import type { Cell } from "./plan.ts";
import type { Outcome } from "./results.ts";

function tell(error: unknown): string {
  const cause = (error as { cause?: unknown } | undefined)?.cause ?? error;
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
}

/** Aborted when this process is told to end: what runs ends in order, with the processes that it started. */
export const stopped = new AbortController();
for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.once(signal, () => stopped.abort());
}

/** Runs node:test for this cell and gives what each of the cases came to. */
export async function runCell(
  cell: Cell,
  expected: string[],
  print: (line: string) => void,
): Promise<Map<string, Outcome>> {
  process.env.CONFORMANCE_CELL = JSON.stringify(cell);
  const outcomes = new Map<string, Outcome>();
  let other = "";
  const events = run({
    files: [path.join(import.meta.dirname, "suite.test.ts")],
    execArgv: ["--test-force-exit"],
    signal: stopped.signal,
  });
  events.on("test:pass", ({ name }) => {
    if (expected.includes(name)) {
      outcomes.set(name, { passed: true, error: "" });
    }
  });
  events.on("test:fail", ({ name, details }) => {
    if (expected.includes(name)) {
      outcomes.set(name, { passed: false, error: tell(details.error) });
      print(`    ${cell.server}, ${cell.configuration}: ${name} fails`);
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
