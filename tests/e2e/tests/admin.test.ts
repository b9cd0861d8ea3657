// SPDX-License-Identifier: Apache-2.0
//
// Registration and discovery over the admin port, with the real SDK and with endpoints that answer discovery badly.
import assert from "node:assert/strict";
import * as http2 from "node:http2";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";

import { startWorld, type World } from "../lib/harness.ts";
import { freePort } from "../lib/process.ts";

let world: World;
before(async () => {
  world = await startWorld();
});
after(() => world.close());

const manifestType = "application/vnd.restate.endpointmanifest.v2+json";

type Manifest = { status?: number; contentType?: string; body: unknown };

/** An h2c endpoint that answers every request with one manifest; gives the number of requests it saw. */
async function withManifest<T>(manifest: Manifest, use: (port: number, seen: () => number) => Promise<T>): Promise<T> {
  let seen = 0;
  const server = http2.createServer();
  const sessions = new Set<http2.ServerHttp2Session>();
  server.on("session", (session) => sessions.add(session));
  server.on("stream", (stream) => {
    seen++;
    stream.respond({
      ":status": manifest.status ?? 200,
      ...(manifest.contentType === "" ? {} : { "content-type": manifest.contentType ?? manifestType }),
    });
    stream.end(typeof manifest.body === "string" ? manifest.body : JSON.stringify(manifest.body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    return await use((server.address() as AddressInfo).port, () => seen);
  } finally {
    sessions.forEach((session) => session.destroy());
    server.close();
  }
}

function manifest(services: unknown[], versions: [number, number] = [5, 6], more: Record<string, unknown> = {}) {
  return {
    protocolMode: "BIDI_STREAM", minProtocolVersion: versions[0], maxProtocolVersion: versions[1], services, ...more,
  };
}

const service = (name: string, ty = "SERVICE") => ({ name, ty, handlers: [{ name: "handle" }] });

test("health and version", async () => {
  const health = await world.server.atAdmin("/health");
  assert.equal(health.status, 200);
  const version = (await world.server.atAdmin("/version")).json();
  assert.equal(version.version, "1.7.12");
  assert.equal(version.min_admin_api_version, 2);
  assert.equal(version.max_admin_api_version, 4);
  if (!world.server.isReference) {
    assert.match(version.perdure_version, /^\d+\.\d+\.\d+/);
    assert.ok(Object.values(version.features).every((on) => on === false));
  }
  assert.equal((await world.server.atAdmin("/v5/version")).status, 404);
  assert.equal((await world.server.atAdmin("/v1/version")).status, 400);
  const services = (await world.server.at("/restate/health")).json().services;
  assert.ok(services.includes("PaymentService"));
});

test("the registered deployment and its services can be read", async () => {
  const list = (await world.server.atAdmin("/deployments")).json().deployments;
  assert.equal(list.length, 1);
  const deployment = list[0];
  assert.equal(deployment.uri, `http://127.0.0.1:${world.endpoint.port}/`);
  assert.equal(deployment.protocol_type, "BidiStream");
  assert.equal(deployment.http_version, "HTTP/2.0");
  assert.match(deployment.sdk_version, /^restate-sdk-typescript\//);
  assert.deepEqual([deployment.min_protocol_version, deployment.max_protocol_version], [5, 7]);
  for (const prefix of ["", "/v2", "/v3", "/v4"]) {
    const one = await world.server.atAdmin(`${prefix}/deployments/${deployment.id}`);
    assert.equal(one.status, 200);
    assert.ok(one.json().services.some((s: { name: string }) => s.name === "SignupWorkflow"));
  }
  const account = (await world.server.atAdmin("/services/UserAccount")).json();
  assert.equal(account.ty, "VirtualObject");
  assert.equal(account.deployment_id, deployment.id);
  assert.deepEqual(
    account.handlers.map((h: { name: string; ty: string }) => `${h.name} ${h.ty}`).sort(),
    ["getBalance Shared", "updateBalance Exclusive"],
  );
  const flaky = (await world.server.atAdmin("/services/Flaky")).json();
  assert.deepEqual(flaky.retry_policy, {
    initial_interval: "50ms", exponentiation_factor: 2.0, max_attempts: 2, max_interval: "50ms", on_max_attempts: "Pause",
  });
  const names = (await world.server.atAdmin("/services")).json().services.map((s: { name: string }) => s.name);
  assert.ok(names.includes("CheckoutService"));
});

test("registering again changes nothing, forcing raises the revision", async () => {
  const before = (await world.server.atAdmin("/services/Probe")).json();
  const again = await world.server.register(world.endpoint.port);
  assert.equal(again.status, 200);
  assert.equal(again.json().id, before.deployment_id);
  assert.equal((await world.server.atAdmin("/services/Probe")).json().revision, before.revision);
  const forced = await world.server.register(world.endpoint.port, { force: true });
  assert.equal(forced.status, 200);
  assert.equal(forced.json().id, before.deployment_id);
  assert.equal((await world.server.atAdmin("/services/Probe")).json().revision, before.revision + 1);
});

test("a new deployment takes over its services; a dry run stores nothing", async () => {
  await withManifest({ body: manifest([service("Taken")]) }, async (port) => {
    const dry = await world.server.register(port, { dry_run: true });
    assert.equal(dry.status, 201);
    assert.equal((await world.server.atAdmin("/services/Taken")).status, 404);
    const answer = await world.server.register(port, { metadata: { git: "abc" }, additional_headers: { "X-Tok": "1" } });
    assert.equal(answer.status, 201);
    const { id, services } = answer.json();
    assert.match(id, /^dp_1[0-9a-zA-Z]{22}$/);
    assert.equal(answer.headers.location, `deployments/${id}`);
    assert.deepEqual([services[0].name, services[0].ty, services[0].revision], ["Taken", "Service", 1]);
    const stored = (await world.server.atAdmin(`/deployments/${id}`)).json();
    assert.deepEqual(stored.metadata, { git: "abc" });
    assert.deepEqual(stored.additional_headers, { "x-tok": "1" });
    await withManifest({ body: manifest([service("Taken")]) }, async (port2) => {
      const second = await world.server.register(port2);
      assert.equal(second.status, 201);
      assert.equal((await world.server.atAdmin("/services/Taken")).json().deployment_id, second.json().id);
      assert.equal(second.json().services[0].revision, 2);
    });
  });
});

type Refusal = { title: string; manifest: Manifest; status: number; code: string | null; message: RegExp };
const refusals: Refusal[] = [
  { title: "a protocol range that is too old", manifest: { body: manifest([service("S")], [1, 2]) }, status: 500,
    code: "META0012", message: /unsupported service protocol versions: \[1, 2\]/ },
  { title: "a protocol range that is too new", manifest: { body: manifest([service("S")], [8, 9]) }, status: 500,
    code: "META0012", message: /\[8, 9\]/ },
  { title: "no protocol mode", manifest: { body: manifest([service("S")], [5, 6], { protocolMode: undefined }) },
    status: 500, code: "META0013", message: /missing protocol mode/ },
  { title: "an unknown content type", manifest: { contentType: "application/json", body: manifest([service("S")]) },
    status: 500, code: "META0013", message: /META0013/ },
  { title: "no content type", manifest: { contentType: "", body: manifest([service("S")]) }, status: 500,
    code: "META0013", message: /META0013/ },
  { title: "a range upside down", manifest: { body: manifest([service("S")], [6, 5]) }, status: 500,
    code: "META0013", message: /META0013/ },
  { title: "no JSON", manifest: { body: "{nonsense" }, status: 500, code: null, message: /./ },
  { title: "not found", manifest: { status: 404, body: "" }, status: 500, code: "META0003", message: /META0003/ },
  { title: "a reserved name", manifest: { body: manifest([service("RestateFoo")]) }, status: 400, code: "META0005",
    message: /'RestateFoo' as it contains a reserved name/ },
  { title: "another type of a known service", manifest: { body: manifest([service("PaymentService", "VIRTUAL_OBJECT")]) },
    status: 409, code: "META0006", message: /changing the service type/ },
];
for (const refusal of refusals) {
  test(`discovery is refused: ${refusal.title}`, async () => {
    const before = (await world.server.atAdmin("/deployments")).json().deployments.length;
    const answer = await withManifest(refusal.manifest, (port) => world.server.register(port));
    assert.equal(answer.status, refusal.status, answer.text);
    const body = answer.json();
    assert.deepEqual(Object.keys(body), ["message", "restate_code"]);
    assert.equal(body.restate_code, refusal.code, answer.text);
    assert.match(body.message, refusal.message);
    assert.equal((await world.server.atAdmin("/deployments")).json().deployments.length, before);
  });
}

test("discovery is tried five times at a busy endpoint", async () => {
  await withManifest({ status: 503, body: "" }, async (port, seen) => {
    const answer = await world.server.register(port);
    assert.equal(answer.status, 500);
    assert.equal(answer.json().restate_code, "META0003");
    assert.equal(seen(), 5);
  });
});

test("an endpoint that is not there, and one that speaks only HTTP/1.1", async () => {
  const nobody = await world.server.register(await freePort());
  assert.equal(nobody.status, 500);
  assert.equal(nobody.json().restate_code, "META0003");
  const old = createServer((_, response) => response.end("{}"));
  await new Promise<void>((resolve) => old.listen(0, "127.0.0.1", resolve));
  const answer = await world.server.register((old.address() as AddressInfo).port);
  old.closeAllConnections();
  old.close();
  assert.equal(answer.status, 500);
  assert.equal(answer.json().restate_code, "META0014", answer.text);
});

test("bad registrations and unknown things", async () => {
  const relative = await world.server.atAdmin("/deployments", { json: { uri: "foo" } });
  assert.equal(relative.status, 400);
  assert.match(relative.json().message, /^The request field 'uri' is invalid\. Reason: The provided uri foo is not absolute/);
  const nothing = await world.server.atAdmin("/deployments", { json: {} });
  assert.equal(nothing.status, 422);
  const syntax = await world.server.atAdmin("/deployments", {
    body: "{", headers: { "content-type": "application/json" },
  });
  assert.equal(syntax.status, 400);
  const media = await world.server.atAdmin("/deployments", { body: "{}", headers: { "content-type": "text/plain" } });
  assert.equal(media.status, 415);
  const unknown = await world.server.atAdmin("/services/Nope");
  assert.equal(unknown.status, 404);
  assert.deepEqual(unknown.json(), { message: "The requested service 'Nope' does not exist", restate_code: null });
  const deployment = await world.server.atAdmin("/deployments/dp_11VcvILJXhpZKwVXIAwTez7");
  assert.equal(deployment.status, 404);
  assert.equal((await world.server.atAdmin("/deployments/foo")).status, 400);
  assert.equal((await world.server.atAdmin("/nope")).status, 404);
  assert.equal((await world.server.atAdmin("/deployments", { method: "DELETE" })).status, 405);
});

test("registrations survive a restart", async () => {
  const read = async () => {
    const found = (await world.server.atAdmin("/services/PaymentService")).json();
    found.handlers.sort((a: { name: string }, b: { name: string }) => a.name.localeCompare(b.name));
    return found;
  };
  const before = await read();
  await world.server.restart("SIGKILL");
  assert.deepEqual(await read(), before);
});
