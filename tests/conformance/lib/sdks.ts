// SPDX-License-Identifier: Apache-2.0
//
// An SDK is a folder below sdks/: sdk.json says which services and features its program has, `prepare` installs and
// builds it (and names the toolchain that is missing), `serve` becomes the process that listens on PORT.
import * as fs from "node:fs";
import * as path from "node:path";

import { Child, freePort, until } from "../../e2e/lib/process.ts";
import { request } from "../../e2e/lib/http.ts";

const folder = path.resolve(import.meta.dirname, "../sdks");

export type Needs = { services: string[]; features?: string[] };

export type Sdk = {
  name: string;
  folder: string;
  services: string[];
  features: string[];
  /** The release of the SDK, the file that pins it, and the first and the last service protocol that it speaks. */
  release: string;
  lock: string;
  protocol: [number, number];
};

export function loadSdk(name: string): Sdk {
  const own = path.join(folder, name);
  const sdk: Sdk = { ...JSON.parse(fs.readFileSync(path.join(own, "sdk.json"), "utf8")), name, folder: own };
  if (!fs.readFileSync(path.join(own, sdk.lock), "utf8").includes(sdk.release)) {
    throw new Error(`${name}: ${sdk.lock} does not pin the release ${sdk.release}`);
  }
  return sdk;
}

export function sdkNames(): string[] {
  return fs
    .readdirSync(folder)
    .filter((name) => fs.existsSync(path.join(folder, name, "sdk.json")))
    .sort();
}

/** What the SDK's program would need for this but does not have. */
export function missing(sdk: Sdk, needs: Needs): string[] {
  const has = new Set([...sdk.services, ...sdk.features]);
  return [...needs.services, ...(needs.features ?? [])].filter((one) => !has.has(one));
}

/** The process that serves the SDK's services, on a port that stays the same when it is started again. */
export class Endpoint {
  readonly #sdk: Sdk;
  readonly #log: string;
  readonly #env: Record<string, string>;
  readonly port: number;
  #child: Child | undefined;

  private constructor(sdk: Sdk, port: number, log: string, env: Record<string, string>) {
    this.#sdk = sdk;
    this.port = port;
    this.#log = log;
    this.#env = env;
  }

  static async create(sdk: Sdk, log: string, env: Record<string, string> = {}): Promise<Endpoint> {
    return new Endpoint(sdk, await freePort(), log, env);
  }

  get address(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const env = { PORT: String(this.port), RESTATE_LOGGING: "WARN", ...this.#env };
    const child = new Child([path.join(this.#sdk.folder, "serve")], env, this.#log, this.#sdk.folder);
    this.#child = child;
    await until("the endpoint listens", async () => {
      if (!child.running) {
        throw new Error(`the endpoint ended at start:\n${child.tail()}`);
      }
      try {
        return (await request(`${this.address}/health`)).status > 0;
      } catch (error) {
        // It talks HTTP/2 only, so whatever comes back from an open port will do.
        return (error as NodeJS.ErrnoException).code !== "ECONNREFUSED";
      }
    });
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    await this.#child?.end(signal);
    this.#child = undefined;
  }
}
