// SPDX-License-Identifier: Apache-2.0
//
// Services without state: the proxy, through which every call between services of the cases goes, the utilities, and
// a worker whose concurrency is limited from outside.
import * as restate from "@restatedev/restate-sdk";

import { awakeableHolder } from "./objects.ts";

type ProxyRequest = {
  serviceName: string;
  virtualObjectKey?: string;
  handlerName: string;
  message: number[];
  delayMillis?: number;
  idempotencyKey?: string;
  scope?: string;
  limitKey?: string;
};

type ManyCallRequest = { proxyRequest: ProxyRequest; oneWayCall: boolean; awaitAtTheEnd: boolean };

function target(request: ProxyRequest) {
  return {
    service: request.serviceName,
    method: request.handlerName,
    key: request.virtualObjectKey ?? undefined,
    parameter: Uint8Array.from(request.message),
    inputSerde: restate.serde.binary,
    idempotencyKey: request.idempotencyKey ?? undefined,
    scope: request.scope ?? undefined,
    limitKey: request.limitKey ?? undefined,
  };
}

function call(ctx: restate.Context, request: ProxyRequest) {
  return ctx.genericCall<Uint8Array, Uint8Array>({ ...target(request), outputSerde: restate.serde.binary });
}

function send(ctx: restate.Context, request: ProxyRequest) {
  return ctx.genericSend({ ...target(request), delay: request.delayMillis ?? undefined });
}

export const proxy = restate.service({
  name: "Proxy",
  handlers: {
    call: async (ctx: restate.Context, request: ProxyRequest) => [...(await call(ctx, request))],
    oneWayCall: (ctx: restate.Context, request: ProxyRequest): Promise<string> => send(ctx, request).invocationId,
    manyCalls: async (ctx: restate.Context, requests: ManyCallRequest[]) => {
      const awaited = [];
      for (const { proxyRequest, oneWayCall, awaitAtTheEnd } of requests) {
        if (oneWayCall) {
          send(ctx, proxyRequest);
        } else {
          const called = call(ctx, proxyRequest);
          if (awaitAtTheEnd) {
            awaited.push(called);
          }
        }
      }
      await restate.RestatePromise.all(awaited);
    },
  },
});

type SignalTarget = { invocationId: string; signalName: string };

function signalOf(ctx: restate.Context, { invocationId, signalName }: SignalTarget) {
  return ctx.invocation(restate.InvocationIdParser.fromString(invocationId)).signal<string>(signalName);
}

export const testUtils = restate.service({
  name: "TestUtilsService",
  handlers: {
    echo: async (_ctx: restate.Context, input: string) => input,
    uppercaseEcho: async (_ctx: restate.Context, input: string) => input.toUpperCase(),
    echoHeaders: async (ctx: restate.Context) => Object.fromEntries(ctx.request().headers),
    rawEcho: restate.handlers.handler(
      { accept: "*/*", input: restate.serde.binary, output: restate.serde.binary },
      async (_ctx: restate.Context, input: Uint8Array) => input,
    ),
    countExecutedSideEffects: async (ctx: restate.Context, times: number) => {
      let executed = 0;
      for (let i = 0; i < times; ++i) {
        await ctx.run("count", () => {
          executed += 1;
        });
      }
      return executed;
    },
    cancelInvocation: async (ctx: restate.Context, id: string) =>
      ctx.cancel(restate.InvocationIdParser.fromString(id)),
    attachInvocation: (ctx: restate.Context, id: string): Promise<string> =>
      ctx.attach<string>(restate.InvocationIdParser.fromString(id)),
    resolveSignal: async (ctx: restate.Context, request: SignalTarget & { value: string }) =>
      signalOf(ctx, request).resolve(request.value),
    rejectSignal: async (ctx: restate.Context, request: SignalTarget & { reason: string }) =>
      signalOf(ctx, request).reject(request.reason),
  },
});

let running = 0;
let mostRunning = 0;

export const scopedWorker = restate.service({
  name: "ScopedWorker",
  handlers: {
    work: async (ctx: restate.Context, name: string) => {
      running += 1;
      mostRunning = Math.max(mostRunning, running);
      try {
        const { id, promise } = ctx.awakeable<string>();
        await ctx.objectClient(awakeableHolder, name).hold(id);
        await promise;
      } finally {
        running -= 1;
      }
    },
    mostRunning: async () => mostRunning,
  },
});
