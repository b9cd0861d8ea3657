# SPDX-License-Identifier: Apache-2.0
"""What is cancelled and killed: a runner that calls an object which blocks in three ways, and a tree of
calls of one object to itself."""
from datetime import timedelta

from restate import ObjectContext, TerminalError, VirtualObject

import objects

cancel_test_runner = VirtualObject("CancelTestRunner")
cancel_test_blocking_service = VirtualObject("CancelTestBlockingService")
kill_test_runner = VirtualObject("KillTestRunner")
kill_test_singleton = VirtualObject("KillTestSingleton")


async def wait_to_be_unlocked(ctx: ObjectContext) -> None:
    """Leaves an awakeable with the holder of the same key and waits for it."""
    awakeable, promise = ctx.awakeable(type_hint=str)
    await ctx.object_call(objects.hold, key=ctx.key(), arg=awakeable)
    await promise


@cancel_test_runner.handler("startTest")
async def start_test(ctx: ObjectContext, how: str) -> None:
    try:
        await ctx.object_call(block, key=ctx.key(), arg=how)
    except TerminalError as error:
        if error.status_code != 409:
            raise
        ctx.set("canceled", True)


@cancel_test_runner.handler("verifyTest")
async def verify_test(ctx: ObjectContext) -> bool:
    return await ctx.get("canceled", type_hint=bool) or False


@cancel_test_blocking_service.handler("block")
async def block(ctx: ObjectContext, how: str) -> None:
    await wait_to_be_unlocked(ctx)
    if how == "CALL":
        await ctx.object_call(block, key=ctx.key(), arg=how)
    elif how == "SLEEP":
        await ctx.sleep(timedelta(days=1024))
    else:
        _, promise = ctx.awakeable(type_hint=str)
        await promise


@cancel_test_blocking_service.handler("isUnlocked")
async def is_blocking_unlocked(_ctx: ObjectContext) -> None:
    return None


@kill_test_runner.handler("startCallTree")
async def start_call_tree(ctx: ObjectContext) -> None:
    await ctx.object_call(recursive_call, key=ctx.key(), arg=None)


@kill_test_singleton.handler("recursiveCall")
async def recursive_call(ctx: ObjectContext) -> None:
    await wait_to_be_unlocked(ctx)
    await ctx.object_call(recursive_call, key=ctx.key(), arg=None)


@kill_test_singleton.handler("isUnlocked")
async def is_singleton_unlocked(_ctx: ObjectContext) -> None:
    return None
