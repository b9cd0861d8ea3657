// SPDX-License-Identifier: Apache-2.0
//
// The suite's own judgement: what counts as a failure, as known, and as a row of known.md that has outlived its
// reason; and that no suite or capability can get lost silently.
import assert from "node:assert/strict";
import { test } from "node:test";

import { suites } from "../cases/all.ts";
import { configurations } from "./configurations.ts";
import { parseKnown, parseLacks } from "./known.ts";
import { allNeeds, checkCapabilities, checkCaseNeeds, checkNames, lackedCases, plannedCases } from "./plan.ts";
import { Results } from "./results.ts";
import type { Sdk } from "./sdks.ts";
import { markdownTable } from "./table.ts";

const head = "| server | sdk | configuration | case | passes | reason |\n|---|---|---|---|---|---|\n";
const at = (server: string, name: string, passed: boolean) => ({
  ...{ server, sdk: "typescript", configuration: "default", name, passed, error: "told" },
});

function judge(known: string, ...results: ReturnType<typeof at>[]): { good: boolean; text: string } {
  const judged = new Results(parseKnown(head + known));
  results.forEach((result) => judged.add(result));
  let text = "";
  const good = judged.report((line) => (text += `${line}\n`));
  return { good, text };
}

test("a failure without a row fails the run, and so does no result at all", () => {
  const { good, text } = judge("", at("perdure", "A.one", false), at("perdure", "A.two", true));
  assert.equal(good, false);
  assert.match(text, /told/);
  assert.match(text, /\n1 passed, 1 failed\n$/);
  assert.equal(judge("").good, false);
});

test("a failure with a row does not, and the difference is told with its reason", () => {
  const row = "| perdure | * | default | `A.one` | never | because |\n";
  const { good, text } = judge(row, at("perdure", "A.one", false), at("reference", "A.one", true));
  assert.equal(good, true);
  assert.match(text, /differs: typescript, default, A.one: perdure fails: because/);
  assert.match(text, /\n1 known failures\n1 passed, 0 failed\n$/);
});

test("a row is for its own place only; the name of a suite is for all its cases", () => {
  const row = "| perdure | * | default | A | never | because |\n";
  assert.equal(judge(row, at("reference", "A.one", false), at("perdure", "B.one", true)).good, false);
  assert.equal(judge(row, at("perdure", "AB.one", false), at("perdure", "B.one", true)).good, false);
  assert.equal(judge(row, at("perdure", "A.one", false), at("perdure", "B.one", true)).good, true);
});

test("a row whose cells pass fails the run, unless they pass sometimes", () => {
  assert.equal(judge("| perdure | * | * | A.one | never | because |\n", at("perdure", "A.one", true)).good, false);
  assert.equal(judge("| perdure | * | * | A.one | sometimes | because |\n", at("perdure", "A.one", true)).good, true);
});

test("a row without a reason is refused", () => {
  assert.throws(() => parseKnown(`${head}| perdure | * | default | A.one | never |  |\n`));
});

test("every suite has a configuration and every configuration its suites", () => {
  checkNames(suites, configurations);
  assert.throws(() => checkNames(suites.slice(1), configurations));
  const lost = configurations.map((one) => ({ ...one, suites: one.suites.filter((name) => name !== "Custom") }));
  assert.throws(() => checkNames(suites, lost));
});

const everything = allNeeds(suites, configurations);
const sdkWith = (services: string[]): Sdk => ({
  ...{ name: "some", folder: "", services, features: [], release: "1", lock: "", protocol: [5, 7] },
});

test("what an SDK lacks has a reason, and its cases are not planned", () => {
  const sdk = sdkWith(everything.filter((one) => one !== "signals" && one !== "requestResponse"));
  const lacks = ["signals", "requestResponse"].map((what) => ({ sdk: "some", what, reason: "has none" }));
  assert.throws(() => checkCapabilities(everything, sdk, []));
  checkCapabilities(everything, sdk, lacks);
  assert.throws(() => checkCapabilities(everything, sdk, [...lacks, { sdk: "some", what: "Counter", reason: "it has" }]));
  const [usual, responding] = ["default", "requestResponse"].map((name) => configurations.find((one) => one.name === name)!);
  assert.deepEqual(plannedCases(suites, usual!, sdk, "Signals"), []);
  assert.deepEqual(lackedCases(suites, usual!, sdk, "Signals"), ["Signals.resolve", "Signals.reject"]);
  assert.equal(plannedCases(suites, usual!, sdk, "Combinators").length, 3);
  assert.equal(plannedCases(suites, usual!, sdk, "State.").length, 3);
  assert.deepEqual(plannedCases(suites, responding!, sdk, ""), []);
});

test("what one case needs is needed by a case that exists", () => {
  checkCaseNeeds(suites);
  assert.throws(() => checkCaseNeeds(suites.map((suite) => ({ ...suite, caseNeeds: { none: ["signals"] } }))));
});

test("the reasons of known.md are read for each SDK that a row names", () => {
  const lacks = parseLacks("text\n\n| sdk | lacks | reason |\n|---|---|---|\n| a, b | `signals` | has none |\n");
  assert.deepEqual(lacks, ["a", "b"].map((sdk) => ({ sdk, what: "signals", reason: "has none" })));
  assert.throws(() => parseLacks("no table"));
});

test("the table tells both servers and both modes apart", () => {
  const results = new Results(parseKnown(`${head}| perdure | * | default | A.two | never | because |\n`));
  for (const server of ["perdure", "reference"]) {
    results.add(at(server, "A.one", true));
    results.add({ ...at(server, "A.one", true), configuration: "requestResponse" });
    results.add(at(server, "A.two", server === "reference"));
    results.add({ ...at(server, "A.two", true), configuration: "requestResponse" });
  }
  results.addLack({ sdk: "typescript", configuration: "default", name: "A.three" });
  const table = markdownTable(results, [{ ...sdkWith([]), name: "typescript" }], [], "today");
  assert.match(table, /\n\| A.one \| ok \|\n\| A.two \| perdure known \/ ok \|\n\| A.three \| lacks \|\n/);
  assert.match(table, /\n\| default \| 1 of 2; 2 of 2 \|\n/);
});

test("the counts are those of the ecosystem's suite, and two cases of ours", () => {
  const counts = configurations.map((one) => plannedCases(suites, one, sdkWith(everything), "").length);
  assert.deepEqual(counts, [58, 54, 57, 56, 3, 3, 2, 56, 54]);
});
