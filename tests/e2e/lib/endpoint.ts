// SPDX-License-Identifier: Apache-2.0
//
// Serves SDK services over cleartext HTTP/2 on the loopback interface, on the port named by PORT, until SIGTERM.
// Prints one line when it listens; it registers nothing, that is the caller's business.
import * as http2 from "node:http2";
import process from "node:process";

import * as restate from "@restatedev/restate-sdk";

export function serveOnLoopback(services: Parameters<typeof restate.createEndpointHandler>[0]["services"]) {
  const port = Number(process.env.PORT ?? 9080);
  const server = http2.createServer(restate.createEndpointHandler({ services }));
  server.listen(port, "127.0.0.1", () => console.log(`serving on http://127.0.0.1:${port}`));
  process.on("SIGTERM", () => process.exit(0));
}
