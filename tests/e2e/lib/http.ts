// SPDX-License-Identifier: Apache-2.0
//
// A plain HTTP/1.1 request that sends exactly the headers it is given (fetch would add a content type of its own)
// and hands back status, headers and body as they came.
import * as http from "node:http";

export type Answer = {
  status: number;
  headers: http.IncomingHttpHeaders;
  text: string;
  bytes: Buffer;
  json: () => any;
};

export type Request = {
  method?: string;
  headers?: Record<string, string | string[]>;
  body?: string | Buffer;
  /** Sets the body to this value's JSON and the content type to application/json. */
  json?: unknown;
  signal?: AbortSignal;
};

export function request(url: string, options: Request = {}): Promise<Answer> {
  const headers = { ...options.headers };
  let body = options.body;
  if (options.json !== undefined) {
    body = JSON.stringify(options.json);
    headers["content-type"] ??= "application/json";
  }
  if (body !== undefined && headers["transfer-encoding"] === undefined) {
    headers["content-length"] ??= String(Buffer.byteLength(body));
  }
  return new Promise((resolve, reject) => {
    const outgoing = http.request(
      url,
      { method: options.method ?? "GET", headers, agent: false, signal: options.signal },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
        incoming.on("error", reject);
        incoming.on("end", () => {
          const bytes = Buffer.concat(chunks);
          const text = bytes.toString("utf8");
          const status = incoming.statusCode ?? 0;
          resolve({ status, headers: incoming.headers, text, bytes, json: () => JSON.parse(text) });
        });
      },
    );
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}
