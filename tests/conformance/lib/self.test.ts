// SPDX-License-Identifier: Apache-2.0
//
// The suite's own judgement: what counts as a failure, as known, and as a row of known.md that has outlived its
// reason; and that no suite or capability can get lost silently.
import assert from "node:assert/strict";
import { test } from "node:test";

import { suites } from "../cases/all.ts";
import { configurations } from "./configurations.ts";
import { parseKnown } from "./known.ts";
import { checkCapabilities, checkNames, plannedCases } from "./plan.ts";
import { Results } from "./results.ts";
import type { Sdk } from "./sdks.ts";

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

test("what an SDK lacks has a reason, and its cases are not planned", () => {
  const all = suites.flatMap(({ needs }) => [...needs.services, ...(needs.features ?? [])]);
  const sdk: Sdk = { name: "some", folder: "", services: all.filter((one) => one !== "signals"), features: [], lacks: {} };
  assert.throws(() => checkCapabilities(suites, sdk));
  checkCapabilities(suites, { ...sdk, lacks: { signals: "has none" } });
  assert.deepEqual(plannedCases(suites, configurations[0]!, sdk, "Signals"), []);
  assert.equal(plannedCases(suites, configurations[0]!, sdk, "State.").length, 3);
});

test("the counts are those of the ecosystem's suite", () => {
  const all = suites.flatMap(({ needs }) => [...needs.services, ...(needs.features ?? [])]);
  const sdk: Sdk = { name: "all", folder: "", services: all, features: [], lacks: {} };
  const counts = configurations.map((one) => plannedCases(suites, one, sdk, "").length);
  assert.deepEqual(counts, [56, 52, 54, 3, 3, 2]);
});
