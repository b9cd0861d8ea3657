// SPDX-License-Identifier: Apache-2.0
//
// Free ports, waiting for a condition, and child processes that are ended by their own process id and leave a log.
// Nothing here waits for a fixed time: a condition is asked again every few milliseconds until its deadline.
import * as child_process from "node:child_process";
import * as fs from "node:fs";
import * as net from "node:net";
import { setTimeout as pause } from "node:timers/promises";

export async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const port = (server.address() as net.AddressInfo).port;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Asks until the answer is neither undefined nor false; a refused or broken connection counts as "not yet". */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  timeoutMs = 30_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let last = "";
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) {
        return answer;
      }
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? "";
      if (!["ECONNREFUSED", "ECONNRESET", "EPIPE", "UND_ERR_SOCKET"].includes(code)) {
        throw error;
      }
      last = ` (last: ${code})`;
    }
    if (Date.now() > deadline) {
      throw new Error(`still waiting after ${timeoutMs} ms: ${what}${last}`);
    }
    await pause(10);
  }
}

export class Child {
  readonly process: child_process.ChildProcess;
  readonly log: string;
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;

  constructor(command: string[], env: Record<string, string>, log: string, cwd?: string) {
    this.log = log;
    const out = fs.openSync(log, "a");
    this.process = child_process.spawn(command[0]!, command.slice(1), {
      env: { ...process.env, ...env },
      stdio: ["ignore", out, out],
      cwd,
      // A group of its own: the reference is started by a wrapper, and both have to end.
      detached: true,
    });
    fs.closeSync(out);
    this.ended = new Promise((resolve) => {
      this.process.once("error", () => resolve({ code: 127, signal: null }));
      this.process.once("exit", (code, signal) => resolve({ code, signal }));
    });
    process.once("exit", this.#killNow);
  }

  get running(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null && this.process.pid !== undefined;
  }

  /** Sends the signal to the group and waits for the end of the process that was started. */
  async end(signal: NodeJS.Signals = "SIGTERM", timeoutMs = 20_000) {
    this.#signal(signal);
    const timer = setTimeout(() => this.#signal("SIGKILL"), timeoutMs);
    const how = await this.ended;
    clearTimeout(timer);
    process.removeListener("exit", this.#killNow);
    return how;
  }

  tail(lines = 40): string {
    return fs.readFileSync(this.log, "utf8").split("\n").slice(-lines).join("\n");
  }

  #killNow = () => this.#signal("SIGKILL");

  #signal(signal: NodeJS.Signals) {
    if (this.running) {
      process.kill(-this.process.pid!, signal);
    }
  }
}
