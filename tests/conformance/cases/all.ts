// SPDX-License-Identifier: Apache-2.0
//
// All suites, in the order of the table.
import type { Suite } from "../lib/suite.ts";
import { callOrdering, ingress, serviceToService, state } from "./calls.ts";
import { attach, combinators, signals } from "./combinators.ts";
import { cancellation, killInvocation } from "./control.ts";
import { killRuntime, sleep, sleepWithFailures, stopRuntime } from "./durability.ts";
import { nonDeterminism, runFlush, runRetry, userErrors } from "./failures.ts";
import { custom, requestSigning, scopeConcurrency, workflowApi } from "./rest.ts";

export const suites: Suite[] = [
  ...[attach, callOrdering, cancellation, combinators, custom, ingress, killInvocation, killRuntime, nonDeterminism],
  ...[requestSigning, runFlush, runRetry, serviceToService, scopeConcurrency, signals, sleep, sleepWithFailures],
  ...[state, stopRuntime, userErrors, workflowApi],
];
