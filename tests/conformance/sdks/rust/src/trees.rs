// SPDX-License-Identifier: Apache-2.0
//
// What is cancelled and killed: a runner that calls an object which blocks in three ways, and a tree
// of calls of one object to itself.

use std::time::Duration;

use restate_sdk::context::RequestTarget;
use restate_sdk::prelude::*;
use restate_sdk::serde::Serialize;

const BLOCKING_SERVICE: &str = "CancelTestBlockingService";
const KILL_SINGLETON: &str = "KillTestSingleton";
const CANCELED: u16 = 409;

/// Calls a handler of the object that has the caller's key.
async fn call<T: Serialize + 'static>(
    ctx: &ObjectContext<'_>,
    object: &str,
    handler: &str,
    input: T,
) -> Result<(), TerminalError> {
    let target = RequestTarget::object(object, ctx.key(), handler);
    ctx.request::<T, ()>(target, input).call().await
}

/// Leaves an awakeable with the holder of the same key and waits for it.
async fn wait_to_be_unlocked(ctx: &ObjectContext<'_>) -> Result<(), TerminalError> {
    let (id, unlocked) = ctx.awakeable::<String>();
    call(ctx, "AwakeableHolder", "hold", id).await?;
    unlocked.await?;
    Ok(())
}

pub struct CancelTestRunner;

#[object]
impl CancelTestRunner {
    #[handler(name = "startTest")]
    async fn start_test(&self, ctx: ObjectContext<'_>, how: String) -> HandlerResult<()> {
        match call(&ctx, BLOCKING_SERVICE, "block", how).await {
            Err(error) if error.code() == CANCELED => ctx.set("canceled", true),
            other => other?,
        }
        Ok(())
    }

    #[handler(name = "verifyTest")]
    async fn verify_test(&self, ctx: ObjectContext<'_>) -> HandlerResult<bool> {
        Ok(ctx.get::<bool>("canceled").await?.unwrap_or(false))
    }
}

pub struct CancelTestBlockingService;

#[object]
impl CancelTestBlockingService {
    #[handler(name = "block")]
    async fn block(&self, ctx: ObjectContext<'_>, how: String) -> HandlerResult<()> {
        wait_to_be_unlocked(&ctx).await?;
        match how.as_str() {
            "CALL" => call(&ctx, BLOCKING_SERVICE, "block", how).await?,
            "SLEEP" => ctx.sleep(Duration::from_secs(1024 * 24 * 3600)).await?,
            "AWAKEABLE" => {
                ctx.awakeable::<String>().1.await?;
            }
            _ => return Err(TerminalError::new(format!("cannot block by {how}")).into()),
        }
        Ok(())
    }

    #[handler(name = "isUnlocked")]
    async fn is_unlocked(&self, _ctx: ObjectContext<'_>) -> HandlerResult<()> {
        Ok(())
    }
}

pub struct KillTestRunner;

#[object]
impl KillTestRunner {
    #[handler(name = "startCallTree")]
    async fn start_call_tree(&self, ctx: ObjectContext<'_>) -> HandlerResult<()> {
        Ok(call(&ctx, KILL_SINGLETON, "recursiveCall", ()).await?)
    }
}

pub struct KillTestSingleton;

#[object]
impl KillTestSingleton {
    #[handler(name = "recursiveCall")]
    async fn recursive_call(&self, ctx: ObjectContext<'_>) -> HandlerResult<()> {
        wait_to_be_unlocked(&ctx).await?;
        Ok(call(&ctx, KILL_SINGLETON, "recursiveCall", ()).await?)
    }

    #[handler(name = "isUnlocked")]
    async fn is_unlocked(&self, _ctx: ObjectContext<'_>) -> HandlerResult<()> {
        Ok(())
    }
}
