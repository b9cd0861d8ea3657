// SPDX-License-Identifier: Apache-2.0
//
// Side effects that can be counted from outside both processes: each is one line appended to the file named by
// EFFECTS_FILE (one write with O_APPEND, so lines never mix). Without that variable an effect does nothing.
import * as fs from "node:fs";
import process from "node:process";

export function effect(what: string, who: string): void {
  const file = process.env.EFFECTS_FILE;
  if (file) {
    fs.appendFileSync(file, `${what} ${who}\n`);
  }
}

export function readEffects(file: string): string[] {
  return fs.existsSync(file) ? fs.readFileSync(file, "utf8").split("\n").filter(Boolean) : [];
}
