// SPDX-License-Identifier: Apache-2.0
//
// known.md: the cells in which a server is known not to pass, each with its reason. One that passes after all has to
// be taken out, unless the row says that it passes sometimes.
import * as fs from "node:fs";

export type Place = { server: string; sdk: string; configuration: string; name: string };
export type Known = Place & { reason: string; sometimes: boolean; text: string };

const columns = ["server", "sdk", "configuration", "case", "passes", "reason"];

export function parseKnown(text: string): Known[] {
  const rows = text
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map((line) => line.split("|").slice(1, -1).map((field) => field.trim().replaceAll("`", "")));
  const [head, , ...body] = rows;
  if (head?.join() !== columns.join()) {
    throw new Error(`known.md: the columns must be ${columns.join(", ")}`);
  }
  return body.map((fields) => {
    const [server, sdk, configuration, name, passes, reason] = fields as [string, string, string, string, string, string];
    if (fields.length !== columns.length || !reason || !["never", "sometimes"].includes(passes)) {
      throw new Error(`known.md: a row needs all columns, and "never" or "sometimes": ${fields.join(" | ")}`);
    }
    const text = [server, sdk, configuration, name].join(" ");
    return { server, sdk, configuration, name, reason, sometimes: passes === "sometimes", text };
  });
}

export function loadKnown(file: string): Known[] {
  return parseKnown(fs.readFileSync(file, "utf8"));
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
