// SPDX-License-Identifier: Apache-2.0
//
// A started server with the services of one SDK registered, and how the cases talk to them. Nothing here knows which
// server it is: a case that passes on one has to pass on the other by the same requests.
import * as path from "node:path";
import process from "node:process";

import { Server } from "../../e2e/lib/harness.ts";
import type { Answer } from "../../e2e/lib/http.ts";
import { until } from "../../e2e/lib/process.ts";
import { commonEnvironment } from "./configurations.ts";
import { Endpoint, type Sdk } from "./sdks.ts";

export type Submission = { invocationId: string; status: string };
export type WorldOptions = { serverEnv?: Record<string, string>; endpointEnv?: Record<string, string> };

/** An answer that is not a success. */
export class CallError extends Error {
  readonly answer: Answer;

  constructor(what: string, answer: Answer) {
    super(`${what}: ${answer.status} ${answer.text}`);
    this.answer = answer;
  }
}

function result<T>(what: string, answer: Answer): T {
  if (answer.status < 200 || answer.status > 299) {
    throw new CallError(what, answer);
  }
  return (answer.text === "" ? undefined : answer.json()) as T;
}

/** One service, or one key of an object or a workflow. */
export class Target {
  readonly #server: Server;
  readonly #path: string;

  constructor(server: Server, service: string, key?: string) {
    this.#server = server;
    this.#path = key === undefined ? `/${service}` : `/${service}/${encodeURIComponent(key)}`;
  }

  ask(handler: string, input?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return this.#server.at(`${this.#path}/${handler}`, { method: "POST", json: input, headers });
  }

  async call<T>(handler: string, input?: unknown, headers: Record<string, string> = {}): Promise<T> {
    return result(`${this.#path}/${handler}`, await this.ask(handler, input, headers));
  }

  async send(handler: string, input?: unknown, headers: Record<string, string> = {}): Promise<Submission> {
    return result(`${this.#path}/${handler}/send`, await this.ask(`${handler}/send`, input, headers));
  }
}

export class World {
  readonly server: Server;
  readonly endpoint: Endpoint;
  readonly sdk: Sdk;

  private constructor(server: Server, endpoint: Endpoint, sdk: Sdk) {
    this.server = server;
    this.endpoint = endpoint;
    this.sdk = sdk;
  }

  static async start(command: string[], sdk: Sdk, options: WorldOptions = {}): Promise<World> {
    const server = await Server.create(options.serverEnv, command);
    Object.assign(server.env, { ...commonEnvironment(server.env.RESTATE_BIND_PORT!), ...server.env });
    const endpoint = await Endpoint.create(sdk, path.join(server.folder, "endpoint.log"), options.endpointEnv);
    const world = new World(server, endpoint, sdk);
    try {
      await Promise.all([world.startServer(), endpoint.start()]);
      await world.register();
    } catch (error) {
      await world.close();
      throw error;
    }
    return world;
  }

  /** Starts the server, and asks it for a dump of its configuration, as the ecosystem's deployer does. */
  async startServer(): Promise<void> {
    await this.server.start();
    process.kill(this.server.child!.process.pid!, "SIGUSR1");
    await until("one member is in the cluster", async () => {
      const answer = await this.server.atAdmin("/cluster-health");
      return answer.status === 200 && answer.json().metadata_cluster_health.members.length === 1;
    });
    const { features } = (await this.server.atAdmin("/version")).json();
    if (String(features.protocol_v7) !== (this.server.env.RESTATE_EXPERIMENTAL_ENABLE_PROTOCOL_V7 ?? "false")) {
      throw new Error("the server offers other versions of the service protocol than it was told to");
    }
  }

  async register(): Promise<void> {
    let last: Answer | undefined;
    const ask = async () => {
      last = await this.server.atAdmin("/deployments", { json: { uri: this.endpoint.address, force: false } });
      return last.status < 500;
    };
    try {
      await until("the services are registered", ask, 20_000);
    } catch (error) {
      throw last ? new CallError(`registration: ${(error as Error).message}`, last) : error;
    }
    const { id } = result<{ id: string }>("registration", last!);
    await this.#checkProtocol(id);
  }

  /** That the SDK speaks what its sdk.json says: an older one is here for the older protocol. */
  async #checkProtocol(deployment: string): Promise<void> {
    type Shown = { min_protocol_version: number; max_protocol_version: number };
    const answer = await this.server.atAdmin(`/deployments/${deployment}`);
    const { min_protocol_version: first, max_protocol_version: last } = result<Shown>("deployment", answer);
    if ([first, last].join() !== this.sdk.protocol.join()) {
      throw new Error(`${this.sdk.name} speaks service protocols ${first} to ${last}, unlike its sdk.json says`);
    }
  }

  async close(): Promise<void> {
    await this.server.stop();
    await this.endpoint.stop();
    this.server.removeFolder();
  }

  service(name: string): Target {
    return new Target(this.server, name);
  }

  at(name: string, key: string): Target {
    return new Target(this.server, name, key);
  }

  async attach<T>(id: string): Promise<T> {
    return result(`attach to ${id}`, await this.server.attach(id));
  }

  /** Repeats the operation, whose refusals do not matter, until the invocation has ended. */
  async endBy(verb: "cancel" | "kill", id: string): Promise<void> {
    await until(`${id} has ended after ${verb}`, async () => {
      const answer = await this.server.atAdmin(`/invocations/${id}/${verb}`, { method: "PATCH" });
      if (answer.status >= 300 && ![404, 409, 503].includes(answer.status)) {
        throw new CallError(verb, answer);
      }
      return this.hasEnded(id);
    });
  }

  async hasEnded(id: string): Promise<boolean> {
    return (await this.server.output(id)).status !== 470;
  }
}

/** The JSON of a value as the proxy takes it: signed bytes. */
export function message(value?: unknown): number[] {
  return value === undefined ? [] : [...new Int8Array(Buffer.from(JSON.stringify(value)))];
}

/** The JSON value in the bytes that the proxy gives. */
export function fromMessage<T>(bytes: number[]): T {
  return JSON.parse(Buffer.from(bytes).toString("utf8")) as T;
}
