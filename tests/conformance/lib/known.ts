// SPDX-License-Identifier: Apache-2.0
//
// known.md: the cells in which a server is known not to pass, each with its reason, and what an SDK cannot express. A
// cell that passes after all has to be taken out, unless the row says that it passes sometimes.
export type Place = { server: string; sdk: string; configuration: string; name: string };
export type Known = Place & { reason: string; sometimes: boolean; text: string };

/** What an SDK's program does not have, because the SDK cannot express it. */
export type Lack = { sdk: string; what: string; reason: string };

const columns = ["server", "sdk", "configuration", "case", "passes", "reason"];
const lackColumns = ["sdk", "lacks", "reason"];

/** The rows of the table with these columns. */
function rowsOf(text: string, wanted: string[]): string[][] {
  const tables = text.split(/\n(?!\|)/).map((part) =>
    part
      .split("\n")
      .filter((line) => line.startsWith("|"))
      .map((line) => line.split("|").slice(1, -1).map((field) => field.trim().replaceAll("`", ""))),
  );
  const table = tables.find(([head]) => head?.join() === wanted.join());
  if (table === undefined) {
    throw new Error(`known.md: there must be a table with the columns ${wanted.join(", ")}`);
  }
  const body = table.slice(2);
  const short = body.find((fields) => fields.length !== wanted.length || fields.includes(""));
  if (short !== undefined) {
    throw new Error(`known.md: a row needs all columns: ${short.join(" | ")}`);
  }
  return body;
}

export function parseKnown(text: string): Known[] {
  return rowsOf(text, columns).map((fields) => {
    const [server, sdk, configuration, name, passes, reason] = fields as [string, string, string, string, string, string];
    if (!["never", "sometimes"].includes(passes)) {
      throw new Error(`known.md: a row needs "never" or "sometimes": ${fields.join(" | ")}`);
    }
    const text = [server, sdk, configuration, name].join(" ");
    return { server, sdk, configuration, name, reason, sometimes: passes === "sometimes", text };
  });
}

/** One row may name several SDKs, with commas between them. */
export function parseLacks(text: string): Lack[] {
  return rowsOf(text, lackColumns).flatMap((fields) => {
    const [sdks, what, reason] = fields as [string, string, string];
    return sdks.split(/,\s*/).map((sdk) => ({ sdk, what, reason }));
  });
}

const matches = (pattern: string, value: string) => pattern === "*" || pattern === value;

export function findKnown(known: Known[], place: Place): Known | undefined {
  return known.find(
    (row) =>
      matches(row.server, place.server) &&
      matches(row.sdk, place.sdk) &&
      matches(row.configuration, place.configuration) &&
      (matches(row.name, place.name) || place.name.startsWith(`${row.name}.`)),
  );
}
