# SPDX-License-Identifier: Apache-2.0
"""Handlers that fail: terminally, terminally inside a run, for a while, or differently on each replay. The
attempts are counted in this process, so at most one case may use a counter at a time."""
import collections
from datetime import timedelta

from restate import ObjectContext, RunOptions, TerminalError, VirtualObject

import objects

failing = VirtualObject("Failing")
attempts: collections.Counter = collections.Counter()
QUICK_RETRY = timedelta(milliseconds=10)


def terminal_error(failure: dict) -> TerminalError:
    return TerminalError(failure["errorMessage"], metadata=failure.get("metadata"))


def next_attempt(kind: str) -> int:
    attempts[kind] += 1
    return attempts[kind]


@failing.handler("terminallyFailingCall")
async def terminally_failing_call(_ctx: ObjectContext, failure: dict) -> None:
    raise terminal_error(failure)


@failing.handler("callTerminallyFailingCall")
async def call_terminally_failing_call(ctx: ObjectContext, failure: dict) -> None:
    await ctx.object_call(terminally_failing_call, key=str(ctx.uuid()), arg=failure)


@failing.handler("failingCallWithEventualSuccess")
async def failing_call_with_eventual_success(_ctx: ObjectContext) -> int:
    attempt = next_attempt("call")
    if attempt < 4:
        raise ValueError(f"attempt {attempt} fails")
    attempts["call"] = 0
    return attempt


@failing.handler("terminallyFailingSideEffect")
async def terminally_failing_side_effect(ctx: ObjectContext, failure: dict) -> None:
    def fail() -> None:
        raise terminal_error(failure)

    await ctx.run_typed("fail", fail)


@failing.handler("sideEffectSucceedsAfterGivenAttempts")
async def side_effect_succeeds_after_given_attempts(ctx: ObjectContext, least: int) -> int:
    def succeed_in_the_end() -> int:
        attempt = next_attempt("success")
        if attempt < least:
            raise ValueError(f"attempt {attempt} of the run fails")
        attempts["success"] = 0
        return attempt

    options: RunOptions = RunOptions(initial_retry_interval=QUICK_RETRY, retry_interval_factor=1.0)
    return await ctx.run_typed("succeed in the end", succeed_in_the_end, options)


@failing.handler("sideEffectFailsAfterGivenAttempts")
async def side_effect_fails_after_given_attempts(ctx: ObjectContext, most: int) -> int:
    def fail_in_the_end() -> None:
        raise ValueError(f"attempt {next_attempt('failure')} of the run fails")

    def reset() -> None:
        attempts["failure"] = 0

    options: RunOptions = RunOptions(
        max_attempts=most, initial_retry_interval=QUICK_RETRY, retry_interval_factor=1.0
    )
    try:
        await ctx.run_typed("fail in the end", fail_in_the_end, options)
    except TerminalError:
        counted = await ctx.run_typed("attempts", lambda: attempts["failure"])
        await ctx.run_typed("reset", reset)
        return counted
    raise TerminalError("the run must fail")


non_deterministic = VirtualObject("NonDeterministic")


def goes_left(ctx: ObjectContext) -> bool:
    """True on the first, third, ... attempt for this key."""
    return next_attempt(f"key {ctx.key()}") % 2 == 1


async def suspend_then_count(ctx: ObjectContext) -> None:
    """A point that a replay comes back to, and an effect that must never be reached."""
    await ctx.sleep(timedelta(milliseconds=100))
    ctx.object_send(objects.add, key=ctx.key(), arg=1)


@non_deterministic.handler("eitherSleepOrCall")
async def either_sleep_or_call(ctx: ObjectContext) -> None:
    if goes_left(ctx):
        await ctx.sleep(timedelta(milliseconds=100))
    else:
        await ctx.object_call(objects.get_counter, key="abc", arg=None)
    await suspend_then_count(ctx)


@non_deterministic.handler("callDifferentMethod")
async def call_different_method(ctx: ObjectContext) -> None:
    if goes_left(ctx):
        await ctx.object_call(objects.get_counter, key="abc", arg=None)
    else:
        await ctx.object_call(objects.reset_counter, key="abc", arg=None)
    await suspend_then_count(ctx)


@non_deterministic.handler("backgroundInvokeWithDifferentTargets")
async def background_invoke_with_different_targets(ctx: ObjectContext) -> None:
    if goes_left(ctx):
        ctx.object_send(objects.get_counter, key="abc", arg=None)
    else:
        ctx.object_send(objects.reset_counter, key="abc", arg=None)
    await suspend_then_count(ctx)


@non_deterministic.handler("setDifferentKey")
async def set_different_key(ctx: ObjectContext) -> None:
    ctx.set("left" if goes_left(ctx) else "right", "value")
    await suspend_then_count(ctx)
