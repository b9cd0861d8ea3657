// SPDX-License-Identifier: Apache-2.0
//
// Serves all services of the contract with an SDK that speaks service protocol 5 only, over cleartext HTTP/2 on the
// loopback interface, on the port named by PORT, until SIGTERM. E2E_REQUEST_SIGNING names the public key whose signature
// every request must carry, E2E_REQUEST_RESPONSE asks for the mode without streams both ways.
import * as http2 from "node:http2";
import process from "node:process";

import * as restate from "@restatedev/restate-sdk";
import * as fetching from "@restatedev/restate-sdk/fetch";

import { failing, nonDeterministic } from "./services/failing.ts";
import { blockAndWaitWorkflow, commandInterpreter } from "./services/interpreter.ts";
import { awakeableHolder, counter, listObject, mapObject } from "./services/objects.ts";
import * as trees from "./services/trees.ts";
import { proxy, scopedWorker, testUtils } from "./services/utilities.ts";

const services = [
  ...[counter, listObject, mapObject, awakeableHolder, failing, nonDeterministic],
  ...[trees.cancelTestRunner, trees.cancelTestBlockingService, trees.killTestRunner, trees.killTestSingleton],
  ...[proxy, testUtils, scopedWorker, commandInterpreter, blockAndWaitWorkflow],
];

type Binding<E> = { bind(service: unknown): E; withIdentityV1(...keys: string[]): E };

function bindAll<E extends Binding<E>>(endpoint: E): E {
  services.forEach((service) => endpoint.bind(service));
  return process.env.E2E_REQUEST_SIGNING ? endpoint.withIdentityV1(process.env.E2E_REQUEST_SIGNING) : endpoint;
}

/** The SDK has the mode without streams both ways for functions that take a whole request and give a whole response. */
function byWholeRequests() {
  const { fetch } = bindAll(fetching.endpoint()).handler();
  return async (request: http2.Http2ServerRequest, response: http2.Http2ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) {
      chunks.push(chunk);
    }
    const headers = Object.entries(request.headers).filter(([name]) => !name.startsWith(":")) as [string, string][];
    const body = request.method === "POST" ? Buffer.concat(chunks) : undefined;
    const url = `http://localhost${request.url}`;
    const answer = await fetch(new Request(url, { method: request.method, headers, body }));
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    response.end(Buffer.from(await answer.arrayBuffer()));
  };
}

const handler = process.env.E2E_REQUEST_RESPONSE ? byWholeRequests() : bindAll(restate.endpoint()).http2Handler();
http2.createServer(handler).listen(Number(process.env.PORT), "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
