// SPDX-License-Identifier: Apache-2.0
//
// The table of a whole run in Markdown, for the README: a row for each case, a column for each SDK; and below it what
// the remaining configurations came to.
import type { Known } from "./known.ts";
import type { Results } from "./results.ts";
import type { Sdk } from "./sdks.ts";

export const servers = ["perdure", "reference"];
const modes = ["default", "requestResponse"];

const row = (fields: string[]) => `| ${fields.join(" | ")} |`;
const head = (fields: string[]) => [row(fields), `|${"---|".repeat(fields.length)}`];

/** What both servers came to: one word where they agree, else who does not pass. */
function ofServers(marks: string[]): string {
  const ran = new Set(marks.filter((mark) => mark !== ""));
  if (ran.size <= 1) {
    return [...ran][0] ?? "";
  }
  return servers
    .map((server, index) => [server, marks[index]!])
    .filter(([, mark]) => mark !== "ok")
    .map(([server, mark]) => `${server} ${mark}`)
    .join(", ");
}

/** Both modes in one cell: one word where they agree or only one of them has the case. */
function cell(results: Results, sdk: Sdk, name: string): string {
  const ofModes = modes.map((configuration) =>
    ofServers(servers.map((server) => results.markAt({ server, sdk: sdk.name, configuration, name }))),
  );
  const ran = new Set(ofModes.filter((mark) => mark !== ""));
  return ran.size > 1 ? ofModes.join(" / ") : ([...ran][0] ?? "-");
}

function casesTable(results: Results, sdks: Sdk[]): string[] {
  const names = [...new Set(sdks.flatMap((sdk) => results.namesIn(sdk.name, modes)))];
  return [
    ...head(["case", ...sdks.map(({ name }) => name)]),
    row(["release", ...sdks.map(({ release }) => release)]),
    row(["service protocol", ...sdks.map(({ protocol }) => [...new Set(protocol)].join(" to "))]),
    ...names.map((name) => row([name, ...sdks.map((sdk) => cell(results, sdk, name))])),
  ];
}

function countsTable(results: Results, sdks: Sdk[]): string[] {
  const configurations = [...new Set(results.results.map(({ configuration }) => configuration))];
  const count = (sdk: string, configuration: string) =>
    servers
      .map((server) => {
        const of = results.results.filter(
          (one) => one.server === server && one.sdk === sdk && one.configuration === configuration,
        );
        return of.length === 0 ? "-" : `${of.filter(({ passed }) => passed).length} of ${of.length}`;
      })
      .join("; ");
  return [
    ...head(["passed: perdure; reference", ...sdks.map(({ name }) => name)]),
    ...configurations.map((one) => row([one, ...sdks.map(({ name }) => count(name, one))])),
  ];
}

export function markdownTable(results: Results, sdks: Sdk[], known: Known[], date: string): string {
  const used = known.filter((one) => results.failsAt(one));
  return [
    `Measured ${date} (\`tests/conformance/run\`): the same cases on this server and on restate-server 1.7.12. \`ok\`: both pass,`,
    "with streams both ways and in request/response mode (`a / b` where the two modes differ). `lacks`: the SDK cannot",
    "express it; `known`: does not pass. Each has its reason in `tests/conformance/known.md`.",
    "",
    ...casesTable(results, sdks),
    "",
    ...countsTable(results, sdks),
    "",
    ...used.map(({ name, server, reason }) => `Known: ${name} on ${server}: ${reason}.`),
    "",
  ].join("\n");
}
