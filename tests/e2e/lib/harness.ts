// SPDX-License-Identifier: Apache-2.0
//
// Starts the server under test and the endpoint with the real SDK, each a process of its own on free loopback ports,
// with its data in a temporary folder. The server command comes from PERDURE_BIN (default build/release/perdure); it
// may also name the reference server, which the tests of the shared behaviour pass too: `isReference` says so, and
// what only one of both has (our way to look at things, their SQL) is hidden behind `invocations()` and `journal()`.
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import process from "node:process";

import { request, type Answer, type Request } from "./http.ts";
import { Child, freePort, until } from "./process.ts";
import { readEffects } from "./effects.ts";

const here = import.meta.dirname;
const root = path.resolve(here, "../../..");

export function serverCommand(): string[] {
  return [path.resolve(root, process.env.PERDURE_BIN ?? "build/release/perdure")];
}

export type Invocation = { id: string; status: string; [column: string]: unknown };
export type Verb = "cancel" | "kill" | "resume" | "pause" | "restart-as-new" | "purge" | "purge-journal";
export type JournalEntry = { index: number; entry_type: string; name: string | null; appended_at: string | null };
export type Failure = {
  error_code: number;
  error_message: string;
  error_stacktrace?: string;
  restate_doc_error_code?: string;
  related_command_index?: number;
  related_command_name?: string;
  related_command_type?: string;
};
export type JournalEvent = { after: number; ty: string; last_failure?: Failure } & Partial<Failure>;

export class Server {
  readonly folder: string;
  readonly ingress: string;
  readonly admin: string;
  readonly ingressPort: number;
  readonly adminPort: number;
  readonly env: Record<string, string>;
  readonly command: string[];
  isReference = false;
  child: Child | undefined;

  private constructor(folder: string, ports: number[], env: Record<string, string>, command: string[]) {
    this.folder = folder;
    this.command = command;
    this.ingressPort = ports[0]!;
    this.adminPort = ports[1]!;
    this.ingress = `http://127.0.0.1:${this.ingressPort}`;
    this.admin = `http://127.0.0.1:${this.adminPort}`;
    this.env = {
      RESTATE_BASE_DIR: path.join(folder, "data"),
      RESTATE_NODE_NAME: "node1",
      RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${this.ingressPort}`,
      RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${this.adminPort}`,
      RESTATE_BIND_PORT: String(ports[2]!),
      RESTATE_BIND_IP: "127.0.0.1",
      RESTATE_LISTEN_MODE: "tcp",
      DO_NOT_TRACK: "true",
      ...env,
    };
  }

  static async create(env: Record<string, string> = {}, command = serverCommand()): Promise<Server> {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "perdure-e2e-"));
    fs.mkdirSync(path.join(folder, "data"));
    return new Server(folder, [await freePort(), await freePort(), await freePort()], env, command);
  }

  /** Starts the process; with the same folder and ports each time. Does not wait. */
  launch(): Child {
    this.child = new Child(this.command, this.env, path.join(this.folder, "server.log"), this.folder);
    return this.child;
  }

  async start(): Promise<void> {
    const child = this.launch();
    await until("the server is healthy", async () => {
      if (!child.running) {
        throw new Error(`the server ended at start:\n${child.tail()}`);
      }
      return (await this.atAdmin("/health")).status === 200 && (await this.at("/restate/health")).status === 200;
    });
    const version = (await this.atAdmin("/version")).json();
    this.isReference = version.perdure_version === undefined;
  }

  async stop(signal: NodeJS.Signals = "SIGTERM") {
    const how = await this.child?.end(signal);
    this.child = undefined;
    return how;
  }

  async restart(signal: NodeJS.Signals): Promise<void> {
    await this.stop(signal);
    await this.start();
  }

  removeFolder() {
    if (!process.env.PERDURE_E2E_KEEP) {
      fs.rmSync(this.folder, { recursive: true, force: true });
    }
  }

  /** A request to the ingress port; POST if there is a body. */
  at(route: string, options: Request = {}): Promise<Answer> {
    const hasBody = options.body !== undefined || options.json !== undefined;
    return request(this.ingress + route, { method: hasBody ? "POST" : "GET", ...options });
  }

  post(route: string, json: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return this.at(route, { method: "POST", json, headers });
  }

  atAdmin(route: string, options: Request = {}): Promise<Answer> {
    const hasBody = options.body !== undefined || options.json !== undefined;
    return request(this.admin + route, { method: hasBody ? "POST" : "GET", ...options });
  }

  register(port: number, more: Record<string, unknown> = {}): Promise<Answer> {
    return this.atAdmin("/deployments", { json: { uri: `http://127.0.0.1:${port}`, ...more } });
  }

  async send(route: string, json: unknown, headers: Record<string, string> = {}): Promise<string> {
    const answer = await this.post(`${route}/send`, json, headers);
    if (answer.status !== 202) {
      throw new Error(`send to ${route}: ${answer.status} ${answer.text}`);
    }
    return answer.json().invocationId;
  }

  attach(id: string): Promise<Answer> {
    return this.at(`/restate/invocation/${id}/attach`);
  }

  output(id: string): Promise<Answer> {
    return this.at(`/restate/invocation/${id}/output`);
  }

  manage(id: string, verb: Verb, query = ""): Promise<Answer> {
    return until(`${verb} is routed`, async () => {
      const answer = await this.atAdmin(`/invocations/${id}/${verb}${query}`, { method: "PATCH" });
      // Right after its start the reference answers 503 until a partition has a leader; ours must wait by itself.
      return !(this.isReference && answer.status === 503) && answer;
    });
  }

  /** The invocations in one status; a column without a value is null. */
  async invocations(status: string): Promise<Invocation[]> {
    if (this.isReference) {
      return this.#query(`select * from sys_invocation where status = '${status}'`);
    }
    const answer = await this.atAdmin(`/invocations?status=${status}`);
    if (answer.status !== 200) {
      throw new Error(`GET /invocations: ${answer.status} ${answer.text}`);
    }
    return answer.json().invocations;
  }

  async invocation(id: string): Promise<Invocation | undefined> {
    if (this.isReference) {
      return (await this.#query(`select * from sys_invocation where id = '${id}'`))[0];
    }
    const answer = await this.atAdmin(`/invocations/${id}`);
    if (answer.status === 404) {
      return undefined;
    }
    if (answer.status !== 200) {
      throw new Error(`GET /invocations/${id}: ${answer.status} ${answer.text}`);
    }
    return answer.json();
  }

  async journal(id: string): Promise<JournalEntry[]> {
    if (this.isReference) {
      const columns = "index, entry_type, name, appended_at";
      return this.#query(`select ${columns} from sys_journal where id = '${id}' order by index`);
    }
    return (await this.invocation(id))?.journal as JournalEntry[];
  }

  /** Oldest first. */
  async events(id: string): Promise<JournalEvent[]> {
    const rows: { after_journal_entry_index: number; event_json: string }[] = this.isReference
      ? await this.#query(
        `select after_journal_entry_index, event_json from sys_journal_events where id = '${id}' order by appended_at`)
      : ((await this.invocation(id))?.journal_events as any[]);
    return rows.map((row) => ({ after: row.after_journal_entry_index, ...JSON.parse(row.event_json) }));
  }

  waitForStatus(id: string, status: string): Promise<Invocation> {
    return until(`${id} is ${status}`, async () => {
      const found = await this.invocation(id);
      return found?.status === status && found;
    });
  }

  async #query(query: string): Promise<any[]> {
    const answer = await this.atAdmin("/query", { json: { query }, headers: { accept: "application/json" } });
    if (answer.status !== 200) {
      throw new Error(`query: ${answer.status} ${answer.text}`);
    }
    return answer.json().rows;
  }
}

/** The process that serves services/all.ts (or another script) with the real SDK. */
export class Endpoint {
  readonly port: number;
  readonly folder: string;
  readonly script: string;
  child: Child | undefined;

  private constructor(port: number, folder: string, script: string) {
    this.port = port;
    this.folder = folder;
    this.script = script;
  }

  static async create(folder: string, script = "services/all.ts"): Promise<Endpoint> {
    return new Endpoint(await freePort(), folder, path.resolve(here, "..", script));
  }

  get effectsFile(): string {
    return path.join(this.folder, "effects");
  }

  async start(more: Record<string, string> = {}): Promise<void> {
    const env = { PORT: String(this.port), EFFECTS_FILE: this.effectsFile, PROBE_DIR: this.folder, ...more };
    const log = path.join(this.folder, "endpoint.log");
    const child = new Child([process.execPath, this.script], env, log);
    this.child = child;
    const started = fs.statSync(log).size;
    await until("the endpoint listens", () => {
      if (!child.running) {
        throw new Error(`the endpoint ended at start:\n${child.tail()}`);
      }
      return fs.readFileSync(log).subarray(started).includes("serving on");
    });
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    await this.child?.end(signal);
    this.child = undefined;
  }

  effects(): string[] {
    return readEffects(this.effectsFile);
  }

  /** How often this effect line was written. */
  count(line: string): number {
    return this.effects().filter((l) => l === line).length;
  }

  openGate(name: string): void {
    fs.writeFileSync(path.join(this.folder, `gate-${name}`), "");
  }
}

export type World = { server: Server; endpoint: Endpoint; close: () => Promise<void> };

/** A started server with the test services registered. */
export async function startWorld(env: Record<string, string> = {}): Promise<World> {
  const server = await Server.create(env);
  const endpoint = await Endpoint.create(server.folder);
  const close = async () => {
    await endpoint.stop();
    await server.stop();
    server.removeFolder();
  };
  try {
    await Promise.all([server.start(), endpoint.start()]);
    const answer = await server.register(endpoint.port);
    if (answer.status !== 201) {
      throw new Error(`registration: ${answer.status} ${answer.text}`);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { server, endpoint, close };
}
