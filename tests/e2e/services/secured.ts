// SPDX-License-Identifier: Apache-2.0
//
// One small service behind whatever stands between it and the server: TLS (TLS_KEY, TLS_CERT), HTTP/1.1 only
// (ONLY_HTTP11=1), checks of the request identity (IDENTITY_KEYS, comma-separated). Each request is one line in the
// file HEADERS_FILE: a JSON object with version, path and headers. PORT as for the others.
import * as fs from "node:fs";
import * as http from "node:http";
import * as http2 from "node:http2";
import * as https from "node:https";
import process from "node:process";

import * as restate from "@restatedev/restate-sdk";

const secured = restate.service({
  name: "Secured",
  handlers: {
    steps: async (ctx: restate.Context, count: number) => {
      const done: number[] = [];
      for (let i = 0; i < count; ++i) {
        done.push(await ctx.run(`step ${i}`, () => i * i));
      }
      await ctx.sleep(10);
      return done;
    },
    echo: async (_: restate.Context, value: unknown) => value,
  },
});

const counter = restate.object({
  name: "SecuredCounter",
  handlers: {
    add: async (ctx: restate.ObjectContext, amount: number) => {
      const sum = ((await ctx.get<number>("sum")) ?? 0) + amount;
      ctx.set("sum", sum);
      return sum;
    },
  },
});

const { TLS_KEY, TLS_CERT, IDENTITY_KEYS, HEADERS_FILE, ONLY_HTTP11 } = process.env;
const handler = restate.createEndpointHandler({
  services: [secured, counter],
  identityKeys: IDENTITY_KEYS?.split(","),
  bidirectional: ONLY_HTTP11 ? false : undefined,
});

function serve(request: http2.Http2ServerRequest, response: http2.Http2ServerResponse) {
  const { httpVersion: version, url, headers } = request;
  fs.appendFileSync(HEADERS_FILE!, JSON.stringify({ version, path: url, headers }) + "\n");
  handler(request, response);
}

function makeServer() {
  if (TLS_KEY && TLS_CERT) {
    const tls = { key: fs.readFileSync(TLS_KEY), cert: fs.readFileSync(TLS_CERT) };
    return ONLY_HTTP11 ? https.createServer(tls, serve as never) : http2.createSecureServer(tls, serve);
  }
  return ONLY_HTTP11 ? http.createServer(serve as never) : http2.createServer(serve);
}

const port = Number(process.env.PORT);
makeServer().listen(port, "127.0.0.1", () => console.log(`serving on port ${port}`));
process.on("SIGTERM", () => process.exit(0));
