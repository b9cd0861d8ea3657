// SPDX-License-Identifier: Apache-2.0
//
// The results of all cells: the table for the reader, and the verdict. A failure counts unless known.md has a
// row for its place; a row counts as a failure when all its places ran and passed.
import { findKnown, type Known, type Place } from "./known.ts";

export type Outcome = { passed: boolean; error: string };
export type Result = Place & Outcome;

export class Results {
  readonly #known: Known[];
  readonly #results: Result[] = [];
  readonly #lacks: Omit<Place, "server">[] = [];

  constructor(known: Known[]) {
    this.#known = known;
  }

  add(result: Result): void {
    this.#results.push(result);
  }

  /** The SDK cannot express this case. */
  addLack(place: Omit<Place, "server">): void {
    this.#lacks.push(place);
  }

  get results(): readonly Result[] {
    return this.#results;
  }

  #mark(result: Result): string {
    if (result.passed) {
      return "ok";
    }
    return findKnown(this.#known, result) ? "known" : "FAIL";
  }

  /** One table for each server and SDK: a row for each case, a column for each configuration. */
  tables(): string {
    const groups = Map.groupBy(this.#results, ({ server, sdk }) => `${server}, ${sdk}`);
    return [...groups].map(([title, results]) => this.#table(title, results)).join("\n");
  }

  #table(title: string, results: Result[]): string {
    const configurations = [...new Set(results.map(({ configuration }) => configuration))];
    const { sdk } = results[0]!;
    const lacked = this.#lacks.filter((one) => one.sdk === sdk && configurations.includes(one.configuration));
    const names = [...new Set([...results, ...lacked].map(({ name }) => name))].sort();
    const width = Math.max(...names.map((name) => name.length), title.length);
    const lines = [[title.padEnd(width), ...configurations].join("  ")];
    for (const name of names) {
      const cells = configurations.map((configuration) => {
        const result = results.find((one) => one.name === name && one.configuration === configuration);
        const lacks = this.lacks({ sdk, configuration, name });
        return (result ? this.#mark(result) : lacks ? "lacks" : "-").padEnd(configuration.length);
      });
      lines.push([name.padEnd(width), ...cells].join("  ").trimEnd());
    }
    return `${lines.join("\n")}\n`;
  }

  lacks({ sdk, configuration, name }: Omit<Place, "server">): boolean {
    return this.#lacks.some((one) => one.sdk === sdk && one.configuration === configuration && one.name === name);
  }

  /** What a server, an SDK and a configuration came to in one case: empty if it did not run there. */
  markAt(place: Place): string {
    const keys = ["server", "sdk", "configuration", "name"] as const;
    const result = this.#results.find((one) => keys.every((key) => one[key] === place[key]));
    return result ? this.#mark(result) : this.lacks(place) ? "lacks" : "";
  }

  /** The cases that an SDK ran or lacks in these configurations. */
  namesIn(sdk: string, configurations: string[]): string[] {
    const places = [...this.#results, ...this.#lacks];
    return places.filter((one) => one.sdk === sdk && configurations.includes(one.configuration)).map(({ name }) => name);
  }

  /** Whether some result fails in the places of this row. */
  failsAt(row: Known): boolean {
    return this.#results.some((result) => !result.passed && findKnown([row], result) !== undefined);
  }

  failures(): Result[] {
    return this.#results.filter((result) => this.#mark(result) === "FAIL");
  }

  /** Rows whose places all ran and passed. */
  #stale(): Known[] {
    return this.#known.filter((row) => {
      const places = this.#results.filter((result) => findKnown([row], result));
      return !row.sometimes && places.length > 0 && places.every(({ passed }) => passed);
    });
  }

  /** The cases in which two servers differ, and whether known.md says why. */
  differences(): string[] {
    const key = ({ sdk, configuration, name }: Place) => `${sdk}, ${configuration}, ${name}`;
    return [...Map.groupBy(this.#results, key)].flatMap(([place, results]) => {
      if (new Set(results.map(({ passed }) => passed)).size < 2) {
        return [];
      }
      const told = results
        .filter(({ passed }) => !passed)
        .map((result) => `${result.server} fails: ${findKnown(this.#known, result)?.reason ?? "NO REASON in known.md"}`);
      return [`${place}: ${told.join("; ")}`];
    });
  }

  /** Prints everything; true if nothing failed. */
  report(print: (line: string) => void): boolean {
    for (const { server, sdk, configuration, name, error } of this.failures()) {
      print(`FAIL ${server}, ${sdk}, ${configuration}: ${name}\n${error.replace(/^/gm, "     ")}`);
    }
    print(`\n${this.tables()}`);
    for (const difference of this.differences()) {
      print(`differs: ${difference}`);
    }
    const stale = this.#stale();
    for (const row of stale) {
      print(`FAIL known.md says that this fails, but it passes: ${row.text}`);
    }
    const passed = this.#results.filter((result) => result.passed).length;
    const failed = this.failures().length + stale.length;
    const known = this.#results.length - passed - this.failures().length;
    if (known > 0) {
      print(`${known} known failures`);
    }
    print(`${passed} passed, ${failed} failed`);
    return failed === 0 && passed > 0;
  }
}
