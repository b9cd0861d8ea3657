// SPDX-License-Identifier: Apache-2.0
//
// Which cases run in which configuration with which SDK, known before anything runs.
import type { Configuration } from "./configurations.ts";
import { missing, type Sdk } from "./sdks.ts";
import { isSelected, type Suite } from "./suite.ts";

/** One run of node:test. */
export type Cell = { server: string; command: string[]; sdk: string; configuration: string; filter: string };

export function plannedSuites(suites: Suite[], configuration: Configuration, sdk: Sdk): Suite[] {
  return suites.filter(
    (suite) => configuration.suites.includes(suite.name) && missing(sdk, suite.needs).length === 0,
  );
}

export function plannedCases(suites: Suite[], configuration: Configuration, sdk: Sdk, filter: string): string[] {
  return plannedSuites(suites, configuration, sdk)
    .flatMap((suite) => Object.keys(suite.cases).map((name) => `${suite.name}.${name}`))
    .filter((name) => isSelected(name, filter));
}

/** A suite that a configuration names but nobody wrote, or the other way round, would silently not run. */
export function checkNames(suites: Suite[], configurations: Configuration[]): void {
  const written = new Set(suites.map(({ name }) => name));
  const named = new Set(configurations.flatMap((configuration) => configuration.suites));
  const lost = [...written.symmetricDifference(named)];
  if (lost.length > 0) {
    throw new Error(`suites without cases or without a configuration: ${lost.join(", ")}`);
  }
}

/** What an SDK cannot run must be said in its sdk.json, with the reason. */
export function checkCapabilities(suites: Suite[], sdk: Sdk): void {
  const unexplained = suites.flatMap((suite) => missing(sdk, suite.needs)).filter((need) => !(need in sdk.lacks));
  if (unexplained.length > 0) {
    throw new Error(`${sdk.name}: sdk.json has no reason for lacking ${[...new Set(unexplained)].join(", ")}`);
  }
}
