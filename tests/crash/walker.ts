// SPDX-License-Identifier: Apache-2.0
// What every handler of the crash test is made of: steps that leave a line in the file of effects,
// and notes of what a wait gave. The file lies outside the server and outside this process, so the
// driver can tell how often and in which order steps really ran.
import * as restate from "@restatedev/restate-sdk";
import { openSync, writeSync } from "node:fs";
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";

export type Result = {
  token: string;
  trail: string[];
  nested: Result[];
  stamps: number[];
  sum?: number;
  count?: number;
  state?: [string, unknown][];
};

const effects = openSync(process.env.CRASH_EFFECTS ?? "", "a");

/** One line of the file. The newline in front keeps it whole if a kill tore the one before it. */
function write(line: string): void {
  writeSync(effects, `\n${line}\n`);
}

/** One attempt of one invocation; its steps are numbered in the order they are asked for. */
export class Walker {
  private readonly attempt = randomUUID();
  private next = 0;
  private readonly ctx: restate.Context;
  readonly result: Result;

  constructor(ctx: restate.Context, token: string) {
    this.ctx = ctx;
    this.result = { token, trail: [], nested: [], stamps: [] };
  }

  async step(pauseMs = 0): Promise<void> {
    await this.run(this.next++, pauseMs);
  }

  /** A step that a cancellation interrupts only to be run again. */
  async stepThrough(): Promise<void> {
    const number = this.next++;
    for (;;) {
      try {
        return await this.run(number, 0);
      } catch (error) {
        if (!(error instanceof restate.CancelledError)) throw error;
      }
    }
  }

  /** Notes what a wait gave, in every attempt that gets as far, also when it is replayed. */
  saw(name: string, completion: unknown): void {
    write(`${this.result.token} saw ${name} ${JSON.stringify(completion)}`);
  }

  private async run(number: number, pauseMs: number): Promise<void> {
    const ran = await this.ctx.run(`step-${number}`, async () => {
      write(`${this.result.token} ${number} ${this.attempt}`);
      if (pauseMs > 0) await delay(pauseMs);
      return { attempt: this.attempt, at: Date.now() };
    });
    this.result.trail.push(ran.attempt);
    this.result.stamps.push(ran.at);
  }
}
