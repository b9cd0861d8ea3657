// SPDX-License-Identifier: Apache-2.0
//
// Objects of the contract that only keep state: a counter, a list, a map, and the holder of
// somebody's awakeable.

use restate_sdk::prelude::*;
use serde::{Deserialize, Serialize};

pub struct Counter;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CounterUpdate {
    old_value: i64,
    new_value: i64,
}

async fn add_to(ctx: &ObjectContext<'_>, value: i64) -> Result<CounterUpdate, TerminalError> {
    let old_value = ctx.get::<i64>("counter").await?.unwrap_or(0);
    let new_value = old_value + value;
    ctx.set("counter", new_value);
    Ok(CounterUpdate { old_value, new_value })
}

#[object]
impl Counter {
    #[handler(name = "add")]
    async fn add(&self, ctx: ObjectContext<'_>, value: i64) -> HandlerResult<Json<CounterUpdate>> {
        Ok(Json(add_to(&ctx, value).await?))
    }

    #[handler(name = "addThenFail")]
    async fn add_then_fail(&self, ctx: ObjectContext<'_>, value: i64) -> HandlerResult<()> {
        add_to(&ctx, value).await?;
        Err(TerminalError::new(ctx.key()).into())
    }

    #[handler(name = "get")]
    async fn get(&self, ctx: SharedObjectContext<'_>) -> HandlerResult<i64> {
        Ok(ctx.get::<i64>("counter").await?.unwrap_or(0))
    }

    #[handler(name = "reset")]
    async fn reset(&self, ctx: ObjectContext<'_>) -> HandlerResult<()> {
        ctx.clear("counter");
        Ok(())
    }
}

pub struct ListObject;

async fn list(ctx: &ObjectContext<'_>) -> Result<Vec<String>, TerminalError> {
    let list = ctx.get::<Json<Vec<String>>>("list").await?;
    Ok(list.map(Json::into_inner).unwrap_or_default())
}

#[object]
impl ListObject {
    #[handler(name = "append")]
    async fn append(&self, ctx: ObjectContext<'_>, value: String) -> HandlerResult<()> {
        let mut values = list(&ctx).await?;
        values.push(value);
        ctx.set("list", Json(values));
        Ok(())
    }

    #[handler(name = "get")]
    async fn get(&self, ctx: ObjectContext<'_>) -> HandlerResult<Json<Vec<String>>> {
        Ok(Json(list(&ctx).await?))
    }

    #[handler(name = "clear")]
    async fn clear(&self, ctx: ObjectContext<'_>) -> HandlerResult<Json<Vec<String>>> {
        let values = list(&ctx).await?;
        ctx.clear("list");
        Ok(Json(values))
    }
}

pub struct MapObject;

#[derive(Serialize, Deserialize)]
struct Entry {
    key: String,
    value: String,
}

#[object]
impl MapObject {
    #[handler(name = "set")]
    async fn set(&self, ctx: ObjectContext<'_>, entry: Json<Entry>) -> HandlerResult<()> {
        let Entry { key, value } = entry.into_inner();
        ctx.set(&key, value);
        Ok(())
    }

    #[handler(name = "get")]
    async fn get(&self, ctx: ObjectContext<'_>, key: String) -> HandlerResult<String> {
        Ok(ctx.get::<String>(&key).await?.unwrap_or_default())
    }

    #[handler(name = "clearAll")]
    async fn clear_all(&self, ctx: ObjectContext<'_>) -> HandlerResult<Json<Vec<Entry>>> {
        let mut entries = Vec::new();
        for key in ctx.get_keys().await? {
            let value = ctx.get::<String>(&key).await?.unwrap_or_default();
            entries.push(Entry { key, value });
        }
        ctx.clear_all();
        Ok(Json(entries))
    }
}

pub struct AwakeableHolder;

#[object]
impl AwakeableHolder {
    #[handler(name = "hold")]
    async fn hold(&self, ctx: ObjectContext<'_>, id: String) -> HandlerResult<()> {
        ctx.set("id", id);
        Ok(())
    }

    #[handler(name = "hasAwakeable")]
    async fn has_awakeable(&self, ctx: ObjectContext<'_>) -> HandlerResult<bool> {
        Ok(ctx.get::<String>("id").await?.is_some())
    }

    #[handler(name = "unlock")]
    async fn unlock(&self, ctx: ObjectContext<'_>, payload: String) -> HandlerResult<()> {
        let Some(id) = ctx.get::<String>("id").await? else {
            return Err(TerminalError::new("no awakeable is held").into());
        };
        ctx.resolve_awakeable(&id, payload);
        ctx.clear("id");
        Ok(())
    }
}
