// SPDX-License-Identifier: Apache-2.0
//
// Objects of the contract that only keep state: a counter, a list, a map, and the holder of somebody's awakeable.
import * as restate from "@restatedev/restate-sdk";

type CounterUpdate = { oldValue: number; newValue: number };

async function addTo(ctx: restate.ObjectContext, value: number): Promise<CounterUpdate> {
  const oldValue = (await ctx.get<number>("counter")) ?? 0;
  const newValue = oldValue + value;
  ctx.set("counter", newValue);
  return { oldValue, newValue };
}

export const counter = restate.object({
  name: "Counter",
  handlers: {
    add: (ctx: restate.ObjectContext, value: number) => addTo(ctx, value),
    addThenFail: async (ctx: restate.ObjectContext, value: number): Promise<void> => {
      await addTo(ctx, value);
      throw new restate.TerminalError(ctx.key);
    },
    get: restate.handlers.object.shared(
      async (ctx: restate.ObjectSharedContext) => (await ctx.get<number>("counter")) ?? 0,
    ),
    reset: async (ctx: restate.ObjectContext) => {
      ctx.clear("counter");
    },
  },
});

export const listObject = restate.object({
  name: "ListObject",
  handlers: {
    append: async (ctx: restate.ObjectContext, value: string) => {
      const list = (await ctx.get<string[]>("list")) ?? [];
      ctx.set("list", [...list, value]);
    },
    get: async (ctx: restate.ObjectContext) => (await ctx.get<string[]>("list")) ?? [],
    clear: async (ctx: restate.ObjectContext) => {
      const list = (await ctx.get<string[]>("list")) ?? [];
      ctx.clear("list");
      return list;
    },
  },
});

type Entry = { key: string; value: string };

export const mapObject = restate.object({
  name: "MapObject",
  handlers: {
    set: async (ctx: restate.ObjectContext, entry: Entry) => ctx.set(entry.key, entry.value),
    get: async (ctx: restate.ObjectContext, key: string) => (await ctx.get<string>(key)) ?? "",
    clearAll: async (ctx: restate.ObjectContext) => {
      const entries: Entry[] = [];
      for (const key of await ctx.stateKeys()) {
        entries.push({ key, value: (await ctx.get<string>(key)) ?? "" });
      }
      ctx.clearAll();
      return entries;
    },
  },
});

export const awakeableHolder = restate.object({
  name: "AwakeableHolder",
  handlers: {
    hold: async (ctx: restate.ObjectContext, id: string) => ctx.set("id", id),
    hasAwakeable: async (ctx: restate.ObjectContext) => (await ctx.get<string>("id")) !== null,
    unlock: async (ctx: restate.ObjectContext, payload: string) => {
      const id = await ctx.get<string>("id");
      if (id === null) {
        throw new restate.TerminalError("no awakeable is held");
      }
      ctx.resolveAwakeable(id, payload);
      ctx.clear("id");
    },
  },
});
