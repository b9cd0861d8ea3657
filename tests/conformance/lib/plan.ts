// SPDX-License-Identifier: Apache-2.0
//
// Which cases run in which configuration with which SDK, known before anything runs.
import type { Configuration } from "./configurations.ts";
import type { Lack } from "./known.ts";
import { missing, type Sdk } from "./sdks.ts";
import { isSelected, type Suite } from "./suite.ts";

/** One run of node:test. */
export type Cell = { server: string; command: string[]; sdk: string; configuration: string; filter: string };

/** What the SDK lacks for a case of a suite in this configuration. */
function lackedBy(sdk: Sdk, configuration: Configuration, suite: Suite, name: string): string[] {
  const features = [...(suite.needs.features ?? []), ...(suite.caseNeeds?.[name] ?? []), ...(configuration.features ?? [])];
  return missing(sdk, { services: suite.needs.services, features });
}

type PlannedCase = { suite: Suite; name: string; lacks: string[] };

/** All cases of the configuration, with what the SDK lacks for them. */
function allCases(suites: Suite[], configuration: Configuration, sdk: Sdk): PlannedCase[] {
  return suites
    .filter(({ name }) => configuration.suites.includes(name))
    .flatMap((suite) =>
      Object.keys(suite.cases).map((name) => ({
        ...{ suite, name: `${suite.name}.${name}`, lacks: lackedBy(sdk, configuration, suite, name) },
      })),
    );
}

export function plannedSuites(suites: Suite[], configuration: Configuration, sdk: Sdk): Suite[] {
  const planned = allCases(suites, configuration, sdk).filter(({ lacks }) => lacks.length === 0);
  return [...new Set(planned.map(({ suite }) => suite))];
}

export function plannedCases(suites: Suite[], configuration: Configuration, sdk: Sdk, filter: string): string[] {
  return allCases(suites, configuration, sdk)
    .filter(({ name, lacks }) => lacks.length === 0 && isSelected(name, filter))
    .map(({ name }) => name);
}

/** The cases that the SDK cannot express. */
export function lackedCases(suites: Suite[], configuration: Configuration, sdk: Sdk, filter: string): string[] {
  return allCases(suites, configuration, sdk)
    .filter(({ name, lacks }) => lacks.length > 0 && isSelected(name, filter))
    .map(({ name }) => name);
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

/** All features and services that some case or configuration asks an SDK for. */
export function allNeeds(suites: Suite[], configurations: Configuration[]): string[] {
  const ofSuites = suites.flatMap(({ needs, caseNeeds }) => [
    ...[...needs.services, ...(needs.features ?? []), ...Object.values(caseNeeds ?? {}).flat()],
  ]);
  return [...new Set([...ofSuites, ...configurations.flatMap(({ features }) => features ?? [])])];
}

/** What an SDK lacks has a row in known.md with the reason, and nothing else has one. */
export function checkCapabilities(needs: string[], sdk: Sdk, lacks: Lack[]): void {
  const missed = missing(sdk, { services: needs });
  const told = lacks.filter((row) => row.sdk === sdk.name).map((row) => row.what);
  const unexplained = missed.filter((need) => !told.includes(need));
  if (unexplained.length > 0) {
    throw new Error(`${sdk.name}: known.md has no reason for lacking ${unexplained.join(", ")}`);
  }
  const invented = told.filter((what) => !missed.includes(what));
  if (invented.length > 0) {
    throw new Error(`${sdk.name}: known.md says that it lacks what it has, or what nobody needs: ${invented.join(", ")}`);
  }
}

/** The names of cases in caseNeeds are names of cases. */
export function checkCaseNeeds(suites: Suite[]): void {
  for (const { name, cases, caseNeeds } of suites) {
    const lost = Object.keys(caseNeeds ?? {}).filter((one) => !(one in cases));
    if (lost.length > 0) {
      throw new Error(`${name}: needs of cases that do not exist: ${lost.join(", ")}`);
    }
  }
}
