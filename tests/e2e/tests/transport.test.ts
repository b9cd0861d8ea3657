// SPDX-License-Identifier: Apache-2.0
//
// The doors as bytes: HTTP/1.0, HTTP/1.1 and h2c prior knowledge on the same port, keep-alive, 100-continue, Upgrade
// ignored, malformed requests, clients and services that vanish in the middle.
import assert from "node:assert/strict";
import * as http from "node:http";
import * as http2 from "node:http2";
import * as net from "node:net";
import { after, before, test } from "node:test";

import { startWorld, type World } from "../lib/harness.ts";
import { until } from "../lib/process.ts";

let world: World;
before(async () => {
  world = await startWorld();
});
after(() => world.close());

/** Sends bytes and collects what comes back until `done` says so or the peer closes. */
function exchange(port: number, bytes: string, done: (text: string) => boolean): Promise<{ text: string; closed: boolean }> {
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = net.connect(port, "127.0.0.1", () => socket.write(bytes));
    const finish = (closed: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ text, closed });
    };
    const timer = setTimeout(() => reject(new Error(`no full answer: ${JSON.stringify(text)}`)), 10_000);
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      if (done(text)) finish(false);
    });
    socket.on("error", () => finish(true));
    socket.on("close", () => finish(true));
  });
}

const call = (version: string, headers = "") =>
  `POST /Probe/echo HTTP/${version}\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 3\r\n${headers}\r\n"a"`;

test("HTTP/1.0 is answered and closed", async () => {
  const { text, closed } = await exchange(world.server.ingressPort, call("1.0"), () => false);
  assert.match(text, /^HTTP\/1\.0 200 /);
  assert.match(text, /\r\n\r\n"a"$/);
  assert.equal(closed, true);
});

test("HTTP/1.1 keeps the connection, and answers pipelined requests in order", async () => {
  const { text } = await exchange(
    world.server.ingressPort,
    call("1.1") + call("1.1").replace('"a"', '"b"'),
    (t) => t.endsWith('"b"'),
  );
  assert.equal(text.match(/HTTP\/1\.1 200 /g)?.length, 2);
  assert.ok(text.indexOf('\r\n\r\n"a"') < text.indexOf('\r\n\r\n"b"'));
});

test("an upgrade to h2c is ignored", async () => {
  const upgrade = "connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n";
  const { text } = await exchange(world.server.ingressPort, call("1.1", upgrade), (t) => t.endsWith('"a"'));
  assert.match(text, /^HTTP\/1\.1 200 /);
});

test("expect: 100-continue is answered", async () => {
  const answer = await new Promise<{ continued: boolean; status?: number }>((resolve, reject) => {
    let continued = false;
    const request = http.request(`${world.server.ingress}/Probe/echo`, {
      method: "POST",
      headers: { expect: "100-continue", "content-type": "application/json", "content-length": 3 },
    });
    request.on("continue", () => {
      continued = true;
      request.end('"a"');
    });
    request.on("response", (response) => {
      response.resume();
      response.on("end", () => resolve({ continued, status: response.statusCode }));
    });
    request.on("error", reject);
    request.flushHeaders();
  });
  assert.deepEqual(answer, { continued: true, status: 200 });
});

test("a chunked body is a body", async () => {
  const chunked =
    "POST /Probe/echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n" +
    '2\r\n"a\r\n2\r\nb"\r\n0\r\n\r\n';
  const { text } = await exchange(world.server.ingressPort, chunked, (t) => t.endsWith('"ab"'));
  assert.match(text, /^HTTP\/1\.1 200 /);
});

for (const door of ["ingress", "admin"] as const) {
  test(`h2c with prior knowledge at the ${door} port, many streams at once`, async () => {
    const session = http2.connect(world.server[door]);
    try {
      const one = (value: number) =>
        new Promise<string>((resolve, reject) => {
          const stream = door === "ingress"
            ? session.request({ ":method": "POST", ":path": "/Probe/echo", "content-type": "application/json" })
            : session.request({ ":path": "/services/Probe" });
          let text = "";
          stream.on("response", (headers) => {
            if (headers[":status"] !== 200) reject(new Error(`status ${headers[":status"]}`));
          });
          stream.on("data", (chunk) => (text += chunk));
          stream.on("end", () => resolve(text));
          stream.on("error", reject);
          stream.end(door === "ingress" ? String(value) : undefined);
        });
      const values = Array.from({ length: 50 }, (_, i) => i);
      const answers = await Promise.all(values.map(one));
      if (door === "ingress") {
        assert.deepEqual(answers, values.map(String));
      } else {
        assert.ok(answers.every((text) => JSON.parse(text).name === "Probe"));
      }
    } finally {
      session.close();
    }
  });
}

for (const [title, bytes] of [
  ["no HTTP at all", "\u0000\u0001nonsense\r\n\r\n"],
  ["a header without colon", "GET /restate/health HTTP/1.1\r\nnonsense\r\n\r\n"],
  ["a content length that is no number", "POST /Probe/echo HTTP/1.1\r\ncontent-length: x\r\n\r\n"],
  ["two content lengths", "POST /Probe/echo HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd"],
] as const) {
  test(`malformed: ${title}`, async () => {
    const { text } = await exchange(world.server.ingressPort, bytes, () => false);
    assert.ok(text === "" || /^HTTP\/1\.[01] 400 /.test(text), text);
    assert.equal((await world.server.at("/restate/health")).status, 200);
  });
}

test("malformed frames after the HTTP/2 preface end that connection only", async () => {
  const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  const { closed } = await exchange(world.server.ingressPort, preface + "\u0000\u0000\u0001\u0000\u0000\u0000\u0000\u0000\u0000x", () => false);
  assert.equal(closed, true);
  assert.equal((await world.server.post("/Probe/echo", 1)).status, 200);
});

test("a client that leaves does not cancel its call", async () => {
  const key = { "idempotency-key": "left" };
  const leaving = new AbortController();
  const call = world.server.at("/Probe/hold", { json: "left", headers: key, signal: leaving.signal }).catch(() => undefined);
  const running = await until("the call runs", async () =>
    (await world.server.invocations("running")).find((row) => row.target === "Probe/hold"));
  leaving.abort();
  await call;
  world.endpoint.openGate("left");
  const answer = await world.server.post("/Probe/hold", "left", key);
  assert.equal(answer.json(), "held left");
  assert.equal(answer.headers["x-restate-id"], running.id);
});

test("half a request and a closed connection leave nothing behind", async () => {
  const socket = net.connect(world.server.ingressPort, "127.0.0.1");
  await new Promise<void>((resolve) => socket.once("connect", resolve));
  socket.write("POST /Ledger/half/add HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n\"a");
  socket.destroy();
  assert.equal((await world.server.post("/Probe/echo", 1)).status, 200);
  assert.deepEqual((await world.server.at("/Ledger/half/lines")).json(), []);
});

test("a service that breaks the connection in the middle is called again", async () => {
  const id = await world.server.send("/Steps/work", { id: "broken", count: 3, holdAt: 1 });
  await until("step 1 is held", () => world.endpoint.count("step-1 broken") === 1);
  await world.endpoint.stop("SIGKILL");
  world.endpoint.openGate("broken");
  await world.endpoint.start();
  assert.deepEqual((await world.server.attach(id)).json(), [0, 1, 4]);
  assert.equal(world.endpoint.count("step-0 broken"), 1);
});
