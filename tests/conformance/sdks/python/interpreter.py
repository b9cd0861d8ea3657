# SPDX-License-Identifier: Apache-2.0
"""The object that executes a list of commands on awaitables, and the workflow that blocks on a promise."""
import os
import typing
from datetime import timedelta

import restate
from restate import (
    ObjectContext,
    ObjectSharedContext,
    TerminalError,
    VirtualObject,
    Workflow,
    WorkflowContext,
    WorkflowSharedContext,
)

command_interpreter = VirtualObject("VirtualObjectCommandInterpreter")


def state_key(awakeable_key: str) -> str:
    return f"awk-{awakeable_key}"


def create_awakeable(ctx: ObjectContext, key: str):
    awakeable, promise = ctx.awakeable(type_hint=str)
    ctx.set(state_key(key), awakeable)
    return promise


def create(ctx: ObjectContext, awaitable: dict):
    """What can be awaited, alone or with others."""
    kind = awaitable["type"]
    if kind == "createAwakeable":
        return create_awakeable(ctx, awaitable["awakeableKey"])
    if kind == "sleep":
        return ctx.sleep(timedelta(milliseconds=awaitable["timeoutMillis"]))
    if kind == "runReturns":
        return ctx.run_typed("return", lambda: awaitable["value"])
    if kind == "runThrowTerminalException":

        def throw() -> str:
            raise TerminalError(awaitable["reason"])

        return ctx.run_typed("throw", throw)
    if kind == "createSignal":
        return ctx.signal(awaitable["signalName"], type_hint=str)
    raise TerminalError(f"unknown awaitable {kind}")


async def value_of(awaitable: dict, future) -> str:
    value = await future
    return "sleep" if awaitable["type"] == "sleep" else value


async def combine(kind: str, awaitables: list, futures: list) -> str:
    """Awaits all in the order of their completion, until the kind of combinator has what it wants."""
    results: typing.List[str] = [""] * len(futures)
    async for future in restate.as_completed(*futures):
        index = next(i for i, one in enumerate(futures) if one is future)
        try:
            value = await value_of(awaitables[index], future)
        except TerminalError as error:
            if kind in ("awaitAnySuccessful", "awaitFirstSucceededOrAllFailed"):
                results[index] = error.message
            elif kind == "awaitAllCompleted":
                results[index] = f"err:{error.message}"
            else:
                raise
            continue
        if kind == "awaitAllCompleted":
            results[index] = f"ok:{value}"
        elif kind == "awaitAllSucceededOrFirstFailed":
            results[index] = value
        else:
            return value
    if kind in ("awaitAnySuccessful", "awaitFirstSucceededOrAllFailed"):
        raise TerminalError("|".join(results))
    return "|".join(results)


async def await_or_timeout(ctx: ObjectContext, command: dict) -> str:
    promise = create_awakeable(ctx, command["awakeableKey"])
    timer = ctx.sleep(timedelta(milliseconds=command["timeoutMillis"]))
    who, value = await restate.select(awakeable=promise, timer=timer)
    if who == "timer":
        raise TerminalError("await-timeout")
    return value


async def held_id(ctx, key: str) -> str:
    awakeable = await ctx.get(state_key(key), type_hint=str)
    if awakeable is None:
        raise TerminalError(f"no awakeable {key}")
    return awakeable


async def execute(ctx: ObjectContext, command: dict) -> str:
    kind = command["type"]
    if kind == "awaitOne":
        return await value_of(command["command"], create(ctx, command["command"]))
    if kind == "awaitAwakeableOrTimeout":
        return await await_or_timeout(ctx, command)
    if kind == "resolveAwakeable":
        ctx.resolve_awakeable(await held_id(ctx, command["awakeableKey"]), command["value"])
        return ""
    if kind == "rejectAwakeable":
        ctx.reject_awakeable(await held_id(ctx, command["awakeableKey"]), command["reason"])
        return ""
    if kind == "getEnvVariable":
        return await ctx.run_typed("environment", lambda: os.environ.get(command["envName"], ""))
    awaitables = command["commands"]
    return await combine(kind, awaitables, [create(ctx, one) for one in awaitables])


@command_interpreter.handler("interpretCommands")
async def interpret_commands(ctx: ObjectContext, program: dict) -> str:
    result = ""
    for command in program["commands"]:
        result = await execute(ctx, command)
        ctx.set("results", (await ctx.get("results", type_hint=list) or []) + [result])
    return result


@command_interpreter.handler("resolveAwakeable", kind="shared")
async def resolve_awakeable(ctx: ObjectSharedContext, request: dict) -> None:
    ctx.resolve_awakeable(await held_id(ctx, request["awakeableKey"]), request["value"])


@command_interpreter.handler("rejectAwakeable", kind="shared")
async def reject_awakeable(ctx: ObjectSharedContext, request: dict) -> None:
    ctx.reject_awakeable(await held_id(ctx, request["awakeableKey"]), request["reason"])


@command_interpreter.handler("hasAwakeable", kind="shared")
async def has_awakeable(ctx: ObjectSharedContext, key: str) -> bool:
    return await ctx.get(state_key(key), type_hint=str) is not None


@command_interpreter.handler("getResults", kind="shared")
async def get_results(ctx: ObjectSharedContext) -> list:
    return await ctx.get("results", type_hint=list) or []


block_and_wait_workflow = Workflow("BlockAndWaitWorkflow")


@block_and_wait_workflow.main("run")
async def run(ctx: WorkflowContext, text: str) -> str:
    ctx.set("input", text)
    promise = ctx.promise("unblocked", type_hint=str)
    output = await promise.value()
    if await promise.peek() is None:
        raise TerminalError("a promise that was awaited must be completed")
    return output


@block_and_wait_workflow.handler("unblock")
async def unblock(ctx: WorkflowSharedContext, output: str) -> None:
    await ctx.promise("unblocked", type_hint=str).resolve(output)


@block_and_wait_workflow.handler("getState")
async def get_state(ctx: WorkflowSharedContext) -> typing.Optional[str]:
    return await ctx.get("input", type_hint=str)
