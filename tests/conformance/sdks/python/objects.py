# SPDX-License-Identifier: Apache-2.0
"""Objects of the contract that only keep state: a counter, a list, a map, the holder of an awakeable."""
from restate import ObjectContext, ObjectSharedContext, TerminalError, VirtualObject

counter = VirtualObject("Counter")


async def add_to(ctx: ObjectContext, value: int) -> dict:
    old = await ctx.get("counter", type_hint=int) or 0
    ctx.set("counter", old + value)
    return {"oldValue": old, "newValue": old + value}


@counter.handler("add")
async def add(ctx: ObjectContext, value: int) -> dict:
    return await add_to(ctx, value)


@counter.handler("addThenFail")
async def add_then_fail(ctx: ObjectContext, value: int) -> None:
    await add_to(ctx, value)
    raise TerminalError(ctx.key())


@counter.handler("get", kind="shared")
async def get_counter(ctx: ObjectSharedContext) -> int:
    return await ctx.get("counter", type_hint=int) or 0


@counter.handler("reset")
async def reset_counter(ctx: ObjectContext) -> None:
    ctx.clear("counter")


list_object = VirtualObject("ListObject")


@list_object.handler("append")
async def append(ctx: ObjectContext, value: str) -> None:
    ctx.set("list", (await ctx.get("list", type_hint=list) or []) + [value])


@list_object.handler("get")
async def get_list(ctx: ObjectContext) -> list:
    return await ctx.get("list", type_hint=list) or []


@list_object.handler("clear")
async def clear_list(ctx: ObjectContext) -> list:
    values = await ctx.get("list", type_hint=list) or []
    ctx.clear("list")
    return values


map_object = VirtualObject("MapObject")


@map_object.handler("set")
async def set_entry(ctx: ObjectContext, entry: dict) -> None:
    ctx.set(entry["key"], entry["value"])


@map_object.handler("get")
async def get_entry(ctx: ObjectContext, key: str) -> str:
    return await ctx.get(key, type_hint=str) or ""


@map_object.handler("clearAll")
async def clear_entries(ctx: ObjectContext) -> list:
    entries = []
    for key in await ctx.state_keys():
        entries.append({"key": key, "value": await ctx.get(key, type_hint=str)})
    ctx.clear_all()
    return entries


awakeable_holder = VirtualObject("AwakeableHolder")


@awakeable_holder.handler("hold")
async def hold(ctx: ObjectContext, awakeable: str) -> None:
    ctx.set("id", awakeable)


@awakeable_holder.handler("hasAwakeable")
async def has_awakeable(ctx: ObjectContext) -> bool:
    return await ctx.get("id", type_hint=str) is not None


@awakeable_holder.handler("unlock")
async def unlock(ctx: ObjectContext, payload: str) -> None:
    awakeable = await ctx.get("id", type_hint=str)
    if awakeable is None:
        raise TerminalError("no awakeable is held")
    ctx.resolve_awakeable(awakeable, payload)
    ctx.clear("id")
