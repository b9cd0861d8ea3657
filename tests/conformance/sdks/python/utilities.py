# SPDX-License-Identifier: Apache-2.0
"""Services without state: the proxy, through which every call between services of the cases goes, the
utilities, and a worker whose concurrency is limited from outside."""
from datetime import timedelta

from restate import Context, Service
from restate.serde import BytesSerde

import objects

proxy = Service("Proxy")


def target(request: dict) -> dict:
    return {
        "service": request["serviceName"],
        "handler": request["handlerName"],
        "key": request.get("virtualObjectKey"),
        "arg": bytes(one & 0xFF for one in request["message"]),
        "idempotency_key": request.get("idempotencyKey"),
        "scope": request.get("scope"),
        "limit_key": request.get("limitKey"),
    }


def send(ctx: Context, request: dict):
    delay = request.get("delayMillis")
    after = timedelta(milliseconds=delay) if delay else None
    return ctx.generic_send(**target(request), send_delay=after)


@proxy.handler("call")
async def proxy_call(ctx: Context, request: dict) -> list:
    return list(await ctx.generic_call(**target(request)))


@proxy.handler("oneWayCall")
async def proxy_one_way_call(ctx: Context, request: dict) -> str:
    return await send(ctx, request).invocation_id()


@proxy.handler("manyCalls")
async def proxy_many_calls(ctx: Context, requests: list) -> None:
    awaited = []
    for request in requests:
        if request["oneWayCall"]:
            send(ctx, request["proxyRequest"])
        else:
            called = ctx.generic_call(**target(request["proxyRequest"]))
            if request["awaitAtTheEnd"]:
                awaited.append(called)
    for one in awaited:
        await one


test_utils = Service("TestUtilsService")


@test_utils.handler("echo")
async def echo(_ctx: Context, text: str) -> str:
    return text


@test_utils.handler("uppercaseEcho")
async def uppercase_echo(_ctx: Context, text: str) -> str:
    return text.upper()


@test_utils.handler("echoHeaders")
async def echo_headers(ctx: Context) -> dict:
    return dict(ctx.request().headers)


@test_utils.handler(
    "rawEcho",
    accept="*/*",
    content_type="application/octet-stream",
    input_serde=BytesSerde(),
    output_serde=BytesSerde(),
)
async def raw_echo(_ctx: Context, body: bytes) -> bytes:
    return body


@test_utils.handler("countExecutedSideEffects")
async def count_executed_side_effects(ctx: Context, times: int) -> int:
    executed = 0

    def count() -> None:
        nonlocal executed
        executed += 1

    for _ in range(times):
        await ctx.run_typed("count", count)
    return executed


@test_utils.handler("cancelInvocation")
async def cancel_invocation(ctx: Context, invocation: str) -> None:
    ctx.cancel_invocation(invocation)


@test_utils.handler("attachInvocation")
async def attach_invocation(ctx: Context, invocation: str) -> str:
    return await ctx.attach_invocation(invocation, type_hint=str)


@test_utils.handler("resolveSignal")
async def resolve_signal(ctx: Context, request: dict) -> None:
    ctx.resolve_signal(request["invocationId"], request["signalName"], request["value"])


@test_utils.handler("rejectSignal")
async def reject_signal(ctx: Context, request: dict) -> None:
    ctx.reject_signal(request["invocationId"], request["signalName"], request["reason"])


scoped_worker = Service("ScopedWorker")
gauge = {"now": 0, "most": 0}


@scoped_worker.handler("work")
async def work(ctx: Context, name: str) -> None:
    gauge["now"] += 1
    gauge["most"] = max(gauge["most"], gauge["now"])
    try:
        awakeable, promise = ctx.awakeable(type_hint=str)
        await ctx.object_call(objects.hold, key=name, arg=awakeable)
        await promise
    finally:
        gauge["now"] -= 1


@scoped_worker.handler("mostRunning")
async def most_running(_ctx: Context) -> int:
    return gauge["most"]
