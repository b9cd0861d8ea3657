// SPDX-License-Identifier: Apache-2.0
//
// What a suite of cases is.
import type { Needs } from "./sdks.ts";
import type { World, WorldOptions } from "./world.ts";

export type Suite = {
  name: string;
  needs: Needs;
  /** Features that single cases need beyond what all need. */
  caseNeeds?: Record<string, string[]>;
  /** Each case starts a server and an endpoint of its own: with these options, or because it stops them. */
  own?: () => WorldOptions;
  cases: Record<string, (world: World) => Promise<void>>;
  timeoutMs?: number;
};

/** Whether the filter, the beginning of a case's full name, lets it run. */
export function isSelected(name: string, filter: string): boolean {
  return name.startsWith(filter);
}
