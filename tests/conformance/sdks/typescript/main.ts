// SPDX-License-Identifier: Apache-2.0
//
// Serves all services of the contract over cleartext HTTP/2 on the loopback interface, on the port named by PORT, until
// SIGTERM. E2E_REQUEST_SIGNING names the public key whose signature every request must carry, E2E_REQUEST_RESPONSE asks
// for the mode without streams both ways.
import * as http2 from "node:http2";
import process from "node:process";

import * as restate from "@restatedev/restate-sdk";

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
const identityKeys = process.env.E2E_REQUEST_SIGNING ? [process.env.E2E_REQUEST_SIGNING] : undefined;
const bidirectional = process.env.E2E_REQUEST_RESPONSE === undefined;
const server = http2.createServer(restate.createEndpointHandler({ services, identityKeys, bidirectional }));
server.listen(Number(process.env.PORT), "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
