// SPDX-License-Identifier: Apache-2.0
//
// The way to a deployment: TLS with ALPN and a certificate that is checked, HTTP/1.1, a path prefix, additional
// headers, and the request identity, which the SDK verifies. The reference passes these too, but for the words of
// errors.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { after, afterEach, before, test } from "node:test";

import { Authority, identityKey, type Certificate } from "../lib/certificates.ts";
import { Endpoint, Server, serverCommand } from "../lib/harness.ts";
import { Child, until } from "../lib/process.ts";

let server: Server;
let authority: Authority;
let good: Certificate;
let publicKey: string;
let endpoints: Endpoint[] = [];

type Seen = { version: string; path: string; headers: Record<string, string> };

before(async () => {
  server = await Server.create();
  authority = new Authority(server.folder);
  good = authority.issue("good", "DNS:localhost,IP:127.0.0.1");
  server.env.SSL_CERT_FILE = authority.cert;
  server.env.RESTATE_REQUEST_IDENTITY_PRIVATE_KEY_PEM_FILE = identityKey(server.folder);
  await server.start();
  const log = fs.readFileSync(server.child!.log, "utf8");
  publicKey = /publickeyv1_\w+/.exec(log)?.[0] ?? "";
  assert.ok(publicKey, "the public key is logged at start");
});
afterEach(async () => {
  await Promise.all(endpoints.map((endpoint) => endpoint.stop()));
  endpoints = [];
});
after(async () => {
  await server.stop();
  server.removeFolder();
});

/** An endpoint, and what it was asked so far. */
async function serve(env: Record<string, string> = {}) {
  const endpoint = await Endpoint.create(server.folder, "services/secured.ts");
  endpoints.push(endpoint);
  const file = path.join(server.folder, `headers-${endpoint.port}`);
  await endpoint.start({ HEADERS_FILE: file, ...env });
  const seen = (): Seen[] =>
    fs.readFileSync(file, "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line));
  return { port: endpoint.port, seen };
}

const tls = (certificate: Certificate) => ({ TLS_KEY: certificate.key, TLS_CERT: certificate.cert });

async function register(uri: string, more: Record<string, unknown> = {}) {
  const answer = await server.atAdmin("/deployments", { json: { uri, force: true, ...more } });
  assert.ok([200, 201].includes(answer.status), answer.text);
  return (await server.atAdmin(`/deployments/${answer.json().id}`)).json();
}

async function callAll() {
  assert.deepEqual((await server.post("/Secured/steps", 3)).json(), [0, 1, 4]);
  const text = "x".repeat(1 << 20);
  assert.equal((await server.post("/Secured/echo", text)).json(), text);
  assert.equal((await server.post("/SecuredCounter/k%20%C3%BC/add", 1)).status, 200);
}

function claims(request: Seen) {
  const [head, body] = request.headers["x-restate-jwt-v1"]!.split(".").slice(0, 2);
  const read = (part: string) => JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
  return { head: read(head!), body: read(body!) };
}

test("TLS: HTTP/2 by ALPN, bidirectional, signed and verified by the SDK", async () => {
  const { port, seen } = await serve({ ...tls(good), IDENTITY_KEYS: publicKey });
  const shown = await register(`https://localhost:${port}`);
  assert.equal(shown.uri, `https://localhost:${port}/`);
  assert.equal(shown.http_version, "HTTP/2.0");
  assert.equal(shown.protocol_type, "BidiStream");
  await callAll();
  assert.ok(seen().every((request) => request.version === "2.0"));
});

test("TLS: an address in the certificate serves as well as a name", async () => {
  const { port } = await serve(tls(good));
  await register(`https://127.0.0.1:${port}`);
  await callAll();
});

test("TLS: HTTP/1.1 if that is all the service speaks, remembered for its calls", async () => {
  const { port, seen } = await serve({ ...tls(good), ONLY_HTTP11: "1", IDENTITY_KEYS: publicKey });
  const shown = await register(`https://localhost:${port}`);
  assert.equal(shown.http_version, "HTTP/1.1");
  assert.equal(shown.protocol_type, "RequestResponse");
  await callAll();
  assert.ok(seen().length > 3 && seen().every((request) => request.version === "1.1"));
});

test("TLS: who cannot prove the name is not called", async () => {
  const other = new Authority(server.folder, "other").issue("strange", "DNS:localhost");
  const wrong = authority.issue("wrong", "DNS:other.example");
  for (const certificate of [other, wrong]) {
    const { port, seen } = await serve({ ...tls(certificate) });
    const answer = await server.atAdmin("/deployments", { json: { uri: `https://localhost:${port}` } });
    assert.equal(answer.status, 500);
    assert.equal(answer.json().restate_code, "META0003");
    const start = `[META0003] [META0003] error when calling 'https://localhost:${port}/': unable to reach the remote endpoint.\nReason: `;
    assert.ok(answer.json().message.startsWith(start), answer.text);
    assert.match(answer.json().message, /invalid peer certificate: /);
    assert.throws(seen, /ENOENT/);
  }
});

test("TLS: an attempt that meets another certificate fails with RT0010, and goes on when the right one is back", async () => {
  const endpoint = await Endpoint.create(server.folder, "services/secured.ts");
  endpoints.push(endpoint);
  const file = { HEADERS_FILE: path.join(server.folder, "headers-swapped") };
  await endpoint.start({ ...file, ...tls(good) });
  await register(`https://localhost:${endpoint.port}`);
  await endpoint.stop();
  await endpoint.start({ ...file, ...tls(authority.issue("swapped", "DNS:other.example")) });
  const id = await server.send("/Secured/echo", "again");
  const failing = await until("the attempt fails", async () => {
    const row = await server.invocation(id);
    return row?.last_failure != null && row;
  });
  assert.equal(failing.last_failure_error_code, "RT0010");
  assert.match(String(failing.last_failure), /invalid peer certificate/);
  await endpoint.stop();
  await endpoint.start({ ...file, ...tls(good) });
  assert.equal((await server.attach(id)).json(), "again");
});

test("request identity: what is signed, and who refuses what", async () => {
  const { port, seen } = await serve({ IDENTITY_KEYS: publicKey });
  await register(`http://127.0.0.1:${port}`);
  await callAll();
  for (const request of seen()) {
    assert.equal(request.headers["x-restate-signature-scheme"], "v1");
    const { head, body } = claims(request);
    assert.deepEqual(head, { typ: "JWT", alg: "EdDSA", kid: publicKey });
    assert.equal(body.aud, request.path);
    assert.equal(body.exp - body.iat, 60);
    assert.equal(body.iat - body.nbf, 60);
    assert.equal(body.sub, request.path.startsWith("/invoke/SecuredCounter") ? "k ü" : undefined);
  }
  const foreign = "publickeyv1_DyCMiXQf81v6fVaeg5sH7D3NExhsK7BBf3gjXSPXtWLh";
  const strict = await serve({ IDENTITY_KEYS: foreign });
  const answer = await server.atAdmin("/deployments", { json: { uri: `http://127.0.0.1:${strict.port}` } });
  assert.equal(answer.status, 500);
  assert.match(answer.json().message, /^\[META0003\] \[META0003\] got status code '401 Unauthorized'/);
});

for (const slash of ["", "/"]) {
  test(`a deployment behind a path prefix${slash && ", with a trailing slash"}`, async () => {
    const { port, seen } = await serve({ IDENTITY_KEYS: publicKey });
    const shown = await register(`http://127.0.0.1:${port}/pre/fix${slash}`);
    assert.equal(shown.uri, `http://127.0.0.1:${port}/pre/fix${slash}`);
    await callAll();
    const paths = seen().map((request) => request.path);
    assert.equal(paths[0], "/pre/fix/discover");
    assert.ok(paths.includes("/pre/fix/invoke/SecuredCounter/add"), paths.join());
    assert.ok(paths.every((each) => each.startsWith("/pre/fix/")), paths.join());
    assert.equal(claims(seen()[0]!).body.aud, "/discover");
  });
}

test("additional headers go with discovery and with every call, and survive a restart", async () => {
  const { port, seen } = await serve();
  const headers = { "X-Tok": "1", Authorization: "Bearer secret" };
  const stored = { "x-tok": "1", authorization: "Bearer secret" };
  const shown = await register(`http://127.0.0.1:${port}`, { additional_headers: headers });
  assert.deepEqual(shown.additional_headers, stored);
  await callAll();
  await server.restart("SIGTERM");
  await callAll();
  assert.deepEqual((await server.atAdmin(`/deployments/${shown.id}`)).json().additional_headers, stored);
  for (const request of seen()) {
    assert.equal(request.headers["x-tok"], "1");
    assert.equal(request.headers["authorization"], "Bearer secret");
  }
});

test("AWS Lambda is refused, and a dry run says so too", async (t) => {
  if (server.isReference) {
    return t.skip("it calls Lambda");
  }
  const arn = "arn:aws:lambda:eu-central-1:123456789012:function:f:1";
  for (const dry_run of [false, true]) {
    const answer = await server.atAdmin("/deployments", { json: { arn, dry_run } });
    assert.equal(answer.status, 400);
    const message = "AWS Lambda deployments are not supported by this server";
    assert.deepEqual(answer.json(), { message, restate_code: null });
  }
});

test("an identity key that cannot be used stops the start and is named", async (t) => {
  if (server.isReference) {
    return t.skip("in words of its own");
  }
  const notAKey = path.join(server.folder, "not-a-key.pem");
  fs.writeFileSync(notAKey, "nothing");
  for (const file of [notAKey, path.join(server.folder, "missing.pem")]) {
    const env = {
      RESTATE_BASE_DIR: path.join(server.folder, "unused"),
      RESTATE_REQUEST_IDENTITY_PRIVATE_KEY_PEM_FILE: file,
    };
    const child = new Child(serverCommand(), env, path.join(server.folder, "refused.log"), server.folder);
    assert.equal((await child.ended).code, 1);
    assert.match(child.tail(), /request-identity-private-key-pem-file/);
    assert.ok(child.tail().includes(file));
  }
});
